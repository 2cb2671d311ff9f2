"""The services Lock and Election."""
from traffic import keys
from traffic.cases import Chosen, Plan, case, fails, gives, ok, register
from traffic.lease_cases import without_keys

LOCK, ELECTION = "/v3lockpb.Lock/", "/v3electionpb.Election/"


def key_of(name, lease):
    return name + b"/" + b"%x" % lease if lease >= 0 else name + b"/-" + b"%x" % -lease


def fresh_name(plan, kind):
    return b"%s/%d" % (kind, plan.fresh())


def acquire(plan: Plan, method: str, named: bool = True, name: bytes = b"", **more: object):
    """A free lock, or a won election; (name, lease, key)."""
    name, lease = name or fresh_name(plan, b"lock" if method == LOCK + "Lock" else b"vote"), without_keys(plan)
    plan.call(method, named=named, name=name, lease=lease, **more)
    plan.world.put(key_of(name, lease), more.get("value", b""), lease)  # type: ignore[arg-type]
    return name, lease, key_of(name, lease)


def release(plan: Plan, lease: int, named: bool = False) -> None:
    """The lease goes, and its key with it."""
    plan.call("Lease/LeaseRevoke", named=named, ID=lease)
    plan.world.revoke(lease)


def wait_for(plan: Plan, method: str, name: bytes, lease: int, value: bytes = b"") -> None:
    """A second one that waits: its call is in flight, and its key is there."""
    fields = {"name": name, "lease": lease, **({"value": value} if value else {})}
    plan.add("begin", method, fields, stream="waiting", named=False)
    plan.world.put(key_of(name, lease), value, lease)
    plan.add("until_there", fields={"key": key_of(name, lease)}, named=False)


@case("lock/free", gives(lambda answer: answer["key"]))
def free(plan: Plan):
    _, lease, _ = acquire(plan, LOCK + "Lock")
    release(plan, lease)


@case("lock/held by the same lease", gives(lambda answer: answer["key"]))
def again(plan: Plan):
    name, lease, _ = acquire(plan, LOCK + "Lock", named=False)
    plan.call(LOCK + "Lock", name=name, lease=lease)
    release(plan, lease)


@case("lock/no name", gives(lambda answer: answer["key"]))
def no_name(plan: Plan):
    lease = without_keys(plan)
    plan.call(LOCK + "Lock", lease=lease)
    plan.world.put(key_of(b"", lease), b"", lease)
    release(plan, lease)


@case("lock/unknown lease", lambda answer: answer[0] != 0)
def unknown_lease(plan: Plan):
    plan.call(LOCK + "Lock", name=b"lock/unknown", lease=999_999)


def waiting_case(name, method, end):
    """A call that waits until the holder lets go."""
    def build(plan):
        value = b"second" if method.endswith("Campaign") else b""
        held, holder, key = acquire(plan, method, named=False, **({"value": b"first"} if value else {}))
        second = without_keys(plan)
        wait_for(plan, method, held, second, value)
        end(plan, held, holder, key)
        plan.add("finish", method, stream="waiting")
        release(plan, second)
        if holder in plan.world.leases:
            release(plan, holder)
    register(name, ok, build)


def unlock(plan, name, lease, key):
    plan.call(LOCK + "Unlock", named=False, key=key)
    plan.world.delete(key)


def resign(plan, name, lease, key):
    plan.call(ELECTION + "Resign", named=False, leader=leader(plan, name, lease, key))
    plan.world.delete(key)


def leader(plan, name, lease, key):
    return {"name": name, "key": key, "rev": plan.world.live[key].create, "lease": lease}


waiting_case("lock/held, then unlocked", LOCK + "Lock", unlock)
waiting_case("lock/held, then its lease revoked", LOCK + "Lock", lambda plan, name, lease, key: release(plan, lease))
waiting_case("election/held, then resigned", ELECTION + "Campaign", resign)
waiting_case("election/held, then its lease revoked", ELECTION + "Campaign", lambda plan, name, lease, key: release(plan, lease))


@case("lock/held until the client gives up", lambda answer: answer[0] == 1)
def given_up(plan: Plan):
    name, holder, _ = acquire(plan, LOCK + "Lock", named=False)
    second = without_keys(plan)
    wait_for(plan, LOCK + "Lock", name, second)
    plan.add("give_up", LOCK + "Lock", stream="waiting")
    plan.world.delete(key_of(name, second))
    plan.add("until_gone", fields={"key": key_of(name, second)}, named=False)
    release(plan, second)
    release(plan, holder)


@case("lock/lease 0", gives(lambda answer: answer["key"]), needs_chosen_ids=True)
def lease_zero(plan: Plan):
    """The server grants one; its id is learnt from the key."""
    label, name = f"L{plan.fresh()}", fresh_name(plan, b"lock")
    plan.add("call", LOCK + "Lock", {"name": name}, stream=label)
    symbol = name + b"/<%s>" % label.encode()
    plan.world.leases[label] = keys.new_lease(60)
    plan.world.put(symbol, b"", label)
    plan.call(LOCK + "Unlock", named=False, key=Chosen(label, name + b"/"))
    plan.world.delete(symbol)
    plan.call("Lease/LeaseRevoke", named=False, ID=Chosen(label))
    plan.world.revoke(label)


@case("unlock/held", ok)
def unlock_held(plan: Plan):
    _, lease, key = acquire(plan, LOCK + "Lock", named=False)
    plan.call(LOCK + "Unlock", key=key)
    plan.world.delete(key)
    release(plan, lease)


@case("unlock/not held", ok)
def unlock_missing(plan: Plan):
    plan.call(LOCK + "Unlock", key=b"lock/none/1")


@case("unlock/empty key", lambda answer: answer[0] != 0)
def unlock_empty(plan: Plan):
    plan.call(LOCK + "Unlock", key=b"")


# Election

def election_case(name, holds, ask):
    """`ask(plan, name, lease, key)`: with a leader there."""
    def build(plan):
        elected, lease, key = acquire(plan, ELECTION + "Campaign", named=False, value=b"first")
        ask(plan, elected, lease, key)
        release(plan, lease)
    register("election/" + name, holds, build)


def campaign_again(value):
    def ask(plan, name, lease, key):
        plan.call(ELECTION + "Campaign", name=name, lease=lease, value=value)
        if value != b"first":
            plan.world.put(key, value, lease)
    return ask


def proclaim(plan, name, lease, key):
    plan.call(ELECTION + "Proclaim", leader=leader(plan, name, lease, key), value=b"other")
    plan.world.put(key, b"other", lease)


def stale(plan, name, lease, key):
    return {**leader(plan, name, lease, key), "rev": 1}


def resign_named(plan, name, lease, key):
    plan.call(ELECTION + "Resign", leader=leader(plan, name, lease, key))
    plan.world.delete(key)


@case("election/free", gives(lambda answer: answer["leader"]))
def win(plan: Plan):
    _, lease, _ = acquire(plan, ELECTION + "Campaign", value=b"mine")
    release(plan, lease)


election_case("campaign again, the same value", gives(lambda answer: answer["leader"]), campaign_again(b"first"))
election_case("campaign again, another value", gives(lambda answer: answer["leader"]), campaign_again(b"other"))
election_case("proclaim", ok, proclaim)
election_case("proclaim by who was leader", fails(2, "election: not leader"),
              lambda plan, *it: plan.call(ELECTION + "Proclaim", leader=stale(plan, *it), value=b"x"))
election_case("leader", gives(lambda answer: answer["kv"]), lambda plan, name, lease, key: plan.call(ELECTION + "Leader", name=name))
election_case("resign", ok, resign_named)
election_case("resign by who was leader", ok, lambda plan, *it: plan.call(ELECTION + "Resign", leader=stale(plan, *it)))


def observe(plan, name, lease, key):
    plan.add("observe", ELECTION + "Observe", {"name": name}, stream="observer", count=1)
    plan.call(ELECTION + "Proclaim", named=False, leader=leader(plan, name, lease, key), value=b"observed")
    plan.world.put(key, b"observed", lease)
    plan.add("observe_more", ELECTION + "Observe", stream="observer", count=1)
    plan.add("observe_end", ELECTION + "Observe", stream="observer", named=False)


election_case("observe", lambda answer: answer[0] == 0 and len(answer[2]) == 1, observe)
for label, method, fields in [("proclaim without a leader", "Proclaim", {"value": b"v"}), ("resign without a leader", "Resign", {})]:
    register(f"election/{label}", fails(2, '"leader" field must be provided'), lambda plan, method=method, fields=fields: bool(plan.call(ELECTION + method, **fields)))
register("election/no leader", fails(2, "election: no leader"), lambda plan: bool(plan.call(ELECTION + "Leader", name=b"vote/none")))
register("election/unknown lease", lambda answer: answer[0] != 0, lambda plan: bool(plan.call(ELECTION + "Campaign", name=b"vote/none", lease=999_999, value=b"v")))
