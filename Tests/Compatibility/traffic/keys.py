"""Keys, values and revisions that requests are about."""
from typing import List

from traffic.cases import Plan
from traffic.world import Lease

PREFIX, PREFIX_END = b"k/", b"k0"
ORDINARY = [b"k/%02d" % number for number in range(24)]
ODD = [b"k/\0", b"k/\xff", b"a", b"z\0", b"\xff", b"\xff\xff", b"\0x"]
UNIVERSE = ORDINARY + ODD
INT64 = (1 << 63) - 1


def value(plan: Plan, size: int = 0) -> bytes:
    size = size or plan.random.choice([1, 3, 8, 40, 200])
    return plan.random.getrandbits(size * 8).to_bytes(size, "big")


def put(plan: Plan, key: bytes, lease: object = 0) -> None:
    """A put that only prepares."""
    content = value(plan)
    plan.call("KV/Put", named=False, key=key, value=content, **({"lease": lease} if lease else {}))
    plan.world.put(key, content, lease)


def some(plan: Plan) -> bytes:
    """A key that is there."""
    live = [key for key in UNIVERSE if key in plan.world.live]
    if not live:
        put(plan, PREFIX + b"00")
        return PREFIX + b"00"
    return plan.random.choice(live)


def absent(plan: Plan) -> bytes:
    """A key of the usual ones that is not there now, if there is one; else one that never was."""
    missing = [key for key in UNIVERSE if key not in plan.world.live]
    return plan.random.choice(missing) if missing and plan.random.random() < 0.7 else b"absent/%d" % plan.fresh()


def at_least(plan: Plan, count: int) -> List[bytes]:
    """The keys below the prefix, after puts if there were fewer than so many."""
    while len(plan.world.keys(PREFIX, PREFIX_END)) < count:
        put(plan, plan.random.choice([key for key in ORDINARY if key not in plan.world.live]))
    return plan.world.keys(PREFIX, PREFIX_END)


def plain(plan: Plan) -> bytes:
    """A key that is there and has no lease."""
    live = [key for key in ORDINARY if key in plan.world.live and not plan.world.live[key].lease]
    if not live:
        key = plan.random.choice(ORDINARY)
        put(plan, key)
        return key
    return plan.random.choice(live)


def lease(plan: Plan) -> object:
    """A lease that is there and has an id of ours."""
    ours = [identity for identity in plan.world.leases if isinstance(identity, int)]
    if len(ours) < 3:
        identity = plan.random.choice([1, -1]) * (1000 + plan.fresh())
        plan.call("Lease/LeaseGrant", named=False, TTL=3000 + plan.random.randrange(1000), ID=identity)
        plan.world.leases[identity] = new_lease(3000)
        return identity
    return plan.random.choice(ours)


def new_lease(seconds: int) -> Lease:
    return Lease(max(seconds, 2))


def leased(plan: Plan) -> bytes:
    """A key that is there and has a lease of ours."""
    live = [key for key in plan.world.attached() if isinstance(plan.world.live[key].lease, int) and key in UNIVERSE]
    if not live or plan.random.random() < 0.2:
        identity, key = lease(plan), plan.random.choice(ORDINARY)
        put(plan, key, identity)
        return key
    return plan.random.choice(live)


def past(plan: Plan) -> int:
    """A revision that is neither compacted nor the newest."""
    while plan.world.revision - max(plan.world.compacted, 1) < 3:
        put(plan, plan.random.choice(ORDINARY))
    return plan.random.randrange(max(plan.world.compacted, 1) + 1, plan.world.revision)
