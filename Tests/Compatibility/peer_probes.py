"""What members ask each other over HTTP, asked of a real etcd and of ours: status, header fields and body of every answer compared
field by field. Known differences are named, and each must show."""
import http.client
import json
import re
import socket

from support.checks import check, finish, note
from support.messages import encode
from support.servers import ETCD, NAME, PEER_URL, SERVER, Server

# Fields that say nothing of the protocol.
UNCOMPARED = {"date", "content-length", "connection"}


class Asker:
    """One of the two servers, and what the other side of its peer port says of itself."""

    def __init__(self, server, binary):
        self.server, self.port = server, int(re.search(r":(\d+)$", server.command[server.command.index("--listen-peer-urls") + 1])[1])
        status, fields, body = self.ask("GET", "/members")
        self.cluster, self.member = fields["x-etcd-cluster-id"], f"{json.loads(body)[0]['id']:x}"
        self.version = "3.5.1" if binary == ETCD else "3.6.14"

    def ask(self, method, path, body=None, headers=None):
        """(status, fields, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, {}, b""
        finally:
            connection.close()

    def said(self, sender="ab", **changes):
        """What a peer says of itself, with changes; None leaves a field out."""
        fields = {"X-Server-From": sender, "X-Server-Version": "3.5.1", "X-Min-Cluster-Version": "3.0.0",
                  "X-Etcd-Cluster-ID": self.cluster, "X-Raft-To": self.member}
        fields.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {name: value for name, value in fields.items() if value is not None}

    def comparable(self, answer):
        """What is alike on two servers of different versions and clusters."""
        status, fields, body = answer
        fields = {name: value for name, value in fields.items() if name not in UNCOMPARED}
        if "x-etcd-cluster-id" in fields:
            fields["x-etcd-cluster-id"] = fields["x-etcd-cluster-id"] == self.cluster
        if "x-server-version" in fields:
            fields["x-server-version"] = fields["x-server-version"] == self.version
        text = body.decode("utf-8", "replace")
        text = re.sub(r'"Now":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"', '"Now":"then"', text)
        return status, fields, text


def raft(**fields):
    """A raftpb.Message."""
    numbers = {"type": 1, "to": 2, "from": 3, "term": 4, "index": 6}
    data = b""
    for name, value in fields.items():
        data += bytes([numbers[name.rstrip("_")] << 3]) + varint(value)
    return data


def varint(value):
    data = b""
    while value >= 128:
        data, value = data + bytes([value & 127 | 128]), value >> 7
    return data + bytes([value])


def length(data):
    return len(data).to_bytes(8, "big") + data


def probes(asker):
    """(name, method, path, body, headers)"""
    said, own = asker.said, int(asker.member, 16)
    stray, missing = raft(type=8, to=7, from_=0xAB, term=1), encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": 77})
    yield "probing", "GET", "/raft/probing", None, {}
    yield "probing by POST", "POST", "/raft/probing", b"x", {}
    for path in ("/raft", "/raft/snapshot"):
        yield f"{path} by GET", "GET", path, None, said()
        yield f"{path} of another cluster", "POST", path, b"", said(X_Etcd_Cluster_ID="1")
        yield f"{path} without a cluster", "POST", path, b"", said(X_Etcd_Cluster_ID=None)
        yield f"{path} of too old a server", "POST", path, b"", said(X_Server_Version="2.3.8")
        yield f"{path} of a server that says nothing", "POST", path, b"", said(X_Server_Version=None)
        yield f"{path} of a server that wants a newer one", "POST", path, b"", said(X_Min_Cluster_Version="3.99.0")
    yield "a malformed message", "POST", "/raft", b"\x08", said()
    yield "a message of a stranger", "POST", "/raft", raft(type=8, to=own, from_=0xAB, term=0), said()
    yield "an empty snapshot", "POST", "/raft/snapshot", b"", said()
    yield "a snapshot cut in its length", "POST", "/raft/snapshot", b"\0\0", said()
    yield "a snapshot without its message", "POST", "/raft/snapshot", length(b"x" * 9)[:8], said()
    yield "a snapshot cut in its message", "POST", "/raft/snapshot", length(b"\x08\x07" * 9)[:12], said()
    yield "a snapshot of a malformed message", "POST", "/raft/snapshot", length(b"\x08"), said()
    yield "a message that is no snapshot", "POST", "/raft/snapshot", length(stray), said()
    for kind in ("msgapp", "message"):
        path = f"/raft/stream/{kind}/"
        yield f"{kind} by POST", "POST", path + "ab", b"", said()
        yield f"{kind} of another cluster", "GET", path + "ab", None, said(X_Etcd_Cluster_ID="1")
        yield f"{kind} of too old a server", "GET", path + "ab", None, said(X_Server_Version="2.3.8")
        yield f"{kind} of a stranger", "GET", path + "ab", None, said()
        yield f"{kind} of nobody", "GET", path + "zz", None, said()
        yield f"{kind} without a name", "GET", path, None, said()
        yield f"{kind} of a long name", "GET", path + "1" * 17, None, said()
        yield f"{kind} too deep", "GET", path + "ab/cd", None, said()
    yield "a stream of no kind", "GET", "/raft/stream/other/ab", None, said()
    yield "streams", "GET", "/raft/stream", None, said()
    yield "streams of nothing", "GET", "/raft/stream/", None, said()
    yield "members", "GET", "/members", None, {}
    yield "members by POST", "POST", "/members", b"", {}
    yield "members below", "GET", "/members/x", None, {}
    yield "promotion of a stranger", "POST", "/members/promote/17", b"", {}
    yield "promotion of a voter", "POST", f"/members/promote/{own}", b"", {}
    yield "promotion of no number", "POST", "/members/promote/ab", b"", {}
    yield "promotion of nothing", "POST", "/members/promote/", b"", {}
    yield "promotion of too much", "POST", "/members/promote/" + "9" * 20, b"", {}
    yield "promotion by GET", "GET", "/members/promote/17", None, {}
    yield "promotion's folder", "GET", "/members/promote", None, {}
    yield "promotion's folder by POST", "POST", "/members/promote", b"", {}
    for body in (b'{"revision":0}', b'{"revision":2}', b"{}", b"null", b'{"Revision":2,"other":[]}', b'{"revision":99}', b"", b"7",
                 b'{"revision":"2"}', b'{"revision":1.5}'):
        yield f"hash of {body.decode()}", "GET", "/members/hashkv", body, {}
    yield "hash for another cluster", "GET", "/members/hashkv", b"{}", {"X-Etcd-Cluster-ID": "1"}
    yield "hash by POST", "POST", "/members/hashkv", b"{}", {}
    yield "a lease that is not", "POST", "/leases", missing, {}
    yield "a malformed renewal", "POST", "/leases", b"\x08", {}
    yield "renewal by GET", "GET", "/leases", None, {}
    yield "a lease", "POST", "/leases", encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": 5}), {}
    inner = encode("etcdserverpb.LeaseTimeToLiveRequest", {"ID": 5, "keys": True})
    yield "time of a lease that is not", "POST", "/leases/internal", b"\x0a\x02\x08\x4d", {}
    yield "time of a lease", "POST", "/leases/internal", b"\x0a" + bytes([len(inner)]) + inner, {}
    yield "a malformed question of a lease", "POST", "/leases/internal", b"\x0a", {}
    yield "time of a lease by GET", "GET", "/leases/internal", None, {}
    yield "downgrade", "GET", "/downgrade/enabled", None, {}
    yield "downgrade by POST", "POST", "/downgrade/enabled", b"", {}
    yield "version by POST", "POST", "/version", b"", {}
    for path in ("/", "/raft/", "/raft/other", "/health", "/metrics", "/v2/keys", "/leases/other"):
        yield path, "GET", path, None, said()
    # The last, for it cuts the connection.
    yield "a message for another", "POST", "/raft", stray, said()


# By the name of the probe: why the two differ.
DIFFERENT = {
    "hash of {\"revision\":0}": "hash_revision is told since 3.5.5",
    "hash of {\"revision\":2}": "hash_revision is told since 3.5.5",
    "hash of {}": "hash_revision is told since 3.5.5",
    "hash of null": "hash_revision is told since 3.5.5",
    "hash of {\"Revision\":2,\"other\":[]}": "hash_revision is told since 3.5.5",
    "hash for another cluster": "who asks is looked at since 3.5.5",
    "a message for another": "etcd 3.5.1 takes a message for another member; 3.6 refuses it",
}


def answers(binary):
    with Server(binary) as server, server.client() as client:
        client.ask("Lease/LeaseGrant", TTL=1000, ID=5)
        client.ask("KV/Put", key=b"leased", value=b"v", lease=5)
        asker, found = Asker(server, binary), {}
        for name, method, path, body, headers in probes(asker):
            if name.startswith("promotion"):
                # A real etcd drops a change of members that comes before its Raft knows that the last one is applied. It does once a
                # later entry is.
                client.ask("KV/Put", key=b"between", value=b"changes")
            found[name] = asker.comparable(asker.ask(method, path, body, headers))
        return found, listing(asker)


def listing(asker):
    """What the first member says of the cluster and of itself."""
    members = json.loads(asker.ask("GET", "/members")[2])
    versions = json.loads(asker.ask("GET", "/version")[2])
    return members, versions


def main():
    (theirs, their_listing), (ours, our_listing) = answers(ETCD), answers(SERVER)
    for name, answer in theirs.items():
        if name in DIFFERENT:
            check(f"{name}: {DIFFERENT[name]}", ours[name] != answer, answer)
        else:
            check(name, ours[name] == answer, f"\n       etcd {answer}\n       ours {ours[name]}")
    check("members are told alike", our_listing[0] == their_listing[0], (our_listing[0], their_listing[0]))
    check("the version is the one presented", our_listing[1]["etcdserver"].startswith("3.6."), our_listing[1])


main()
finish()
