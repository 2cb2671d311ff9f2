"""What clients did and were told, and whether some order of it all explains it.

Every answer of etcd names a revision, and all revisions are known from a watch of everything. So the order is not searched for, but
given: a write stands at its own revision, a read after the write of the revision in its answer. What is left to check is that the order
agrees with the clocks of the clients, that each read found what stood there, and that nothing acknowledged is missing."""
import heapq
import time
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from support.messages import SCHEMA, decode, encode
from support.watching import Event, Truth

PUT, TXN, DELETE, RANGE, COMPACT = "KV/Put", "KV/Txn", "KV/DeleteRange", "KV/Range", "KV/Compact"
Change = Tuple[bytes, Optional[bytes]]
EQUAL, GREATER, LESS, NOT_EQUAL = range(4)
TARGETS = {0: "version", 1: "create_revision", 2: "mod_revision", 3: "value"}


class Operation:
    """A call of a client's. Times in nanoseconds of one clock."""
    __slots__ = ("client", "member", "method", "request", "began", "ended", "response", "problem", "answer")

    def __init__(self, client: int, member: str, method: str, request: dict, began: int) -> None:
        self.client, self.member, self.method, self.request, self.began = client, member, method, request, began
        self.ended, self.response, self.problem, self.answer = 0, None, "", b""  # type: int, Optional[dict], str, bytes

    @property
    def path(self) -> str:
        return "/etcdserverpb." + self.method

    def sent(self) -> bytes:
        return encode(SCHEMA.methods[self.path][0], self.request)

    def answered(self, data: bytes) -> None:
        self.ended, self.answer, self.response = time.monotonic_ns(), data, decode(SCHEMA.methods[self.path][1], data)

    @property
    def known(self) -> bool:
        return self.response is not None

    @property
    def revision(self) -> int:
        return self.response["header"].get("revision", 0) if self.response else 0

    def branch(self) -> List[dict]:
        return self.request.get("success" if self.response and self.response.get("succeeded") else "failure", [])

    def changes(self, succeeded: bool = True) -> List[Change]:
        """What it writes, if it does; keys of a deletion whether they are there or not."""
        if self.method == PUT:
            return [(self.request["key"], self.request.get("value", b""))]
        if self.method == DELETE:
            return [(self.request["key"], None)]
        if self.method != TXN:
            return []
        operations = self.request.get("success" if succeeded else "failure", [])
        return [(it["request_put"]["key"], it["request_put"].get("value", b"")) if "request_put" in it else (it["request_delete_range"]["key"], None)
                for it in operations if "request_range" not in it]

    def wrote(self) -> bool:
        """Whether an answered operation made its revision."""
        if self.method == DELETE:
            return bool(self.response.get("deleted"))
        if self.method == TXN:
            succeeded = bool(self.response.get("succeeded"))
            deleted = any(it.get("response_delete_range", {}).get("deleted") for it in self.response.get("responses", []))
            return bool(deleted or any(value is not None for _, value in self.changes(succeeded)))
        return self.method == PUT

    def reads(self) -> Iterable[tuple]:
        """(request of a range, its answer) of an answered operation."""
        if self.method == RANGE:
            yield self.request, self.response
        elif self.method == TXN:
            for request, response in zip(self.branch(), self.response.get("responses", [])):
                if "request_range" in request:
                    yield request["request_range"], response.get("response_range", {})

    def words(self) -> str:
        request = {name: value for name, value in self.request.items() if name != "value"}
        return f"client {self.client} at {self.member}: {self.method} {request} -> {str(self.response)[:300] if self.known else self.problem or 'no answer'}"


class Stored(NamedTuple):
    value: bytes
    create_revision: int
    mod_revision: int
    version: int


NOTHING = Stored(b"", 0, 0, 0)


class History:
    """`changes`: {revision: [(key, value or None)]}, all that ever happened from revision 2 on. `compacted`: reads below it are not checked."""

    def __init__(self, operations: List[Operation], changes: Dict[int, List[Change]], prefix: bytes) -> None:
        self.operations, self.changes, self.prefix = operations, changes, prefix
        self.wrong: List[str] = []
        self.positions: Dict[Operation, int] = {}  # of what is known to have had an effect, or read: twice its revision, one more for a read

    def check(self) -> List[str]:
        self.place()
        self.check_order()
        self.check_contents()
        return self.wrong

    def fail(self, text: str, operation: Optional[Operation] = None) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(f"{text}: {operation.words()}" if operation else text)

    def place(self) -> None:
        """Finds each write's revision, and each revision's write."""
        head, explained = max(self.changes, default=1), {}  # type: int, Dict[int, Operation]
        by_value: Dict[Change, Operation] = {}
        deletions: Dict[bytes, List[Operation]] = {}
        for operation in self.operations:
            if operation.known:
                self.place_known(operation, head, explained)
                continue
            for succeeded in (True, False):
                for key, value in operation.changes(succeeded):
                    if value is not None:
                        by_value[key, value] = operation
                    elif operation.method == DELETE:
                        deletions.setdefault(key, []).append(operation)
        for revision in range(2, head + 1):
            if revision not in self.changes:
                self.fail(f"revision {revision} was never seen")
            elif revision not in explained and any(key.startswith(self.prefix) for key, _ in self.changes[revision]):
                self.explain(revision, by_value, deletions)

    def place_known(self, operation: Operation, head: int, explained: Dict[int, Operation]) -> None:
        revision = operation.revision
        if not operation.wrote():
            if not operation.request.get("serializable"):
                self.positions[operation] = 2 * revision + 1
            return
        self.positions[operation] = 2 * revision
        if revision in explained:
            self.fail(f"revision {revision} was given twice, also to {explained[revision].words()}", operation)
        explained[revision] = operation
        owed = operation.changes(bool(operation.response.get("succeeded", True)))
        found = self.changes.get(revision, [])
        if sorted(it for it in owed if it[1] is not None) != sorted(it for it in found if it[1] is not None) or {k for k, v in found if v is None} - {k for k, v in owed if v is None}:
            self.fail(f"acknowledged at revision {revision}, where there is {found}" if revision <= head else f"acknowledged at revision {revision}, lost", operation)

    def explain(self, revision: int, by_value: Dict[Change, Operation], deletions: Dict[bytes, List[Operation]]) -> None:
        """Which unanswered call made a revision."""
        changes = self.changes[revision]
        for change in changes:
            operation = by_value.get(change)
            if operation:
                if operation in self.positions:
                    self.fail(f"done twice, at revisions {self.positions[operation] // 2} and {revision}", operation)
                self.positions[operation] = 2 * revision
                if {it for it in changes if it[1] is not None} != {it for it in operation.changes() if it[1] is not None}:
                    self.fail(f"only a part of it was done at revision {revision}", operation)
                return
        key = changes[0][0]
        candidates = deletions.get(key, [])
        if len(changes) != 1 or not candidates:
            self.fail(f"nobody asked for what happened at revision {revision}: {changes}")
            return
        candidates.pop(0)  # any of them may be it, or none: that binds nothing

    def check_order(self) -> None:
        """Whatever began after another had ended stands after it."""
        placed = sorted(self.positions, key=lambda operation: operation.began)
        ended = sorted((operation for operation in placed if operation.ended), key=lambda operation: operation.ended)
        at, highest, last = 0, 0, None  # type: int, int, Optional[Operation]
        for operation in placed:
            while at < len(ended) and ended[at].ended < operation.began:
                if self.positions[ended[at]] > highest:
                    highest, last = self.positions[ended[at]], ended[at]
                at += 1
            if self.positions[operation] < highest or (self.positions[operation] == highest and highest % 2 == 0):
                self.fail(f"stands at revision {self.positions[operation] // 2}, though before it began this had ended: {last.words() if last else ''}",
                          operation)

    def check_contents(self) -> None:
        """Each read, and each condition of a transaction, against the state it was answered from."""
        checks: List[tuple] = []
        for number, operation in enumerate(self.operations):
            if operation.known:
                for request, answer in operation.reads():
                    heapq.heappush(checks, (request.get("revision", 0) or operation.revision, number, id(request), request, answer, operation))
                if operation.request.get("compare"):
                    at = operation.revision - 1 if operation.wrote() else operation.revision
                    heapq.heappush(checks, (at, number, 0, None, None, operation))
        state: Dict[bytes, Stored] = {}
        revision = 1
        while checks:
            at, _, _, request, answer, operation = heapq.heappop(checks)
            while revision < at:
                revision += 1
                for key, value in self.changes.get(revision, []):
                    old = state.pop(key, None)
                    if value is not None:
                        state[key] = Stored(value, old.create_revision if old else revision, revision, old.version + 1 if old else 1)
            if request is None:
                holds = all(self.holds(it, state) for it in operation.request["compare"])
                if holds != bool(operation.response.get("succeeded")):
                    self.fail(f"its conditions {'held' if holds else 'did not hold'} at revision {at}", operation)
            else:
                self.check_read(request, answer, state, operation)

    @staticmethod
    def holds(compare: dict, state: Dict[bytes, Stored]) -> bool:
        name = TARGETS[compare.get("target", 0)]
        found, wanted = getattr(state.get(compare["key"], NOTHING), name), compare.get(name, b"" if name == "value" else 0)
        if name == "value" and compare["key"] not in state:
            return False
        return {EQUAL: found == wanted, GREATER: found > wanted, LESS: found < wanted, NOT_EQUAL: found != wanted}[compare.get("result", EQUAL)]

    def check_read(self, request: dict, answer: dict, state: Dict[bytes, Stored], operation: Operation) -> None:
        key, end = request["key"], request.get("range_end", b"")
        inside = {it for it in state if (key <= it < end if end else it == key)}
        found = {kv["key"]: Stored(kv.get("value", b""), kv["create_revision"], kv["mod_revision"], kv["version"]) for kv in answer.get("kvs", [])}
        for name in sorted(inside | found.keys()):
            if state.get(name) != found.get(name) and not (answer.get("more") and name not in found):
                self.fail(f"read {found.get(name)} at {name!r}, where there was {state.get(name)}", operation)
                return


def events(changes: Dict[int, List[Change]]) -> List[Event]:
    """All that happened, as watchers are to be told it."""
    truth = Truth()
    truth.revisions = changes
    return truth.events()

