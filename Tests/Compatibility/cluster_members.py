"""A cluster's members come, go and are replaced under a recorded load; the leader is moved; what followers and learners do
for clients; and how one that is left alone becomes a cluster of its own."""
import os
import threading
import time

import grpc

from support.checks import check, finish, note
from support.cluster import Cluster, Member, Settings, each, kinds
from support.load import Load
from support.messages import decode, encode
from support.servers import ETCDCTLS, run

SEED, ROUNDS = os.environ.get("SEED", "1"), int(os.environ.get("ROUNDS", "1"))
LEARNER = "rpc not supported for learner"
TTL = 10


def refusal(client, method: str, **fields) -> str:
    """What a request is refused with; empty if it is answered."""
    try:
        client.ask(method, timeout=5, **fields)
        return ""
    except RuntimeError as error:
        return str(error)


def replaced_under_load() -> None:
    """Every member of the first three is replaced, one as a learner that is promoted, one that was killed, one that runs; the last leads."""
    program = kinds(1)[0]
    with Cluster(kinds(3), Settings(snapshot_count=500, catchup=200)) as cluster:
        time.sleep(5)  # a change is refused until all have been connected for so long
        load = Load(cluster, f"{SEED}/members").start()
        load.advance(300)
        added = cluster.add(program, learner=True)
        load.advance(200)
        cluster.promote(added)
        old = cluster.followers()
        old = [member for member in old if member is not added]
        cluster.remove(old[0])
        check("a member that is removed ends by itself", ends(old[0]), old[0].log_tail(500))
        load.advance(200)
        old[1].end()
        load.advance(100)
        cluster.remove(old[1])
        old[1].wipe()
        time.sleep(1)
        cluster.add(program)
        check("a killed member is replaced by an empty one", load.advance(200), load.problems)
        leader = cluster.leader()
        time.sleep(5)
        cluster.remove(leader)
        check("a leader that is removed ends by itself", ends(leader), leader.log_tail(500))
        cluster.add(program)
        check("and is replaced", load.advance(200), load.problems)
        load.finish("members replaced")
        listed = sorted(member["ID"] for member in cluster.ask("Cluster/MemberList")["members"])
        check("the list of members is that of those there are", listed == sorted(member.id for member in cluster.members), listed)


def ends(member: Member, seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while member.process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    return member.process.poll() is not None


def leader_moves(cluster: Cluster) -> None:
    load = Load(cluster, f"{SEED}/moves", callers=4, watchers=1).start()
    for member in list(cluster.members) * 2:
        load.advance(30)
        cluster.move_leader(member)
        load.advance(30)
    check("leadership moves to each member in turn", True)
    leader, follower = cluster.leader(), cluster.followers()[0]
    endpoints = ",".join(member.endpoint for member in cluster.members)
    code, out, problem = run(ETCDCTLS["3.5"], "--endpoints", endpoints, "move-leader", f"{follower.id:x}")
    check("etcdctl move-leader", code == 0 and f"transferred from {leader.id:x} to {follower.id:x}" in out and cluster.leader() is follower, out + problem)
    leader.stop()
    check("a leader that is stopped hands over", load.advance(30) and load.longest_gap() < 3, f"{load.longest_gap():.1f} s, {load.problems}")
    leader.start()
    load.finish("leader moved", 200)


def leases_at_followers(cluster: Cluster) -> None:
    wrong = []
    for member, client in each(cluster.members):
        lease = client.ask("Lease/LeaseGrant", TTL=TTL)["ID"]
        client.ask("KV/Put", key=b"l/%d" % lease, lease=lease)
        time.sleep(1.5)
        for other, its in each(cluster.members):
            left = its.ask("Lease/LeaseTimeToLive", ID=lease, keys=True)
            if left.get("keys") != [b"l/%d" % lease] or left.get("grantedTTL") != TTL or not 0 < left.get("TTL", 0) < TTL:
                wrong.append(f"granted at {member.name}, seen at {other.name}: {left}")
        code, text, answers = client.dialogue("/etcdserverpb.Lease/LeaseKeepAlive", [encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": lease})])
        renewed = decode("etcdserverpb.LeaseKeepAliveResponse", answers[0]) if answers else {}
        left = client.ask("Lease/LeaseTimeToLive", ID=lease)
        if renewed.get("TTL") != TTL or left.get("TTL", 0) < TTL - 1:
            wrong.append(f"renewed at {member.name}: {code} {text} {renewed}, then {left}")
        client.ask("Lease/LeaseRevoke", ID=lease)
        for other, its in each(cluster.members):
            gone = its.ask("Lease/LeaseTimeToLive", ID=lease)
            if gone.get("TTL") != -1 or its.ask("KV/Range", key=b"l/%d" % lease).get("kvs"):
                wrong.append(f"revoked at {member.name}, seen at {other.name}: {gone}")
    check("leases are granted, looked at, renewed and revoked at each member alike", not wrong, "; ".join(wrong[:4]))


def reads_at_followers(cluster: Cluster) -> None:
    """A read at any member after a write's answer, at any other, finds it."""
    wrong, clients = [], [client for client in (member.client() for member in cluster.members)]
    for number in range(300):
        writer, reader = clients[number % 3], clients[(number // 3) % 3]
        writer.ask("KV/Put", key=b"r", value=b"%d" % number)
        found = reader.ask("KV/Range", key=b"r")["kvs"][0]["value"]
        if found != b"%d" % number:
            wrong.append(f"{number}: {found!r}")
    for client in clients:
        client.close()
    check("a read at a follower finds what was acknowledged at another before", not wrong, "; ".join(wrong[:5]))


def learner_refuses(cluster: Cluster) -> None:
    time.sleep(5)
    learner = cluster.add(kinds(1)[0], learner=True)
    with learner.client() as client:
        wanted = {"KV/Put": {"key": b"k"}, "KV/Range": {"key": b"k"}, "KV/Txn": {}, "KV/DeleteRange": {"key": b"k"}, "KV/Compact": {"revision": 1},
                  "Lease/LeaseGrant": {"TTL": 5}, "Lease/LeaseTimeToLive": {"ID": 1}, "Lease/LeaseLeases": {}, "Cluster/MemberList": {},
                  "Maintenance/HashKV": {}, "Maintenance/Defragment": {}, "Maintenance/Alarm": {}, "Maintenance/MoveLeader": {"targetID": learner.id}}
        said = {method: refusal(client, method, **fields) for method, fields in wanted.items()}
        check(f"a learner refuses {len(wanted)} calls as etcd's does", all(LEARNER in text for text in said.values()),
              {method: text for method, text in said.items() if LEARNER not in text})
        check("but answers Status", client.ask("Maintenance/Status").get("isLearner"))
        end = time.monotonic() + 10
        while not client.ask("KV/Range", key=b"r", serializable=True).get("kvs") and time.monotonic() < end:
            time.sleep(0.05)
        check("and serializable reads", client.ask("KV/Range", key=b"r", serializable=True).get("kvs"))
        for path, name in (("/etcdserverpb.Watch/Watch", "watch"), ("/etcdserverpb.Lease/LeaseKeepAlive", "keepalive")):
            code, text, _ = client.dialogue(path, [b""])
            check(f"a learner refuses a {name}", LEARNER in text, f"{code} {text}")
        blobs = sum(len(data) for data in client.channel.unary_stream("/etcdserverpb.Maintenance/Snapshot")(b"", timeout=10))
        check("a learner gives a snapshot", blobs > 20_000, blobs)
    with cluster.leader().client() as client:
        text = refusal(client, "Cluster/MemberAdd", peerURLs=[b"http://127.0.0.1:9"], isLearner=True)
        check("a second learner is one too many", "too many learner members" in text, text)
        text = refusal(client, "Maintenance/MoveLeader", targetID=learner.id)
        check("a learner cannot lead", "bad leader transferee" in text, text)
    with cluster.followers()[0].client() as client:
        text = refusal(client, "Maintenance/MoveLeader", targetID=learner.id)
        check("a follower moves no leadership", "not leader" in text, text)
        client.ask("Cluster/MemberPromote", ID=learner.id)
        learner.learner = False
        learner.wait()
        check("a learner is promoted through a follower", True)
        text = refusal(client, "Cluster/MemberPromote", ID=learner.id)
        check("and not twice", "can only promote a learner" in text, text)
    cluster.remove(learner)
    check("and removed, it ends", ends(learner), learner.log_tail(400))


def without_leader(cluster: Cluster) -> None:
    """One member of three that is left alone: streams that asked for a leader are ended, others go on."""
    left, *others = cluster.members
    with left.client() as client:
        create = encode("etcdserverpb.WatchRequest", {"create_request": {"key": b"k"}})
        ended: dict = {}

        def stream(name: str, path: str, first: bytes, metadata: tuple) -> threading.Thread:
            def requests():
                yield first
                gate.wait()

            def read() -> None:
                try:
                    for _ in client.channel.stream_stream(path)(requests(), metadata=metadata, timeout=30):
                        pass
                    ended[name] = (0, "")
                except grpc.RpcError as error:
                    ended[name] = (error.code().value[0], error.details())
            thread = threading.Thread(target=read, daemon=True)
            thread.start()
            return thread

        gate, wanted = threading.Event(), (("hasleader", "true"),)
        lease = client.ask("Lease/LeaseGrant", TTL=60)["ID"]
        keep = encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": lease})
        threads = [stream("watch", "/etcdserverpb.Watch/Watch", create, wanted), stream("keepalive", "/etcdserverpb.Lease/LeaseKeepAlive", keep, wanted)]
        stream("patient", "/etcdserverpb.Watch/Watch", create, ())
        time.sleep(0.3)
        for member in others:
            member.end()
        for thread in threads:
            thread.join(15)
        check("streams with hasleader end with NoLeader", all(ended.get(name) == (14, "etcdserver: no leader") for name in ("watch", "keepalive")), ended)
        check("a stream without it goes on", "patient" not in ended, ended)
        code, text, _ = client.unary("/etcdserverpb.KV/Put", encode("etcdserverpb.PutRequest", {"key": b"k"}), metadata=wanted)
        check("a call with hasleader is refused at once", (code, text) == (14, "etcdserver: no leader"), f"{code} {text}")
        answer = client.ask("KV/Range", key=b"r", serializable=True)
        check("serializable reads go on", "header" in answer and answer.get("kvs"), answer)
        errors = client.ask("Maintenance/Status").get("errors", [])
        check("Status says that there is no leader", errors == [b"etcdserver: no leader"], errors)
        gate.set()
    for member in others:
        member.launch()
    for member in cluster.members:
        member.wait()


def alone_again() -> None:
    """Two of three are lost for good: the third goes on as a cluster of one, with all it had, and grows again."""
    with Cluster(kinds(3)) as cluster:
        for number in range(200):
            cluster.ask("KV/Put", key=b"kept/%03d" % number, value=b"%d" % number)
        lease = cluster.ask("Lease/LeaseGrant", TTL=1000)["ID"]
        cluster.settle()
        left, *lost = cluster.members
        left.stop()  # killed, it might not have written down yet that the last entries are committed, which the flag asks for
        for member in lost:
            member.end()
            cluster.members.remove(member)
        left.extra = ["--force-new-cluster"]
        left.launch()
        left.wait()
        with left.client() as client:
            listed = client.ask("Cluster/MemberList")["members"]
            check("force-new-cluster: it is alone", [member["ID"] for member in listed] == [left.id], listed)
            kvs = client.ask("KV/Range", key=b"kept/", range_end=b"kept0")["kvs"]
            check("force-new-cluster: with all it had", [kv["value"] for kv in kvs] == [b"%d" % number for number in range(200)], len(kvs))
            left_over = client.ask("Lease/LeaseTimeToLive", ID=lease)
            check("force-new-cluster: leases, too", left_over.get("grantedTTL") == 1000, left_over)
        left.end()
        left.extra = []
        left.launch()
        left.wait()
        for _ in range(2):
            cluster.add(kinds(1)[0])
        cluster.ask("KV/Put", key=b"kept/again")
        problem = cluster.unequal()
        check("force-new-cluster: two others join it, and have all", not problem and len(cluster.members) == 3, problem)


if __name__ == "__main__":
    began = time.time()
    for _ in range(ROUNDS):
        replaced_under_load()
        note(f"members replaced: {time.time() - began:.0f} s")
        with Cluster(kinds(3)) as three:
            for part in (leader_moves, leases_at_followers, reads_at_followers, learner_refuses, without_leader):
                part(three)
                note(f"{part.__name__}: {time.time() - began:.0f} s")
        alone_again()
        note(f"alone again: {time.time() - began:.0f} s")
    finish()
