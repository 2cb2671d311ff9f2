"""What the port for peers answers to requests that are no peer's, or a peer's that are wrong."""
import http.client
import re
from typing import Callable, Dict, Iterator, Optional, Tuple

from support.cluster import Member
from support.messages import encode

HEADERS = ("content-type", "allow", "x-etcd-cluster-id", "x-server-version", "x-content-type-options")
VERSIONS = {"X-Server-Version": "3.5.1", "X-Min-Cluster-Version": "3.0.0"}
Request = Tuple[str, str, str, Dict[str, str], bytes]  # case, method, path, headers, body


def requests(cluster: int, to: int, other: int, removed: int) -> Iterator[Request]:
    """`to`: the member that is asked; `other`: another; `removed`: one that was removed."""
    ours = {"X-Etcd-Cluster-ID": f"{cluster:x}", **VERSIONS, "X-Server-From": f"{other:x}", "X-PeerURLs": "http://127.0.0.1:1"}
    foreign, old = {**ours, "X-Etcd-Cluster-ID": "abc"}, {**ours, "X-Server-Version": "2.0.0"}
    none: Dict[str, str] = {}
    lease, ttl = encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": 55}), encode("etcdserverpb.LeaseInternalRequest", {"LeaseTimeToLiveRequest": {"ID": 55}})
    misled = encode("raftpb.Message", {"type": 8, "to": 77, "from": other})
    late = encode("raftpb.Message", {"type": 8, "to": to, "from": removed})
    yield from [
        ("root", "GET", "/", none, b""), ("unknown path", "GET", "/v2/keys", none, b""), ("version", "GET", "/version", none, b""),
        ("version, POST", "POST", "/version", none, b""), ("members", "GET", "/members", none, b""), ("members, POST", "POST", "/members", none, b""),
        ("members, of another cluster", "GET", "/members", foreign, b""), ("members, below", "GET", "/members/x", none, b""),
        ("promote, no id", "POST", "/members/promote/", none, b""), ("promote, no number", "POST", "/members/promote/zz", none, b""),
        ("promote, unknown", "POST", "/members/promote/77", none, b""), ("promote, a voter", "POST", f"/members/promote/{other}", none, b""),
        ("promote, GET", "GET", "/members/promote/77", none, b""), ("promote, of another cluster", "POST", "/members/promote/77", foreign, b""),
        ("hash, future", "GET", "/members/hashkv", ours, b'{"revision":1000000}'), ("hash, no JSON", "GET", "/members/hashkv", ours, b"{"),
        ("hash, of another cluster", "GET", "/members/hashkv", foreign, b'{"revision":1}'), ("hash, POST", "POST", "/members/hashkv", ours, b"{}"),
        ("downgrade", "GET", "/downgrade/enabled", none, b""), ("downgrade, POST", "POST", "/downgrade/enabled", none, b""),
        ("leases, GET", "GET", "/leases", none, b""), ("leases, no message", "POST", "/leases", none, b"\xff"), ("leases, unknown", "POST", "/leases", none, lease),
        ("leases, unknown, internal", "POST", "/leases/internal", none, ttl), ("leases, no message, internal", "POST", "/leases/internal", none, b"\xff"),
        ("leases, below", "POST", "/leases/x", none, lease),
        ("raft, GET", "GET", "/raft", ours, b""), ("raft, no message", "POST", "/raft", ours, b"\xff\xff"), ("raft, of another cluster", "POST", "/raft", foreign, b""),
        ("raft, of an old version", "POST", "/raft", old, b""), ("raft, without a version", "POST", "/raft", {"X-Etcd-Cluster-ID": f"{cluster:x}"}, b""),
        ("raft, without a cluster", "POST", "/raft", VERSIONS, b""), ("raft, to another", "POST", "/raft", ours, misled), ("raft, from one removed", "POST", "/raft", ours, late),
        ("raft, below", "GET", "/raft/x", ours, b""), ("probing", "GET", "/raft/probing", none, b""),
        ("snapshot, GET", "GET", "/raft/snapshot", ours, b""), ("snapshot, no message", "POST", "/raft/snapshot", ours, (2).to_bytes(8, "big") + b"\xff\xff"),
        ("snapshot, cut short", "POST", "/raft/snapshot", ours, b"\0\0"), ("snapshot, another message", "POST", "/raft/snapshot", ours, len(misled).to_bytes(8, "big") + misled),
        ("snapshot, of another cluster", "POST", "/raft/snapshot", foreign, b"")]
    for kind in ("msgapp", "message", "other"):
        path = f"/raft/stream/{kind}"
        yield f"stream {kind}, POST", "POST", f"{path}/{other:x}", {**ours, "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, no sender", "GET", f"{path}/", {**ours, "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, sender no number", "GET", f"{path}/zz", {**ours, "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, unknown sender", "GET", f"{path}/77", {**VERSIONS, "X-Etcd-Cluster-ID": f"{cluster:x}", "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, removed sender", "GET", f"{path}/{removed:x}", {**ours, "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, to another", "GET", f"{path}/{other:x}", {**ours, "X-Raft-To": "77"}, b""
        yield f"stream {kind}, to nobody", "GET", f"{path}/{other:x}", ours, b""
        yield f"stream {kind}, of another cluster", "GET", f"{path}/{other:x}", {**foreign, "X-Raft-To": f"{to:x}"}, b""
        yield f"stream {kind}, of an old version", "GET", f"{path}/{other:x}", {**old, "X-Raft-To": f"{to:x}"}, b""


def ask(member: Member, request: Request, name: Callable[[str], str]) -> dict:
    """Status, text and headers; `name` puts names in the place of ids and addresses."""
    _, method, path, headers, body = request
    host, port = member.place.peer.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text: Optional[str] = None
        if response.status != 200 or "stream" not in path:
            text = name(response.read().decode("utf-8", "backslashreplace"))
        if text and text.startswith("[{"):  # members come in the order of their ids
            text = " ".join(sorted(re.findall(r"\{[^}]*\}", text)))
        return {"code": response.status, "text": text, **{key.lower(): name(value) for key, value in response.getheaders() if key.lower() in HEADERS}}
    except (OSError, http.client.HTTPException) as error:
        return {"failed": type(error).__name__}
    finally:
        connection.close()
