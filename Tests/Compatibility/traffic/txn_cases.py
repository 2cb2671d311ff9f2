"""Txn: comparisons of every target and result, operations in both branches, nesting, and what is refused."""
from traffic import keys
from traffic.cases import (COMPACTED, DUPLICATE_KEY, EMPTY_KEY, FUTURE, INVALID_SORT, KEY_NOT_FOUND, LEASE_NOT_FOUND, LEASE_PROVIDED,
                           TOO_MANY_OPS, VALUE_PROVIDED, Plan, case, gives, ok, register)
from traffic.keys import PREFIX, PREFIX_END
from traffic.world import EQUAL, GREATER, LESS, NOT_EQUAL, TARGETS, actual

RESULTS = {"equal": EQUAL, "greater": GREATER, "less": LESS, "not equal": NOT_EQUAL}
TARGET_NAMES = ("version", "create", "mod", "value", "lease")


def put(key, **more):
    return {"request_put": {"key": key, **more}}


def get(key, **more):
    return {"request_range": {"key": key, **more}}


def delete(key, **more):
    return {"request_delete_range": {"key": key, **more}}


def nested(**fields):
    return {"request_txn": fields}


def succeeded(answer):
    return bool(answer.get("succeeded"))


def failed(answer):
    return not answer.get("succeeded")


def txn_case(name, holds, choose, error=False, **more):
    def build(plan):
        fields = choose(plan)
        if fields is None:
            return False
        plan.call("KV/Txn", **fields)
        if not error:
            with plan.world.write() as transaction:
                transaction.run(fields)
        return True
    register("txn/" + name, holds, build, **more)


# Comparisons

def given_for(plan, target, result, wanted, kv):
    """What to compare with so that (actual result given) is as wanted."""
    value = actual(kv, target)
    if target == 3:
        below, above = b"", value + b"\1"
        if not value:
            below = None
    else:
        below, above = value - 1, value + 1
    equal, other = value, above if plan.random.random() < 0.5 or below is None else below
    choices = {(EQUAL, True): equal, (EQUAL, False): other, (NOT_EQUAL, True): other, (NOT_EQUAL, False): equal,
               (GREATER, True): below, (GREATER, False): plan.random.choice([equal, above]),
               (LESS, True): above, (LESS, False): equal if below is None else plan.random.choice([equal, below])}
    return choices[(result, wanted)]


def branches(plan):
    """Something to do in each branch."""
    one, other = plan.random.sample(keys.ORDINARY, 2)
    return {"success": [put(one, value=keys.value(plan)), get(PREFIX, range_end=PREFIX_END, limit=2)],
            "failure": [get(one), delete(other, prev_kv=True)] if plan.random.random() < 0.5 else [get(other)]}


for target, target_name in enumerate(TARGET_NAMES):
    for result_name, result in RESULTS.items():
        for wanted in (True, False):
            def compare_one(plan, target=target, result=result, wanted=wanted):
                key = keys.leased(plan) if target == 4 and plan.random.random() < 0.5 else keys.some(plan)
                kv = plan.world.live[key]
                if not isinstance(kv.lease, int) or (target == 3 and not kv.value):
                    return None
                given = given_for(plan, target, result, wanted, kv)
                return {"compare": [{"result": result, "target": target, "key": key, TARGETS[target]: given}], **branches(plan)}
            txn_case(f"{target_name} {result_name}, {'true' if wanted else 'false'}", gives(succeeded if wanted else failed), compare_one)

    txn_case(f"{target_name} of an absent key, zero", gives(failed if target == 3 else succeeded), lambda plan, target=target:
             {"compare": [{"target": target, "key": keys.absent(plan), TARGETS[target]: b"" if target == 3 else 0}], **branches(plan)})
    txn_case(f"{target_name} of an absent key, other", gives(failed), lambda plan, target=target:
             {"compare": [{"target": target, "key": keys.absent(plan), TARGETS[target]: b"v" if target == 3 else 7}], **branches(plan)})
    txn_case(f"{target_name} without a value to compare", ok, lambda plan, target=target:
             {"compare": [{"target": target, "result": plan.random.randrange(4), "key": keys.plain(plan)}], **branches(plan)})


def over_prefix(target, result, given, **more):
    return {"result": result, "target": target, "key": PREFIX, "range_end": PREFIX_END, TARGETS[target]: given, **more}


def with_branches(choose):
    def fields(plan):
        keys.at_least(plan, 3)
        return {"compare": choose(plan), **branches(plan)}
    return fields


txn_case("interval, all hold", gives(succeeded), with_branches(lambda plan: [over_prefix(2, GREATER, 0)]))
txn_case("interval, not all hold", gives(failed), with_branches(lambda plan: [over_prefix(2, LESS, max(plan.world.live[key].mod for key in plan.world.keys(PREFIX, PREFIX_END)))]))
txn_case("interval, none holds", gives(failed), with_branches(lambda plan: [over_prefix(1, GREATER, plan.world.revision)]))
txn_case("interval without keys, zero", gives(succeeded), with_branches(lambda plan: [{"target": 2, "key": b"none/", "range_end": b"none0", "mod_revision": 0}]))
txn_case("interval without keys, value", gives(failed), with_branches(lambda plan: [{"target": 3, "key": b"none/", "range_end": b"none0", "value": b""}]))
txn_case("interval from a key on", gives(succeeded), with_branches(lambda plan: [{"target": 0, "result": GREATER, "key": PREFIX, "range_end": b"\0", "version": 0}]))
txn_case("interval with its end below", ok, with_branches(lambda plan: [{"target": 2, "key": PREFIX_END, "range_end": PREFIX, "mod_revision": 0}]))
txn_case("several, all hold", gives(succeeded), with_branches(lambda plan: [over_prefix(2, GREATER, 0), over_prefix(0, GREATER, 0), over_prefix(4, NOT_EQUAL, 77)]))
txn_case("several, the last fails", gives(failed), with_branches(lambda plan: [over_prefix(2, GREATER, 0), over_prefix(0, EQUAL, -1)]))
txn_case("unknown result", gives(succeeded), with_branches(lambda plan: [{"result": 9, "target": 0, "key": keys.some(plan), "version": -3}]))
txn_case("unknown target", gives(succeeded), with_branches(lambda plan: [{"target": 9, "key": keys.some(plan), "version": 5}]))
txn_case("comparison of an empty key", EMPTY_KEY, with_branches(lambda plan: [{"target": 0, "version": 1}]), error=True)


# Operations

def distinct(plan, count):
    return plan.random.sample(keys.ORDINARY, count)


txn_case("empty", gives(succeeded), lambda plan: {})
txn_case("one get", ok, lambda plan: {"success": [get(keys.some(plan))]})
txn_case("gets, serializable", ok, lambda plan: {"success": [get(key, serializable=True) for key in distinct(plan, 3)]})
txn_case("gets with every option", ok, lambda plan: {"success": [
    get(PREFIX, range_end=PREFIX_END, limit=2), get(PREFIX, range_end=PREFIX_END, count_only=True), get(PREFIX, range_end=PREFIX_END, keys_only=True),
    get(PREFIX, range_end=PREFIX_END, sort_order=2), get(PREFIX, range_end=PREFIX_END, min_mod_revision=plan.world.revision // 2)]})
txn_case("get of the past", ok, lambda plan: {"success": [get(PREFIX, range_end=PREFIX_END, revision=keys.past(plan))]})
txn_case("put and get of the past", ok, lambda plan: {"success": [get(PREFIX, range_end=PREFIX_END, revision=keys.past(plan)), put(b"k/00", value=b"v")]})
txn_case("one put", ok, lambda plan: {"success": [put(keys.some(plan), value=keys.value(plan))]}, weight=4)
txn_case("puts", ok, lambda plan: {"success": [put(key, value=keys.value(plan), prev_kv=True) for key in distinct(plan, 4)]}, weight=4)
txn_case("put and then get", ok, lambda plan: {"success": [put(b"k/03", value=keys.value(plan)), get(b"k/03"), put(b"k/04", value=b"w"), get(PREFIX, range_end=PREFIX_END)]})
txn_case("delete and then get", ok, lambda plan: {"success": [delete(key := keys.some(plan), prev_kv=True), get(key)]})
txn_case("deletes that overlap", ok, lambda plan: {"success": [delete(b"k/0", range_end=b"k/1", prev_kv=True), delete(b"k/05"), delete(b"k/0", range_end=b"k/2")]})
txn_case("a put before a delete without end", ok, lambda plan: {"success": [put(b"k/23", value=b"v"), delete(b"k/22", range_end=b"\0", prev_kv=True)]})
txn_case("a put after a delete without end", ok, lambda plan: {"success": [delete(b"k/22", range_end=b"\0", prev_kv=True), put(b"k/23", value=b"v", prev_kv=True)]})
txn_case("put with a lease", ok, lambda plan: {"success": [put(key, value=b"v", lease=keys.lease(plan)) for key in distinct(plan, 2)]})
txn_case("put ignoring value", ok, lambda plan: {"success": [put(keys.some(plan), ignore_value=True, prev_kv=True)]})
txn_case("put ignoring lease", ok, lambda plan: {"success": [put(keys.leased(plan), value=b"v", ignore_lease=True)]})
txn_case("128 puts", ok, lambda plan: {"success": [put(b"many/%03d" % number, value=b"v") for number in range(128)]})
txn_case("128 deletes, nothing there", ok, lambda plan: {"failure": [], "success": [delete(b"nothing/%d" % number) for number in range(128)]})
txn_case("only a failure branch, taken", gives(failed), lambda plan: {"compare": [over_prefix(0, LESS, 0)] if keys.at_least(plan, 1) else [], "failure": [put(b"k/09", value=b"f"), get(b"k/09")]})
txn_case("only a failure branch, not taken", gives(lambda answer: succeeded(answer) and "responses" not in answer), lambda plan: {"failure": [put(b"k/09", value=b"f")]})


def nest(plan, depth):
    """Transactions in transactions, each with a comparison of what is there before it all."""
    key, other = keys.ORDINARY[depth], keys.ORDINARY[depth + 10]
    compare = [{"result": plan.random.randrange(4), "target": 2, "key": key, "mod_revision": plan.random.choice([0, plan.world.revision // 2])}]
    inner = [nested(**nest(plan, depth - 1))] if depth else []
    return {"compare": compare, "success": [put(key, value=keys.value(plan)), *inner, get(key)],
            "failure": [*inner, put(other, value=b"f", prev_kv=True), delete(key)]}


for level in (1, 2, 3, 5):
    txn_case(f"nested {level} deep", ok, lambda plan, level=level: nest(plan, level), weight=2)
txn_case("a nested comparison sees what was before", gives(lambda answer: not answer["responses"][1]["response_txn"].get("succeeded")),
         lambda plan: {"success": [put(key := keys.absent(plan), value=b"v"), nested(
             compare=[{"result": GREATER, "target": 0, "key": key, "version": 0}], success=[], failure=[get(key)])]})
txn_case("the same key in both branches of a nested one", ok, lambda plan: {"success": [nested(success=[put(b"k/01", value=b"s")], failure=[put(b"k/01", value=b"f")])]})
txn_case("nested and empty", ok, lambda plan: {"success": [nested(), nested(success=[nested()])]})
txn_case("nested gets", ok, lambda plan: {"success": [nested(success=[get(keys.some(plan)), get(b"nothing")])]})


@case("txn/as Kubernetes creates", ok, weight=20)
def create(plan: Plan):
    key = plan.random.choice(keys.UNIVERSE)
    optimistic(plan, key, 0, [put(key, value=keys.value(plan))], [])


@case("txn/as Kubernetes updates", ok, weight=20)
def update(plan: Plan):
    key = keys.some(plan)
    known = plan.world.live[key].mod if plan.random.random() < 0.7 else plan.world.revision // 2
    optimistic(plan, key, known, [put(key, value=keys.value(plan))], [get(key)])


@case("txn/as Kubernetes deletes", ok, weight=10)
def remove(plan: Plan):
    key = keys.some(plan)
    optimistic(plan, key, plan.world.live[key].mod if plan.random.random() < 0.7 else 3, [delete(key)], [get(key)])


def optimistic(plan, key, revision, success, failure):
    fields = {"compare": [{"result": EQUAL, "target": 2, "key": key, "mod_revision": revision}], "success": success, "failure": failure}
    plan.call("KV/Txn", **fields)
    with plan.world.write() as transaction:
        transaction.run(fields)


# Refused

def refused(name, holds, choose, **more):
    """In the branch that is taken, in the one that is not, and nested: a transaction is checked as a whole where etcd does so."""
    def wrapped(wrap):
        def fields(plan):
            operations = choose(plan)
            return None if operations is None else wrap(operations)
        return fields
    txn_case(name + ", success", holds, wrapped(lambda operations: {"success": operations}), error=True, **more)
    txn_case(name + ", nested", holds, wrapped(lambda operations: {"success": [get(b"k/00"), nested(success=operations)]}), error=True, **more)


def refused_anywhere(name, holds, choose, **more):
    refused(name, holds, choose, **more)
    txn_case(name + ", failure", holds, lambda plan: {"success": [put(b"k/00", value=b"not put")], "failure": choose(plan)}, error=True, **more)


refused_anywhere("no operation in an operation", KEY_NOT_FOUND, lambda plan: [{}])
refused_anywhere("get of an empty key", EMPTY_KEY, lambda plan: [get(b"")])
refused_anywhere("put of an empty key", EMPTY_KEY, lambda plan: [put(b"", value=b"v")])
refused_anywhere("delete of an empty key", EMPTY_KEY, lambda plan: [delete(b"")])
refused_anywhere("put with a value it ignores", VALUE_PROVIDED, lambda plan: [put(b"k/00", value=b"v", ignore_value=True)])
refused_anywhere("put with a lease it ignores", LEASE_PROVIDED, lambda plan: [put(b"k/00", lease=5, ignore_lease=True)])
refused_anywhere("a key put twice", DUPLICATE_KEY, lambda plan: [put(b"k/00", value=b"1"), put(b"k/01"), put(b"k/00", value=b"2")])
refused_anywhere("a key put and deleted", DUPLICATE_KEY, lambda plan: [put(b"k/00", value=b"1"), delete(b"k/00")])
refused_anywhere("a key put in a deleted interval", DUPLICATE_KEY, lambda plan: [delete(PREFIX, range_end=PREFIX_END), put(b"k/00")])
refused_anywhere("a key put again in a nested one", DUPLICATE_KEY, lambda plan: [put(b"k/00"), nested(failure=[put(b"k/00")])])
refused_anywhere("129 operations", TOO_MANY_OPS, lambda plan: [get(b"k/00")] * 129)
refused_anywhere("64 operations with 65 in one", TOO_MANY_OPS, lambda plan: [get(b"k/00")] * 64 + [nested(success=[get(b"k/00")] * 65)])
txn_case("129 comparisons", TOO_MANY_OPS, lambda plan: {"compare": [over_prefix(0, EQUAL, 1)] * 129}, error=True)
# 3.5.1 does not look at the order: nothing may be written that only it would write.
refused("unknown sort order", INVALID_SORT, lambda plan: [get(PREFIX, range_end=PREFIX_END, sort_order=7)], judged_by_martlet=True)
txn_case("unknown sort order, failure", INVALID_SORT, lambda plan: {"failure": [get(PREFIX, range_end=PREFIX_END, sort_order=-2)]}, error=True, judged_by_martlet=True)
refused("ignored value of an absent key", KEY_NOT_FOUND, lambda plan: [put(b"k/00"), put(b"never/there", ignore_value=True)])
refused("ignored lease of an absent key", KEY_NOT_FOUND, lambda plan: [put(b"never/there", value=b"v", ignore_lease=True)])
refused("unknown lease", LEASE_NOT_FOUND, lambda plan: [put(b"k/00"), put(b"k/01", lease=999_999)])
refused("get of a future revision", FUTURE, lambda plan: [put(b"k/00"), get(PREFIX, revision=plan.world.revision + 1)])
refused("get of a compacted revision", COMPACTED, lambda plan: [put(b"k/00"), get(PREFIX, revision=1)] if plan.world.compacted > 1 else None)
txn_case("only a get of a future revision", FUTURE, lambda plan: {"success": [get(PREFIX, revision=plan.world.revision + 1)]}, error=True)
txn_case("only a get of a compacted revision", COMPACTED, lambda plan: {"success": [get(PREFIX, revision=1)]} if plan.world.compacted > 1 else None, error=True)
txn_case("what the branch not taken would be refused for", gives(succeeded),
         lambda plan: {"success": [put(b"k/00", value=b"v")], "failure": [put(b"k/01", lease=999_999), get(PREFIX, revision=plan.world.revision + 99)]})
