"""Opens a data directory that a real etcd 3.6.14 left behind when it was killed, in place, and finds in it what that server answered
just before; then gives what was written on top of it to a real etcd 3.5 and 3.4."""
import base64
import json
import os
import tempfile

from bolt_check import check_file
from support.bolt import BoltFile
from support.checks import check, finish
from support.messages import decode, difference
from support.servers import ETCD, ETCDCTLS, ETCDUTL, GOLDEN, ORACLES, Server, run

REVISION, OLDER_REVISION = 164, 151
IDENTITY = {"name": "golden", "peer_url": "http://127.0.0.1:24791", "client_url": "http://127.0.0.1:24790"}
EVERYTHING = {"key": b"\0", "range_end": b"\0"}


def recorded(name):
    with open(os.path.join(GOLDEN, "3.6.14", name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def printed(answer):
    """Key-values as `etcdctl -w json` prints them."""
    return [{name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in kv.items()}
            for kv in answer.get("kvs", [])]


def check_answers(client):
    for name, fields in {"range": {}, "range-at-rev": {"revision": OLDER_REVISION}}.items():
        answer, expected = client.ask("KV/Range", **EVERYTHING, **fields), recorded(name)
        found = difference(expected["kvs"], printed(answer)) or difference(expected["count"], answer["count"])
        check(f"golden directory: the {len(expected['kvs'])} keys of {name}.json", not found, found)
    expected = recorded("hashkv")[0]["HashKV"]
    answer = client.ask("Maintenance/HashKV", revision=REVISION)
    check("golden directory: HashKV and compacted revision", (answer["hash"], answer["compact_revision"]) == (expected["hash"], expected["compact_revision"]),
          f"recorded {expected}, got {answer}")
    expected, answer = recorded("status")[0]["Status"], client.ask("Maintenance/Status")
    same = {name: (expected["header"][name], answer["header"][name]) for name in ("cluster_id", "member_id", "revision")}
    same["version"] = tuple(version.rsplit(".", 1)[0] for version in (expected["version"], answer["version"].decode()))
    check("golden directory: ids, revision and version", all(pair[0] == pair[1] for pair in same.values()), same)
    check("golden directory: the raft term and index went on", answer["raftTerm"] >= expected["raftTerm"] and answer["raftIndex"] >= expected["raftIndex"],
          f"{answer['raftTerm']}, {answer['raftIndex']} after {expected['raftTerm']}, {expected['raftIndex']}")
    member = client.ask("Cluster/MemberList")["members"][0]
    got = {"ID": member["ID"], "name": member["name"].decode(), "peerURLs": [url.decode() for url in member["peerURLs"]],
           "clientURLs": [url.decode() for url in member["clientURLs"]]}
    found = difference(recorded("members")["members"], [got])
    check("golden directory: the member of members.json", not found, found)
    try:
        client.ask("KV/Range", key=b"x", revision=100)
        refusal = "none"
    except RuntimeError as error:
        refusal = str(error)
    check("golden directory: what was compacted stays so", "required revision has been compacted" in refusal, refusal)


def check_buckets(path):
    """What no service shows yet is in the file as the golden answers have it."""
    contents = BoltFile(path).contents()
    leases = sorted(lease["id"] for lease in recorded("leases")["leases"])
    found = sorted(decode("leasepb.Lease", value)["ID"] for value in contents[b"lease"].values())
    check("golden directory: its leases are kept", found == leases, f"{found}, not {leases}")
    for bucket, name in ((b"authUsers", "users"), (b"authRoles", "roles")):
        names = sorted(key.decode() for key in contents[bucket])
        check(f"golden directory: its {name} are kept", names == sorted(recorded(name)[name]), f"{names}")
    attached = sorted(kv["key"] for kv in recorded("range")["kvs"] if kv.get("lease"))
    check("golden directory: keys of its lease", attached == sorted(recorded("lease-keys")["keys"]), attached)


def check_elsewhere(path, folder, kvs, value):
    """A real etcd of both versions restores the db file and serves the same."""
    for version, tool in (("3.5", ETCDUTL), ("3.4", ETCDCTLS["3.4"])):
        data = os.path.join(folder, "restored-" + version)
        code, _, err = run(tool, "snapshot", "restore", path, "--skip-hash-check", "--data-dir", data, ETCDCTL_API="3")
        if not check(f"etcd {version} restores our db file", code == 0, err[-300:]):
            continue
        etcd = ETCD if version == "3.5" else os.path.join(ORACLES, "3.4", "etcd")
        with Server(etcd, data=data, name="default", peer_url="http://localhost:2380") as server, server.client() as client:
            found = difference(kvs, printed(client.ask("KV/Range", **EVERYTHING)))
            check(f"etcd {version} serves every key of it", not found, found)
            answer = client.ask("Maintenance/HashKV", revision=value[0])
            check(f"etcd {version} has the same HashKV", answer["hash"] == value[1], f"{answer['hash']}, not {value[1]}")


def main():
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
        run("tar", "-xSzf", os.path.join(GOLDEN, "3.6.14", "golden.etcd.tar.gz"), "-C", folder)
        data = os.path.join(folder, "golden.etcd")
        path = os.path.join(data, "member", "snap", "db")
        with Server(data=data, **IDENTITY) as server, server.client() as client:
            check_answers(client)
            server.stop()
        check_file("golden directory, opened and closed", path)
        check_buckets(path)
        with Server(data=data, **IDENTITY) as server, server.client() as client:
            for number in range(200):
                client.ask("KV/Put", key=b"new/%03d" % number, value=b"v" * number)
            client.ask("KV/DeleteRange", key=b"new/050", range_end=b"new/060")
            revision = client.ask("KV/Put", key=b"new/last", value=b"1")["header"]["revision"]
            check("golden directory: revisions go on where they were", revision == REVISION + 202, revision)
            kvs = printed(client.ask("KV/Range", **EVERYTHING))
            value = revision, client.ask("Maintenance/HashKV", revision=revision)["hash"]
            server.kill()
        with Server(data=data, **IDENTITY) as server, server.client() as client:
            check("golden directory: what was written is there after a kill", printed(client.ask("KV/Range", **EVERYTHING)) == kvs, "it is not")
            server.stop()
        check_file("golden directory, written to", path)
        check_elsewhere(path, folder, kvs, value)


if __name__ == "__main__":
    main()
    finish()
