"""Kills members of a cluster with SIGKILL under a recorded load: the leader and followers in turn, two of five at once, and all at once.

  cluster_kill9.py                       as in the tests
  KILLS=200 SEED=7 cluster_kill9.py      longer

What must hold is said in support/load.py. A real etcd 3.5.1 (CLUSTER=etcd) is ended by SIGTERM: when killed it forgets entries (13766)."""
import os
import random
import time

from support.checks import check, finish, note
from support.cluster import Cluster, Settings, kinds
from support.load import Load

SEED, KILLS = os.environ.get("SEED", "1"), int(os.environ.get("KILLS", "8"))
BACK = 10.0  # seconds within which there is service again; many elections long


def trial(count: int, kills: int) -> None:
    name, chance = f"{count} members", random.Random(f"{SEED}/{count}")
    began, leaders = time.time(), 0
    with Cluster(kinds(count), Settings(snapshot_count=1000, catchup=500)) as cluster:
        load = Load(cluster, f"{SEED}/kill9/{count}").start()
        stuck = 0
        for turn in range(kills):
            stuck += not load.advance(chance.randint(100, 300))
            leader = cluster.leader()
            others = [member for member in cluster.up() if member is not leader]
            victims = [leader] if turn % 2 == 0 else [chance.choice(others)]
            if count == 5 and turn % 3 == 2:
                victims = [leader, chance.choice(others)]
            leaders += leader in victims
            for member in victims:
                member.end()
            stuck += not load.advance(100)
            for member in victims:
                member.launch()
            time.sleep(chance.uniform(0, 1))
        for member in cluster.members:
            member.wait()
        load.advance(100)
        for member in cluster.members:
            member.end()
        for member in cluster.members:
            member.launch()
        stuck += not load.advance(100)
        check(f"{name}: {kills} times a member was killed, {leaders} times the leader, and at the end all: there were writes each time", not stuck,
              f"{stuck} times there were none")
        check(f"{name}: there was service again within {BACK:.0f} s each time", load.longest_gap() < BACK, f"{load.longest_gap():.1f} s")
        load.finish(name)
    note(f"{name}: {time.time() - began:.0f} s")


if __name__ == "__main__":
    trial(3, KILLS)
    trial(5, max(3, KILLS // 3))
    finish()
