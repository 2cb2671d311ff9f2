"""A watcher that writes down all it is told, and the nine guarantees of etcd's watch API checked on what it wrote down.

The guarantees are those of etcd's own robustness tests (`tests/robustness/validate/watch.go`): filtered, ordered, unique, atomic,
bookmarkable, resumable, reliable, and `prev_kv` and `IsCreate` right."""
import bisect
import hashlib
import queue
import threading
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

import grpc

from support.messages import decode, encode

WATCH = "/etcdserverpb.Watch/Watch"


def digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=8).digest()


class Event(NamedTuple):
    revision: int
    key: bytes
    is_put: bool
    value: bytes  # digests: they are many
    create: int = 0
    version: int = 0
    previous: Optional[Tuple[int, bytes]] = None  # revision and value of what was there before


class Response(NamedTuple):
    revision: int
    events: List[Event]
    progress: bool
    fragment: bool


class Interest(NamedTuple):
    """What a watcher asks for."""
    key: bytes
    range_end: bytes
    start: int
    prev_kv: bool
    filters: Tuple[int, ...]
    fragment: bool

    def covers(self, event: Event) -> bool:
        inside = self.key <= event.key < self.range_end if self.range_end else event.key == self.key
        return inside and (0 if event.is_put else 1) not in self.filters

    def fields(self) -> dict:
        return {"key": self.key, "range_end": self.range_end, "start_revision": self.start, "prev_kv": self.prev_kv,
                "filters": list(self.filters), "fragment": self.fragment, "progress_notify": True}


class Recorder(threading.Thread):
    """A watcher on a stream of its own. `delay`: seconds it takes over each response, as a slow client does."""

    def __init__(self, client, interest: Interest, delay: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.client, self.interest, self.delay = client, interest, delay
        self.responses: List[Response] = []
        self.compacted, self.failure, self.seen, self.created = 0, "", 0, 0
        self.requests: "queue.Queue[Optional[bytes]]" = queue.Queue()
        self.requests.put(encode("etcdserverpb.WatchRequest", {"create_request": interest.fields()}))
        self.call = client.channel.stream_stream(WATCH)(iter(self.requests.get, None))

    def ask_progress(self) -> None:
        self.requests.put(encode("etcdserverpb.WatchRequest", {"progress_request": {}}))

    def run(self) -> None:
        try:
            for data in self.call:
                self.heard(data)
                self.note(decode("etcdserverpb.WatchResponse", data))
                if self.compacted or self.failure:
                    break
                time.sleep(self.delay)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                self.failure = f"the stream ended: {error.code()} {error.details()}"
        except ValueError as error:
            self.failure = f"no response: {error}"

    def heard(self, data: bytes) -> None:
        """Each response as it came, for those that keep it."""

    def note(self, message: dict) -> None:
        revision = message.get("header", {}).get("revision", 0)
        if message.get("created"):
            self.created = revision
        if message.get("compact_revision"):
            self.compacted = message["compact_revision"]
        elif message.get("canceled"):
            self.failure = f"canceled: {message}"
        events = [self.event(item) for item in message.get("events", [])]
        progress = not events and not message.get("created") and not message.get("canceled")
        self.responses.append(Response(revision, events, progress, bool(message.get("fragment"))))
        self.seen = max(self.seen, revision if progress else max((event.revision for event in events), default=0))

    @staticmethod
    def event(item: dict) -> Event:
        kv, before = item["kv"], item.get("prev_kv")
        return Event(kv["mod_revision"], kv["key"], not item.get("type"), digest(kv.get("value", b"")), kv.get("create_revision", 0),
                     kv.get("version", 0), before and (before["mod_revision"], digest(before.get("value", b""))))

    def end(self) -> None:
        self.call.cancel()
        self.requests.put(None)
        self.join(10)


class Truth:
    """All changes, in order, as the writers were told: the answers name the revisions."""

    def __init__(self) -> None:
        self.revisions: Dict[int, List[Tuple[bytes, Optional[bytes]]]] = {}
        self.lock = threading.Lock()

    def written(self, revision: int, changes: List[Tuple[bytes, Optional[bytes]]]) -> None:
        with self.lock:
            self.revisions[revision] = changes

    def events(self) -> List[Event]:
        """With what each key was before, and its create revision and version. Every revision must be known."""
        state: Dict[bytes, Event] = {}
        out = []
        for revision in range(2, max(self.revisions, default=1) + 1):
            for key, value in self.revisions[revision]:
                old = state.get(key)
                before = old and (old.revision, old.value)
                if value is None:
                    out.append(Event(revision, key, False, digest(b""), 0, 0, before))
                    del state[key]
                else:
                    state[key] = Event(revision, key, True, digest(value), old.create if old else revision, old.version + 1 if old else 1, before)
                    out.append(state[key])
        return out


def violations(recorder: Recorder, truth: List[Event], compacted: int, last: int) -> List[str]:
    """Which guarantees were broken for a watcher. `last`: it must have come this far; 0: as far as it came."""
    interest, told = recorder.interest, [event for response in recorder.responses for event in response.events]
    start = interest.start or recorder.created + 1
    low = bisect.bisect_left(truth, (start,))
    end = max(last, recorder.seen)
    owed = [event for event in truth[low:bisect.bisect_left(truth, (end + 1,))] if interest.covers(event)]
    if recorder.compacted and not told:
        owed = []  # it was canceled before it was told anything
    elif recorder.compacted and not last:
        owed = owed[:len(told)]
    wrong = []
    if any(not interest.covers(event) for event in told):
        wrong.append("filtered: an event it did not ask for")
    if any(a.revision > b.revision for a, b in zip(told, told[1:])):
        wrong.append("ordered: a revision below the one before")
    if len({(event.revision, event.key, event.is_put) for event in told}) != len(told):
        wrong.append("unique: an event twice")
    wrong += atomic(recorder.responses, interest) + bookmarks(recorder.responses)
    if told and owed and (told[0].revision, told[0].key) != (owed[0].revision, owed[0].key):
        wrong.append(f"resumable: begins with {told[0].revision} {told[0].key!r}, not {owed[0].revision} {owed[0].key!r}")
    plain = [(event.revision, event.key, event.is_put, event.value) for event in told]
    expected = [(event.revision, event.key, event.is_put, event.value) for event in owed]
    if plain != expected:
        at = next((index for index, pair in enumerate(zip(plain, expected)) if pair[0] != pair[1]), min(len(plain), len(expected)))
        wrong.append(f"reliable: {len(plain)} events, {len(expected)} owed; first difference at {at}: {plain[at:at + 1]}, owed {expected[at:at + 1]}")
        return [f"{interest}: {text}" for text in wrong]
    for event, true in zip(told, owed):
        if interest.prev_kv and event.previous != true.previous and not (event.previous is None and true.revision - 1 < compacted):
            wrong.append(f"prev_kv: of {event.key!r} at {event.revision}: {event.previous}, was {true.previous}")
            break
        if (event.create, event.version) != (true.create, true.version) and event.is_put:
            wrong.append(f"IsCreate: {event.key!r} at {event.revision}: create {event.create}, version {event.version}; true {true.create}, {true.version}")
            break
    return [f"{interest}: {text}" for text in wrong]


def atomic(responses: List[Response], interest: Interest) -> List[str]:
    before, fragment = 0, False
    for response in responses:
        if response.events and response.events[0].revision == before and not (interest.fragment and fragment):
            return [f"atomic: revision {before} in two responses"]
        if response.events:
            before, fragment = response.events[-1].revision, response.fragment
    return []


def bookmarks(responses: List[Response]) -> List[str]:
    """After word that all is told up to a revision, nothing comes from at or below it."""
    promised = 0
    for response in responses:
        if response.events and response.events[0].revision <= promised:
            return [f"bookmarkable: revision {response.events[0].revision} after a bookmark of {promised}"]
        if response.progress:
            promised = max(promised, response.revision)
    return []
