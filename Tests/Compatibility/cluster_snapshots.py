"""Members that come back too late for the log get a snapshot, under watchers; a member whose store was tampered with is found; and all
members of a cluster are restarted at once."""
import os
import time

from support.bolt import BoltFile, main_revision
from support.checks import check, finish, note
from support.cluster import Cluster, Member, Settings, kinds
from support.historian import Told, Values
from support.load import Load
from support.watching import Interest

SEED, ROUNDS = os.environ.get("SEED", "1"), int(os.environ.get("ROUNDS", "1"))
CORRUPT = 2


def snapshot_under_watchers() -> None:
    """A follower is away for longer than the log is kept. Watchers that it had before, that come to it before it has caught up, and that
    ask it for the future, all are told everything once and in order."""
    programs = kinds(3)
    entries = 6500 if programs[0] == "etcd" else 1500  # a real etcd 3.5.1 keeps 5000
    with Cluster(programs, Settings(snapshot_count=200, catchup=100)) as cluster:
        load = Load(cluster, f"{SEED}/snapshots", callers=4, watchers=2, compact=False).start()
        for _ in range(2 * ROUNDS):
            load.advance(200)
            away = cluster.followers()[0]
            revision = away.status()["header"]["revision"]
            away.end()
            load.fill(entries, b"fill/%d/" % revision)
            head = cluster.leader().status()["header"]["revision"]
            away.launch()
            starts = [revision - 50, revision + 1, head - 10, head + 20]
            told = follow_early(away, starts, head + 60, load)
            check("a follower that was away gets a snapshot", away.got_snapshot(), away.log_tail(500))
            wrong = [f"from {start}: {problem}" for start, it in zip(starts, told) for problem in complete(it, start, head + 60, load)]
            check("watchers of it have neither gap nor repetition", not wrong, "; ".join(wrong[:3]))
        load.finish("snapshots", 200)


def follow_early(member: Member, starts: list, goal: int, load: Load) -> list:
    """What watches from these revisions were told by a member that has just been started."""
    client, recorders, told = member.client(), [], []
    end = time.monotonic() + 30
    while client.unary("/etcdserverpb.KV/Range", b"\x0a\x01r\x38\x01", timeout=1)[0] and time.monotonic() < end:
        time.sleep(0.01)  # it does not listen yet; a serializable read is answered as soon as it does
    for start in starts:
        told.append(Told(start))
        recorders.append(Values(client, Interest(b"\0", b"\0", start, False, (), False), told[-1].take))
        recorders[-1].start()
    load.until(lambda: all(it.next > goal for it in told), 30)
    for recorder in recorders:
        recorder.end()
    client.close()
    return told


def complete(told: Told, start: int, goal: int, load: Load) -> list:
    load.historian.wait(goal)
    missing = [at for at in range(start, goal + 1) if at not in told.changes]
    different = [at for at, changes in told.changes.items() if at <= goal and changes != load.historian.changes.get(at)]
    return told.wrong + [f"not told {len(missing)}: {missing[:3]}"] * bool(missing) + [f"told otherwise at {different[:3]}"] * bool(different)


def corruption() -> None:
    """A byte of a stored value is changed in a member's file while it is down: when hashes are compared, the alarm names the member."""
    with Cluster(kinds(3), Settings(corrupt_check="3s")) as cluster:
        cluster.fill(300, b"whole/")
        victim = cluster.followers()[0]
        cluster.settle()
        time.sleep(0.5)
        victim.stop()
        check("a stored value is tampered with", tamper(victim.path("snap", "db"), b"whole/000123" * 3))
        forget_checksums(victim)
        victim.launch()
        alarms, end = [], time.monotonic() + 30
        while not alarms and time.monotonic() < end:
            time.sleep(0.2)
            alarms = cluster.ask("Maintenance/Alarm").get("alarms", [])
        named = {"memberID": victim.id} if victim.program == "martlet" else {}  # a real etcd 3.5.1 does not know who answered
        check("the alarm names the member that was tampered with", alarms == [{**named, "alarm": CORRUPT}], f"{alarms}, it is {victim.id}")


def tamper(path: str, value: bytes) -> bool:
    """Changes the last byte of a value, wherever it stands in the file's tree."""
    stored = next(data for key, data in BoltFile(path).contents()[b"key"].items() if main_revision(key) and value in data)
    with open(path, "r+b") as file:
        data, count = file.read(), 0
        at = data.find(stored)
        while at >= 0:
            file.seek(at + data[at:at + len(stored)].find(value) + len(value) - 1)
            file.write(b"!")
            count, at = count + 1, data.find(stored, at + 1)
    return count > 0


def forget_checksums(member: Member) -> None:
    """Martlet keeps checksums of pages beside the file, and would find it at once; it makes them anew from what it finds if they are gone."""
    for name in os.listdir(member.path("snap")):
        if "checksum" in name or name.endswith(".sums"):
            os.unlink(member.path("snap", name))


def restart_of_all() -> None:
    with Cluster(kinds(3)) as cluster:
        load = Load(cluster, f"{SEED}/restart", callers=4).start()
        stuck = 0
        for turn in range(3 * ROUNDS):
            stuck += not load.advance(100)
            for member in cluster.members:
                (member.stop if turn % 2 else member.end)()
            for member in cluster.members:
                member.launch()
        stuck += not load.advance(100)
        check("all members are ended at once, by SIGTERM and SIGKILL, and there is service again", not stuck, f"{stuck} times there was none: {load.problems}")
        load.finish("restart of all", 200)


if __name__ == "__main__":
    began = time.time()
    for part in (snapshot_under_watchers, corruption, restart_of_all):
        part()
        note(f"{part.__name__}: {time.time() - began:.0f} s")
    finish()
