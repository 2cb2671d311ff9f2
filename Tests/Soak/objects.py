"""Clients shaped like Kubernetes' API server: optimistic transactions on objects, lists in pages, and a watch cache for each resource."""
import queue
import random
import threading
import time
from typing import Dict, List, NamedTuple, Optional

import grpc

from support.messages import SCHEMA, decode, encode
from support.servers import Server
from support.watching import WATCH, digest

PAGE = 100  # objects to a page of a list
GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}


class Gone(Exception):
    """The server is not there now."""


class Refused(Exception):
    """The server said no."""


class Caller:
    """Calls that tell a server that is gone from one that refuses."""

    def __init__(self, server: Server) -> None:
        self.client = server.client()

    def ask(self, method: str, **fields: object) -> dict:
        path = "/etcdserverpb." + method
        request, response = SCHEMA.methods[path][:2]
        code, text, data = self.client.unary(path, encode(request, fields), timeout=10)
        if code in (1, 4, 14) or (code == 2 and "context" in text):
            raise Gone(text)
        if code:
            raise Refused(f"{method}: {code} {text}")
        return decode(response, data)

    def list(self, prefix: bytes, keys_only: bool = False, revision: int = 0) -> "Listing":
        """All of a resource, in pages, at one revision: that of the first page, if none is given."""
        start, end, objects = prefix, prefix[:-1] + bytes([prefix[-1] + 1]), {}
        while True:
            page = self.ask("KV/Range", key=start, range_end=end, limit=PAGE, revision=revision, keys_only=keys_only)
            revision = revision or page["header"]["revision"]
            for kv in page.get("kvs", []):
                objects[kv["key"]] = Held(kv["mod_revision"], kv["version"], digest(kv.get("value", b"")))
            if not page.get("more"):
                return Listing(revision, objects)
            start = page["kvs"][-1]["key"] + b"\0"


class Held(NamedTuple):
    revision: int
    version: int
    value: bytes


class Listing(NamedTuple):
    revision: int
    objects: Dict[bytes, Held]


class Tally:
    """What happened, and what must not have."""

    def __init__(self) -> None:
        self.counts: Dict[str, int] = {}
        self.wrong: List[str] = []
        self.lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + count

    def fail(self, text: str) -> None:
        with self.lock:
            self.wrong.append(text)


class Writer(threading.Thread):
    """Creates, updates and deletes objects of one resource with optimistic transactions, and lists them now and then."""

    def __init__(self, server: Server, tally: Tally, prefix: bytes, count: int, sizes: List[int], rate: float, seed: str, seconds_to_live: int = 0) -> None:
        super().__init__(daemon=True)
        self.caller, self.tally, self.prefix, self.count, self.sizes, self.rate = Caller(server), tally, prefix, count, sizes, rate
        self.random, self.seconds_to_live, self.running = random.Random(seed), seconds_to_live, True
        self.lease, self.lease_until = 0, 0.0

    def run(self) -> None:
        while self.running:
            began = time.monotonic()
            try:
                self.one()
            except Gone:
                time.sleep(0.1)
            except Refused as error:
                if "lease not found" not in str(error):  # it has just ended
                    self.tally.fail(str(error))
                self.lease_until = 0
            time.sleep(max(0.0, self.random.expovariate(self.rate) - (time.monotonic() - began)))

    def current_lease(self) -> int:
        """One lease for all that is written in some seconds, as for events."""
        if self.seconds_to_live and time.monotonic() > self.lease_until:
            self.lease = self.caller.ask("Lease/LeaseGrant", TTL=self.seconds_to_live)["ID"]
            self.lease_until = time.monotonic() + 3
            self.tally.add("leases granted")
        return self.lease

    def one(self) -> None:
        key = self.prefix + b"namespace-%d/object-%04d" % (self.random.randrange(5), self.random.randrange(self.count))
        chance = self.random.random()
        if chance < 0.04:
            self.tally.add("objects listed", len(self.caller.list(self.prefix).objects))
            return
        kvs = self.caller.ask("KV/Range", key=key).get("kvs", [])
        value = self.random.getrandbits(64).to_bytes(8, "big") * (self.random.choice(self.sizes) // 8)
        put = {"request_put": {"key": key, "value": value, "lease": self.current_lease()}}
        revision = kvs[0]["mod_revision"] if kvs else 0
        change = {"request_delete_range": {"key": key}} if kvs and chance < 0.2 else put
        answer = self.caller.ask("KV/Txn", compare=[{"target": 2, "key": key, "mod_revision": revision}], success=[change],
                                 failure=[{"request_range": {"key": key}}])
        self.tally.add("transactions that won" if answer.get("succeeded") else "transactions that lost")


class Cache(threading.Thread):
    """A watch cache. Each event must fit what it holds; at each bookmark, and at the end, it must be what the store held at that revision."""

    def __init__(self, server: Server, tally: Tally, prefix: bytes) -> None:
        super().__init__(daemon=True)
        self.server, self.tally, self.prefix, self.running = server, tally, prefix, True
        self.caller = Caller(server)
        self.objects: Dict[bytes, Held] = {}
        self.revision, self.resumed = 0, False
        self.requests: "queue.Queue[Optional[bytes]]" = queue.Queue()
        self.call: Optional[grpc.Call] = None

    def run(self) -> None:
        while self.running:
            try:
                if not self.revision:
                    self.revision, self.objects = self.caller.list(self.prefix)
                    self.tally.add("caches filled by a list")
                self.watch()
            except Gone:
                pass
            except grpc.RpcError as error:
                if error.code() not in GONE and self.running:
                    self.tally.fail(f"watch of {self.prefix!r}: {error.code()} {error.details()}")
            except Exception as error:
                self.tally.fail(f"watch of {self.prefix!r}: {type(error).__name__} {error}")
            time.sleep(0.05)

    def watch(self) -> None:
        self.requests = queue.Queue()
        fields = {"key": self.prefix, "range_end": self.prefix[:-1] + bytes([self.prefix[-1] + 1]), "start_revision": self.revision + 1,
                  "prev_kv": True, "progress_notify": True}
        self.requests.put(encode("etcdserverpb.WatchRequest", {"create_request": fields}))
        self.call = self.caller.client.channel.stream_stream(WATCH)(iter(self.requests.get, None))
        try:
            for data in self.call:
                self.take(decode("etcdserverpb.WatchResponse", data))
                if not self.revision:
                    return
        finally:
            self.requests.put(None)

    def ask_progress(self) -> None:
        self.requests.put(encode("etcdserverpb.WatchRequest", {"progress_request": {}}))

    def take(self, message: dict) -> None:
        if message.get("canceled"):
            self.tally.fail(f"watch of {self.prefix!r} from {self.revision + 1} canceled: {message}")
            self.revision = 0
        elif message.get("created"):
            self.tally.add("watches begun")
        elif message.get("events"):
            for event in message["events"]:
                self.apply(event)
            self.revision = message["events"][-1]["kv"]["mod_revision"]
        else:
            self.bookmark(message["header"]["revision"])

    def apply(self, event: dict) -> None:
        kv, before = event["kv"], event.get("prev_kv")
        key, held = kv["key"], self.objects.get(kv["key"])
        self.tally.add("events")
        if kv["mod_revision"] <= self.revision:
            self.tally.fail(f"{key!r}: an event of {kv['mod_revision']} after {self.revision}")
        if before and (held is None or held != Held(before["mod_revision"], before["version"], digest(before.get("value", b"")))):
            self.tally.fail(f"{key!r} at {kv['mod_revision']}: it was {before['mod_revision']}, the cache has {held}")
        if event.get("type"):
            if held is None:
                self.tally.fail(f"{key!r} deleted at {kv['mod_revision']} and not in the cache")
            self.objects.pop(key, None)
            return
        if kv["version"] != (held.version + 1 if held else 1):
            self.tally.fail(f"{key!r} at {kv['mod_revision']}: version {kv['version']}, the cache has {held}: an event is lost")
        self.objects[key] = Held(kv["mod_revision"], kv["version"], digest(kv.get("value", b"")))

    def bookmark(self, revision: int) -> None:
        if revision < self.revision:
            self.tally.fail(f"bookmark of {revision} after an event of {self.revision}")
        self.revision = revision
        self.compare(revision)

    def compare(self, revision: int, values: bool = False) -> bool:
        """Whether the cache is what the store held then; a revision that is compacted meanwhile proves nothing."""
        try:
            listing = self.caller.list(self.prefix, keys_only=not values, revision=revision)
        except Refused as error:
            if "compacted" not in str(error):
                self.tally.fail(str(error))
            self.tally.add("bookmarks not compared: compacted")
            return False
        except Gone:
            return False
        mine, theirs = ({key: held if values else held[:2] for key, held in objects.items()} for objects in (self.objects, listing.objects))
        if mine != theirs:
            odd = [key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)]
            self.tally.fail(f"cache of {self.prefix!r} at {revision} differs in {len(odd)} objects, e.g. {odd[0]!r}: {mine.get(odd[0])}, store {theirs.get(odd[0])}")
        self.tally.add("bookmarks compared")
        return True
