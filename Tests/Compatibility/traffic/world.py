"""What a server holds after the requests planned so far.

The generator keeps it to aim: to know a key that is there, a revision that is compacted, the events a watcher has still to get.
It judges nothing: the answers are compared with those of a real etcd, and a wrong guess shows as a case that does not occur."""
import bisect
from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Set, Tuple


class KeyValue(NamedTuple):
    key: bytes
    value: bytes
    create: int
    mod: int
    version: int
    lease: object  # a number, or the name of an id that the server chose


class Event(NamedTuple):
    revision: int
    is_put: bool
    key: bytes


@dataclass
class Lease:
    seconds: int
    keys: Set[bytes] = field(default_factory=set)


@dataclass
class Watcher:
    key: bytes
    range_end: bytes
    start: int
    filters: Tuple[int, ...] = ()
    dead: bool = False  # canceled because its start was compacted; its id is still taken
    owed: int = 0  # events since the last collection
    reading: bool = False  # perhaps still busy with the past

    def wants(self, event: Event) -> bool:
        return (event.revision >= self.start and inside(event.key, self.key, self.range_end)
                and (0 if event.is_put else 1) not in self.filters)


@dataclass
class Stream:
    name: str
    watchers: Dict[int, Watcher] = field(default_factory=dict)
    next_id: int = 0

    def take_id(self, wanted: int) -> int:
        """The id a watcher gets: its own, or the next free one."""
        if wanted:
            return wanted
        while self.next_id in self.watchers:
            self.next_id += 1
        self.next_id += 1
        return self.next_id - 1


def inside(key: bytes, start: bytes, end: bytes) -> bool:
    """Whether a request for [start, end) covers the key, with etcd's meaning of no end and of the end NUL."""
    if not end:
        return key == start
    return key >= start and (end == b"\0" or key < end)


class World:
    def __init__(self) -> None:
        self.revision, self.compacted = 1, -1
        self.live: Dict[bytes, KeyValue] = {}
        self.order: List[bytes] = []  # the live keys, sorted
        self.log: List[Event] = []
        self.leases: Dict[object, Lease] = {}
        self.streams: Dict[str, Stream] = {}

    # Reading

    def keys(self, start: bytes = b"\0", end: bytes = b"\0") -> List[bytes]:
        if not end:
            return [start] if start in self.live else []
        low = bisect.bisect_left(self.order, start)
        high = len(self.order) if end == b"\0" else bisect.bisect_left(self.order, end)
        return self.order[low:high]

    def attached(self) -> List[bytes]:
        return [key for key in self.order if self.live[key].lease]

    # Writing: everything of one request is one revision.

    def write(self) -> "Transaction":
        return Transaction(self)

    def put(self, key: bytes, value: Optional[bytes] = None, lease: object = 0) -> None:
        """A put as a request of its own; no value, or a lease of None: the one that is there stays."""
        with self.write() as transaction:
            transaction.put(key, value, lease)

    def delete(self, start: bytes, end: bytes = b"") -> None:
        with self.write() as transaction:
            transaction.delete(start, end)

    def revoke(self, identity: object) -> None:
        lease = self.leases.pop(identity)
        with self.write() as transaction:
            for key in sorted(lease.keys):
                transaction.delete(key)

    def append(self, event: Event) -> None:
        self.log.append(event)
        for stream in self.streams.values():
            for watcher in stream.watchers.values():
                if not watcher.dead and watcher.wants(event):
                    watcher.owed += 1

    def owed(self, watcher: Watcher) -> int:
        """Events of the past that a new watcher will get."""
        if watcher.start <= 0 or watcher.start > self.revision:
            return 0
        low = bisect.bisect_left(self.log, (watcher.start,))
        return sum(watcher.wants(event) for event in self.log[low:])


class Transaction:
    """Changes that share a revision."""

    def __init__(self, world: World) -> None:
        self.world, self.changes = world, 0

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, *failure: object) -> None:
        if self.changes:
            self.world.revision += 1

    def detach(self, key: bytes, lease: object) -> None:
        if lease in self.world.leases:
            self.world.leases[lease].keys.discard(key)

    def put(self, key: bytes, value: Optional[bytes], lease: object = 0) -> None:
        world, revision = self.world, self.world.revision + 1
        old = world.live.get(key)
        if old is None:
            bisect.insort(world.order, key)
        else:
            value, lease = old.value if value is None else value, old.lease if lease is None else lease
            self.detach(key, old.lease)
        if lease in world.leases:
            world.leases[lease].keys.add(key)
        world.live[key] = KeyValue(key, value or b"", old.create if old else revision, revision, old.version + 1 if old else 1, lease or 0)
        self.record(Event(revision, True, key))

    def delete(self, start: bytes, end: bytes = b"") -> None:
        for key in list(self.world.keys(start, end)):
            self.detach(key, self.world.live.pop(key).lease)
            self.world.order.remove(key)
            self.record(Event(self.world.revision + 1, False, key))

    def record(self, event: Event) -> None:
        self.changes += 1
        self.world.append(event)

    # A Txn request as its fields say. It is one that the server accepts: the cases see to that.

    def run(self, request: dict) -> None:
        for operation in self.path(request):
            if "request_put" in operation:
                put = operation["request_put"]
                self.put(put["key"], None if put.get("ignore_value") else put.get("value", b""),
                         None if put.get("ignore_lease") else put.get("lease", 0))
            elif "request_delete_range" in operation:
                self.delete(operation["request_delete_range"]["key"], operation["request_delete_range"].get("range_end", b""))

    def path(self, request: dict) -> List[dict]:
        """The operations that will run, with every comparison made before any of them."""
        holds = all(compare(self.world, comparison) for comparison in request.get("compare", []))
        operations = []
        for operation in request.get("success" if holds else "failure", []):
            operations += self.path(operation["request_txn"]) if "request_txn" in operation else [operation]
        return operations


CHOSEN = 1 << 62  # stands for an id that a server chose: they are far above all ids of ours
TARGETS = ("version", "create_revision", "mod_revision", "value", "lease")
EQUAL, GREATER, LESS, NOT_EQUAL = range(4)


def compare(world: World, comparison: dict) -> bool:
    target, result = comparison.get("target", 0), comparison.get("result", 0)
    keys = world.keys(comparison["key"], comparison.get("range_end", b""))
    if target not in range(5):
        return result_holds(result, 0)
    default = b"" if target == 3 else 0
    given = comparison.get(TARGETS[target], default)
    if not keys:
        return target != 3 and result_holds(result, sign(0, given))
    return all(result_holds(result, sign(actual(world.live[key], target), given)) for key in keys)


def actual(kv: KeyValue, target: int) -> object:
    lease = CHOSEN if isinstance(kv.lease, str) else kv.lease
    return (kv.version, kv.create, kv.mod, kv.value, lease)[target]


def sign(a: object, b: object) -> int:
    return (a > b) - (a < b)  # type: ignore[operator]


def result_holds(result: int, order: int) -> bool:
    return {EQUAL: order == 0, GREATER: order > 0, LESS: order < 0, NOT_EQUAL: order != 0}.get(result, True)
