"""Well-formed requests with values at and beyond the limits."""
from typing import Iterator, Tuple

LEAST, MOST = -(1 << 63), (1 << 63) - 1
NUMBERS = (LEAST, LEAST + 1, -(1 << 31), -1, 1 << 31, 1 << 32, MOST - 1, MOST)
ENUMS = (-1, 3, 5, 127, (1 << 31) - 1, -(1 << 31))
Request = Tuple[str, str, dict]


def requests() -> Iterator[Request]:
    yield from key_values()
    yield from transactions()
    yield from leases()
    yield from the_rest()


def key_values() -> Iterator[Request]:
    for number in NUMBERS:
        yield f"Range at revision {number}", "KV/Range", {"key": b"k", "revision": number}
        yield f"Range of an empty key, limit {number}", "KV/Range", {"limit": number}
        yield f"Compact to {number}", "KV/Compact", {"revision": number, "physical": number % 2 == 0}
        yield f"Put with lease {number}", "KV/Put", {"key": b"k", "value": b"v", "lease": number}
    for name in ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision"):
        for number in (LEAST, MOST):
            yield f"Range with {name} {number} at a future revision", "KV/Range", {"key": b"k", "revision": MOST, name: number}
    for order in ENUMS:
        yield f"Range with sort order {order}", "KV/Range", {"key": b"a", "range_end": b"z", "sort_order": order}
        yield f"Range with sort order {order} at a future revision", "KV/Range", {"key": b"a", "revision": MOST, "sort_order": order}
    big = b"x" * 1_600_000
    yield "Put of a key of 1.6 MB", "KV/Put", {"key": big, "value": b"v"}
    yield "Range of a key of 1.6 MB at a future revision", "KV/Range", {"key": big, "revision": MOST}
    yield "Put of a key of 1 MB and a value of 1 MB", "KV/Put", {"key": b"x" * 1_000_000, "value": b"x" * 1_000_000}
    yield "DeleteRange of an empty key up to 1 MB", "KV/DeleteRange", {"range_end": b"x" * 1_000_000}
    for size in (1_572_800, 1_572_864, 2_097_100, 2_097_152, 2_097_153, 2_200_000):
        yield f"Put of a value of {size} bytes", "KV/Put", {"key": b"k", "value": bytes(size)}
    yield "Put that ignores everything and gives everything", "KV/Put", {"key": b"k", "value": b"v", "lease": 1, "ignore_value": True, "ignore_lease": True}
    yield "Put without a key that ignores everything", "KV/Put", {"ignore_value": True, "ignore_lease": True}
    yield "Put of a new key that ignores everything", "KV/Put", {"key": b"new", "ignore_value": True, "ignore_lease": True}
    yield "DeleteRange of everything without a key", "KV/DeleteRange", {"range_end": b"\0"}


def put(key: bytes, **more: object) -> dict:
    return {"request_put": {"key": key, **more}}


def deep(operation: dict, levels: int, branch: str = "success") -> dict:
    for _ in range(levels):
        operation = {"request_txn": {branch: [operation]}}
    return {branch: [operation]}


def transactions() -> Iterator[Request]:
    for levels in (1, 7, 40, 47):
        yield f"Txn: an empty key {levels} deep", "KV/Txn", deep({"request_range": {}}, levels)
        yield f"Txn: no operation {levels} deep, in the other branch", "KV/Txn", deep({}, levels, "failure")
    yield "Txn: a nested one for each of 127 operations, and one too many in the last", "KV/Txn", {
        "success": [{"request_txn": {}}] * 127 + [{"request_txn": {"success": [put(b"k"), put(b"l")]}}]}
    for count in (129, 1000, 20_000):
        yield f"Txn: {count} puts of one key", "KV/Txn", {"success": [put(b"k")] * count}
        yield f"Txn: {count} comparisons of an empty key", "KV/Txn", {"compare": [{}] * count}
    for result in ENUMS:
        yield f"Txn: comparison with result {result} and no key", "KV/Txn", {"compare": [{"result": result, "target": result}]}
    yield "Txn: a put in each of two nested ones", "KV/Txn", {"success": [{"request_txn": {"success": [put(b"k")]}}, {"request_txn": {"failure": [put(b"k")]}}]}
    yield "Txn: a put below a deleted interval", "KV/Txn", {"failure": [{"request_delete_range": {"key": b"a", "range_end": b"z"}}, {"request_txn": {"failure": [put(b"m")]}}]}
    yield "Txn: a put of the last key of a deleted interval", "KV/Txn", {"success": [put(b"y\xff"), {"request_delete_range": {"key": b"a", "range_end": b"z"}}]}
    yield "Txn: 2 MB of small puts", "KV/Txn", {"success": [put(b"k%d" % number, value=bytes(15_000)) for number in range(128)]}
    for number in (MOST, 1 << 40):
        yield f"Txn: a read at {number} beside a put", "KV/Txn", {"success": [put(b"k"), {"request_range": {"key": b"k", "revision": number}}]}
        yield f"Txn: a put with lease {number}", "KV/Txn", {"success": [put(b"k", lease=number)]}


def leases() -> Iterator[Request]:
    for number in NUMBERS:
        yield f"LeaseRevoke of {number}", "Lease/LeaseRevoke", {"ID": number}
        if number > 1 << 33:
            yield f"LeaseGrant of {number} seconds", "Lease/LeaseGrant", {"TTL": number, "ID": 4}
    yield "LeaseGrant of a second too many", "Lease/LeaseGrant", {"TTL": 9_000_000_001, "ID": -5}
    yield "LeaseGrant of a taken id", "Lease/LeaseGrant", {"TTL": 100, "ID": 77}
    yield "LeaseGrant of a taken id, no seconds", "Lease/LeaseGrant", {"ID": 77}


def the_rest() -> Iterator[Request]:
    for number in NUMBERS:
        if number > 0:
            yield f"HashKV at {number}", "Maintenance/HashKV", {"revision": number}
        yield f"MoveLeader to {number}", "Maintenance/MoveLeader", {"targetID": number}
    urls = ["", "http://", "http:// :1", "http://[::1", "ftp://127.0.0.1:1", "//127.0.0.1:1", "127.0.0.1:1",
            "http://127.0.0.1:1/", "http://a b:1", "\x7f://x", "http://%zz:1", "HTTP://127.0.0.1"]
    for url in urls:
        yield f"MemberAdd of {url!r}", "Cluster/MemberAdd", {"peerURLs": [url]}
    yield "MemberAdd of a good and a bad URL", "Cluster/MemberAdd", {"peerURLs": ["http://127.0.0.1:7", "zz"]}
    yield "MemberAdd of a known URL, twice", "Cluster/MemberAdd", {"peerURLs": ["http://127.0.0.1:12380", "http://127.0.0.1:12380"]}
    yield "MemberAdd of a URL of 1 MB", "Cluster/MemberAdd", {"peerURLs": ["http://" + "x" * 1_000_000 + "/"]}
    for version in ("3.6.0.0", "v3.6", "3.-1.0", "03.3.0", "3.5.0 ", "99999999999999999999.1.1", "3.3.0-", "a" * 100_000):
        for action in (0, 1):
            yield f"Downgrade {action} to {version[:30]!r}", "Maintenance/Downgrade", {"action": action, "version": version}
    for action in (3, -1, 1 << 30):
        yield f"Downgrade with action {action}", "Maintenance/Downgrade", {"action": action, "version": "3.5.0"}
    yield "Lock with a lease that is not there", "/v3lockpb.Lock/Lock", {"name": b"x", "lease": MOST}
    yield "Unlock of nothing", "/v3lockpb.Lock/Unlock", {}
    yield "Campaign with a lease that is not there", "/v3electionpb.Election/Campaign", {"name": b"x", "lease": LEAST}
    yield "Proclaim by nobody", "/v3electionpb.Election/Proclaim", {"leader": {}, "value": b"v"}
    yield "Proclaim by somebody else", "/v3electionpb.Election/Proclaim", {"leader": {"name": b"x", "key": b"x/1", "rev": MOST, "lease": 77}}
    yield "Leader of an election nobody won", "/v3electionpb.Election/Leader", {"name": b"\xff" * 1000}
    yield "Leader of nothing", "/v3electionpb.Election/Leader", {}
