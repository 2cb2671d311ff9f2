"""Kills the server with SIGKILL 50 times and more, each time under many clients and after at least 500 acknowledged writes: at
random moments, and at least three times each inside a file commit, a cut of the log's segment, a
compaction and a defragmentation.

The moments are found from outside, by watching the files, and proven by what the files hold after the kill. After each kill every
acknowledged write is there, no revision went back, HashKV at revisions read before is what it was, and the db file passes the page check. A
watch of everything goes on across the kills: it saw every acknowledged write once and in order, and nothing that is not there afterwards."""
import json
import os
import random
import sys
import threading
import time

from support.bolt import BoltFile, Damaged, main_revision
from support.checks import check, finish, note
from support.following import Follower
from support.ledger import Ledger, Writer
from support.servers import Server
from support.wal import SEGMENT_BYTES, is_preallocated, last_entry, segments

WRITES, WRITERS, EACH, TOTAL = 500, 16, 3, 50
SEED = int(os.environ.get("SEED", "1"))


class Trial:
    """A server that is killed again and again, and what it owes."""

    def __init__(self, server, seed):
        self.server, self.ledger, self.random = server, Ledger(), random.Random(seed)
        self.kills, self.hashes, self.wrong, self.smallest = 0, [], [], sys.maxsize
        self.follower = Follower()

    def read_hash(self, client):
        """Remembers HashKV at the newest revision."""
        revision = client.ask("Maintenance/Status")["header"]["revision"]
        answer = client.ask("Maintenance/HashKV", revision=revision)
        self.hashes.append((revision, answer.get("compact_revision", 0), answer["hash"]))

    def round(self, moment, end=Server.kill):
        """Writes, waits for the moment, ends the server, and checks. Gives back what shows that the end was inside the moment; empty if
        nothing does."""
        self.hashes, seed = [], self.random.randrange(1 << 30)
        with self.server.client() as client:
            self.read_hash(client)
            if moment.followed:
                self.follower.follow(self.server)
            writers = [Writer(self.server, self.ledger, number, seed, moment.sizes) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            while len(self.ledger.recent) < WRITES and self.server.alive() and any(writer.is_alive() for writer in writers):
                time.sleep(0.005)
            self.read_hash(client)
            moment.wait(self, client)
            if not self.server.alive():
                self.wrong.append(f"the server ended by itself: {self.server.log_tail(500)}")
            end(self.server)
        acknowledged = len(self.ledger.recent)
        for writer in writers:
            writer.running = False
            writer.join(30)
        if moment.followed:
            self.follower.lose()
        self.wrong += [writer.failure for writer in writers if writer.failure]
        self.smallest, self.kills = min(self.smallest, acknowledged), self.kills + 1
        return self.after(moment)

    def after(self, moment):
        path = self.server.path("snap", "db")
        try:
            BoltFile(path).check()
            evidence = moment.evidence(self.server)
        except Damaged as error:
            self.wrong.append(f"db file: {error}")
            evidence = ""
        self.server.start()
        with self.server.client() as client:
            if moment.followed:
                self.follower.check(self.server, self.ledger.recent)
            self.wrong += self.ledger.check(client)
            for revision, compacted, value in self.hashes:
                try:
                    answer = client.ask("Maintenance/HashKV", revision=revision)
                except RuntimeError as error:
                    if "compacted" not in str(error):
                        raise
                    continue
                if answer.get("compact_revision", 0) == compacted and answer["hash"] != value:
                    self.wrong.append(f"HashKV at {revision} was {value} and is {answer['hash']}")
        return evidence


class AnyMoment:
    name, sizes, followed = "random moment", (0, 30, 200, 2000), True

    def wait(self, trial, _):
        time.sleep(trial.random.uniform(0, 0.25))

    def evidence(self, _):
        return "any"


class FileCommit:
    """Between a commit's first page and its meta page."""
    name, sizes, followed = "file commit", (200, 2000, 20_000), True

    def wait(self, trial, _):
        path, quiet = trial.server.path("snap", "db"), time.monotonic()
        seen, end = os.stat(path).st_mtime_ns, time.monotonic() + 5
        while time.monotonic() < end:
            now = os.stat(path).st_mtime_ns
            if now != seen:
                if time.monotonic() - quiet > 0.03:
                    time.sleep(trial.random.choice([0, 0, 0.0003, 0.001]))
                    return
                seen, quiet = now, time.monotonic()

    def evidence(self, server):
        """Pages in the file hold a revision that no tree of the file has reached: they were written for a meta page that was not."""
        file = BoltFile(server.path("snap", "db"))
        newest = max((main_revision(key) or 0 for key in file.contents().get(b"key", {})), default=0)
        beyond = max((main_revision(key) or 0 for key, _ in file.leaves_out_of_tree()), default=0)
        return f"the tree ends at revision {newest}, pages outside it hold {beyond}" if beyond > newest else ""


class SegmentCut:
    """From the moment the full segment is cut to its size until the first entry in the next one. No watch goes on here: a client that
    takes in 64 MB for each segment would make this one miss the moment."""
    name, sizes, followed = "segment cut", (100,) * 8 + (1_000_000,), False

    def wait(self, trial, _):
        folder = trial.server.path("wal")
        before, end = len(segments(folder)), time.monotonic() + 60
        self.left_over = set(self.begun(folder))
        way = trial.random.choice(["header", "renamed"])
        while time.monotonic() < end:
            if len(segments(folder)) > before or (way == "header" and set(self.begun(folder)) - self.left_over):
                return

    @staticmethod
    def begun(folder):
        """(inode, name) of the segments being made that have their first records but not yet their names."""
        for entry in os.scandir(folder):
            try:
                if entry.name.endswith(".tmp") and not is_preallocated(entry.path):
                    yield entry.inode(), entry.name
            except FileNotFoundError:
                continue

    def evidence(self, server):
        folder = server.path("wal")
        _, entries = last_entry(folder)
        if os.path.getsize(segments(folder)[-1]) == SEGMENT_BYTES and len(segments(folder)) > 1 and entries == 0:
            return f"{os.path.basename(segments(folder)[-1])} has no entry yet"
        if unfinished := set(self.begun(folder)) - self.left_over:
            return f"{min(unfinished)[1]} has its header and not its name"
        return ""


class Compaction:
    """Between the mark that a compaction was begun and the mark that it is done."""
    name, sizes, followed = "compaction", (0, 30, 200), True

    def wait(self, trial, client):
        keys = [b"compacted/%03d" % number for number in range(100)]
        for turn in range(150):
            value = b"%d/%d" % (trial.kills, turn)
            puts = [{"request_put": {"key": key, "value": value}} for key in keys]
            revision = client.ask("KV/Txn", success=puts)["header"]["revision"]
            for key in keys:
                trial.ledger.answered(key, revision, value)
        trial.ledger.recent = [item for item in trial.ledger.recent if not item[0].startswith(b"compacted/") or item[1] == revision]
        client.ask("KV/Compact", revision=revision - 5)
        try:
            trial.read_hash(client)
        finally:
            time.sleep(trial.random.uniform(0, 0.1))

    def evidence(self, server):
        meta = BoltFile(server.path("snap", "db")).contents()[b"meta"]
        scheduled, finished = (main_revision(meta.get(key, b"")) or 0 for key in (b"scheduledCompactRev", b"finishedCompactRev"))
        return f"compaction to {scheduled} begun, {finished} done" if scheduled > finished else ""


class Defragmentation:
    """While pages are moved: after the log says so, before the answer."""
    name, sizes, followed = "defragmentation", (200, 2000, 20_000), True

    def wait(self, trial, client):
        keys = [b"holes/%03d" % number for number in range(100)]
        for turn in range(60):
            value = b"%d/%d/" % (trial.kills, turn) + b"h" * 4000
            puts = [{"request_put": {"key": key, "value": value}} for key in keys]
            revision = client.ask("KV/Txn", success=puts)["header"]["revision"]
            for key in keys:
                trial.ledger.answered(key, revision, value)
        trial.ledger.recent = [item for item in trial.ledger.recent if not item[0].startswith(b"holes/") or item[1] == revision]
        client.ask("KV/Compact", revision=revision - 5, physical=True)
        trial.read_hash(client)
        self.caller = threading.Thread(target=self.defragment, args=(trial.server,), daemon=True)
        with open(trial.server.log, "rb") as log:
            log.seek(0, os.SEEK_END)
            self.caller.start()
            said, end = b"", time.monotonic() + 5
            while b'"defragmenting"' not in said and time.monotonic() < end:
                said += log.read()
        time.sleep(trial.random.uniform(0, 0.08))

    @staticmethod
    def defragment(server):
        with server.client() as client:
            client.unary("/etcdserverpb.Maintenance/Defragment", timeout=30)

    def evidence(self, server):
        """What the server last said in its log of a defragmentation, which is not its end, and the holes still in the file."""
        self.caller.join(30)
        with open(server.log, encoding="utf-8", errors="replace") as log:
            said = [json.loads(line) for line in log if "defragment" in line and line.endswith("}\n")]
        file = BoltFile(server.path("snap", "db")).check()
        if not said or said[-1]["msg"] == "finished defragmenting directory":
            return ""
        before = next(record for record in reversed(said) if record["msg"] == "defragmenting")["current-db-size-bytes"]
        return f"no end in the log, {file['free']} of {file['pages']} pages free, the file had {before} bytes when it began"


def rounds(moment, kills, most):
    """Kills at this moment until there were so many kills and, for a certain moment, enough of them inside. The number of kills."""
    began = time.time()
    with Server() as server:
        trial, inside = Trial(server, f"{SEED}/{moment.name}"), []
        while (trial.kills < kills or len(inside) < EACH) and trial.kills < most and not trial.wrong and not trial.follower.wrong:
            if evidence := trial.round(moment):
                inside.append(evidence)
        server.stop()
    check(f"{moment.name}: {trial.kills} kills, each after at least {WRITES} acknowledged writes", trial.smallest >= WRITES,
          f"one after {trial.smallest}")
    if moment.followed:
        check(f"{moment.name}: a watch saw every acknowledged write once, in order, and nothing else", not trial.follower.wrong,
              "; ".join(trial.follower.wrong[:3]))
    check(f"{moment.name}: every acknowledged write is there, no revision went back, HashKV is as it was, the file is whole",
          not trial.wrong, "; ".join(trial.wrong[:3]))
    if moment.name != "random moment":
        check(f"{moment.name}: at least {EACH} kills were inside", len(inside) >= EACH, f"{len(inside)} of {trial.kills}")
        for text in inside[:EACH]:
            note(text)
    note(f"{moment.name}: {len(trial.ledger.acknowledged)} keys, {time.time() - began:.0f} s")
    return trial.kills


if __name__ == "__main__":
    total = rounds(FileCommit(), 6, 20) + rounds(SegmentCut(), 4, 40) + rounds(Compaction(), 4, 20) + rounds(Defragmentation(), 4, 20)
    total += rounds(AnyMoment(), TOTAL - total, TOTAL)
    check(f"{total} kills in all", total >= TOTAL, f"fewer than {TOTAL}")
    finish()
