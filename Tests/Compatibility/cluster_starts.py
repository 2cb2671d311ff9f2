"""How members of a cluster begin: together, with another token apart, alone out of what is left of others, in place of a real etcd 3.5.1, and not at all
where their data was lost."""
import os
import time

from support.checks import check, finish
from support.cluster import PATIENCE, Cluster, Settings, kinds
from support.servers import Client


def members(member):
    with member.client() as client:
        found = client.ask("Cluster/MemberList")["members"]
    return sorted((it.get("name", b"").decode(), it.get("isLearner", False)) for it in found)


def value(member, key):
    with member.client() as client:
        return [it["value"] for it in client.ask("KV/Range", key=key)["kvs"]]


def refused(member):
    """(exit code, the end of the log) of a member that does not start."""
    member.launch()
    return member.process.wait(PATIENCE), member.log_tail()


def strangers():
    """Three members of which one has another token: it has another cluster, and says so."""
    cluster = Cluster(kinds(3))
    cluster.members[2].token = "another"
    try:
        for member in cluster.members:
            member.launch()
        for member in cluster.members[:2]:
            member.wait(PATIENCE)
        end = time.time() + PATIENCE
        while not cluster.members[2].said("cluster ID mismatch") and time.time() < end:
            time.sleep(0.1)
        check("a member with another token is told that its cluster is another", cluster.members[2].said("cluster ID mismatch"), cluster.members[2].log_tail())
        with Client(cluster.members[2].endpoint) as client:
            code = client.unary("/etcdserverpb.KV/Range", b"\x0a\x01r", timeout=1)[0]
        check("and serves nobody", code != 0, code)
        with cluster.members[0].client() as client:
            served = [it for it in client.ask("Cluster/MemberList")["members"] if it.get("clientURLs")]
        check("the others are a cluster without it", len(served) == 2, served)
    finally:
        cluster.close()


def alone_again():
    """--force-new-cluster on what a member of three holds, be it Martlet's or a real one's."""
    for program in ("martlet", "etcd"):
        with Cluster([program] * 3) as cluster:
            cluster.fill(50, b"k")
            cluster.settle()
            for member in cluster.members:
                member.stop()
            last = cluster.members[1]
            last.program, last.extra = "martlet", ["--force-new-cluster"]
            last.start()
            check(f"a member of three ({program}) goes on alone", members(last) == [("m2", False)], members(last))
            check("with all that was there", value(last, b"k000049") == [b"k000049" * 3], value(last, b"k000049"))
            last.stop()
            last.extra = []
            last.start()
            with last.client() as client:
                client.ask("KV/Put", key=b"alone", value=b"1")
            check("and stays so", members(last) == [("m2", False)], members(last))


def forced_by_etcd():
    """What a real etcd made of its log with --force-new-cluster, which puts other entries of the same index and term behind those it drops."""
    with Cluster(["etcd"] * 3) as cluster:
        cluster.fill(50, b"k")
        cluster.settle()
        last = cluster.leader()
        others = [member for member in cluster.members if member is not last]
        with last.client() as client:
            client.ask("KV/Put", key=b"connected", value=b"")
            for member in others:
                member.kill()  # before the leader knows that nobody hears it
            for number in range(5):
                client.unary("/etcdserverpb.KV/Put", b"\x0a\x04lost\x12\x01%d" % number, timeout=0.05)
        last.stop()
        last.extra = ["--force-new-cluster"]
        last.start()
        with last.client() as client:
            client.ask("KV/Put", key=b"alone", value=b"1")
        last.stop()
        last.program, last.extra = "martlet", []
        last.start()
        check("a log that a real etcd forced is taken up", value(last, b"alone") == [b"1"] and value(last, b"k000049") == [b"k000049" * 3], value(last, b"alone"))
        check("with its one member", members(last) == [(last.name, False)], members(last))


def in_place():
    """A real cluster of 3.5.1 whose learner became a voter: that is not in its store, but Martlet finds it."""
    with Cluster(["etcd"]) as cluster:
        cluster.promote(cluster.add("etcd", learner=True))
        cluster.fill(50, b"k")
        cluster.settle()
        for member in cluster.members:
            member.stop()
            member.program = "martlet"
        for member in cluster.members:
            member.launch()
        for member in cluster.members:
            member.wait(PATIENCE)
        for member in cluster.members:
            check(f"{member.name} in place of a real one knows all members", members(member) == [("m1", False), ("m2", False)], members(member))
        third = cluster.add("martlet", learner=True)
        check("and that nobody is a learner, so that one can be added", members(cluster.members[0])[2][1], members(cluster.members[0]))
        cluster.promote(third)
        different = cluster.unequal()
        check("all hold the same", not different, different)


def snapshot_of_35():
    """The same, when the first that Martlet hears is a snapshot of the real one's store."""
    with Cluster(["etcd"], Settings(snapshot_count=100)) as cluster:
        cluster.promote(cluster.add("etcd", learner=True))
        cluster.fill(5400, b"k")  # a real 3.5.1 keeps 5000 entries behind a snapshot
        new = cluster.add("martlet", learner=True)
        end = time.time() + PATIENCE
        while not new.got_snapshot() and time.time() < end:
            time.sleep(0.1)
        check("a snapshot came", new.got_snapshot(), new.log_tail())
        cluster.promote(new)
        check("its members are those of the real one's v2 store", members(new) == [("m1", False), ("m2", False), ("m3", False)], members(new))
        new.stop()
        new.start()
        check("after a restart, too", members(new) == [("m1", False), ("m2", False), ("m3", False)], members(new))
        different = cluster.unequal()
        check("all hold the same", not different, different)


def removed_while_away():
    with Cluster(["martlet"] * 3) as cluster:
        away = cluster.followers()[0]
        away.kill()
        cluster.remove(away)
        away.launch()
        code = away.process.wait(PATIENCE)
        check("who was removed while it was away ends by itself, with 0", code == 0 and away.said("the member has been permanently removed from the cluster"), (code, away.log_tail()))


def killed_while_joining():
    """The log of one that joins may be empty when its process ends: then it knows of nobody, and hears of the others when they call."""
    with Cluster(kinds(3)) as cluster:
        new = cluster.member("martlet")
        cluster.members.remove(new)
        answer = cluster.ask("Cluster/MemberAdd", peerURLs=[new.peer_url])
        new.state = "existing"
        new.initial = ",".join(f"{(it.get('name') or new.name.encode()).decode()}={it['peerURLs'][0].decode()}" for it in answer["members"])
        new.launch()
        log = os.path.join(new.data, "member", "wal", "0000000000000000-0000000000000000.wal")
        end = time.time() + PATIENCE
        while not os.path.exists(log) and time.time() < end:
            pass
        new.kill()
        new.start()
        check("one that was killed as soon as it had a log joins all the same", len(members(new)) == 4, members(new))
        new.stop()


def personas():
    """Which etcd a member is: what it is told, or what its data are of."""
    with Cluster(["martlet"]) as cluster:
        member = cluster.members[0]

        def said():
            status = member.status()
            return status["version"].decode(), status["storageVersion"].decode()

        check("a new cluster is of 3.6", said() == ("3.6.14", "3.6.0"), said())
        member.stop()
        member.extra = ["--etcd-version=3.7"]
        member.start()
        check("told so it is of 3.7", said() == ("3.7.1", "3.7.0"), said())
        with member.client() as client:
            lease = client.ask("Lease/LeaseGrant", TTL=100)["ID"]
            client.ask("KV/Put", key=b"k", lease=lease)
            found = client.ask("KV/Range", key=b"k", keys_only=True)["kvs"][0]
        check("whose keys alone have no lease", not found.get("lease"), found)
        member.stop()
        member.extra = []
        member.start()
        check("and stays so by its data", said() == ("3.7.1", "3.7.0"), said())
        joined = cluster.add("martlet")
        check("as does one that joins it", joined.status()["version"] == b"3.7.1", joined.status())
        for each in cluster.members:
            each.stop()
        member.extra = ["--etcd-version=3.6"]
        code, log = refused(member)
        check("one of 3.6 does not start there", code == 1 and "server version is lower than determined cluster version" in log, log)


def lost_data():
    with Cluster(["martlet"] * 3) as cluster:
        lost = cluster.followers()[0]
        lost.kill()
        lost.wipe()
        code, log = refused(lost)
        check("who served before does not begin anew without its data", code == 1 and "has already been bootstrapped" in log, log)
        lost.state = "existing"
        code, log = refused(lost)
        check("nor does it join as who it was", code == 1 and "has already been started in this cluster" in log, log)
        lost.initial = lost.initial.rsplit(",", 1)[0] if lost is not cluster.members[2] else lost.initial.split(",", 1)[1]
        code, log = refused(lost)
        check("the list must have all members", code == 1 and "member count is unequal" in log, log)
        cluster.remove(lost)
        new = cluster.add("martlet")
        check("removed and added anew it is a member", len(members(new)) == 3, members(new))
        check("the directory of one that was removed stays unused", not os.path.exists(os.path.join(lost.data, "member", "wal")))


if __name__ == "__main__":
    strangers()
    alone_again()
    forced_by_etcd()
    in_place()
    snapshot_of_35()
    removed_while_away()
    killed_while_joining()
    personas()
    lost_data()
    finish()
