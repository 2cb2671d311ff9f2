"""Watches of a cluster: one that sees all that ever happens, at whichever member, and many of random interest that end with their members."""
import random
import threading
import time
from typing import Dict, List, Tuple

from support.cluster import Cluster, Member
from support.history import Change
from support.watching import Interest, Recorder


class Kept(Recorder):
    """A recorder that keeps each response as it came. `whole`: [(response, nanoseconds)]."""

    def __init__(self, client, interest: Interest, delay: float = 0, program: str = "martlet") -> None:
        super().__init__(client, interest, delay)
        self.program, self.whole = program, []  # type: str, List[Tuple[bytes, int]]

    def heard(self, data: bytes) -> None:
        self.whole.append((data, time.monotonic_ns()))


class Values(Kept):
    """A recorder that hands events on; the end of its stream is no failure."""

    def __init__(self, client, interest: Interest, take, program: str = "martlet") -> None:
        super().__init__(client, interest, 0, program)
        self.take = take

    def note(self, message: dict) -> None:
        if message.get("compact_revision"):
            self.compacted = message["compact_revision"]
        elif message.get("canceled"):
            self.failure = f"canceled: {message}"
        self.take(message)


class Told:
    """All that a watch of everything was told. `changes`: {revision: [(key, value or None)]}; `seen_at`: by revision, when that was
    (nanoseconds), for revisions of `timed` keys."""

    def __init__(self, start: int = 2, timed: bytes = b"lease/") -> None:
        self.next, self.timed = start, timed
        self.changes: Dict[int, List[Change]] = {}
        self.seen_at: Dict[int, int] = {}
        self.wrong: List[str] = []

    def take(self, message: dict) -> None:
        for item in message.get("events", []):
            kv = item["kv"]
            revision, value = kv["mod_revision"], None if item.get("type") else kv.get("value", b"")
            if revision < self.next:
                self.wrong.append(f"the watch of everything was told revision {revision} again, after {self.next - 1}")
            self.changes.setdefault(revision, []).append((kv["key"], value))
            if kv["key"].startswith(self.timed):
                self.seen_at[revision] = time.monotonic_ns()
        if message.get("events"):
            self.next = max(self.next, message["events"][-1]["kv"]["mod_revision"] + 1)


class Historian(threading.Thread):
    """All that happens from revision 2 on, without a gap, told by one member after another."""

    def __init__(self, cluster: Cluster, seed: str) -> None:
        super().__init__(daemon=True)
        self.cluster, self.random, self.told = cluster, random.Random(seed), Told()
        self.running = True
        self.recorders: List[Values] = []

    @property
    def next(self) -> int:
        return self.told.next

    @property
    def changes(self) -> Dict[int, List[Change]]:
        return self.told.changes

    @property
    def wrong(self) -> List[str]:
        return self.told.wrong

    def run(self) -> None:
        while self.running:
            voters = self.cluster.voters()
            if not voters:
                time.sleep(0.05)
                continue
            self.follow(self.random.choice(voters))

    def follow(self, member: Member, seconds: float = 3) -> None:
        """Some time with one member; not longer than it lives."""
        with member.client() as client:
            recorder = Values(client, Interest(b"\0", b"\0", self.next, False, (), False), self.told.take, member.program)
            self.recorders.append(recorder)
            recorder.start()
            end = time.monotonic() + seconds
            while recorder.is_alive() and self.running and time.monotonic() < end:
                time.sleep(0.02)
            recorder.end()
        if recorder.compacted:
            self.wrong.append(f"the watch of everything fell behind a compaction at {recorder.compacted}, being at {self.next}")
            self.running = False

    def wait(self, revision: int, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while self.next <= revision and self.running and time.monotonic() < end:
            time.sleep(0.02)
        if self.next <= revision:
            self.wrong.append(f"the watch of everything came to {self.next - 1} and not to {revision} in {seconds} s")

    def stop(self) -> None:
        self.running = False
        self.join(20)


class Watchers(threading.Thread):
    """Watches of random interest at random members, one after the other, each for some seconds or until its member ends."""

    def __init__(self, cluster: Cluster, historian: Historian, seed: str, prefix: bytes) -> None:
        super().__init__(daemon=True)
        self.cluster, self.historian, self.random, self.prefix = cluster, historian, random.Random(seed), prefix
        self.running = True
        self.finished: List[Kept] = []
        self.compacted = 0

    def run(self) -> None:
        while self.running:
            voters = self.cluster.voters()
            if voters:
                self.watch(self.random.choice(voters))
            time.sleep(0.05)

    def interest(self) -> Interest:
        head = self.historian.next - 1
        key, end = self.random.choice([(self.prefix, self.prefix + b"\xff"), (self.prefix + b"00", b""), (self.prefix, self.prefix + b"05")])
        start = max(0, self.random.choice([0, head + self.random.randint(-100, 100), self.compacted + 1, self.compacted - 5]))
        return Interest(key, end, start, self.random.random() < 0.6, self.random.choice([(), (), (0,), (1,)]), self.random.random() < 0.5)

    def watch(self, member: Member) -> None:
        with member.client() as client:
            recorder = Kept(client, self.interest(), self.random.choice([0, 0, 0.02]), member.program)
            recorder.start()
            end = time.monotonic() + self.random.uniform(1, 6)
            while time.monotonic() < end and self.running and recorder.is_alive():
                time.sleep(self.random.uniform(0.05, 0.3))
                recorder.ask_progress()
            recorder.end()
        if recorder.failure.startswith("the stream ended"):
            recorder.failure = ""  # with its member, or in a partition: what it was told until then counts
        self.finished.append(recorder)

    def stop(self) -> None:
        self.running = False
        self.join(20)


def whole(member: Member, revision: int, start: int, seconds: float = 30) -> Dict[int, List[Change]]:
    """All that a member has from one revision to another."""
    told = Told(start)
    with member.client() as client:
        recorder = Values(client, Interest(b"\0", b"\0", start, False, (), False), told.take)
        recorder.start()
        end = time.monotonic() + seconds
        while told.next <= revision and recorder.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        recorder.end()
    return told.changes
