"""Martlet and real etcd 3.5.1 in one cluster, in every combination of three, each leading in turn under a recorded load; members of either
kind come and go; each sends the other snapshots; and at the end all hold the same.

A real etcd 3.5.1 is ended by SIGTERM only: killed, it forgets entries (issue 13766). If hashes differ, the log is applied anew to see who is wrong."""
import os
import time

from support.checks import check, finish, note
from support.cluster import Cluster, Settings, each, kinds
from support.load import Load

SEED, ROUNDS = os.environ.get("SEED", "1"), int(os.environ.get("ROUNDS", "1"))
ONLY = os.environ.get("ONLY", "")
NOSPACE = 1
KINDS = {"M": kinds(1)[0], "E": "etcd"}
COMBINATIONS = ("MMM", "MME", "MEE")


def each_leads(combination: str) -> None:
    with Cluster([KINDS[letter] for letter in combination], Settings(snapshot_count=1000, catchup=500)) as cluster:
        load, stuck = Load(cluster, f"{SEED}/mixed/{combination}").start(), []
        for leader in list(cluster.members) * ROUNDS:
            cluster.move_leader(leader)
            if not load.advance(100):
                stuck.append(f"while {leader.name} ({leader.program}) led")
            for follower in [member for member in cluster.members if member is not leader]:
                follower.end()
                if not load.advance(40):
                    stuck.append(f"while {leader.name} ({leader.program}) led and {follower.name} was away")
                follower.start()
            leader.end()
            if not load.advance(40):
                stuck.append(f"after {leader.name} ({leader.program}) had led and ended")
            leader.start()
        check(f"{combination}: each leads in turn, is followed, and is done without", not stuck, "; ".join(stuck) + str(load.problems))
        load.finish(combination)
        leases(combination, cluster)
        alarms(combination, cluster)
        problem = cluster.unequal()
        check(f"{combination}: all members have the same hash in the end", not problem, problem)


def leases(combination: str, cluster: Cluster) -> None:
    """Granted at one, seen, used and revoked at others; one that nobody renews ends everywhere."""
    wrong, short = [], cluster.ask("Lease/LeaseGrant", TTL=2)["ID"]
    cluster.ask("KV/Put", key=b"short", lease=short)
    for member, client in each(cluster.members):
        lease = client.ask("Lease/LeaseGrant", TTL=60)["ID"]
        client.ask("KV/Put", key=b"long/%d" % lease, lease=lease)
        for other, its in each(cluster.members):
            left = its.ask("Lease/LeaseTimeToLive", ID=lease, keys=True)
            if left.get("keys") != [b"long/%d" % lease] or not 50 < left.get("TTL", 0) <= 60:
                wrong.append(f"of {member.name}, at {other.name}: {left}")
    end = time.monotonic() + 15
    while cluster.ask("KV/Range", key=b"short").get("kvs") and time.monotonic() < end:
        time.sleep(0.2)
    for member, client in each(cluster.members):
        if client.ask("Lease/LeaseTimeToLive", ID=short).get("TTL") != -1 or client.ask("KV/Range", key=b"short").get("kvs"):
            wrong.append(f"{member.name} has a lease that is over")
    check(f"{combination}: leases are the same at each", not wrong, "; ".join(wrong[:4]))


def alarms(combination: str, cluster: Cluster) -> None:
    """An alarm raised through one member is known to all, and so is its end."""
    for member, client in each(cluster.members):
        client.ask("Maintenance/Alarm", action=1, memberID=member.id, alarm=NOSPACE)
        time.sleep(0.3)
        seen = [its.ask("Maintenance/Alarm").get("alarms") for _, its in each(cluster.members)]
        refused = []
        for _, its in each(cluster.members):
            refused.append(its.unary("/etcdserverpb.KV/Put", b"\x0a\x01a")[1])
        client.ask("Maintenance/Alarm", action=2, memberID=member.id, alarm=NOSPACE)
        if seen != [[{"memberID": member.id, "alarm": NOSPACE}]] * len(seen) or set(refused) != {"etcdserver: mvcc: database space exceeded"}:
            check(f"{combination}: an alarm of {member.name}", False, f"{seen} {refused}")
    cluster.ask("KV/Put", key=b"a")
    check(f"{combination}: alarms are raised, refuse writes at each, and end", True)


def snapshots(leading: str, away: str) -> None:
    """A member that was away for longer than the log is kept gets the whole store from a leader of the other kind."""
    with Cluster([KINDS[leading], KINDS[leading], KINDS[away]], Settings(snapshot_count=300, catchup=100)) as cluster:
        load = Load(cluster, f"{SEED}/snapshots/{leading}", callers=4).start()
        cluster.move_leader(cluster.members[0])
        load.advance(100)
        late = cluster.members[2]
        late.end()
        load.fill(6000 if KINDS[leading] == "etcd" else 1500, b"fill/")
        late.start()
        check(f"{away} gets a snapshot from {leading}", late.got_snapshot(), late.log_tail(600))
        load.advance(100)
        cluster.move_leader(late)
        check(f"{away} leads after it", load.advance(100), load.problems)
        load.finish(f"a snapshot from {leading} to {away}", 100)


def downgrade(cluster: Cluster) -> None:
    """Takes a cluster of Martlets, which is of version 3.6, down to 3.5, so that an etcd 3.5 can join it."""
    cluster.ask("Maintenance/Downgrade", action=1, version=b"3.5")
    versions, end = [], time.monotonic() + 30
    while versions != [b"3.5.0"] * len(cluster.members) and time.monotonic() < end:
        time.sleep(0.2)
        versions = [member.status().get("storageVersion") for member in cluster.members]
    check("a cluster of Martlets is taken down to 3.5", versions == [b"3.5.0"] * len(cluster.members), versions)


def members(first: str, joins: str) -> None:
    """A member of the other kind joins as a learner, is promoted and leads; one of the first three goes."""
    with Cluster([KINDS[first]] * 3) as cluster:
        time.sleep(5)  # a change is refused until all have been connected for so long
        if KINDS[joins] == "etcd" and KINDS[first] == "martlet":
            downgrade(cluster)
        load = Load(cluster, f"{SEED}/members/{joins}", callers=4).start()
        load.advance(100)
        added = cluster.add(KINDS[joins], learner=True)
        load.advance(50)
        cluster.promote(added)
        cluster.remove(cluster.followers()[0])
        cluster.move_leader(added)
        check(f"{joins} joins {first} as a learner, is promoted and leads", load.advance(100), load.problems)
        if KINDS[joins] == "etcd" and KINDS[first] == "martlet":
            # An etcd 3.5 that joins may ask the one that is there, which still says that a downgrade is under way.
            cluster.ask("Maintenance/Downgrade", action=2)
        voter = cluster.add(KINDS[joins])
        check(f"{joins} joins as a voter", load.advance(100), load.problems)
        cluster.remove(added)
        load.finish(f"{joins} joins {first}", 100)
        listed = [[member.get("name") for member in client.ask("Cluster/MemberList")["members"]] for _, client in each(cluster.members)]
        check(f"{joins} joins {first}: all have the same list of members", all(names == listed[0] for names in listed) and voter.name.encode() in listed[0], listed)


if __name__ == "__main__":
    began = time.time()
    parts = [*((each_leads, it) for it in COMBINATIONS), (snapshots, "M", "E"), (snapshots, "E", "M"), (members, "E", "M"), (members, "M", "E")]
    for function, *arguments in parts:
        name = f"{function.__name__} {' '.join(arguments)}"
        if ONLY in name:
            function(*arguments)
            note(f"{name}: {time.time() - began:.0f} s")
    finish()
