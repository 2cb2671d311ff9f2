"""A load on a cluster whose every call and answer is written down, and what is checked when it is over.

Clients share a few keys and write values that occur once. A call without an answer is one whose outcome is not known; it is never tried
again. Beside them: a watch of everything, watches of random interest, users of leases, and compactions behind them all."""
import os
import random
import threading
import time
from typing import Callable, Dict, List, Optional, Tuple

import grpc

from support.checks import check, note
from support.cluster import Cluster, Member, each
from support.historian import Historian, Watchers, whole
from support.history import COMPACT, DELETE, PUT, RANGE, TXN, History, Operation, events
from support.messages import decode, encode
from support.recording import judge
from support.watching import Recorder, violations

PREFIX, KEYS = b"h/", 12
BEHIND = 300  # revisions that a compaction leaves
WEIGHTS = {"put": 30, "swap": 16, "pair": 6, "delete": 8, "get": 14, "list": 8, "stale": 8, "past": 3, "look": 7}


class Worker(threading.Thread):
    """A client of some member; of another when it is not answered."""

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(daemon=True)
        self.load, self.number, self.random = load, number, random.Random(f"{load.seed}/{number}")
        self.member: Optional[Member] = None
        self.client = None
        self.operations: List[Operation] = []
        self.count, self.known = 0, {}  # type: int, Dict[bytes, tuple]

    def run(self) -> None:
        while self.load.running:
            try:
                self.turn()
            except Exception as error:  # a bug of the test's own must not look like an idle client
                self.load.fail(f"client {self.number}: {error!r}")
                return
        self.leave()

    def turn(self) -> None:
        if not self.member or not self.member.up() or self.random.random() < 0.005:
            self.move()
        if self.member and not self.once():
            self.move()
            time.sleep(0.02)
        time.sleep(self.random.uniform(0, 2 * self.load.pause))

    def move(self) -> None:
        self.leave()
        voters = self.load.cluster.voters()
        if voters:
            self.member = self.random.choice(voters)
            self.client = self.member.client()
        else:
            time.sleep(0.05)

    def leave(self) -> None:
        if self.client:
            self.client.close()
        self.client = self.member = None

    def once(self) -> bool:
        """Does one thing; whether it was answered."""
        raise NotImplementedError

    def call(self, method: str, request: dict) -> Operation:
        """Asks, and writes down what was asked and answered."""
        operation = Operation(self.number, self.member.name, method, request, time.monotonic_ns())
        self.operations.append(operation)
        code, text, data = self.client.unary(operation.path, operation.sent(), timeout=self.load.timeout)
        if code:
            operation.problem = f"{code} {text}"
            self.load.trouble(text)
        else:
            operation.answered(data)
        return operation


class Caller(Worker):
    """Reads and writes the shared keys."""

    def once(self) -> bool:
        key = PREFIX + b"%02d" % self.random.randrange(KEYS)
        kind = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        operation = self.call(*getattr(self, kind)(key))
        if operation.known:
            self.learn(operation)
        return operation.known or kind == "past"

    def learn(self, operation: Operation) -> None:
        self.load.head = max(self.load.head, operation.revision)
        for _, answer in operation.reads():
            for kv in answer.get("kvs", []):
                self.known[kv["key"]] = (kv["mod_revision"], kv["version"])
        if operation.wrote():
            self.load.acknowledged(operation.ended)
            for key, value in operation.changes(bool(operation.response.get("succeeded", True))):
                self.known[key] = (operation.revision if value is not None else 0, 0)

    # What it may ask

    def value(self) -> bytes:
        self.count += 1
        return b"%d/%d/" % (self.number, self.count) + b"x" * self.random.choice(self.load.sizes)

    def put(self, key: bytes) -> tuple:
        return PUT, {"key": key, "value": self.value()}

    def swap(self, key: bytes) -> tuple:
        """Writes if nothing has happened since this client last saw the key."""
        return TXN, {"compare": [{"target": 2, "key": key, "mod_revision": self.known.get(key, (0, 0))[0]}],
                     "success": [{"request_put": {"key": key, "value": self.value()}}], "failure": [{"request_range": {"key": key}}]}

    def pair(self, key: bytes) -> tuple:
        other = PREFIX + b"%02d" % ((int(key[-2:]) + 1) % KEYS)
        return TXN, {"success": [{"request_put": {"key": key, "value": self.value()}}, {"request_put": {"key": other, "value": self.value()}},
                                 {"request_range": {"key": PREFIX, "range_end": PREFIX + b"\xff"}}]}

    def delete(self, key: bytes) -> tuple:
        return DELETE, {"key": key}

    def get(self, key: bytes) -> tuple:
        return RANGE, {"key": key}

    def list(self, _: bytes) -> tuple:
        return RANGE, {"key": PREFIX, "range_end": PREFIX + b"\xff"}

    def stale(self, _: bytes) -> tuple:
        return RANGE, {"key": PREFIX, "range_end": PREFIX + b"\xff", "serializable": True}

    def past(self, key: bytes) -> tuple:
        return RANGE, {"key": key, "revision": max(1, self.load.head - self.random.randrange(100))}

    def look(self, key: bytes) -> tuple:
        return TXN, {"compare": [{"target": 0, "result": 3, "key": key, "version": 0}], "success": [{"request_range": {"key": key}}],
                     "failure": [{"request_range": {"key": PREFIX, "range_end": PREFIX + b"\xff"}}]}


class Lessee(Worker):
    """Holds leases with a key each, and renews them at any member. `held`: [lease, key, when the last acknowledged renewal began]; `granted`:
    (lease, when it was asked for)."""
    TTL = 6

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(load, number)
        self.held: List[list] = []
        self.granted: List[Tuple[int, int]] = []

    def once(self) -> bool:
        try:
            if len(self.held) < 5 or self.random.random() < 0.02:
                began = time.monotonic_ns()
                lease = self.client.ask("Lease/LeaseGrant", timeout=self.load.timeout, TTL=self.TTL)["ID"]
                self.granted.append((lease, began))
                key = b"lease/%d" % lease
                if self.call(PUT, {"key": key, "lease": lease}).known:
                    self.held.append([lease, key, began])
            for item in self.held[-5:]:
                self.renew(item)
        except RuntimeError as error:
            self.load.trouble(str(error))
            return False
        time.sleep(0.3)
        return True

    def renew(self, item: list) -> None:
        began = time.monotonic_ns()
        code, text, answers = self.client.dialogue("/etcdserverpb.Lease/LeaseKeepAlive", [encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": item[0]})], 3)
        if code and not answers:
            raise RuntimeError(f"keepalive: {code} {text}")
        if decode("etcdserverpb.LeaseKeepAliveResponse", answers[0]).get("TTL", 0) > 0:
            item[2] = began


class Compactor(Worker):
    """Compacts now and then, always at the revision of a put of its own: what a hash takes in of a deletion that stands at the revision
    itself differs between versions (etcd 3.5.16)."""

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(load, number)
        self.marks: List[int] = []

    def once(self) -> bool:
        time.sleep(1)
        if not self.call(PUT, {"key": b"mark", "value": b"%d" % len(self.operations)}).known:
            return False
        self.marks.append(self.operations[-1].revision)
        old = [mark for mark in self.marks if mark < self.load.historian.next - BEHIND]
        if old:
            self.marks = self.marks[len(old):]
            self.load.compacting(old[-1])
            self.call(COMPACT, {"revision": old[-1]})
        return True


class Load:
    """Runs from `start` to `finish`, which says what is wrong."""

    def __init__(self, cluster: Cluster, seed: str, callers: int = 8, watchers: int = 3, lessees: int = 1, compact: bool = True,
                 pause: float = 0.005, timeout: float = 3, sizes=(0, 20, 300)) -> None:
        self.cluster, self.seed, self.pause, self.timeout, self.sizes = cluster, seed, pause, timeout, sizes
        self.running, self.head, self.compacted = True, 1, 0
        self.problems: Dict[str, int] = {}
        self.wrong: List[str] = []
        self.last_write, self.gaps, self.writes = time.monotonic_ns(), [], 0  # type: int, List[tuple], int
        self.lock = threading.Lock()
        self.historian = Historian(cluster, f"{seed}/historian")
        self.callers = [Caller(self, number) for number in range(callers)]
        self.lessees = [Lessee(self, 100 + number) for number in range(lessees)]
        self.watchers = [Watchers(cluster, self.historian, f"{seed}/watchers/{number}", PREFIX) for number in range(watchers)]
        self.workers: List[Worker] = [*self.callers, *self.lessees, *([Compactor(self, 200)] if compact else [])]
        self.filled: List[Operation] = []

    def fail(self, text: str) -> None:
        self.wrong.append(text)

    def acknowledged(self, at: int) -> None:
        with self.lock:
            if at - self.last_write > 500_000_000:
                self.gaps.append((self.last_write, (at - self.last_write) / 1e9))
            self.last_write, self.writes = max(at, self.last_write), self.writes + 1

    def start(self) -> "Load":
        self.last_write = time.monotonic_ns()
        for thread in [self.historian, *self.workers, *self.watchers]:
            thread.start()
        return self

    def compacting(self, revision: int) -> None:
        """Said before it is so: nobody may be blamed for what it takes away."""
        self.compacted = revision
        for watcher in self.watchers:
            watcher.compacted = revision

    def trouble(self, text: str) -> None:
        self.problems[text] = self.problems.get(text, 0) + 1

    def fill(self, entries: int, prefix: bytes, size: int = 0) -> None:
        """So many puts beside the load, as fast as they go."""
        leader, answers = self.cluster.leader(), {}  # type: Member, dict
        with leader.client() as client:
            for start in range(0, entries, 200):
                for number in range(start, min(start + 200, entries)):
                    key = prefix + b"%06d" % number
                    operation = Operation(0, leader.name, PUT, {"key": key, "value": key * 3 + b"x" * size}, time.monotonic_ns())
                    answers[operation] = client.channel.unary_unary(operation.path).future(operation.sent(), timeout=30)
                    self.filled.append(operation)
                for operation, future in answers.items():
                    try:
                        operation.answered(future.result())
                    except grpc.RpcError as error:  # the leader may end of what it is sent: what became of it is not known
                        operation.problem = f"{error.code()}"
                answers = {}

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.02)
        return condition()

    def advance(self, writes: int, seconds: float = 30) -> bool:
        """Waits for so many more acknowledged writes."""
        goal = self.writes + writes
        return self.until(lambda: self.writes >= goal, seconds)

    def longest_gap(self) -> float:
        """Seconds."""
        return max((seconds for _, seconds in self.gaps), default=0.5)

    @property
    def operations(self) -> List[Operation]:
        return [operation for worker in self.workers for operation in worker.operations] + self.filled

    def stop(self) -> None:
        self.running = False
        for thread in self.workers:
            thread.join(30)

    def finish(self, name: str, least: int = 500) -> int:
        """Ends the load, checks everything, and gives verdicts. The revision at the end."""
        self.stop()
        began, revision = time.monotonic(), self.cluster.settle()
        self.historian.wait(revision)
        for watcher in self.watchers:
            watcher.stop()
        self.historian.stop()
        operations = self.operations
        history = History(operations, self.historian.changes, PREFIX)
        wrong = self.wrong + self.historian.wrong + history.check()
        check(f"{name}: {self.writes} writes were acknowledged, each is there, and all answers are those of one order of events",
              not wrong and self.writes >= least, "\n       ".join(text[:900] for text in wrong[:5]) or f"too few, less than {least}: {self.problems}")
        self.check_watches(name, wrong)
        self.check_recording(name)
        self.check_leases(name)
        self.check_members(name, revision)
        unknown = sum(not operation.known for operation in operations)
        note(f"{name}: {len(operations)} calls, {unknown} without an answer, longest time without a write {self.longest_gap():.1f} s, "
             f"{len(self.historian.recorders)} turns of the watch of everything; checked in {time.monotonic() - began:.1f} s")
        return revision

    def check_watches(self, name: str, wrong: List[str]) -> None:
        recorders = [recorder for watcher in self.watchers for recorder in watcher.finished]
        if wrong:
            return  # there is no truth to hold them against
        truth = events(self.historian.changes)
        for recorder in recorders:
            if recorder.program != "martlet":
                without_bookmarks(recorder)
        found = [recorder.failure for recorder in recorders if recorder.failure]
        found += [text for recorder in recorders for text in violations(recorder, truth, self.compacted, 0)]
        told = sum(len(response.events) for recorder in recorders for response in recorder.responses)
        check(f"{name}: {len(recorders)} watches were told {told} events as the nine guarantees have it", not found and (told or not self.watchers),
              "\n       ".join(text[:600] for text in found[:4]) or "nothing was told")

    def check_recording(self, name: str) -> None:
        """The same by another checker, which was not told the order of what happened."""
        recorders = [*self.historian.recorders, *(recorder for watcher in self.watchers for recorder in watcher.finished)]
        leases = [granted for lessee in self.lessees for granted in lessee.granted]
        holds, said = judge(os.path.join(self.cluster.folder, "history.jsonl"), self.operations, recorders, leases)
        check(f"{name}: martlet-sim check-history finds nothing wrong", holds, said[-1500:])

    def check_leases(self, name: str) -> None:
        """No lease ended before its time, as far as its holder knows when that was."""
        if not self.lessees:
            return
        ended = {key: self.historian.told.seen_at[revision] for revision, changes in self.historian.changes.items()
                 for key, value in changes if value is None and key.startswith(b"lease/")}
        held = [item for lessee in self.lessees for item in lessee.held]
        early = [f"lease {lease:x} ended {(ended[key] - renewed) / 1e9:.2f} s after a renewal of {Lessee.TTL} s had begun" for lease, key, renewed in held
                 if key in ended and ended[key] - renewed < Lessee.TTL * 1e9]
        check(f"{name}: none of {len(held)} leases ended before its time ({len(ended)} did end)", not early and held, "; ".join(early[:3]) or "there were none")

    def check_members(self, name: str, revision: int) -> None:
        """All hold the same, now and in what history they have."""
        problem = self.cluster.unequal()
        if not check(f"{name}: all members have the same hash", not problem, problem):
            return  # they have been ended to see who is to blame
        wrong = []
        for member, client in each(self.cluster.voters()):
            compacted = client.ask("Maintenance/HashKV", revision=revision).get("compact_revision", 0)
            kept = whole(member, revision, max(compacted, 1) + 1)
            owed = {at: sorted(changes, key=str) for at, changes in self.historian.changes.items() if compacted < at <= revision}
            got = {at: sorted(changes, key=str) for at, changes in kept.items() if at <= revision}
            if got != owed:
                at = min((at for at in owed.keys() | got.keys() if owed.get(at) != got.get(at)), default=0)
                wrong.append(f"{member.name} ({member.program}) has at {at}: {got.get(at)}, and was {owed.get(at)}")
        check(f"{name}: the history of each member is that which was watched", not wrong, "; ".join(text[:600] for text in wrong))


def without_bookmarks(recorder: Recorder) -> None:
    """Bookmarks of etcd before 3.5.8 overtake events (its issue 15220): they promise nothing."""
    recorder.responses = [response for response in recorder.responses if not response.progress]
    recorder.seen = max((event.revision for response in recorder.responses for event in response.events), default=0)
