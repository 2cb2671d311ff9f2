"""Cuts a cluster apart with packet filters, each member in a network namespace of its own, under a recorded load: one member, the leader,
halves, and one direction only. The greater side serves, the smaller side answers nothing that may be stale, and afterwards all is one."""
import os
import time

from support.network import Namespaces, isolate, partitions

isolate()  # before anything of gRPC's runs

# pylint: disable=wrong-import-position
from support.checks import check, finish, note  # noqa: E402
from support.cluster import Cluster, Member, kinds  # noqa: E402
from support.load import Load  # noqa: E402

SEED, ROUNDS = os.environ.get("SEED", "1"), int(os.environ.get("ROUNDS", "1"))
BACK = 8.0  # seconds within which there is service


def refuses(member: Member) -> str:
    """What a linearizable read of a member that has no majority is answered with; it must not be answered with contents."""
    with member.client() as client:
        code, text, _ = client.unary("/etcdserverpb.KV/Range", b"\x0a\x01r", timeout=2)
        return f"{code} {text}" if code else ""


def serves(member: Member, seconds: float) -> float:
    """How long it takes until a member answers a linearizable read; infinite if it does not."""
    began = time.monotonic()
    with member.client() as client:
        while time.monotonic() < began + seconds:
            if client.unary("/etcdserverpb.KV/Range", b"\x0a\x01r", timeout=1)[0] == 0:
                return time.monotonic() - began
    return float("inf")


def trial(count: int, only: str = "") -> None:
    with Namespaces() as network, Cluster(kinds(count), network=network) as cluster:
        load = Load(cluster, f"{SEED}/partitions/{count}").start()
        for name in list(partitions(cluster.members, cluster.leader())) * ROUNDS:
            if only not in name:
                continue
            load.advance(100)
            one, others, both = partitions(cluster.members, cluster.leader())[name]
            network.cut(one, others, both)
            cut_off = time.monotonic()
            greater, smaller = sorted((one, others), key=len, reverse=True)
            late = max(serves(member, BACK) for member in greater[:2])
            check(f"{count} members, {name}: the greater side serves", late < BACK, f"not within {BACK} s: {cluster.tails(400)}")
            time.sleep(max(0, cut_off + 1.5 - time.monotonic()))
            if both:
                answers = [refuses(member) for member in smaller]
                check(f"{count} members, {name}: the smaller side answers no linearizable read", all(answers), answers)
            load.advance(50, 10)
            network.heal()
            late = max(serves(member, BACK) for member in cluster.members)
            check(f"{count} members, {name}: all serve when it is over", late < BACK, f"not within {BACK} s: {cluster.tails(400)}")
        load.finish(f"{count} members, partitions")
        note(f"what calls without an answer ended with: {sorted(load.problems.items(), key=lambda item: -item[1])[:8]}")


if __name__ == "__main__":
    trial(3)
    trial(5, "halves")
    finish()
