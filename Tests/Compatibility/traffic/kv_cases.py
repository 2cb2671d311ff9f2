"""Range, Put, DeleteRange and Compact."""
from traffic import keys, watch_cases
from traffic.cases import (COMPACTED, EMPTY_KEY, FUTURE, INVALID_SORT, KEY_NOT_FOUND, LEASE_NOT_FOUND, LEASE_PROVIDED, TOO_LARGE,
                           VALUE_PROVIDED, Plan, case, gives, ok, register)
from traffic.keys import INT64, PREFIX, PREFIX_END

EVERYTHING = {"key": b"\0", "range_end": b"\0"}
SORT_TARGETS = ("key", "version", "create", "mod", "value")
SORT_ORDERS = ("none", "ascend", "descend")


def found(answer):
    return "kvs" in answer


def nothing(answer):
    return "kvs" not in answer and "count" not in answer


# Range

def range_case(name, holds, fields, least=5, **more):
    """`fields(plan)`: of the request; `least`: keys that must be below the prefix."""
    def build(plan):
        keys.at_least(plan, least)
        given = fields(plan)
        if given is None:
            return False
        if plan.random.random() < 0.4:
            given["serializable"] = True
        plan.call("KV/Range", **given)
        return True
    register("range/" + name, holds, build, **more)


def over(**options):
    """The keys below the prefix, with options."""
    return lambda plan: {"key": PREFIX, "range_end": PREFIX_END, **options}


range_case("key, found", gives(found), lambda plan: {"key": keys.some(plan)}, weight=3)
range_case("key, absent", gives(nothing), lambda plan: {"key": keys.absent(plan)})
range_case("key, empty", EMPTY_KEY, lambda plan: {"key": b""})
range_case("key, empty with an end", EMPTY_KEY, lambda plan: {"range_end": b"z"})
range_case("key of 100 KB, absent", gives(nothing), lambda plan: {"key": b"x" * 100_000})
range_case("prefix", gives(found), over(), weight=2)
range_case("interval", gives(found), lambda plan: {"key": keys.some(plan), "range_end": b"\xff\xff\xff"})
range_case("interval without keys", gives(nothing), lambda plan: {"key": b"nothing/", "range_end": b"nothing0"})
range_case("end equal to key", gives(nothing), lambda plan: {"key": PREFIX, "range_end": PREFIX})
range_case("end below key", gives(nothing), lambda plan: {"key": PREFIX_END, "range_end": PREFIX})
range_case("from a key on", gives(found), lambda plan: {"key": PREFIX, "range_end": b"\0"})
range_case("from a key on, nothing there", gives(nothing), lambda plan: {"key": b"\xff" * 9, "range_end": b"\0"})
range_case("everything", gives(found), lambda plan: dict(EVERYTHING))
range_case("everything up to a key", ok, lambda plan: {"key": b"\0", "range_end": keys.some(plan)})

for label, limit, more in [("1", 1, True), ("3", 3, True), ("0", 0, False), ("negative", -1, False), ("least", -INT64 - 1, False),
                           ("huge", INT64, False), ("huge less one", INT64 - 1, False), ("above the count", 1000, False)]:
    range_case(f"limit {label}", gives(lambda answer, more=more: found(answer) and bool(answer.get("more")) == more), over(limit=limit))
range_case("limit equal to the count", gives(lambda answer: found(answer) and not answer.get("more")),
           lambda plan: over(limit=len(plan.world.keys(PREFIX, PREFIX_END)))(plan))
range_case("limit one below the count", gives(lambda answer: answer.get("more")),
           lambda plan: over(limit=len(plan.world.keys(PREFIX, PREFIX_END)) - 1)(plan))


def compacted_once(plan):
    return plan.world.compacted > 1


REVISIONS = {
    "newest": (ok, lambda plan: plan.world.revision), "past": (ok, keys.past), "negative": (ok, lambda plan: -5),
    "least": (ok, lambda plan: -INT64 - 1), "the compacted one": (ok, lambda plan: plan.world.compacted if compacted_once(plan) else None),
    "below the compacted one": (COMPACTED, lambda plan: plan.random.randrange(1, plan.world.compacted) if compacted_once(plan) else None),
    "next": (FUTURE, lambda plan: plan.world.revision + 1), "huge": (FUTURE, lambda plan: INT64),
}
for label, (holds, revision) in REVISIONS.items():
    for shape, base in {"a key": lambda plan: {"key": keys.some(plan)}, "a prefix": over(), "a limit": over(limit=2),
                        "count only": over(count_only=True), "keys only": over(keys_only=True)}.items():
        def at_revision(plan, base=base, revision=revision):
            wanted = revision(plan)
            return None if wanted is None else {**base(plan), "revision": wanted}
        range_case(f"revision {label}, {shape}", holds, at_revision)


def few_or_distinct(plan, target):
    """An interval whose keys have no ties in what they are sorted by, or so few keys that the real etcd's sort keeps their order."""
    live = plan.world.keys(PREFIX, PREFIX_END)
    attribute = {"version": "version", "create": "create", "mod": "mod", "value": "value", "key": "key"}[target]
    if len({getattr(plan.world.live[key], attribute) for key in live}) == len(live):
        return {"key": PREFIX, "range_end": PREFIX_END}
    first = plan.random.randrange(max(1, len(live) - 5))
    last = live[min(first + 5, len(live) - 1)]
    return {"key": live[first], "range_end": last}


for order, order_name in enumerate(SORT_ORDERS):
    for target, target_name in enumerate(SORT_TARGETS):
        for limit in (0, 2):
            range_case(f"sort {order_name} by {target_name}{', limit' if limit else ''}", gives(found),
                       lambda plan, order=order, target=target, name=target_name, limit=limit:
                       {**few_or_distinct(plan, name), "sort_order": order, "sort_target": target, **({"limit": limit} if limit else {})})
for label, fields in {"order 3": {"sort_order": 3}, "order -1": {"sort_order": -1}}.items():  # an unknown target kills 3.5.1
    range_case(f"sort unknown {label}", INVALID_SORT, over(**fields), judged_by_martlet=True)

range_case("keys only", gives(lambda answer: found(answer) and not any("value" in kv for kv in answer["kvs"])), over(keys_only=True))
range_case("keys only of a leased key", gives(lambda answer: answer["kvs"][0].get("lease")), lambda plan: {"key": keys.leased(plan), "keys_only": True})
range_case("keys only, sorted by value", gives(found), lambda plan: {**few_or_distinct(plan, "value"), "keys_only": True, "sort_order": 2, "sort_target": 4})
range_case("count only", gives(lambda answer: "kvs" not in answer and answer["count"] > 1), over(count_only=True))
range_case("count only, limit", gives(lambda answer: "kvs" not in answer and answer["count"] > 1 and not answer.get("more")),
           over(count_only=True, limit=1))
range_case("count only, absent", gives(nothing), lambda plan: {"key": keys.absent(plan), "count_only": True})
range_case("count only and keys only", gives(lambda answer: "kvs" not in answer), over(count_only=True, keys_only=True))

FILTERS = ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision")
for name in FILTERS:
    attribute = "mod" if "mod" in name else "create"

    def median(plan, attribute=attribute):
        seen = sorted(getattr(plan.world.live[key], attribute) for key in plan.world.keys(PREFIX, PREFIX_END))
        return seen[len(seen) // 2]
    range_case(f"{name}, some pass", gives(found), lambda plan, name=name, median=median: over(**{name: median(plan)})(plan))
    range_case(f"{name}, some pass, limit", gives(found), lambda plan, name=name, median=median: over(limit=1, **{name: median(plan)})(plan))
    range_case(f"{name}, none pass", gives(lambda answer: "kvs" not in answer and answer.get("count")),
               over(**{name: 1 if name.startswith("max") else INT64}))
    range_case(f"{name}, all pass", gives(found), over(**{name: INT64 if name.startswith("max") else 1}))
    range_case(f"{name}, negative", gives(lambda answer: True), over(**{name: -3}))
    range_case(f"{name}, count only", gives(lambda answer: answer["count"] and "kvs" not in answer), over(count_only=True, **{name: 2}))


@case("range/combination", ok, weight=60)
def combination(plan: Plan):
    chance, given = plan.random.random, few_or_distinct(plan, "version") if keys.at_least(plan, 5) else {}
    if chance() < 0.5:
        given.update(sort_order=plan.random.randrange(3), sort_target=plan.random.choice([0, 1]))
    for name, likely, choose in [
            ("limit", 0.5, lambda: plan.random.randrange(8)), ("revision", 0.1, lambda: plan.world.revision), ("serializable", 0.5, lambda: True),
            ("keys_only", 0.3, lambda: True), ("count_only", 0.15, lambda: True),
            *[(name, 0.15, lambda: plan.random.randrange(1, plan.world.revision + 2)) for name in FILTERS]]:
        if chance() < likely:
            given[name] = choose()
    plan.call("KV/Range", **given)


# Put

def put_case(name, holds, choose, error=False, **more):
    """`choose(plan)`: the fields; the world follows unless it is refused."""
    def build(plan):
        fields = choose(plan)
        if len(fields.get("value", b"")) > 500_000:
            watch_cases.collect_all(plan, settle=True)  # see there
        if plan.random.random() < 0.2 and "prev_kv" not in fields:
            fields["prev_kv"] = True
        plan.call("KV/Put", **fields)
        if not error:
            plan.world.put(fields["key"], None if fields.get("ignore_value") else fields.get("value", b""),
                           None if fields.get("ignore_lease") else fields.get("lease", 0))
    register("put/" + name, holds, build, **more)


put_case("any key", ok, lambda plan: {"key": plan.random.choice(keys.UNIVERSE), "value": keys.value(plan)}, weight=60)
put_case("new key", ok, lambda plan: {"key": keys.absent(plan), "value": keys.value(plan)})
put_case("old key", ok, lambda plan: {"key": keys.some(plan), "value": keys.value(plan)}, weight=4)
put_case("prev_kv of a new key", gives(lambda answer: "prev_kv" not in answer), lambda plan: {"key": keys.absent(plan), "value": b"v", "prev_kv": True})
put_case("prev_kv of an old key", gives(lambda answer: "prev_kv" in answer), lambda plan: {"key": keys.some(plan), "value": b"v", "prev_kv": True})
put_case("prev_kv of a leased key", gives(lambda answer: answer["prev_kv"].get("lease")), lambda plan: {"key": keys.leased(plan), "value": b"v", "prev_kv": True})
put_case("empty value", ok, lambda plan: {"key": keys.some(plan), "value": b""})
put_case("no value", ok, lambda plan: {"key": keys.some(plan)})
put_case("value of 100 KB", ok, lambda plan: {"key": b"large", "value": keys.value(plan, 100_000)})
put_case("value of 1 MB", ok, lambda plan: {"key": b"large", "value": bytes(1_000_000)})
put_case("key of 10 KB", ok, lambda plan: {"key": b"large/" * 1700, "value": b"v"})
put_case("value of 1.6 MB", TOO_LARGE, lambda plan: {"key": b"large", "value": bytes(1_600_000)}, error=True)
put_case("empty key", EMPTY_KEY, lambda plan: {"value": b"v"}, error=True)
put_case("ignore_value of an old key", ok, lambda plan: {"key": keys.some(plan), "ignore_value": True})
put_case("ignore_value of a leased key", ok, lambda plan: {"key": keys.leased(plan), "ignore_value": True})
put_case("ignore_value with a lease", ok, lambda plan: {"key": keys.some(plan), "ignore_value": True, "lease": keys.lease(plan)})
put_case("ignore_value of an absent key", KEY_NOT_FOUND, lambda plan: {"key": keys.absent(plan), "ignore_value": True}, error=True)
put_case("ignore_value with a value", VALUE_PROVIDED, lambda plan: {"key": keys.some(plan), "value": b"v", "ignore_value": True}, error=True)
put_case("ignore_lease of a leased key", ok, lambda plan: {"key": keys.leased(plan), "value": b"v", "ignore_lease": True})
put_case("ignore_lease of a plain key", ok, lambda plan: {"key": keys.plain(plan), "value": b"v", "ignore_lease": True})
put_case("ignore_lease of an absent key", KEY_NOT_FOUND, lambda plan: {"key": keys.absent(plan), "value": b"v", "ignore_lease": True}, error=True)
put_case("ignore_lease with a lease", LEASE_PROVIDED, lambda plan: {"key": keys.some(plan), "lease": 5, "ignore_lease": True}, error=True)
put_case("ignore_value and ignore_lease", ok, lambda plan: {"key": keys.leased(plan), "ignore_value": True, "ignore_lease": True})
put_case("lease", ok, lambda plan: {"key": keys.plain(plan), "value": b"v", "lease": keys.lease(plan)}, weight=3)
put_case("another lease", gives(lambda answer: answer["prev_kv"].get("lease")),
         lambda plan: {"key": keys.leased(plan), "value": b"v", "lease": keys.lease(plan), "prev_kv": True})
put_case("lease let go", gives(lambda answer: answer["prev_kv"].get("lease")), lambda plan: {"key": keys.leased(plan), "value": b"v", "prev_kv": True})
put_case("unknown lease", LEASE_NOT_FOUND, lambda plan: {"key": keys.some(plan), "value": b"v", "lease": 999_999}, error=True)
put_case("unknown lease and ignore_value of an absent key", LEASE_NOT_FOUND,
         lambda plan: {"key": keys.absent(plan), "lease": 999_999, "ignore_value": True}, error=True)


# DeleteRange

def delete_case(name, holds, choose, error=False, **more):
    def build(plan):
        fields = choose(plan)
        if fields is None:
            return False
        if plan.random.random() < 0.3 and "prev_kv" not in fields:
            fields["prev_kv"] = True
        plan.call("KV/DeleteRange", **fields)
        if not error:
            plan.world.delete(fields["key"], fields.get("range_end", b""))
        return True
    register("delete/" + name, holds, build, **more)


def several(plan):
    """An interval with a few keys, so that there is something left."""
    live = keys.at_least(plan, 8)
    first = plan.random.randrange(len(live) - 3)
    return {"key": live[first], "range_end": live[first + 3]}


def deleted(answer):
    return answer.get("deleted")


delete_case("key", gives(lambda answer: answer["deleted"] == 1), lambda plan: {"key": keys.some(plan)}, weight=10)
delete_case("absent key", gives(lambda answer: "deleted" not in answer), lambda plan: {"key": keys.absent(plan)})
delete_case("absent key, prev_kv", gives(lambda answer: "prev_kvs" not in answer), lambda plan: {"key": keys.absent(plan), "prev_kv": True})
delete_case("key, prev_kv", gives(lambda answer: "prev_kvs" in answer), lambda plan: {"key": keys.some(plan), "prev_kv": True})
delete_case("leased key, prev_kv", gives(lambda answer: answer["prev_kvs"][0].get("lease")), lambda plan: {"key": keys.leased(plan), "prev_kv": True})
delete_case("interval", gives(lambda answer: answer["deleted"] > 1), several)
delete_case("interval, prev_kv", gives(lambda answer: len(answer["prev_kvs"]) > 1), lambda plan: {**several(plan), "prev_kv": True})
delete_case("interval without keys", gives(lambda answer: "deleted" not in answer), lambda plan: {"key": b"nothing/", "range_end": b"nothing0"})
delete_case("end below key", gives(lambda answer: "deleted" not in answer), lambda plan: {"key": PREFIX_END, "range_end": PREFIX})
delete_case("prefix", gives(deleted), lambda plan: over()(plan) if keys.at_least(plan, 3) else None)
delete_case("from a key on", gives(deleted), lambda plan: {"key": keys.some(plan), "range_end": b"\0"} if len(plan.world.keys()) > 4 else None)
delete_case("everything", gives(deleted), lambda plan: dict(EVERYTHING) if keys.some(plan) else None)
delete_case("empty key", EMPTY_KEY, lambda plan: {"key": b""}, error=True)
delete_case("empty key with an end", EMPTY_KEY, lambda plan: {"range_end": b"\0"}, error=True)


# Compact

def compact_case(name, holds, choose, error=False, **more):
    """What watchers are owed is collected first: a compaction may otherwise overtake their reading of the past."""
    def build(plan):
        revision = choose(plan)
        if revision is None:
            return False
        watch_cases.collect_all(plan, settle=True)
        plan.call("KV/Compact", **revision)
        if not error:
            plan.world.compacted = revision.get("revision", 0)
            low = next((at for at, event in enumerate(plan.world.log) if event.revision >= plan.world.compacted), len(plan.world.log))
            del plan.world.log[:low]
        return True
    register("compact/" + name, holds, build, **more)


compact_case("past", ok, lambda plan: {"revision": keys.past(plan)})
compact_case("past, physical", ok, lambda plan: {"revision": keys.past(plan), "physical": True})
compact_case("newest", ok, lambda plan: {"revision": plan.world.revision} if plan.world.compacted < plan.world.revision - 5 else None)
compact_case("newest, physical", ok, lambda plan: {"revision": plan.world.revision, "physical": True} if plan.world.compacted < plan.world.revision - 5 else None)
compact_case("the compacted one", COMPACTED, lambda plan: {"revision": plan.world.compacted} if compacted_once(plan) else None, error=True)
compact_case("the compacted one, physical", COMPACTED, lambda plan: {"revision": plan.world.compacted, "physical": True} if compacted_once(plan) else None, error=True)
compact_case("below the compacted one", COMPACTED, lambda plan: {"revision": plan.world.compacted - 1} if compacted_once(plan) else None, error=True)
compact_case("zero", COMPACTED, lambda plan: {} if compacted_once(plan) else None, error=True)
compact_case("negative", COMPACTED, lambda plan: {"revision": -7} if compacted_once(plan) else None, error=True)
compact_case("future", FUTURE, lambda plan: {"revision": plan.world.revision + 1}, error=True)
compact_case("huge, physical", FUTURE, lambda plan: {"revision": INT64, "physical": True}, error=True)
