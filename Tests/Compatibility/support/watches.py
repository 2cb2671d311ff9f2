"""Watch streams, and what came on them in a form that does not depend on how events were spread over answers."""
import base64
import queue
import threading
import time

import grpc

from support.messages import decode, raw_fields

PATH, ANSWER = "/etcdserverpb.Watch/Watch", "etcdserverpb.WatchResponse"
PATIENCE = 3  # seconds to wait for what is due


def kind_of(answer):
    """What a client may wait for."""
    if answer.get("created"):
        return "created"
    if answer.get("canceled") and not answer.get("compact_revision"):
        return "canceled"
    return "progress" if answer.get("watch_id") == -1 and not answer.get("canceled") else ""


class WatchStream:
    def __init__(self, client):
        self.requests, self.answers, self.taken, self.ended = queue.Queue(), [], 0, False
        self.changed, self.counts, self.awaited = threading.Condition(), {}, {}
        self.call = client.channel.stream_stream(PATH)(iter(self.requests.get, None))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for data in self.call:
                kind = kind_of(decode(ANSWER, data))
                with self.changed:
                    self.answers.append(data)
                    self.counts[kind] = self.counts.get(kind, 0) + 1
                    self.changed.notify_all()
        except grpc.RpcError:
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def send(self, request, awaited=None):
        """Sends a request, and waits for one more answer of a kind before going on."""
        self.requests.put(request)
        if awaited:
            self.awaited[awaited] = self.awaited.get(awaited, 0) + 1
            with self.changed:
                self.changed.wait_for(lambda: self.ended or self.counts.get(awaited, 0) >= self.awaited[awaited], PATIENCE)

    def half_close(self):
        self.requests.put(None)

    def close(self):
        self.call.cancel()
        self.requests.put(None)

    def events(self, expected, settle=0):
        """What came since this was last asked, once there is as much as expected."""
        time.sleep(settle)
        end = time.time() + PATIENCE
        while amount(summary(self.answers[self.taken:])) < amount(expected) and not self.ended and time.time() < end:
            time.sleep(0.005)
        time.sleep(0.01)  # for what should not come
        with self.changed:
            new, self.taken = self.answers[self.taken:], len(self.answers)
        return summary(new)


def amount(watches):
    return sum(len(watch["facts"]) + len(watch["events"]) for watch in watches)


def summary(answers):
    """Per watch the answers that are no events, in order, and all events in order, byte for byte."""
    watches = {}
    for data in answers:
        answer = decode(ANSWER, data)
        number = answer.get("watch_id", 0)
        watch = watches.setdefault(number, {"watch_id": number, "facts": [], "events": []})
        if answer.get("fragment"):
            watch["fragmented"] = True
        if not answer.get("events") or answer.get("created") or answer.get("canceled") or answer.get("compact_revision"):
            fact = {name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in answer.items()
                    if name in ("created", "canceled", "compact_revision", "cancel_reason")} or {"progress": True}
            watch["facts"].append({**fact, "revision": answer.get("header", {}).get("revision", 0)})
        watch["events"] += [base64.b64encode(value).decode() for field, wire, value in raw_fields(data) if field == 11 and wire == 2]
    return [watches[number] for number in sorted(watches)]
