"""Bytes that are no message of the kind, or only just are: twenty ways, for every method."""
from typing import Callable, Dict, Iterator, Tuple

from support.messages import SCHEMA, put_varint

VARINT, FIXED64, BYTES, START_GROUP, END_GROUP, FIXED32 = range(6)

# What is asked of every method. Streams are in misuse.py.
METHODS = [
    "KV/Range", "KV/Put", "KV/DeleteRange", "KV/Txn", "KV/Compact", "Lease/LeaseGrant", "Lease/LeaseRevoke", "Lease/LeaseTimeToLive",
    "Lease/LeaseLeases", "Cluster/MemberAdd", "Cluster/MemberRemove", "Cluster/MemberUpdate", "Cluster/MemberList", "Cluster/MemberPromote",
    "Maintenance/Alarm", "Maintenance/Status", "Maintenance/Hash", "Maintenance/HashKV", "Maintenance/MoveLeader",
    "Maintenance/Downgrade", "Maintenance/Defragment", "Auth/AuthStatus", "/v3lockpb.Lock/Lock", "/v3lockpb.Lock/Unlock", "/v3electionpb.Election/Campaign",
    "/v3electionpb.Election/Proclaim", "/v3electionpb.Election/Leader", "/v3electionpb.Election/Resign"]


def path_of(method: str) -> str:
    return method if method.startswith("/") else "/etcdserverpb." + method


def tag(number: int, wire: int) -> bytes:
    return put_varint(number << 3 | wire)


def of(number: int, data: bytes) -> bytes:
    return tag(number, BYTES) + put_varint(len(data)) + data


KINDS: Dict[str, Callable[[int], bytes]] = {
    "a first field of wire type 6": lambda number: tag(number, 6) + b"\1",
    "a first field of wire type 7": lambda number: tag(number, 7) + b"\1",
    "a first field as four bytes": lambda number: tag(number, FIXED32) + b"\1\2\3\4",
    "a first field as eight bytes": lambda number: tag(number, FIXED64) + b"\1\2\3\4\5\6\7\x08",
    "a first field as a group": lambda number: tag(number, START_GROUP) + tag(number, END_GROUP),
    "four bytes of which one is missing": lambda number: tag(900, FIXED32) + b"\1\2\3",
    "eight bytes of which one is missing": lambda number: tag(900, FIXED64) + b"\1\2\3\4\5\6\7",
    "an unknown field that is longer than the message": lambda number: tag(900, BYTES) + b"\x05ab",
    "an unknown field without its length": lambda number: tag(900, BYTES),
    "a length of eleven bytes": lambda number: tag(900, BYTES) + b"\x80" * 10 + b"\1",
    "a negative length": lambda number: tag(900, BYTES) + put_varint(-1),
    "a length that wraps around": lambda number: tag(900, BYTES) + put_varint((1 << 63) - 1),
    "an unknown group that does not end": lambda number: tag(900, START_GROUP) + tag(3, VARINT) + b"\1",
    "an unknown group that ends as another": lambda number: tag(900, START_GROUP) + tag(901, END_GROUP),
    "an end without a group": lambda number: tag(900, END_GROUP),
    "a field number of 0 in an unknown group": lambda number: tag(900, START_GROUP) + b"\2\1a" + tag(900, END_GROUP),
    "a field number beyond all": lambda number: put_varint((1 << 32) | 8) + b"\1",
    "a tag of eleven bytes": lambda number: b"\xff" * 10 + b"\1",
    "half a tag": lambda number: b"\xf8",
    "a value of eleven bytes": lambda number: tag(900, VARINT) + b"\xff" * 10 + b"\1",
}


# These would wait, or hold what others wait for: they get a lease that is not there.
NO_WAITING = {"/v3lockpb.Lock/Lock": tag(2, VARINT) + put_varint(4242), "/v3electionpb.Election/Campaign": tag(2, VARINT) + put_varint(4242)}


def requests() -> Iterator[Tuple[str, str, bytes]]:
    """(name, path, bytes). Each method gets every third kind, so that all kinds come at all sorts of messages."""
    for at, method in enumerate(METHODS):
        numbers = sorted(SCHEMA.messages[SCHEMA.methods[path_of(method)][0]]) or [1]
        for index, (name, make) in enumerate(KINDS.items()):
            if (index + at) % 3 == 0:
                yield f"{method.split('.')[-1]}: {name}", path_of(method), make(numbers[0]) + NO_WAITING.get(method, b"")


def nested_requests() -> Iterator[Tuple[str, str, bytes]]:
    """Damage inside of messages in messages."""
    for name, make in KINDS.items():
        yield f"Txn: a comparison with {name}", path_of("KV/Txn"), of(1, make(3))
        yield f"Txn: a put with {name}", path_of("KV/Txn"), of(2, of(2, make(1)))
        yield f"Txn: in a transaction in a transaction, {name}", path_of("KV/Txn"), of(3, of(4, of(2, of(4, make(1)))))
