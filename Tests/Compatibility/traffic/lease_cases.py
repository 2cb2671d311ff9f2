"""Leases: granting, revoking, keeping alive, asking, and their end."""
from traffic import keys, watch_cases
from traffic.cases import LEASE_EXISTS, LEASE_NOT_FOUND, TTL_TOO_LARGE, Chosen, Plan, case, gives, ok, register
from traffic.keys import INT64

LONG = 5000  # seconds that no chapter lasts
MOST_SECONDS = 9_000_000_000
EXPIRING = 6  # leases that end together


def unused(plan):
    return plan.random.choice([1, -1]) * (1_000_000 + plan.fresh())


def grant_case(name, holds, fields, error=False):
    def build(plan):
        given = fields(plan)
        plan.call("Lease/LeaseGrant", **given)
        if not error:
            plan.world.leases[given["ID"]] = keys.new_lease(given.get("TTL", 0))
            if given.get("TTL", 0) < LONG:  # it must not end while we are not looking
                plan.call("Lease/LeaseRevoke", named=False, ID=given["ID"])
                plan.world.revoke(given["ID"])
    register("lease/grant, " + name, holds, build)


grant_case("an id of its own", gives(lambda answer: answer["ID"] > 0), lambda plan: {"TTL": LONG, "ID": 1_000_000 + plan.fresh()})
grant_case("a negative id", gives(lambda answer: answer["ID"] < 0), lambda plan: {"TTL": LONG, "ID": -1_000_000 - plan.fresh()})
grant_case("the longest", gives(lambda answer: answer["TTL"] == MOST_SECONDS), lambda plan: {"TTL": MOST_SECONDS, "ID": unused(plan)})
grant_case("too long", TTL_TOO_LARGE, lambda plan: {"TTL": MOST_SECONDS + 1, "ID": unused(plan)}, error=True)
grant_case("much too long", TTL_TOO_LARGE, lambda plan: {"TTL": INT64, "ID": unused(plan)}, error=True)
grant_case("no seconds", gives(lambda answer: answer["TTL"] == 2), lambda plan: {"ID": unused(plan)})
grant_case("negative seconds", gives(lambda answer: answer["TTL"] == 2), lambda plan: {"TTL": -100, "ID": unused(plan)})
grant_case("one second", gives(lambda answer: answer["TTL"] == 2), lambda plan: {"TTL": 1, "ID": unused(plan)})
grant_case("an id that is taken", LEASE_EXISTS, lambda plan: {"TTL": LONG, "ID": keys.lease(plan)}, error=True)


def chosen(plan: Plan, named: bool = True) -> Chosen:
    """A lease whose id the server chooses."""
    name = f"L{plan.fresh()}"
    plan.add("call", "/etcdserverpb.Lease/LeaseGrant", {"TTL": LONG}, stream=name, named=named)
    plan.world.leases[name] = keys.new_lease(LONG)
    return Chosen(name)


@case("lease/grant, an id the server chooses", gives(lambda answer: answer["ID"]))
def grant_chosen(plan: Plan):
    identity = chosen(plan)
    if len(plan.world.leases) > 12:
        plan.call("Lease/LeaseRevoke", named=False, ID=identity)
        plan.world.revoke(identity.name)


@case("lease/put with an id the server chose", ok, needs_chosen_ids=True)
def put_chosen(plan: Plan):
    identity = chosen(plan, named=False)
    key = plan.random.choice(keys.ORDINARY)
    plan.call("KV/Put", key=key, value=b"chosen", lease=identity)
    plan.world.put(key, b"chosen", identity.name)
    if len(plan.world.leases) > 12:
        plan.call("Lease/LeaseRevoke", named=False, ID=identity)
        plan.world.revoke(identity.name)


def revoke_case(name, holds, choose):
    def build(plan):
        identity = choose(plan)
        if identity is None:
            return False
        plan.call("Lease/LeaseRevoke", ID=identity)
        plan.world.revoke(identity)
        return True
    register("lease/revoke, " + name, holds, build)


def without_keys(plan):
    identity = unused(plan)
    plan.call("Lease/LeaseGrant", named=False, TTL=LONG, ID=identity)
    plan.world.leases[identity] = keys.new_lease(LONG)
    return identity


def with_keys(plan, count):
    identity = without_keys(plan)
    for key in plan.random.sample(keys.UNIVERSE, count):
        keys.put(plan, key, identity)
    return identity


revoke_case("no keys", ok, without_keys)
revoke_case("a key", ok, lambda plan: with_keys(plan, 1))
revoke_case("several keys", ok, lambda plan: with_keys(plan, 5))
for label, identity in {"unknown": 424242, "id 0": 0, "id -1": -1}.items():
    register(f"lease/revoke, {label}", LEASE_NOT_FOUND, lambda plan, identity=identity: bool(plan.call("Lease/LeaseRevoke", ID=identity)))


# Keeping alive

def keep_alive_case(name, holds, choose):
    def build(plan):
        plan.add("dialogue", "/etcdserverpb.Lease/LeaseKeepAlive", [{"ID": identity} for identity in choose(plan)])
    register("lease/keep alive, " + name, lambda answer: answer[0] == 0 and holds(answer[2]), build)


keep_alive_case("one", lambda answers: answers[0].get("TTL"), lambda plan: [keys.lease(plan)])
keep_alive_case("one with keys", lambda answers: answers[0].get("TTL"), lambda plan: [plan.world.live[keys.leased(plan)].lease])
keep_alive_case("unknown", lambda answers: "TTL" not in answers[0], lambda plan: [424242])
keep_alive_case("id 0", lambda answers: "TTL" not in answers[0], lambda plan: [0])
keep_alive_case("several on a stream", lambda answers: len(answers) == 4, lambda plan: [keys.lease(plan), 424242, keys.lease(plan), -1])
keep_alive_case("none", lambda answers: not answers, lambda plan: [])


# Asking

def ask_case(name, holds, choose, **fields):
    def build(plan):
        identity = choose(plan)
        plan.call("Lease/LeaseTimeToLive", ID=identity, **fields)
    register("lease/time to live, " + name, gives(holds), build)


ask_case("one", lambda answer: answer["TTL"] > 0, keys.lease)
ask_case("keys of one that has some", lambda answer: answer.get("keys"), lambda plan: plan.world.live[keys.leased(plan)].lease, keys=True)
ask_case("keys of one that has none", lambda answer: answer["TTL"] > 0 and "keys" not in answer, without_keys, keys=True)
ask_case("one with keys, not asked for", lambda answer: answer["TTL"] > 0 and "keys" not in answer, lambda plan: plan.world.live[keys.leased(plan)].lease)
ask_case("unknown", lambda answer: answer["TTL"] == -1, lambda plan: 424242)
ask_case("keys of unknown", lambda answer: answer["TTL"] == -1, lambda plan: -424242, keys=True)
ask_case("id 0", lambda answer: answer["TTL"] == -1, lambda plan: 0)
ask_case("one the server chose the id of", lambda answer: answer["TTL"] > 0, lambda plan: chosen(plan, named=False), keys=True)


@case("lease/list", gives(lambda answer: answer.get("leases")))
def every(plan: Plan):
    keys.lease(plan)
    plan.call("Lease/LeaseLeases")


# The end

@case("lease/end, revoked too late", LEASE_NOT_FOUND, weight=0)
def end(plan: Plan):
    """Leases that end on their own, with a key each. In what order is chance, and so are their revisions: nobody watches, and all of it
    is compacted at once."""
    for stream in list(plan.world.streams.values()):
        watch_cases.close(plan, stream, named=False)
    ended = []
    for number in range(EXPIRING):
        identity = unused(plan)
        plan.call("Lease/LeaseGrant", named=False, TTL=1, ID=identity)
        plan.world.leases[identity] = keys.new_lease(2)
        keys.put(plan, b"ends/%d" % number, identity)
        ended.append(identity)
    plan.add("until_gone", fields={"key": b"ends/", "range_end": b"ends0"}, named=False)
    for identity in ended:
        plan.world.revoke(identity)
    plan.call("KV/Compact", named=False, revision=plan.world.revision, physical=True)
    plan.world.compacted, plan.world.log[:] = plan.world.revision, []  # the tombstones at this revision are not to be watched
    for number, identity in enumerate(ended):
        plan.case = "lease/end, its key"
        plan.call("KV/Range", key=b"ends/%d" % number)
        plan.case = "lease/end, its time to live"
        plan.call("Lease/LeaseTimeToLive", ID=identity, keys=True)
        plan.case = "lease/end, kept alive too late"
        plan.add("dialogue", "/etcdserverpb.Lease/LeaseKeepAlive", [{"ID": identity}])
        plan.case = "lease/end, revoked too late"
        plan.call("Lease/LeaseRevoke", ID=identity)


register("lease/end, its key", gives(lambda answer: "kvs" not in answer), None)
register("lease/end, its time to live", gives(lambda answer: answer["TTL"] == -1), None)
register("lease/end, kept alive too late", lambda answer: answer[0] == 0 and "TTL" not in answer[2][0], None)
