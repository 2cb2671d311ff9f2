"""The tests of clusters tested: histories that are wrong are found to be, a store that is not what its log says is blamed, and a cluster of
three real etcd 3.5.1 under the load passes."""
import os
import time

from support.checks import check, finish, note
from support.cluster import Cluster
from support.history import DELETE, PUT, RANGE, TXN, History, Operation, events
from support.load import Load
from support.recording import judge
from support.replay import blame
from support.servers import ETCD, Server
from support.watching import Interest, Recorder, Response, violations

SEED = os.environ.get("SEED", "1")
PREFIX = b"h/"


def kv(key: bytes, value: bytes, create: int, revision: int, version: int) -> dict:
    return {"key": key, "value": value, "create_revision": create, "mod_revision": revision, "version": version}


class Told:
    """A small history, right as it is: five calls of two clients."""

    def __init__(self) -> None:
        self.operations = [
            self.call(1, PUT, {"key": b"h/a", "value": b"1"}, 10, 20, {"header": {"revision": 2}}),
            self.call(2, RANGE, {"key": b"h/a"}, 15, 30, {"header": {"revision": 2}, "kvs": [kv(b"h/a", b"1", 2, 2, 1)], "count": 1}),
            self.call(1, TXN, {"compare": [{"target": 2, "key": b"h/a", "mod_revision": 2}], "success": [{"request_put": {"key": b"h/a", "value": b"2"}}],
                               "failure": [{"request_range": {"key": b"h/a"}}]}, 35, 40,
                      {"header": {"revision": 3}, "succeeded": True, "responses": [{"response_put": {}}]}),
            self.call(2, PUT, {"key": b"h/b", "value": b"3"}, 41, 0, None),
            self.call(1, DELETE, {"key": b"h/a"}, 50, 60, {"header": {"revision": 5}, "deleted": 1}),
            self.call(1, RANGE, {"key": b"h/", "range_end": b"h0"}, 61, 70, {"header": {"revision": 5}, "kvs": [kv(b"h/b", b"3", 4, 4, 1)], "count": 1}),
            self.call(2, RANGE, {"key": b"h/a", "serializable": True}, 61, 70, {"header": {"revision": 3}, "kvs": [kv(b"h/a", b"2", 2, 3, 2)], "count": 1})]
        self.changes = {2: [(b"h/a", b"1")], 3: [(b"h/a", b"2")], 4: [(b"h/b", b"3")], 5: [(b"h/a", None)]}

    @staticmethod
    def call(client: int, method: str, request: dict, began: int, ended: int, response) -> Operation:
        operation = Operation(client, "m", method, request, began)
        operation.ended, operation.response = ended, response
        return operation

    def problems(self) -> list:
        return History(self.operations, self.changes, PREFIX).check()


def bad_histories() -> None:
    def lost(it: Told) -> None:
        it.changes[5] = [(b"h/a", b"2")]

    def cut(it: Told) -> None:
        del it.changes[5]

    def stale(it: Told) -> None:
        it.operations[5].response.update({"header": {"revision": 3}, "kvs": [kv(b"h/a", b"2", 2, 3, 2)]})

    def wrong_value(it: Told) -> None:
        it.operations[1].response["kvs"][0]["value"] = b"x"

    def missing(it: Told) -> None:
        it.operations[5].response["kvs"] = []

    def twice(it: Told) -> None:
        it.changes[6] = [(b"h/b", b"3")]

    def from_nowhere(it: Told) -> None:
        it.changes[6] = [(b"h/c", b"?")]

    def unfulfilled(it: Told) -> None:
        it.operations[2].request["compare"][0]["mod_revision"] = 1

    def late(it: Told) -> None:
        it.operations[3].began = 65  # after the deletion, which stands behind it, had ended

    def backward(it: Told) -> None:
        it.operations[0].began, it.operations[0].ended = 45, 46

    def same_revision(it: Told) -> None:
        it.operations.append(it.call(3, PUT, {"key": b"h/a", "value": b"1"}, 10, 20, {"header": {"revision": 2}}))

    problems = Told().problems()
    check("a history that is right is found to be", not problems, problems)
    for change in (lost, cut, stale, wrong_value, missing, twice, from_nowhere, unfulfilled, late, backward, same_revision):
        told = Told()
        change(told)
        check(f"a history that is wrong is found to be: {change.__name__.replace('_', ' ')}", told.problems())


def bad_watches() -> None:
    """What a watcher of the small history may not be told."""
    truth = events(Told().changes)

    def found(*told) -> list:
        recorder = Recorder.__new__(Recorder)
        recorder.interest, recorder.compacted, recorder.created = Interest(b"h/", b"h0", 2, True, (), False), 0, 1
        recorder.responses = [Response(batch[-1].revision if batch else 9, list(batch), not batch, False) for batch in told]
        recorder.seen = max((event.revision for batch in told for event in batch), default=0)
        return violations(recorder, truth, 0, 5)

    check("a watch that is right is found to be", not found(truth[:2], truth[2:]), found(truth[:2], truth[2:]))
    wrong = {"gap": (truth[:1], truth[2:]), "again": (truth, truth[3:]), "out of order": (truth[2:], truth[:2]), "not to the end": (truth[:3],),
             "late start": (truth[1:],), "behind a bookmark": (truth[:1], [], truth[1:]), "another value": (truth[:3], [truth[3]._replace(is_put=True)]),
             "another previous value": (truth[:1], [truth[1]._replace(previous=(1, b""))], truth[2:]), "another version": ([truth[0]._replace(version=5)], truth[1:])}
    for name, told in wrong.items():
        check(f"a watch that is wrong is found to be: {name}", found(*told))


def blamed() -> None:
    """The model is a real etcd's equal, and a store that is not what its log says is named."""
    with Server(binary=ETCD) as server:
        with server.client() as client:
            lease = client.ask("Lease/LeaseGrant", TTL=100)["ID"]
            for number in range(60):
                key = b"k%d" % (number % 7)
                client.ask("KV/Put", key=key, value=b"v%d" % number, lease=lease if number % 5 == 0 else 0)
                client.ask("KV/Txn", compare=[{"target": 0, "result": 1, "key": key, "version": 3}],
                           success=[{"request_put": {"key": b"t", "value": key}}, {"request_delete_range": {"key": b"k1", "range_end": b"k3"}}],
                           failure=[{"request_put": {"key": key, "ignore_value": True}}])
            client.ask("KV/Compact", revision=40, physical=True)
            client.ask("Lease/LeaseRevoke", ID=lease)
            client.ask("KV/Put", key=b"last", value=b"a value to be found")
        server.stop()
        found = blame({"m1": server.data})
        check("the log applied anew gives what a real etcd stores", not found, found)
        path = server.path("snap", "db")
        with open(path, "r+b") as file:
            data = file.read().replace(b"a value to be found", b"a value to be lost!")
            file.seek(0)
            file.write(data)
        found = blame({"m1": server.data})
        check("and blames a store that is otherwise", len(found) == 1 and "a value to be lost!" in found[0], found)


def real_cluster() -> None:
    with Cluster(["etcd"] * 3) as cluster:
        load = Load(cluster, f"{SEED}/harness").start()
        load.advance(300)
        for member in (cluster.leader(), cluster.followers()[0]):
            member.stop()
            load.advance(100)
            member.start()
        cluster.move_leader(cluster.followers()[0])
        load.advance(100)
        load.finish("three real etcd 3.5.1", 400)
        without = [operation for operation in load.operations if operation is not next(it for it in load.operations if it.known and it.wrote())]
        holds, said = judge(os.path.join(cluster.folder, "wrong.jsonl"), without, load.historian.recorders, [])
        check("three real etcd 3.5.1: martlet-sim check-history finds that a write is missing", not holds and said, said)
        for member in cluster.members:
            member.stop()
        found = blame({member.name: member.data for member in cluster.members})
        check("three real etcd 3.5.1: all stores are what their logs say", not found, found)


if __name__ == "__main__":
    began = time.time()
    bad_histories()
    bad_watches()
    blamed()
    real_cluster()
    note(f"{time.time() - began:.0f} s")
    finish()
