"""The nine guarantees of a watch, on the recorded history of a real server under random writes, compactions, defragmentations,
snapshots and slow clients.

Every write's answer names its revision, so that all that ever changed is known and in order; every watcher's record is held against it."""
import os
import random
import threading
import time
from typing import Callable, List

import grpc

from support.checks import check, finish, note
from support.messages import SCHEMA, decode, encode
from support.servers import Server
from support.watching import Interest, Recorder, Truth, violations

SEED, SECONDS = int(os.environ.get("SEED", "1")), float(os.environ.get("WATCH_SECONDS", "60"))
WRITERS, KEYS = 4, 24
SIZES = (10,) * 30 + (300,) * 10 + (20_000,) * 4 + (400_000,)
SNAPSHOT = "/etcdserverpb.Maintenance/Snapshot"
PREFIX, PREFIX_END = b"w/", b"w0"
# What is done beside the writes: every so many seconds, by which method of Run.
WORK = {"compactions": (0.4, "compact"), "defragmentations": (5, "defragment"), "snapshots": (4, "snapshot")}


class Run:
    def __init__(self, server: Server) -> None:
        self.server, self.truth, self.running = server, Truth(), True
        self.head, self.compacted, self.done, self.failures = 1, 0, {}, []  # type: int, int, dict, List[str]
        self.finished: List[Recorder] = []

    def every(self, seconds: float, name: str, action: Callable, randomness: random.Random) -> threading.Thread:
        """Repeats an action until the run is over."""
        def loop() -> None:
            with self.server.client() as client:
                while self.running:
                    try:
                        action(client, randomness)
                        self.done[name] = self.done.get(name, 0) + 1
                    except (RuntimeError, grpc.RpcError) as error:
                        self.failures.append(f"{name}: {error}")
                        return
                    time.sleep(seconds * randomness.uniform(0.5, 1.5))
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread

    # What is done to the server

    def writer(self, number: int) -> Callable:
        """Writes its own keys, so that it knows what is there."""
        keys, live = [PREFIX + b"%d/%02d" % (number, index) for index in range(KEYS)], set()

        def write(client, randomness: random.Random) -> None:
            chance, key = randomness.random(), randomness.choice(keys)
            value = randomness.getrandbits(64).to_bytes(8, "big") * (randomness.choice(SIZES) // 8 + 1)
            if chance < 0.15:
                changes = [(gone, None) for gone in sorted(live) if gone[-2:] < b"12"]
                answer = client.ask("KV/DeleteRange", key=PREFIX + b"%d/" % number, range_end=PREFIX + b"%d/12" % number)
            elif chance < 0.4:
                chosen = randomness.sample(keys, 5)
                changes = [(item, None) for item in chosen[:2] if item in live] + [(item, value[:2000]) for item in chosen[2:]]
                answer = client.ask("KV/Txn", success=[{"request_delete_range": {"key": item}} for item in chosen[:2]]
                                    + [{"request_put": {"key": item, "value": value[:2000]}} for item in chosen[2:]])
            else:
                changes, answer = [(key, value)], client.ask("KV/Put", key=key, value=value)
            if changes:
                self.truth.written(answer["header"]["revision"], changes)
            for item, content in changes:
                (live.discard if content is None else live.add)(item)
            self.head = max(self.head, answer["header"]["revision"])
        return write

    def compact(self, client, randomness: random.Random) -> None:
        wanted = randomness.randint(self.compacted, max(self.compacted, self.head - 20))
        if wanted > self.compacted and wanted > 1:
            self.compacted = wanted  # before it is so: nobody may be blamed for what it takes away
            client.ask("KV/Compact", revision=wanted, physical=randomness.random() < 0.3)

    def snapshot(self, client, _: random.Random) -> None:
        for _ in client.channel.unary_stream(SNAPSHOT)(b"", timeout=60):
            pass

    def defragment(self, client, _: random.Random) -> None:
        client.ask("Maintenance/Defragment", timeout=60)

    # Watchers

    def watch(self, client, randomness: random.Random) -> None:
        """One watcher of random interest, from the past, the future or now, for a while; one in three is slow."""
        shape = randomness.random()
        key, end = (PREFIX, PREFIX_END) if shape < 0.5 else (PREFIX + b"1/", PREFIX + b"2/") if shape < 0.8 else (PREFIX + b"2/05", b"")
        start = randomness.choice([0, self.head + randomness.randint(-100, 100), self.head + randomness.randint(-100, 100),
                                   self.compacted, self.compacted - randomness.randint(1, 30)])
        start = max(start, 0)
        filters = randomness.choice([(), (), (), (0,), (1,)])
        interest = Interest(key, end, start, randomness.random() < 0.6, filters, randomness.random() < 0.5)
        with self.server.client() as own:
            recorder = Recorder(own, interest, randomness.choice([0, 0, 0.05]))
            recorder.start()
            until = time.monotonic() + randomness.uniform(1, 8)
            while time.monotonic() < until and self.running and recorder.is_alive():
                time.sleep(randomness.uniform(0.05, 0.4))
                recorder.ask_progress()
            last = self.sentinel_seen(recorder) if recorder.is_alive() and not recorder.delay else 0
            recorder.end()
            recorder.last = last  # type: ignore[attr-defined]
            self.finished.append(recorder)

    def sentinel_seen(self, recorder: Recorder) -> int:
        """Waits until it has come as far as the store is now, which is the proof that nothing is missing at the end, either."""
        goal, until = self.head, time.monotonic() + 20
        while recorder.seen < goal and recorder.is_alive() and time.monotonic() < until:
            recorder.ask_progress()
            time.sleep(0.05)
        if recorder.is_alive() and recorder.seen < goal and recorder.interest.start <= goal:
            self.failures.append(f"{recorder.interest}: at {recorder.seen} after 20 s, the store was at {goal}")
        return goal if recorder.is_alive() and recorder.seen >= goal else 0


def main() -> None:
    with Server() as server:
        run = Run(server)
        seeded = [random.Random(f"{SEED}/{number}") for number in range(40)]
        threads = [run.every(0.02, "writes", run.writer(number), seeded[number]) for number in range(WRITERS)]
        threads += [run.every(pause, name, getattr(run, action), seeded[10 + number]) for number, (name, (pause, action)) in enumerate(WORK.items())]
        watchers = [run.every(0.1, "watchers", run.watch, seeded[20 + number]) for number in range(8)]
        time.sleep(SECONDS)
        run.running = False
        for thread in watchers + threads:
            thread.join(60)
        check("the server is alive", server.alive(), server.log_tail())
        conclude(run)
    finish()


def conclude(run: Run) -> None:
    missing = [revision for revision in range(2, run.head + 1) if revision not in run.truth.revisions]
    check("every revision is that of one answered write", not missing, f"{len(missing)} are not, first {missing[:3]}")
    if missing:
        return
    truth = run.truth.events()
    wrong = run.failures + [recorder.failure for recorder in run.finished if recorder.failure]
    wrong += [text for recorder in run.finished for text in violations(recorder, truth, run.compacted, recorder.last)]
    events = sum(len(response.events) for recorder in run.finished for response in recorder.responses)
    marks = sum(response.progress for recorder in run.finished for response in recorder.responses)
    canceled = sum(recorder.compacted > 0 for recorder in run.finished)
    check(f"{len(run.finished)} watchers: filtered, ordered, unique, atomic, bookmarkable, resumable, reliable, prev_kv and IsCreate right",
          not wrong and len(run.finished) > SECONDS / 2, "\n       ".join(text[:600] for text in wrong[:6]) or "too few")
    check(f"{events} events and {marks} bookmarks were told, {canceled} watchers found their start compacted", events and marks and canceled)
    done = ", ".join(f"{count} {name}" for name, count in sorted(run.done.items()))
    check("all kinds of work were done", len(run.done) == len(WORK) + 2, done)
    note(f"seed {SEED}, {SECONDS:.0f} s: {done}; {len(truth)} changes")


if __name__ == "__main__":
    main()
