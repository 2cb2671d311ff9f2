"""A learner that comes and goes under kill -9, and clusters taken back to 3.5: a real etcd 3.5 then opens the directory in place, or real ones take
the places of all members."""
import tempfile
import time

from support.checks import check, finish
from support.cluster import PATIENCE, Cluster
from support.servers import ETCD, ETCDUTL, Server, run

LEARNER = b"http://127.0.0.1:12390"


def members(client):
    return sorted((tuple(member["peerURLs"]), member.get("isLearner", False)) for member in client.ask("Cluster/MemberList")["members"])


def refusal(client, method, **fields):
    try:
        return f"answered {client.ask(method, **fields)}"
    except RuntimeError as error:
        return str(error)


def learner_under_kills():
    """Each change is killed right after its answer: it must be there at the next start, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as data, Server(data=data) as server:
        def restarted():
            server.kill()
            server.start()
            return server.client()

        with server.client() as client:
            alone = members(client)
            added = client.ask("Cluster/MemberAdd", peerURLs=[LEARNER], isLearner=True)["member"]["ID"]
        with restarted() as client:
            check("a learner outlives a kill", members(client) == sorted([*alone, ((LEARNER,), True)]), members(client))
            client.ask("KV/Put", key=b"k", value=b"v")
            check("with a learner writes and reads go on", client.ask("KV/Range", key=b"k")["kvs"][0]["value"] == b"v")
            client.ask("Cluster/MemberUpdate", ID=added, peerURLs=[LEARNER, b"http://127.0.0.1:12391"])
        with restarted() as client:
            check("so do its URLs", ((LEARNER, b"http://127.0.0.1:12391"), True) in members(client), members(client))
            text = refusal(client, "Cluster/MemberPromote", ID=added)
            check("a learner that never came is not given a vote", "can only promote a learner member which is in sync with leader" in text, text)
            client.ask("Cluster/MemberRemove", ID=added)
        with restarted() as client:
            check("a removal outlives a kill", members(client) == alone, members(client))
            text = refusal(client, "Cluster/MemberRemove", ID=added)
            check("what was removed is not found", "member not found" in text, text)
        server.stop()


def wait_for(client, version):
    """Waits until the store's schema is of a version; the one it has in the end."""
    end = time.time() + 15
    while (found := client.ask("Maintenance/Status").get("storageVersion")) != version and time.time() < end:
        time.sleep(0.1)
    return found


def downgrade():
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as data:
        with Server(data=data) as server, server.client() as client:
            for number in range(100):
                client.ask("KV/Put", key=b"k%03d" % number, value=b"v%d" % number)
            lease = client.ask("Lease/LeaseGrant", TTL=1000)["ID"]
            client.ask("KV/Put", key=b"leased", lease=lease)
            client.ask("Maintenance/Downgrade", action=1, version=b"3.5")
            found = wait_for(client, b"3.5.0")
            check("the schema goes back to 3.5", found == b"3.5.0", found)
            info = client.ask("Maintenance/Status")["downgradeInfo"]
            check("Status tells of the downgrade", info == {"enabled": True, "targetVersion": b"3.5.0"}, info)
            expected = client.ask("Maintenance/HashKV")["hash"]
            server.kill()
            server.start()
            with server.client() as again:
                check("a kill does not undo it", again.ask("Maintenance/Status").get("storageVersion") == b"3.5.0")
            server.stop()
        code, output, problem = run(ETCDUTL, "snapshot", "status", f"{data}/member/snap/db")
        check("etcdutl 3.5 reads the file", code == 0, output + problem)
        with Server(binary=ETCD, data=data) as server, server.client() as client:
            status = client.ask("Maintenance/Status")
            check("a real etcd 3.5 opens the directory", status["version"].startswith(b"3.5."), status)
            check("with the same keys", client.ask("Maintenance/HashKV")["hash"] == expected)
            kept = client.ask("Lease/LeaseTimeToLive", ID=lease, keys=True)
            check("and the same leases", kept.get("grantedTTL") == 1000 and kept.get("keys") == [b"leased"], kept)
            client.ask("KV/Put", key=b"after", value=b"3.5")
            server.stop()
        with Server(data=data) as server, server.client() as client:
            check("and the way up again", client.ask("KV/Range", key=b"after")["kvs"][0]["value"] == b"3.5")
            client.ask("Maintenance/Downgrade", action=2)
            found = wait_for(client, b"3.6.0")
            check("the schema is of 3.6 again", found == b"3.6.0", found)


def until(condition, seconds=PATIENCE):
    """Waits until something is so; whether it is."""
    end = time.time() + seconds
    while not (found := condition()) and time.time() < end:
        time.sleep(0.2)
    return found


def statuses(cluster, field):
    return {member.status().get(field) for member in cluster.up()}


def replace_all(cluster, program, after_first=lambda: None):
    """Puts a member of another program in the place of each, one after the other; the exit codes of those that went."""
    codes = []
    for number, old in enumerate(list(cluster.members)):
        cluster.add(program)
        if number == 0:
            after_first()
        cluster.remove(old)
        codes.append(old.process.wait(PATIENCE))
    return codes


def back_with_several():
    with Cluster(["martlet"] * 3) as cluster:
        cluster.fill(300, b"before")
        cluster.ask("Maintenance/Downgrade", action=1, version=b"3.5")
        check("the schema of all members goes back to 3.5", until(lambda: statuses(cluster, "storageVersion") == {b"3.5.0"}), statuses(cluster, "storageVersion"))
        check("and the log of each says that it is ready", until(lambda: all(member.said("The server is ready to downgrade") for member in cluster.members)))
        # With the first of 3.5 there, the version cannot rise, and the downgrade has done what it is for: while a real member of 3.5 says that
        # one is under way, others of 3.5 do not join.
        codes = replace_all(cluster, "etcd", lambda: cluster.ask("Maintenance/Downgrade", action=2))
        check("members that were removed end by themselves, with 0", codes == [0, 0, 0], codes)
        versions = statuses(cluster, "version")
        check("real members of 3.5.1 took the places of all", versions == {b"3.5.1"}, versions)
        cluster.fill(100, b"between")
        codes = replace_all(cluster, "martlet")
        check("and the way up again: the real ones end, too", codes == [0, 0, 0], codes)
        check("the schema follows to 3.6", until(lambda: statuses(cluster, "storageVersion") == {b"3.6.0"}), statuses(cluster, "storageVersion"))
        different = cluster.unequal()
        check("all members hold the same", not different, different)


if __name__ == "__main__":
    learner_under_kills()
    downgrade()
    back_with_several()
    finish()
