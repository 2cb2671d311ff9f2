"""A watch of everything that goes on across the deaths of its server: each time from the revision after the last it saw."""
import time

from support.ledger import digest
from support.messages import decode, encode
from support.watching import Event, Interest, Recorder


class WholeEvents(Recorder):
    """A recorder whose events hold values as the ledger does."""

    @staticmethod
    def event(item):
        kv, is_put = item["kv"], not item.get("type")
        return Event(kv["mod_revision"], kv["key"], is_put, digest(kv.get("value", b"") if is_put else None))


class Follower:
    """What one watch saw of a server that is killed, and what is wrong with it."""

    def __init__(self):
        self.next, self.events, self.wrong, self.recorder, self.client = 0, {}, [], None, None

    def follow(self, server):
        """Goes on where it was; from now on, the first time."""
        self.client = server.client()
        if not self.next:
            self.next = self.client.ask("Maintenance/Status")["header"]["revision"] + 1
        self.recorder = WholeEvents(self.client, Interest(b"\0", b"\0", self.next, False, (), False))
        self.recorder.start()

    def lose(self):
        """The server is gone: takes in what came."""
        self.recorder.join(10)
        self.client.close()
        self.take()

    def take(self):
        for response in self.recorder.responses:
            for event in response.events:
                if event.revision < self.next:
                    self.wrong.append(f"watch: {event.key!r} at {event.revision} came again, or late, behind {self.next - 1}")
                self.events[event.revision, event.key] = event.value
            if response.events:
                self.next = max(self.next, response.events[-1].revision + 1)
        self.recorder.responses = []

    def check(self, server, recent):
        """Follows a server that has come back until it has everything, and holds it to what was acknowledged lately; what was seen
        must still be there too, acknowledged or not."""
        compacted = 0
        with server.client() as client:
            revision = client.ask("Maintenance/Status")["header"]["revision"]
            while True:
                self.follow(server)
                self.wait(revision)
                if not self.recorder.compacted:
                    break
                # It was behind a compaction, which is told; what is left begins at its revision.
                compacted = self.next = self.recorder.compacted
            if self.next <= revision:
                self.wrong.append(f"watch: nothing after {self.next - 1}, and the revision is {revision}")
            acknowledged = {(at, key): value for key, at, value in recent if at >= compacted}
            self.wrong += [f"watch: {key!r} at {at} was acknowledged and never seen, or with another value"
                           for (at, key), value in acknowledged.items() if (at, key) not in self.events or self.events[at, key] != value]
            for (at, key), value in self.events.items():
                if (at, key) not in acknowledged:
                    self.check_kept(client, at, key, value)
        self.events, self.next = {}, max(self.next, revision + 1)

    def wait(self, revision):
        """Until the watch has come so far."""
        end = time.time() + 30
        while self.recorder.seen < revision >= self.next and not self.recorder.compacted and time.time() < end:
            time.sleep(0.01)
        self.recorder.end()
        self.client.close()
        self.take()

    def check_kept(self, client, at, key, value):
        code, message, data = client.unary("/etcdserverpb.KV/Range", encode("etcdserverpb.RangeRequest", {"key": key, "revision": at}))
        if code and "compacted" in message:
            return
        kvs = decode("etcdserverpb.RangeResponse", data).get("kvs", [])
        found = digest(kvs[0].get("value", b"")) if kvs else None
        if code or found != value:
            self.wrong.append(f"watch: {key!r} was seen at {at}, and is not there after the kill: {message or 'another value'}")
