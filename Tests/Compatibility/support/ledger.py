"""What a server has acknowledged, and whether it still holds it.

Every key has one writer, so its state after a crash is what was acknowledged last or the one write whose answer never came."""
import hashlib
import itertools
import random
import threading

import grpc

from support.messages import SCHEMA, decode, encode

PUT, TXN, DELETE, RANGE = "KV/Put", "KV/Txn", "KV/DeleteRange", "KV/Range"


def digest(value):
    return hashlib.blake2b(value, digest_size=16).digest() if value is not None else None


class Ledger:
    """`acknowledged`: {key: (revision, digest of the value or None if deleted)}; `unanswered`: {key: digest or None};
    `recent`: [(key, revision, digest)] of the writes acknowledged since the last check."""

    def __init__(self):
        self.acknowledged, self.unanswered, self.recent, self.highest = {}, {}, [], 0
        self.lock = threading.Lock()

    def sent(self, key, value):
        self.unanswered[key] = digest(value)

    def answered(self, key, revision, value):
        with self.lock:
            self.unanswered.pop(key, None)
            self.acknowledged[key] = (revision, digest(value))
            self.recent.append((key, revision, digest(value)))
            self.highest = max(self.highest, revision)

    def check(self, client):
        """Everything wrong with what the server holds now; then takes what it holds as what was acknowledged."""
        held, wrong = read_all(client), []
        for key in self.acknowledged.keys() | self.unanswered.keys() | held.keys():
            revision, value = self.acknowledged.get(key, (0, None))
            found_revision, found = held.get(key, (0, None))
            kept = found == value and (found is None or found_revision == revision)
            unanswered = key in self.unanswered and found == self.unanswered[key] and (found is None or found_revision > revision)
            if not kept and not unanswered:
                wrong.append(f"{key!r} acknowledged at {revision}, found at {found_revision}, {'the same' if found == value else 'another'} value")
        status = client.ask("Maintenance/Status")
        if status["header"]["revision"] < self.highest:
            wrong.append(f"revision {status['header']['revision']} after {self.highest} had been acknowledged")
        wrong += self.check_history(client)
        for key in list(self.unanswered):
            self.acknowledged[key] = held.get(key, (self.acknowledged.get(key, (0, None))[0], None))
        self.unanswered, self.recent = {}, []
        self.highest = max(self.highest, status["header"]["revision"])
        return wrong

    def check_history(self, client):
        """Each recent write, read at its own revision."""
        wrong = []
        for key, revision, value in self.recent:
            try:
                kvs = client.ask(RANGE, key=key, revision=revision).get("kvs", [])
            except RuntimeError as error:
                if "compacted" in str(error):
                    continue
                raise
            found = digest(kvs[0].get("value", b"")) if kvs else None
            if found != value or (kvs and kvs[0]["mod_revision"] != revision):
                wrong.append(f"{key!r} at revision {revision} is not what was acknowledged")
        return wrong


def read_all(client, page=2000):
    """{key: (modification revision, digest of the value)} of every key."""
    held, start = {}, b"\0"
    while True:
        answer = client.ask(RANGE, key=start, range_end=b"\0", limit=page)
        for kv in answer.get("kvs", []):
            held[kv["key"]] = (kv["mod_revision"], digest(kv.get("value", b"")))
        if not answer.get("more"):
            return held
        start = answer["kvs"][-1]["key"] + b"\0"


class Writer(threading.Thread):
    """A client that writes its own keys until the server is gone."""
    # What a call ends with when the server is: the C core tells a call that came in the moment it was told to stop that it is cancelled.
    endings = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    def __init__(self, server, ledger, number, seed, sizes, keys=40):
        super().__init__(daemon=True)
        self.client, self.ledger, self.number, self.sizes, self.keys = server.client(), ledger, number, sizes, keys
        self.random, self.running, self.failure = random.Random(seed * 1000 + number), True, None

    def run(self):
        with self.client:
            for turn in itertools.count():
                if not self.running or not self.write(turn):
                    return

    def write(self, turn):
        """One write; whether there may be another."""
        key = b"writer/%02d/%03d" % (self.number, self.random.randrange(self.keys))
        value = self.random.randbytes(self.random.choice(self.sizes))
        kind = self.random.choices([PUT, TXN, DELETE], [8, 1, 1])[0]
        if kind == DELETE and self.ledger.acknowledged.get(key, (0, None))[1] is None:
            kind = PUT  # a delete of nothing makes no revision
        if kind == DELETE:
            value, fields = None, {"key": key}
        elif kind == PUT:
            fields = {"key": key, "value": value}
        else:
            fields = {"success": [{"request_put": {"key": key, "value": value}}, {"request_range": {"key": key}}]}
        self.ledger.sent(key, value)
        request, response = SCHEMA.methods["/etcdserverpb." + kind][:2]
        try:
            call = self.client.channel.unary_unary("/etcdserverpb." + kind)
            answer = decode(response, call(encode(request, fields), timeout=20))
        except grpc.RpcError as error:
            if error.code() not in self.endings and self.running:
                self.failure = f"{kind} in turn {turn}: {error.code()} {error.details()}"
            return False
        self.ledger.answered(key, answer["header"]["revision"], value)
        return True
