"""Locks and elections beside a real etcd 3.5: the same calls, many at once, have the same outcomes in the same order."""
import queue
import threading
import time

import grpc

from support.checks import check, finish, note
from support.messages import SCHEMA, decode, encode
from support.servers import ETCD, SERVER, Server

LOCK, ELECTION = "/v3lockpb.Lock/", "/v3electionpb.Election/"


class Caller:
    """Calls that take their time, each with a name; what they came to is written down in the order in which they ended."""

    def __init__(self, client):
        self.client, self.ended, self.calls, self.results = client, queue.Queue(), {}, {}

    def start(self, label, path, /, timeout=20, **fields):
        request, response = SCHEMA.methods[path][:2]
        call = self.client.channel.unary_unary(path).future(encode(request, fields), timeout=timeout)
        self.calls[label] = call

        def done(future):
            try:
                self.results[label] = (0, "", decode(response, future.result()))
            except grpc.RpcError as error:
                self.results[label] = (error.code().value[0], error.details(), {})
            except grpc.FutureCancelledError:
                self.results[label] = (1, "cancelled", {})
            self.ended.put(label)
        call.add_done_callback(done)

    def next(self, timeout=8):
        """The name of the call that ended next; None if none does in time."""
        try:
            return self.ended.get(timeout=timeout)
        except queue.Empty:
            return None

    def call(self, path, /, **fields):
        """(code, message, answer)"""
        request, response = SCHEMA.methods[path][:2]
        code, message, data = self.client.unary(path, encode(request, fields))
        return code, message, decode(response, data)

    def keys(self, prefix):
        answer = self.client.ask("KV/Range", key=prefix, range_end=prefix[:-1] + bytes([prefix[-1] + 1]))
        return [(kv["key"], kv.get("value", b""), kv.get("lease", 0)) for kv in answer.get("kvs", [])]

    def wait_for_keys(self, prefix, count):
        """Waits until so many stand in line."""
        end = time.time() + 8
        while len(self.keys(prefix)) != count and time.time() < end:
            time.sleep(0.01)


def answer(result, *fields):
    """Code, text and some fields of an outcome: what must be the same on both servers."""
    code, message, values = result
    return (code, message, *(values.get(field) for field in fields))


def revision(result):
    return result[2].get("header", {}).get("revision", 0)


def waiting_for_a_lock(caller, seen):
    """Ten come one after another, and go in that order."""
    names = []
    for number in range(1, 11):
        caller.client.ask("Lease/LeaseGrant", ID=number, TTL=500)
        caller.start(f"lock {number}", LOCK + "Lock", name=b"l", lease=number)
        caller.wait_for_keys(b"l/", number)
    for number in range(1, 11):
        names.append(caller.next())
        result = caller.results.get(names[-1], (None, None, {}))
        seen.append((names[-1], answer(result, "key"), revision(result), len(caller.keys(b"l/"))))
        seen.append(answer(caller.call(LOCK + "Unlock", key=result[2].get("key", b"")), "header")[:2])
    seen.append((caller.next(0.3), caller.keys(b"l/")))


def going_away(caller, seen):
    """One in the middle cancels, one's deadline passes, one's lease is revoked: the others close up."""
    for number in range(1, 7):
        caller.client.ask("Lease/LeaseGrant", ID=100 + number, TTL=500)
        caller.start(f"gone {number}", LOCK + "Lock", timeout=1.5 if number == 3 else 20, name=b"g", lease=100 + number)
        caller.wait_for_keys(b"g/", number)
    seen.append(caller.next())
    caller.calls["gone 2"].cancel()
    seen.append((caller.next(), caller.next(), caller.results["gone 3"][0]))
    caller.wait_for_keys(b"g/", 4)
    seen.append([key for key, _, _ in caller.keys(b"g/")])
    caller.client.ask("Lease/LeaseRevoke", ID=105)
    seen.append([key for key, _, _ in caller.keys(b"g/")])
    caller.call(LOCK + "Unlock", key=b"g/65")
    seen.append((caller.next(), answer(caller.results["gone 4"], "key"), caller.next(0.3)))
    caller.call(LOCK + "Unlock", key=b"g/68")
    # Nobody promises in which order these two hear of it.
    ended = sorted(str(caller.next()) for _ in range(2))
    seen.append((ended, answer(caller.results["gone 5"]), answer(caller.results["gone 6"], "key")))
    caller.call(LOCK + "Unlock", key=b"g/6a")
    seen.append(caller.keys(b"g/"))


def leases_of_their_own(caller, seen):
    """Without a lease one of a minute is granted."""
    code, _, values = caller.call(LOCK + "Lock", name=b"own")
    (key, value, lease), = caller.keys(b"own/")
    ttl = caller.client.ask("Lease/LeaseTimeToLive", ID=lease)
    seen.append((code, values.get("key") == key == b"own/%x" % lease, value, ttl.get("grantedTTL"), 55 <= ttl.get("TTL", 0) <= 60))
    code, _, values = caller.call(ELECTION + "Campaign", name=b"ownel", value=b"v")
    leader = values["leader"]
    seen.append((code, leader["name"], leader["key"] == b"ownel/%x" % leader["lease"]))


class Observer:
    """A stream of leaders: (value, revision of the key, whether the header has that revision)."""

    def __init__(self, client, name):
        path = ELECTION + "Observe"
        self.call = client.channel.unary_stream(path)(encode(SCHEMA.methods[path][0], {"name": name}), timeout=60)
        self.seen = queue.Queue()
        threading.Thread(target=self.read, args=(SCHEMA.methods[path][1],), daemon=True).start()

    def read(self, kind):
        try:
            for data in self.call:
                leader = decode(kind, data)
                self.seen.put((leader["kv"].get("value", b""), leader["kv"]["mod_revision"], leader["header"]["revision"]))
        except grpc.RpcError as error:
            self.seen.put(error.code().value[0])

    def next(self, timeout=8):
        try:
            return self.seen.get(timeout=timeout)
        except queue.Empty:
            return None


def elections(caller, seen):
    observer = Observer(caller.client, b"e")
    time.sleep(0.3)
    for number in (1, 2, 3):
        caller.client.ask("Lease/LeaseGrant", ID=200 + number, TTL=500)
        caller.start(f"campaign {number}", ELECTION + "Campaign", name=b"e", lease=200 + number, value=b"v%d" % number)
        caller.wait_for_keys(b"e/", number)
    seen.append((caller.next(), answer(caller.results["campaign 1"], "leader"), revision(caller.results["campaign 1"])))
    first = caller.results["campaign 1"][2]["leader"]
    seen.append(observer.next())
    for value in (b"a", b"b", b""):
        result = caller.call(ELECTION + "Proclaim", leader=first, value=value)
        seen.append((answer(result), revision(result), observer.next()))
    late = Observer(caller.client, b"e")
    seen.append(late.next()[:2])
    seen.append(answer(caller.call(ELECTION + "Leader", name=b"e"), "kv"))
    # The same lease campaigns again with another value: it leads already, and only the value changes.
    result = caller.call(ELECTION + "Campaign", name=b"e", lease=201, value=b"again")
    seen.append((answer(result, "leader"), observer.next(), late.next()))
    caller.calls["campaign 2"].cancel()
    seen.append(caller.next())
    caller.wait_for_keys(b"e/", 2)
    result = caller.call(ELECTION + "Resign", leader=first)
    seen.append((answer(result), revision(result), caller.next(), observer.next()[:2], late.next()[:2]))
    seen.append(answer(caller.results["campaign 3"], "leader"))
    seen.append(answer(caller.call(ELECTION + "Proclaim", leader=first, value=b"late")))
    seen.append(answer(caller.call(ELECTION + "Resign", leader=first)))
    caller.client.ask("Lease/LeaseRevoke", ID=203)
    seen.append((answer(caller.call(ELECTION + "Leader", name=b"e")), observer.next(0.3)))
    caller.call(ELECTION + "Campaign", name=b"e", lease=201, value=b"anew")
    seen.append((observer.next(), late.next()))
    observer.call.cancel()
    seen.append(observer.next())
    late.call.cancel()


def many_at_once(caller, seen):
    """Fifty want one lock at the same moment. Who is first is chance; one has it at a time, and all have had it."""
    for number in range(1, 51):
        caller.client.ask("Lease/LeaseGrant", ID=1000 + number, TTL=500)
    for number in range(1, 51):
        caller.start(f"many {number}", LOCK + "Lock", timeout=60, name=b"m", lease=1000 + number)
    held = []
    for _ in range(50):
        name = caller.next(20)
        time.sleep(0.002)
        alone = caller.ended.empty()
        held.append((caller.results[name][0], alone))
        caller.call(LOCK + "Unlock", key=caller.results[name][2].get("key", b"?"))
    seen.append((set(held), caller.keys(b"m/")))


SCENES = [waiting_for_a_lock, going_away, leases_of_their_own, elections, many_at_once]


def play(binary):
    """What each scene came to on a fresh server."""
    outcomes = {}
    for scene in SCENES:
        with Server(binary=binary) as server, server.client() as client:
            seen = outcomes[scene.__name__] = []
            try:
                scene(Caller(client), seen)
            except Exception as error:  # what was seen up to here is compared all the same
                if binary == ETCD:
                    raise
                seen.append(f"{type(error).__name__}: {error}")
    return outcomes


if __name__ == "__main__":
    began = time.time()
    real, ours = play(ETCD), play(SERVER)
    for title, expected in real.items():
        pairs = list(zip(expected, ours[title]))
        different = next((f"step {number}: etcd {a}, here {b}" for number, (a, b) in enumerate(pairs) if a != b), "")
        check(f"{title.replace('_', ' ')}: {len(expected)} steps as with a real etcd", expected == ours[title], different or f"{len(ours[title])} steps")
    note(f"{time.time() - began:.1f} s")
    finish()
