"""Says which member of a cluster is wrong when their stores differ: applies the log anew, by a small model, and compares.

  python3 -m support.replay NAME=DIRECTORY ...     of members that do not run; ends with 1 if one is to blame

The model knows puts, deletions, transactions, leases and compactions; not authentication, nor a quota."""
import os
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

from support.bolt import BoltFile, main_revision
from support.history import EQUAL, GREATER, LESS, NOT_EQUAL, TARGETS
from support.messages import decode, raw_fields
from support.wal import ENTRY, records, segments

Record = Tuple[bytes, Optional[bytes]]  # key, value or None if deleted


class Now(NamedTuple):
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int


ABSENT = Now(b"", 0, 0, 0, 0)


class Model:
    """`records`: {(main, sub): (key, value or None)}, as the store's bucket has it before any compaction."""

    def __init__(self) -> None:
        self.revision, self.sub = 1, 0
        self.state: Dict[bytes, Now] = {}
        self.leases: set = set()
        self.records: Dict[Tuple[int, int], Record] = {}

    def apply(self, data: bytes) -> None:
        if any(number == 2 for number, _, _ in raw_fields(data)):
            return  # of the v2 API: members' names and versions
        request = decode("etcdserverpb.InternalRaftRequest", data)
        self.sub = 0
        if "put" in request:
            self.put(request["put"])
        elif "delete_range" in request:
            self.delete(request["delete_range"])
        elif "txn" in request:
            self.transaction(request["txn"])
        elif "lease_grant" in request:
            self.leases.add(request["lease_grant"]["ID"])
        elif "lease_revoke" in request:
            lease = request["lease_revoke"]["ID"]
            self.leases.discard(lease)
            for key in sorted(key for key, now in self.state.items() if now.lease == lease):
                self.record(key, None)
                del self.state[key]
        if self.sub:
            self.revision += 1

    def record(self, key: bytes, value: Optional[bytes]) -> None:
        self.records[self.revision + 1, self.sub] = (key, value)
        self.sub += 1

    def put(self, request: dict) -> None:
        key, lease, old = request["key"], request.get("lease", 0), self.state.get(request["key"])
        if lease and lease not in self.leases:
            return  # refused
        value = old.value if request.get("ignore_value") and old else request.get("value", b"")
        lease = old.lease if request.get("ignore_lease") and old else lease
        self.record(key, value)
        self.state[key] = Now(value, old.create_revision if old else self.revision + 1, self.revision + 1, old.version + 1 if old else 1, lease)

    def inside(self, request: dict) -> List[bytes]:
        key, end = request["key"], request.get("range_end", b"")
        return sorted(it for it in self.state if (key <= it and (end == b"\0" or it < end) if end else it == key))

    def delete(self, request: dict) -> None:
        for key in self.inside(request):
            self.record(key, None)
            del self.state[key]

    def transaction(self, request: dict) -> None:
        chosen = "success" if all(self.holds(it) for it in request.get("compare", [])) else "failure"
        for operation in request.get(chosen, []):
            if "request_put" in operation:
                self.put(operation["request_put"])
            elif "request_delete_range" in operation:
                self.delete(operation["request_delete_range"])
            elif "request_txn" in operation:
                self.transaction(operation["request_txn"])

    def holds(self, compare: dict) -> bool:
        name = {**TARGETS, 4: "lease"}[compare.get("target", 0)]
        wanted = compare.get(name, b"" if name == "value" else 0)
        keys = self.inside(compare) or [compare["key"]]
        if name == "value" and not self.inside(compare):
            return False
        found = [getattr(self.state.get(key, ABSENT), name) for key in keys]
        result = compare.get("result", EQUAL)
        return all({EQUAL: it == wanted, GREATER: it > wanted, LESS: it < wanted, NOT_EQUAL: it != wanted}[result] for it in found)


def log_of(folder: str) -> Dict[int, Tuple[int, bytes, bool]]:
    """{index: (term, data, whether it is for the store)}; what a later record took the place of is gone."""
    entries: Dict[int, Tuple[int, bytes, bool]] = {}
    last = 0
    for path in segments(folder):
        for kind, data in records(path):
            if kind != ENTRY:
                continue
            entry = decode("raftpb.Entry", data)
            index = entry.get("Index", 0)
            while last >= index:
                entries.pop(last, None)
                last -= 1
            last = index
            entries[index] = (entry.get("Term", 0), entry.get("Data", b""), not entry.get("Type"))
    return entries


def number(data: Optional[bytes]) -> int:
    return int.from_bytes(data or b"", "big")


class Store:
    """What a member's file holds: `records` as the model has them, above `compacted`, up to the entry `index`."""

    def __init__(self, path: str) -> None:
        contents = BoltFile(path).contents()
        meta = contents.get(b"meta", {})
        self.index = number(meta.get(b"consistent_index"))
        self.compacted = max(main_revision(meta.get(name, b"")) or 0 for name in (b"scheduledCompactRev", b"finishedCompactRev"))
        self.records: Dict[Tuple[int, int], Record] = {}
        for key, value in contents.get(b"key", {}).items():
            stored = decode("mvccpb.KeyValue", value)
            place = (number(key[:8]), number(key[9:17]))
            if place[0] > self.compacted:
                self.records[place] = (stored.get("key", b""), None if key.endswith(b"t") else stored.get("value", b""))


def blame(members: Dict[str, str]) -> List[str]:
    """What is wrong with whom. `members`: {name: directory of data}, of members that do not run."""
    logs = {name: log_of(os.path.join(data, "member", "wal")) for name, data in members.items()}
    stores = {name: Store(os.path.join(data, "member", "snap", "db")) for name, data in members.items()}
    found, agreed = [], {}  # type: List[str], Dict[int, Tuple[int, bytes, bool]]
    for name, log in logs.items():
        for index, entry in log.items():
            if index > stores[name].index:
                continue  # it may not be committed
            if agreed.setdefault(index, entry) != entry:
                found.append(f"{name}: entry {index} is of term {entry[0]} here, and of term {agreed[index][0]} elsewhere, or differs")
    model, index = Model(), 0
    for name in sorted(stores, key=lambda name: stores[name].index):
        store = stores[name]
        while index < store.index:
            index += 1
            if index not in agreed:
                return found + [f"nobody's log has entry {index} any more: the log cannot be applied anew"]
            if agreed[index][2] and agreed[index][1]:
                model.apply(agreed[index][1])
        owed = {place: record for place, record in model.records.items() if place[0] > store.compacted}
        wrong = sorted(place for place in owed.keys() | store.records.keys() if owed.get(place) != store.records.get(place))
        if wrong:
            place = wrong[0]
            found.append(f"{name}: {len(wrong)} records are not what its log says up to entry {store.index}; at {place}: "
                         f"{str(store.records.get(place))[:200]}, and the log has {str(owed.get(place))[:200]}")
    return found


if __name__ == "__main__":
    blamed = blame(dict(word.split("=", 1) for word in sys.argv[1:]))
    print("\n".join(blamed) or "all are what their logs say")
    sys.exit(1 if blamed else 0)
