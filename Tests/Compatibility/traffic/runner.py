"""Does to a server what a plan says. Runs in a process of its own for each server, so that the two work at the same time."""
import queue
import threading
import time
from typing import Callable, Dict, List, Optional, Tuple

import grpc

from support.messages import SCHEMA, decode, encode, raw_fields
from support.servers import ETCD, Server
from traffic.cases import Chosen, Step

Raw = Tuple[int, str, object]  # code, text, and bytes (a list of them for a stream)
PATIENCE = 4.0  # seconds that an answer which must come may take
SHORT = 0.2  # seconds after which one that may not come will not


class WatchStream:
    """A stream of watchers: answers that are no events in order, and per watcher its events in order, as bytes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.requests: "queue.Queue[Optional[bytes]]" = queue.Queue()
        self.controls: List[bytes] = []
        self.events: Dict[int, List[bytes]] = {}
        self.fragmented, self.received, self.end = set(), 0, None  # type: set, int, Optional[Tuple[int, str]]
        self.changed = threading.Condition()
        self.call = channel.stream_stream("/etcdserverpb.Watch/Watch")(iter(self.requests.get, None))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        end = (0, "")
        try:
            for response in self.call:
                self.take(response)
        except grpc.RpcError as error:
            end = (error.code().value[0], error.details() or "")
        with self.changed:
            self.end = end
            self.changed.notify_all()

    def take(self, response: bytes) -> None:
        identity, events, control, fragment = 0, [], False, False
        for number, _, value in raw_fields(response):
            if number == 2:
                identity = value - (1 << 64) if value >> 63 else value
            elif number == 11:
                events.append(value)
            elif number == 7:
                fragment = bool(value)
            elif number in (3, 4, 5):
                control = True
        with self.changed:
            if events:
                self.events.setdefault(identity, []).extend(events)
                self.received += len(events)
                if fragment:
                    self.fragmented.add(identity)
            if control or not events:
                self.controls.append(response)
            self.changed.notify_all()

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: ready() or self.end is not None, seconds)

    def status(self) -> Tuple[int, str]:
        return self.end or (0, "")

    def take_controls(self, most: int) -> List[bytes]:
        with self.changed:
            taken, self.controls = self.controls[:most], self.controls[most:]
        return taken

    def take_events(self) -> List[dict]:
        with self.changed:
            taken = [{"watch_id": identity, "events": events, **({"fragmented": True} if identity in self.fragmented else {})}
                     for identity, events in sorted(self.events.items())]
            if self.controls:
                taken.append({"unasked": self.controls})
            self.controls, self.events, self.received, self.fragmented = [], {}, 0, set()
        return taken

    def close(self) -> None:
        self.call.cancel()
        self.requests.put(None)


class Runner:
    """`known`: the ids that this server chose, by the plan's names for them."""

    def __init__(self, server: Server) -> None:
        self.client = server.client()
        # The real etcd now and then drops a change of members without a word ("ignoring conf change": it has not noted that the last is
        # done). It is asked again; all changes here are refused, so that asking twice is asking once. Martlet gets no second chance.
        self.drops_changes = server.command[0] == ETCD
        self.known: Dict[str, int] = {"member": self.client.ask("Maintenance/Status")["header"]["member_id"]}
        self.streams: Dict[str, WatchStream] = {}
        self.calls: Dict[str, grpc.Future] = {}

    def resolve(self, value: object) -> object:
        if isinstance(value, Chosen):
            number = self.known.get(value.name, 0)
            return number if value.prefix is None else value.prefix + b"%x" % number
        if isinstance(value, dict):
            return {name: self.resolve(item) for name, item in value.items()}
        return [self.resolve(item) for item in value] if isinstance(value, list) else value

    def encoded(self, step: Step, fields: object = None) -> bytes:
        return encode(SCHEMA.methods[step.path][0], self.resolve(step.fields if fields is None else fields))

    def perform(self, step: Step) -> Raw:
        return getattr(self, step.action)(step)

    # Unary calls

    def call(self, step: Step) -> Raw:
        attempts = 4 if self.drops_changes and "/Member" in step.path else 1
        for _ in range(attempts):
            answer = self.client.unary(step.path, self.encoded(step), timeout=20 if attempts == 1 else 3)
            if answer[0] != 4:
                break
        if step.stream and answer[0] == 0:
            message = decode(SCHEMA.methods[step.path][1], answer[2])
            self.known[step.stream] = message["ID"] if "ID" in message else int(message["key"].rpartition(b"/")[2], 16)
        return answer

    def begin(self, step: Step) -> Raw:
        self.calls[step.stream] = self.client.channel.unary_unary(step.path).future(self.encoded(step), timeout=20)
        return 0, "", b""

    def give_up(self, step: Step) -> Raw:
        """The client cancels: a code of its own making, unless the server was first."""
        call = self.calls.pop(step.stream)
        call.cancel()
        return (1, "", b"") if call.cancelled() else (-1, "it had ended before", b"")

    def finish(self, step: Step) -> Raw:
        try:
            return 0, "", self.calls.pop(step.stream).result()
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", b""

    def until(self, step: Step, ready: Callable[[int], bool]) -> Raw:
        end = time.monotonic() + 20
        while not ready(self.client.ask("KV/Range", count_only=True, **step.fields).get("count", 0)):
            if time.monotonic() > end:
                return -1, f"not so after 20 s: {step.words()}", b""
            time.sleep(0.01)
        return 0, "", b""

    def until_gone(self, step: Step) -> Raw:
        return self.until(step, lambda count: count == 0)

    def until_there(self, step: Step) -> Raw:
        return self.until(step, lambda count: count > 0)

    def pause(self, step: Step) -> Raw:
        time.sleep(step.count / 1000)
        return 0, "", b""

    # Streams

    def dialogue(self, step: Step) -> Raw:
        return self.client.dialogue(step.path, [self.encoded(step, fields) for fields in step.fields])

    def snapshot(self, step: Step) -> Raw:
        """Facts: the file itself differs between runs."""
        blobs, total, last, versions = 0, 0, 0, set()
        try:
            for response in self.client.channel.unary_stream(step.path)(self.encoded(step), timeout=60):
                message = decode("etcdserverpb.SnapshotResponse", response)
                blobs, last = blobs + 1, len(message.get("blob", b""))
                total += last
                versions.add(message.get("version", b""))
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", {}
        return 0, "", {"several": blobs > 1, "last": last, "remainder": total % 512, "versions": sorted(versions)}

    def observe(self, step: Step) -> Raw:
        self.calls[step.stream] = self.client.channel.unary_stream(step.path)(self.encoded(step), timeout=20)
        return self.observe_more(step)

    def observe_more(self, step: Step) -> Raw:
        try:
            return 0, "", [next(self.calls[step.stream]) for _ in range(step.count)]
        except StopIteration:
            return -1, "the stream ended", []
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", []

    def observe_end(self, step: Step) -> Raw:
        self.calls.pop(step.stream).cancel()
        return 0, "", b""

    def watch(self, step: Step) -> Raw:
        stream = self.streams.get(step.stream) or self.streams.setdefault(step.stream, WatchStream(self.client.channel))
        stream.requests.put(self.encoded(step))
        if step.count:
            wanted = abs(step.count)
            stream.wait(lambda: len(stream.controls) >= wanted, PATIENCE if step.count > 0 else SHORT)
        return (*stream.status(), stream.take_controls(abs(step.count)))

    def collect(self, step: Step) -> Raw:
        stream = self.streams[step.stream]
        stream.wait(lambda: stream.received >= step.count, PATIENCE)
        return (*stream.status(), stream.take_events())

    def close(self, step: Step) -> Raw:
        stream = self.streams.pop(step.stream, None)
        if stream:
            stream.close()
        return 0, "", b""

    def half_close(self, step: Step) -> Raw:
        self.streams[step.stream].requests.put(None)
        return 0, "", b""

    def end(self) -> None:
        for stream in self.streams.values():
            stream.close()
        self.client.close()


def last_words(server: Server) -> str:
    """Of a server that died: what it said of the reason."""
    with open(server.log, encoding="utf-8", errors="replace") as log:
        text = log.read()
    return text[text.rfind("panic: "):][:1200] if "panic: " in text else text[-1200:]


# Of 3.5.1 only: it reads the past for watchers from memory that it has let go of, and now and then dies of it. Then the chapter is
# begun anew with a fresh one.
KNOWN_DEATH = "kvsToEvents"
Record = Tuple[List[Raw], Dict[str, int], float, str]


def run_chapter(binary: str, flags: List[str], steps: List[Step], attempts: int = 3) -> Record:
    """The answers of a fresh server, the ids it chose, the seconds it took, and what it last logged if it died."""
    record = attempt(binary, flags, steps)
    return run_chapter(binary, flags, steps, attempts - 1) if KNOWN_DEATH in record[3] and attempts > 1 else record


def attempt(binary: str, flags: List[str], steps: List[Step]) -> Record:
    answers: List[Raw] = []
    with Server(binary, flags=flags) as server:
        runner, began = Runner(server), time.monotonic()
        try:
            for step in steps:
                try:
                    answers.append(runner.perform(step))
                except Exception as error:  # of the server's making: the other's answer will differ
                    answers.append((-1, f"{type(error).__name__}: {error}", b""))
                if not server.alive():
                    break
        finally:
            runner.end()
        return answers, runner.known, time.monotonic() - began, "" if server.alive() else last_words(server)
