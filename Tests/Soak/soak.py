"""A load shaped like that of Kubernetes, for ten minutes or as long as is said, on Martlet's release server.

  soak.py                          ten minutes
  soak.py --seconds 60             a minute
  soak.py --write docs/soak.md     adds a line to that file's table

Objects of several resources are created, updated and deleted by optimistic transactions; a watch cache for each resource is held against
the store at every bookmark and at the end; events have leases that end; every few seconds the past is compacted; some objects have 1 MB.
In the first 40 % of the time the server is ended again and again, by SIGTERM and SIGKILL in turn, and watches go on from the last revision
they saw. In the rest it runs on, and its memory and descriptors must stay flat."""
import argparse
import datetime
import os
import signal
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "Tests", "Compatibility"))

from figures import Sampler, slope  # noqa: E402
from objects import Cache, Caller, Gone, Refused, Tally, Writer  # noqa: E402
from support.checks import check, finish, note  # noqa: E402
from support.servers import SERVER, Server  # noqa: E402

# (prefix, objects to each namespace, sizes in bytes, writes per second, seconds to live)
RESOURCES = [
    (b"/registry/pods/", 60, [1000, 2000, 4000], 40, 0), (b"/registry/leases/", 20, [300], 60, 0),
    (b"/registry/configmaps/", 4, [500, 20_000, 200_000, 1_000_000], 3, 0), (b"/registry/events/", 200, [600], 40, 10)]
RESTARTS = 0.4  # the part of the time in which the server is ended again and again
EVERY = 20.0  # seconds between two ends
COMPACT_EVERY, COMPACT_BEHIND = 3.0, 12.0  # seconds
MEMORY_GROWTH = 0.25  # what anonymous memory may grow by over the flat part, of its mean
MEMORY_SLACK = 24 << 20  # bytes it may grow by in any case
DESCRIPTOR_SPREAD = 8


class Soak:
    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds, self.server, self.tally = seconds, Server(), Tally()
        self.server.start()
        self.caller = Caller(self.server)
        self.writers = [Writer(self.server, self.tally, prefix, count, sizes, rate, f"{seed}/{prefix!r}/{number}", ttl)
                        for prefix, count, sizes, rate, ttl in RESOURCES for number in range(2)]
        self.caches = [Cache(self.server, self.tally, prefix) for prefix, *_ in RESOURCES]
        self.sampler = Sampler(lambda: self.server.process.pid)
        self.heads: list = []  # (time, revision)
        self.restarts = {"SIGTERM": 0, "SIGKILL": 0}
        self.longest_restart = 0.0

    def run(self) -> None:
        for thread in [*self.caches, *self.writers, self.sampler]:
            thread.start()
        began = time.monotonic()
        next_restart, next_compaction, next_progress = began + EVERY, began + COMPACT_EVERY, began
        while (now := time.monotonic()) < began + self.seconds:
            if now >= next_progress:
                next_progress = now + 0.7
                for cache in self.caches:
                    cache.ask_progress()
            if now >= next_compaction:
                next_compaction = now + COMPACT_EVERY
                self.compact(now)
            if now >= next_restart and now < began + self.seconds * RESTARTS:
                next_restart = now + EVERY
                self.restart()
            if not self.server.alive():
                self.tally.fail(f"the server ended by itself: {self.server.log_tail()}")
                return
            time.sleep(0.05)
        self.settle()

    def compact(self, now: float) -> None:
        """As Kubernetes does it: a transaction on a key of its own, then what was the newest revision some time ago."""
        try:
            answer = self.caller.ask("KV/Txn", compare=[{"target": 0, "result": 1, "key": b"compact_rev_key", "version": 0}],
                                     success=[{"request_put": {"key": b"compact_rev_key", "value": b"%d" % int(now)}}],
                                     failure=[{"request_put": {"key": b"compact_rev_key", "value": b"0"}}])
            self.heads.append((now, answer["header"]["revision"]))
            old = [head for at, head in self.heads if at <= now - COMPACT_BEHIND]
            if old:
                self.caller.ask("KV/Compact", revision=old[-1])
                self.heads = [(at, head) for at, head in self.heads if head > old[-1]]
                self.tally.add("compactions")
        except Gone:
            pass
        except Refused as error:
            if "compacted" not in str(error):  # an answer that never came, before a kill
                self.tally.fail(str(error))

    def restart(self) -> None:
        kind = "SIGTERM" if self.restarts["SIGTERM"] <= self.restarts["SIGKILL"] else "SIGKILL"
        began = time.monotonic()
        self.server.process.send_signal(getattr(signal, kind))
        code = self.server.process.wait(30)
        if kind == "SIGTERM" and code not in (0, -signal.SIGTERM):
            self.tally.fail(f"SIGTERM: exit code {code}: {self.server.log_tail()}")
        self.server.start()
        self.restarts[kind] += 1
        self.longest_restart = max(self.longest_restart, time.monotonic() - began)

    def settle(self) -> None:
        """Writers stop; every cache must come to be what the store is."""
        for writer in self.writers:
            writer.running = False
        for writer in self.writers:
            writer.join(20)
        time.sleep(1)
        for cache in self.caches:
            head = self.caller.ask("KV/Range", key=b"compact_rev_key")["header"]["revision"]
            until = time.monotonic() + 30
            while cache.revision < head and time.monotonic() < until:
                cache.ask_progress()
                time.sleep(0.1)
            cache.running = False
            if cache.call:
                cache.call.cancel()
            cache.join(20)
            if cache.revision < head:
                self.tally.fail(f"cache of {cache.prefix!r}: at {cache.revision} 30 s after the end, the store is at {head}")
            elif cache.compare(cache.revision, values=True):
                self.tally.add("caches equal at the end")
        self.sampler.running = False


def conclude(soak: Soak) -> dict:
    counts, restarts = soak.tally.counts, sum(soak.restarts.values())
    life = soak.sampler.last_life(min(60, soak.seconds * 0.1))
    span = life[-1].seconds - life[0].seconds
    memory = [(sample.seconds, sample.anonymous) for sample in life]
    mean = sum(value for _, value in memory) / len(memory)
    growth = slope(memory) * span
    descriptors = [sample.descriptors for sample in life]
    check(f"no event lost, none twice, none wrong, in {counts.get('events', 0)} events", not soak.tally.wrong, "\n       ".join(soak.tally.wrong[:6]))
    check(f"each cache was the store at {counts.get('bookmarks compared', 0)} bookmarks and at the end",
          counts.get("caches equal at the end") == len(RESOURCES) and counts.get("bookmarks compared", 0) > soak.seconds / 5, counts)
    check(f"{restarts} restarts, the longest {soak.longest_restart:.1f} s; watches went on without a list",
          counts.get("caches filled by a list") == len(RESOURCES) and (restarts or soak.seconds < 2 * EVERY), counts)
    check(f"anonymous memory is flat: {mean / 2**20:.0f} MiB, {growth / 2**20:+.1f} MiB in {span:.0f} s ({growth / 2**20 / max(span, 1) * 60:+.2f} MiB a minute)",
          growth <= max(MEMORY_SLACK, MEMORY_GROWTH * mean), f"from {memory[0][1] >> 20} to {memory[-1][1] >> 20} MiB")
    check(f"descriptors are flat: {min(descriptors)} to {max(descriptors)}", max(descriptors) - min(descriptors) <= DESCRIPTOR_SPREAD)
    check("each kind of work was done", all(counts.get(name) for name in ("compactions", "leases granted", "transactions that won", "objects listed")), counts)
    for name, count in sorted(counts.items()):
        note(f"{count:9} {name}")
    return {"events": counts.get("events", 0), "writes": counts.get("transactions that won", 0), "bookmarks": counts.get("bookmarks compared", 0),
            "compactions": counts.get("compactions", 0), "restarts": restarts, "longest": soak.longest_restart, "mean": mean / 2**20,
            "growth": growth / 2**20 / max(span, 1) * 60, "descriptors": f"{min(descriptors)}-{max(descriptors)}", "wrong": len(soak.tally.wrong)}


def write(path: str, seconds: float, row: dict) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"| {datetime.date.today()} | {commit} | {seconds:.0f} s | {row['writes']} | {row['events']} | {row['bookmarks']} | {row['compactions']} | "
                   f"{row['restarts']} ({row['longest']:.1f} s) | {row['wrong']} | {row['mean']:.0f} MiB | {row['growth']:+.2f} MiB | {row['descriptors']} |\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", metavar="FILE")
    arguments = parser.parse_args()
    note(f"{SERVER}, {arguments.seconds:.0f} s, seed {arguments.seed}")
    soak = Soak(arguments.seconds, arguments.seed)
    try:
        soak.run()
        row = conclude(soak)
    finally:
        soak.server.close()
    if arguments.write:
        write(arguments.write, arguments.seconds, row)
    finish()


if __name__ == "__main__":
    main()
