"""A recorded load while members are paused (SIGSTOP), run out of disk, and speak over a network that delays and loses."""
import os
import random
import shutil
import time

from support.network import SmallDisk, isolate

isolate()  # before anything of gRPC's runs

# pylint: disable=wrong-import-position
from support.checks import check, finish, note  # noqa: E402
from support.cluster import Cluster, Settings, kinds  # noqa: E402
from support.load import Load  # noqa: E402
from support.proxy import Proxied  # noqa: E402

SEED, ROUNDS = os.environ.get("SEED", "1"), int(os.environ.get("ROUNDS", "1"))
DISK = 200  # megabytes: a segment of the log, the next, and some for the store


def pauses() -> None:
    """Members stand still for a while, and go on as if nothing had been: no read is stale, and no lease ends early."""
    chance = random.Random(f"{SEED}/pauses")
    with Cluster(kinds(3)) as cluster:
        load = Load(cluster, f"{SEED}/pauses").start()
        stuck = changed = 0
        for turn in range(4 * ROUNDS):
            load.advance(100)
            leader = cluster.leader()
            victim = leader if turn % 2 == 0 else chance.choice(cluster.followers())
            victim.pause()
            end = time.monotonic() + chance.choice([0.2, 1, 3])
            if turn < 2:
                end = time.monotonic() + 3  # long enough for another to be elected
            time.sleep(max(0, end - time.monotonic()))
            stuck += not load.advance(30)
            victim.resume()
            changed += victim is leader and cluster.leader() is not leader
        check("pauses: the others go on without who stands still", not stuck, f"{stuck} times they did not")
        check("pauses: a leader that stands still is replaced", changed)
        load.finish("pauses", 200)


def full_disk() -> None:
    """A member whose disk is full ends without having said that anything was written that was not, and comes back when there is room."""
    disks: list = []
    with Cluster(kinds(3)) as cluster:
        try:
            fill_disks(cluster, disks)
        finally:
            for disk in disks:
                disk.close()


def fill_disks(cluster: Cluster, disks: list) -> None:
    load = Load(cluster, f"{SEED}/disk", lessees=0, compact=False).start()
    for victim in (cluster.followers()[0], cluster.leader()):
        kind = "a follower" if victim is not cluster.leader() else "the leader"
        victim.end()
        disks.append(disk := SmallDisk(os.path.join(victim.folder, "disk"), DISK))
        victim.data = shutil.move(victim.data, os.path.join(disk.folder, "data"))
        victim.start()
        load.advance(100)
        disk.fill(leave=128 << 10)
        for part in range(50):  # a file of the store's grows by 16 MB at a time, so it takes some until there is no room
            if victim.up():
                load.fill(10, b"disk/%d/%d/" % (len(disks), part), 80_000)
        ended = load.until(lambda: not victim.up(), 60)  # pylint: disable=cell-var-from-loop
        code = victim.process.poll()
        check(f"full disk of {kind}: it ends by itself, and says so", ended and code != 0, f"code {code}: {victim.log_tail(500)}")
        check(f"full disk of {kind}: the others go on", load.advance(100), load.problems)
        disk.free()
        victim.start()
        check(f"full disk of {kind}: with room it comes back", victim.up(), victim.log_tail(500))
    load.finish("full disk", 200)


def bad_network() -> None:
    """Peers speak through proxies that delay, lose and cut."""
    with Proxied() as network:
        cluster = Cluster(kinds(3), Settings(heartbeat=100, election=1000), network)
        network.conditions(0)
        with cluster:
            load = Load(cluster, f"{SEED}/network", timeout=5).start()
            for delay, jitter, loss in [(10, 10, 0), (40, 40, 0.02), (5, 100, 0.1)] * ROUNDS:
                network.conditions(delay, jitter, loss)
                check(f"a delay of {delay} to {delay + jitter} ms, {loss:.0%} lost: writes go on", load.advance(100, 40), load.problems)
            network.conditions(0)
            load.advance(100)
            load.finish("a bad network", 200)


if __name__ == "__main__":
    began = time.time()
    for part in (pauses, full_disk, bad_network):
        part()
        note(f"{part.__name__}: {time.time() - began:.0f} s")
    finish()
