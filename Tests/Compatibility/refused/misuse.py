"""Streams, metadata and the HTTP/2 below, misused. Each gives (code, text), or a word for what came instead."""
import socket
import struct
import time
from typing import Callable, Dict, Iterator, List, Tuple

import grpc

from support.messages import encode
from support.servers import Client, Server
from support.watching import WATCH

KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"
RANGE = "/etcdserverpb.KV/Range"
Outcome = Tuple[int, str]


def stream(client: Client, path: str, messages: List[bytes], metadata: tuple = (), timeout: float = 1.0) -> Outcome:
    """Sends them all, and reads until the stream ends; one that stays open until the time is up is as it should be: (4, "")."""
    try:
        for _ in client.channel.stream_stream(path)(iter(messages), timeout=timeout, metadata=metadata):
            pass
        return 0, ""
    except grpc.RpcError as error:
        late = error.code().value[0] == 4 or error.details() == "context deadline exceeded"  # whoever noticed first
        return (4, "") if late else (error.code().value[0], error.details() or "")


def streams() -> Iterator[Tuple[str, Callable[[Client], Outcome]]]:
    damaged = {"half a tag": b"\xf8", "bytes past the end": b"\x0a\x7fx", "wire type 7": b"\x0f", "a varint without end": b"\x08" + b"\xff" * 11,
               "a group without end": b"\x0b", "field number 0": b"\2\1a"}
    for path in (WATCH, KEEP_ALIVE):
        for name, data in damaged.items():
            yield f"{path.split('/')[-1]}: {name}", lambda client, path=path, data=data: stream(client, path, [data], timeout=3)
        yield f"{path.split('/')[-1]}: 2.2 MB in a message", lambda client, path=path: stream(client, path, [b"\xaa\x01" + b"\xa0\xa3\x86\x01" + bytes(2_200_000)], timeout=3)
        yield f"{path.split('/')[-1]}: a bad message after a good one", lambda client, path=path: stream(
            client, path, [b"\x08\x05" if path == KEEP_ALIVE else encode("etcdserverpb.WatchRequest", {"create_request": {"key": b"k"}}), b"\xf8"], timeout=3)
    yield "LeaseKeepAlive: 3,000 ids that are not there", lambda client: stream(client, KEEP_ALIVE, [b"\x08\x05"] * 3000, timeout=20)
    watch: Dict[str, List[dict]] = {
        "nothing asked, many times": [{}] * 500, "cancels of what is not there": [{"cancel_request": {"watch_id": number}} for number in range(-50, 50)],
        "two thousand requests for progress": [{"progress_request": {}}] * 2000,
        "one id, a thousand times": [{"create_request": {"key": b"k", "watch_id": 5}}] * 1000,
        "empty intervals": [{"create_request": {"key": b"b", "range_end": b"a"}}] * 300,
        "starts of the far past": [{"create_request": {"key": b"k", "start_revision": -(1 << 63)}}] * 100,
        "unknown filters": [{"create_request": {"key": b"k", "filters": [9, -1, 1 << 30] * 100}}],
        "a key of 1 MB": [{"create_request": {"key": bytes(1_000_000), "range_end": b"\xff" * 1_000_000}}]}
    for name, requests in watch.items():
        yield f"Watch: {name}", lambda client, requests=requests: stream(client, WATCH, [encode("etcdserverpb.WatchRequest", request) for request in requests])


def metadata() -> Iterator[Tuple[str, Callable[[Client], Outcome]]]:
    good = encode("etcdserverpb.RangeRequest", {"key": b"k"})

    def asked(client: Client, pairs: tuple) -> Outcome:
        return client.unary(RANGE, good, metadata=pairs)[:2]
    for name, pairs in {
            "a token while there are none": (("token", "x"),), "an empty token": (("token", ""),), "two tokens": (("token", "a"), ("token", "b")),
            "a token of 4 KB": (("token", "x" * 4000),), "an odd authorization": (("authorization", "Basic ???"),), "hasleader of another kind": (("hasleader", "maybe"),),
            "hasleader twice": (("hasleader", "true"), ("hasleader", "false")), "a client version": (("client-api-version", "9.9"),),
            "a very long client version": (("client-api-version", "9" * 5000),), "binary metadata": (("x-bin", b"\0\xff\xfe"),),
            "5 KB of metadata": tuple((f"k{number}", "v" * 40) for number in range(100))}.items():
        yield f"Range with {name}", lambda client, pairs=pairs: asked(client, pairs)
    yield "Watch with hasleader of another kind", lambda client: stream(client, WATCH, [encode("etcdserverpb.WatchRequest", {})], (("hasleader", "1"),))
    for path in ("/etcdserverpb.KV", "/etcdserverpb.KV/", "/etcdserverpb.KV/range", "//", "/", "/etcdserverpb.KV/Range/", "/etcdserverpb.KV/Range?x=1",
                 "/etcdserverpb.Kv/Range", "/etcdserverpb.Watch/Nothing", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/a/b/c", "/" + "x" * 3000 + "/y"):
        yield f"the method {path[:40]}", lambda client, path=path: client.unary(path, good, timeout=3)[:2]


# HTTP/2, by hand. The two servers' libraries answer these in ways of their own; what counts is that others are served.

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GOOD = {":method": "POST", ":scheme": "http", ":path": RANGE, ":authority": "localhost", "te": "trailers", "content-type": "application/grpc"}


def frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", number) + payload


def string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, out = len(text) - 127, bytearray([127])
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out) + bytes([rest]) + text


def headers(fields: Dict[str, str]) -> bytes:
    return b"".join(b"\0" + string(name.encode("latin-1")) + string(value.encode("latin-1")) for name, value in fields.items() if value is not None)


def message(data: bytes, flag: int = 0, length: int = -1) -> bytes:
    return bytes([flag]) + struct.pack(">I", len(data) if length < 0 else length) + data


def request(fields: Dict[str, str], body: bytes, end: int = 1, number: int = 1) -> bytes:
    return frame(1, 4, number, headers(fields)) + frame(0, end, number, body)


def raw() -> Iterator[Tuple[str, bytes]]:
    body = message(b"\x0a\x01k")
    for name, change in {
            "a content type of its own": {"content-type": "text/plain"}, "no content type": {"content-type": None}, "gRPC in JSON": {"content-type": "application/grpc+json"},
            "an unknown encoding": {"grpc-encoding": "zip"}, "a timeout of nonsense": {"grpc-timeout": "soon"}, "a timeout of nothing": {"grpc-timeout": ""},
            "a timeout of ages": {"grpc-timeout": "99999999999H"}, "a negative timeout": {"grpc-timeout": "-1S"}, "GET": {":method": "GET"}, "no method": {":method": None},
            "no path": {":path": None}, "an empty path": {":path": ""}, "a path without a slash": {":path": "etcdserverpb.KV/Range"}, "no te": {"te": None},
            "te of another kind": {"te": "gzip"}, "an unknown pseudo header": {":what": "x"}, "an upper case header": {"X-Upper": "x"}, "a line break in a header": {"x": "a\r\nb"},
            "no scheme": {":scheme": None}, "a connection header": {"connection": "close"}, "a content length that is wrong": {"content-length": "3"},
            "a header of 100 KB": {"x": "y" * 16_000}}.items():
        yield name, request({**GOOD, **change}, body)
    yield "no message", request(GOOD, b"")
    yield "two messages", request(GOOD, body + body)
    yield "a message and a half", request(GOOD, body + body[:4])
    yield "a message shorter than it says", request(GOOD, message(b"k", length=100))
    yield "a message longer than it says", request(GOOD, message(b"\x0a\x01k", length=1))
    yield "a message of 4 GB, it says", request(GOOD, message(b"k", length=0xFFFFFFFF))
    yield "compressed, without an encoding", request(GOOD, message(b"\x0a\x01k", flag=1))
    yield "an unknown message flag", request(GOOD, message(b"\x0a\x01k", flag=0xFE))
    yield "compressed with what is no gzip", request({**GOOD, "grpc-encoding": "gzip"}, message(b"not gzip", flag=1))
    yield "data before headers", frame(0, 1, 1, body)
    yield "an even stream number", request(GOOD, body, number=2)
    yield "a stream number that goes back", request(GOOD, body, number=5) + request(GOOD, body, number=3)
    yield "headers twice", frame(1, 4, 1, headers(GOOD)) + frame(1, 4, 1, headers(GOOD)) + frame(0, 1, 1, body)
    yield "a window of 2^31", frame(8, 0, 0, struct.pack(">I", 0x7FFFFFFF)) * 3 + request(GOOD, body)
    yield "a window of 0", frame(8, 0, 0, bytes(4)) + request(GOOD, body)
    yield "settings of nonsense", frame(4, 0, 0, struct.pack(">HI", 4, 0xFFFFFFFF)) + request(GOOD, body)
    yield "settings of five bytes", frame(4, 0, 0, bytes(5)) + request(GOOD, body)
    yield "a ping of seven bytes", frame(6, 0, 0, bytes(7)) + request(GOOD, body)
    yield "a thousand pings", frame(6, 0, 0, bytes(8)) * 1000 + request(GOOD, body)
    yield "ten thousand settings", frame(4, 0, 0, b"") * 10_000 + request(GOOD, body)
    yield "padding beyond the frame", frame(1, 4, 1, headers(GOOD)) + frame(0, 9, 1, b"\xff" + body)
    yield "a priority on itself", frame(2, 0, 1, struct.pack(">IB", 1, 5)) + request(GOOD, body)
    yield "a push from the client", frame(5, 4, 1, struct.pack(">I", 2) + headers(GOOD)) + request(GOOD, body)
    yield "a frame of an unknown kind", frame(99, 0, 0, b"?") + request(GOOD, body)
    yield "500 streams, each reset at once", b"".join(frame(1, 4, number, headers(GOOD)) + frame(3, 0, number, bytes(4)) for number in range(1, 1001, 2))
    yield "a bad index in the header table", frame(1, 5, 1, b"\xff\xff\xff\xff\x0f")
    yield "a goodbye first", frame(7, 0, 0, bytes(8)) + request(GOOD, body)


def send_raw(server: Server, data: bytes) -> None:
    host, port = server.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.settimeout(0.15)
        try:
            connection.sendall(PREFACE + frame(4, 0, 0, b"") + data)
            until = time.monotonic() + 0.3
            while connection.recv(65536) and time.monotonic() < until:
                pass
        except OSError:
            pass
