"""Sends what no good client sends. Each gets a gRPC status, with etcd's code and text where a real etcd was recorded; the server
stays alive, its memory stays bounded, and it goes on serving others."""
import os
import socket
import threading
import time

import grpc

from replay_transcripts import replay
from support.checks import check, finish, note
from support.messages import put_varint
from support.servers import Server

# What of the transcript is asked: the services that are served, and services that nobody serves. Of users and roles only the question
# whether there are any is answered yet.
SERVED = {
    "KV": None, "Watch": None, "Lease": None, "Maintenance": None, "Cluster": None, "Lock": None, "Election": None,
    "Auth": {"AuthStatus"}, "Nonsense": None, "Health": None, "kv": None, "": None}

REQUEST_BYTES = 2_097_152  # the most a message may have: 1.5 MiB for the request and 512 KiB for what is around it
MEMORY_BYTES = 256 << 20  # the most the server's memory may have grown after all this


def is_served(line):
    service, _, method = line["rpc"][1:].rpartition("/")
    methods = SERVED.get(service.split(".")[-1], ())
    return methods is None or method in methods


def field(number, data):
    return put_varint(number << 3 | 2) + put_varint(len(data)) + data


def nested(limit):
    """A TxnRequest that holds a RequestOp that holds a TxnRequest and so on, as deep as fits."""
    heads, size = [], 0
    for number in iter(lambda: 4 if len(heads) % 2 == 0 else 2, None):
        head = put_varint(number << 3 | 2) + put_varint(size)
        if size + len(head) > limit and len(heads) % 2 == 0:
            return b"".join(reversed(heads))
        heads.append(head)
        size += len(head)


def hostile_messages():
    """(name, method, bytes, codes it may be refused with, text it must be refused with or None)."""
    yield "2 MiB of nested transactions", "KV/Txn", nested(REQUEST_BYTES - 16), {3, 8, 13}, None
    yield "2 MiB of groups", "KV/Range", b"\x0b" * (REQUEST_BYTES - 16), {13}, None
    yield "2 MiB of unknown groups", "KV/Put", b"\xfb\x07" * (REQUEST_BYTES // 2 - 16), {13}, None
    million = 1_000_000
    yield "a million empty operations", "KV/Txn", b"\x12\x00" * million, {3, 8, 13}, None
    yield "a million empty comparisons", "KV/Txn", b"\x0a\x00" * million, {3, 8, 13}, None
    yield "a million unknown fields", "KV/DeleteRange", b"\x78\x01" * million, {3, 8, 13}, None
    # Beyond three times the limit the gRPC core refuses before the server sees the message, in words of its own.
    for wanted in (REQUEST_BYTES + 1, 5_000_000, 8_000_000):
        request = field(1, b"k") + field(2, bytes(wanted - 4 - len(put_varint(wanted - 8))))
        yield f"a message of {len(request)} bytes", "KV/Put", request, {8}, \
            f"grpc: received message larger than max ({len(request)} vs. {REQUEST_BYTES})" if wanted < 3 * REQUEST_BYTES else None
    yield "a value of 1.6 MB", "KV/Put", field(1, b"k") + field(2, bytes(1_600_000)), {3}, "etcdserver: request is too large"
    yield "a length of 2^63", "KV/Put", b"\x0a" + put_varint(1 << 63), {13}, None
    yield "a length of 2^31", "KV/Put", b"\x0a" + put_varint(1 << 31), {13}, None
    yield "random bytes", "KV/Txn", b"\x0a\xff" + os.urandom(100_000), {13}, None


def hostile(server, client):
    for name, method, request, codes, text in hostile_messages():
        path = "/etcdserverpb." + method
        code, message, _ = client.unary(path, request, timeout=30)
        check(f"{name}: refused", code in codes and (text is None or message == text), f"code {code}, {message[:200]!r}")
    together([(path, request) for _, method, request, _, _ in hostile_messages() for path in ["/etcdserverpb." + method] * 4], server)
    code, message, _ = client.unary("/etcdserverpb.KV/Put", field(1, b"a\0b\xff") + field(2, b"\0\xfe"))
    answer = client.ask("KV/Range", key=b"a\0b\xff")
    check("NUL and bad UTF-8 in a key and a value are kept", code == 0 and answer["kvs"][0]["value"] == b"\0\xfe", f"{message} {answer}")
    for name in (b"\xff\xfe", b"etcd\0x", b"x" * 1_000_000):
        code, message, _ = client.unary("/grpc.health.v1.Health/Check", field(1, name))
        check(f"a health check of {name[:8]!r}: refused", code in (5, 13), f"code {code}, {message[:200]!r}")
    call = client.channel.unary_unary("/etcdserverpb.KV/Put")
    try:
        call(field(1, b"k") + field(2, bytes(100_000_000)), timeout=30, compression=grpc.Compression.Gzip)
        code = 0
    except grpc.RpcError as error:
        code = error.code().value[0]
    check("100 MB of zeroes, compressed: refused", code in (8, 12, 13), f"code {code}")


def together(calls, server):
    """All of them at once, on connections of their own."""
    def one(path, request):
        with server.client() as client:
            results.append(client.unary(path, request, timeout=60)[0])
    results, threads = [], [threading.Thread(target=one, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 14: a server may hang up on a client that is still sending what is too large.
    check(f"{len(calls)} such at once: each is refused", len(results) == len(calls) and not {0, 4} & set(results) and server.alive(),
          f"codes {sorted(results)}")


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GARBAGE = {
    "nothing": b"", "a few bytes": b"\x00\x01\x02", "random bytes": os.urandom(4096), "half a preface": PREFACE[:10],
    "a preface and random bytes": PREFACE + os.urandom(4096), "a preface, settings and a frame of 16 MiB":
        PREFACE + b"\0\0\0\x04\0\0\0\0\0" + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(100_000),
    "a preface and headers without end": PREFACE + b"\0\0\0\x04\0\0\0\0\0" + b"\0\x10\0\1\0\0\0\0\1" + bytes(0x1000),
    "a continuation of nothing": PREFACE + b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\1\x09\0\0\0\0\1\0", "an HTTP/1 line of 1 MB": b"GET /" + b"a" * 1_000_000,
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(512), "an old memcached set": b"set k 0 0 5\r\nvalue\r\n",
}


def garbage(server):
    host, port = server.endpoint.split(":")
    for name, data in GARBAGE.items():
        for _ in range(20):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                try:
                    connection.sendall(data)
                    connection.settimeout(0.05)
                    connection.recv(1000)
                except OSError:
                    pass
        with server.client() as client:
            code, message, _ = client.unary("/etcdserverpb.KV/Range", field(1, b"k"), timeout=10)
        check(f"{name} on the port: others are served", code == 0 and server.alive(), f"code {code} {message}")
    idle = [socket.create_connection((host, int(port)), timeout=5) for _ in range(300)]
    with server.client() as client:
        code, message, _ = client.unary("/etcdserverpb.KV/Range", field(1, b"k"), timeout=10)
    check("300 silent connections: others are served", code == 0, f"code {code} {message}")
    for connection in idle:
        connection.close()


def impatient(server):
    """Calls given up in the middle, and connections closed under them."""
    clients = [server.client() for _ in range(8)]
    for turn in range(400):
        call = clients[turn % 8].channel.unary_unary("/etcdserverpb.KV/Put").future(
            field(1, b"k%d" % turn) + field(2, bytes(10_000)), timeout=0.002 if turn % 2 else 10)
        if turn % 4 == 0:
            call.cancel()
    for client in clients:
        client.close()
    with server.client() as client:
        code, message, _ = client.unary("/etcdserverpb.KV/Put", field(1, b"k") + field(2, b"v"))
    check("400 calls given up: others are served", code == 0 and server.alive(), f"code {code} {message}")


if __name__ == "__main__":
    replay("bad", is_served)
    with Server() as under_test:
        with under_test.client() as caller:
            caller.ask("KV/Put", key=b"k", value=b"v")
            before = under_test.memory()
            hostile(under_test, caller)
        garbage(under_test)
        impatient(under_test)
        time.sleep(1)
        if check("the server is alive after all this", under_test.alive(), under_test.log_tail()):
            grown = under_test.memory() - before
            check(f"its memory grew by at most {MEMORY_BYTES >> 20} MiB", grown <= MEMORY_BYTES, f"{grown >> 20} MiB")
            note(f"memory: {before >> 20} MiB before, {grown / (1 << 20):+.1f} MiB after")
    finish()
