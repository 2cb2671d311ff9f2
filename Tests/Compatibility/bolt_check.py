"""Checks bbolt files page by page: a real etcd's, to know that the checker is right, and then those of the server under test."""
import gzip
import json
import os
import shutil
import tempfile

from support.bolt import BoltFile, Damaged, main_revision, snapshot_hash
from support.checks import check, finish, note
from support.servers import ETCDUTL, GOLDEN, Server, run

BUCKETS = [b"alarm", b"auth", b"authRoles", b"authUsers", b"cluster", b"key", b"lease", b"members", b"members_removed", b"meta"]


def problem(path):
    """What is wrong with a file; empty if nothing is."""
    try:
        BoltFile(path).check()
    except Damaged as error:
        return str(error)
    return ""


def check_file(name, path):
    """The file passes this project's check and bbolt's own, and the two read the same from it."""
    found = problem(path)
    if not check(f"{name}: every page is in order, in use once or free", not found, found):
        return
    contents, summary = BoltFile(path).contents(), BoltFile(path).check()
    note(f"{name}: {summary}")
    check(f"{name}: has etcd's ten buckets", list(contents) == BUCKETS, list(contents))
    code, out, err = run(ETCDUTL, "snapshot", "status", "-w", "json", path)
    if not check(f"{name}: etcdutl snapshot status reads it", code == 0, err[-300:]):
        return
    status = json.loads(out)
    expected = {
        "hash": snapshot_hash(contents), "totalKey": sum(len(pairs) for pairs in contents.values()),
        "revision": max((main_revision(key) for key in contents[b"key"]), default=0)}
    check(f"{name}: etcdutl reads the same hash, revision and number of keys", all(status[key] == value for key, value in expected.items()),
          f"etcdutl {status}, here {expected}")


def golden(folder):
    snapshot = os.path.join(folder, "snapshot.db")
    with gzip.open(os.path.join(GOLDEN, "3.6.14", "snapshot.db.gz")) as packed, open(snapshot, "wb") as file:
        shutil.copyfileobj(packed, file)
    check_file("golden snapshot", snapshot)
    with open(os.path.join(GOLDEN, "3.6.14", "snapshot-status.json"), encoding="ascii") as file:
        recorded = json.load(file)["hash"]
    computed = snapshot_hash(BoltFile(snapshot).contents())
    check("golden snapshot: its hash is what etcdutl 3.6.14 said", computed == recorded, f"{computed}, not {recorded}")
    run("tar", "-xSzf", os.path.join(GOLDEN, "3.6.14", "golden.etcd.tar.gz"), "-C", folder)
    check_file("golden db", os.path.join(folder, "golden.etcd", "member", "snap", "db"))
    damages(snapshot, folder)


def damages(path, folder):
    """The checker sees what it is there to see: a page id, a key, a bound, a child and a meta checksum changed."""
    with open(path, "rb") as file:
        good = file.read()
    root = BoltFile(path).meta.root
    cases = {"page id": (root * 4096, b"\xff"), "flags": (root * 4096 + 8, b"\x10"), "count": (root * 4096 + 10, b"\xff\xff"),
             "overflow": (root * 4096 + 12, b"\xff\xff\xff"), "position": (root * 4096 + 20, b"\xff\xff"),
             "key size": (root * 4096 + 24, b"\xff\xff\xff"), "both metas": (60, b"\xff", 4156)}
    for name, (at, change, *more) in cases.items():
        bad = bytearray(good)
        for place in (at, *more):
            bad[place:place + len(change)] = change
        damaged = os.path.join(folder, "damaged.db")
        with open(damaged, "wb") as file:
            file.write(bad)
        check(f"damage to {name} is seen", problem(damaged) != "", "it is not")


def written_here():
    """Small and large values, deletes, a compaction and leases, the server stopped and its file read."""
    with Server() as server:
        with server.client() as client:
            for number in range(3000):
                client.ask("KV/Put", key=b"key/%05d" % (number % 1000), value=b"v" * (number % 700))
            for size in (0, 4000, 5000, 300_000, 1_000_000):
                client.ask("KV/Put", key=b"large/%d" % size, value=os.urandom(size))
            client.ask("KV/DeleteRange", key=b"key/00100", range_end=b"key/00500")
            revision = client.ask("KV/Put", key=b"last", value=b"1")["header"]["revision"]
            client.ask("KV/Compact", revision=revision - 100, physical=True)
        check_stop = server.stop()
        check("the server ends when it is told to", check_stop in (0, -15), f"exit code {check_stop}: {server.log_tail(300)}")
        check_file("db after 3,000 writes, a compaction and a stop", server.path("snap", "db"))


def defragmented():
    """A file with holes, and then without: the same for etcdutl, and as small as Status says."""
    with Server() as server:
        with server.client() as client:
            for turn in range(20):
                for number in range(100):
                    client.ask("KV/Put", key=b"key/%05d" % number, value=bytes([turn]) * (number * 31 % 9000))
                client.ask("KV/Put", key=b"large", value=os.urandom(400_000 + 30_000 * turn))
            revision = client.ask("KV/Put", key=b"last", value=b"1")["header"]["revision"]
            client.ask("KV/Compact", revision=revision, physical=True)
            before = client.ask("Maintenance/Status")
            answer = client.ask("Maintenance/Defragment")
            after = client.ask("Maintenance/Status")
        check("Defragment answers without a header", not answer, answer)
        check("the file was mostly holes, and has few", before["dbSizeInUse"] * 2 < before["dbSize"] and after["dbSize"] <= after["dbSizeInUse"] * 1.1,
              f"{before['dbSizeInUse']} of {before['dbSize']} in use before, {after['dbSizeInUse']} of {after['dbSize']} after")
        check("the file is cut off", os.path.getsize(server.path("snap", "db")) <= after["dbSize"] + 4096,
              os.path.getsize(server.path("snap", "db")))
        server.stop()
        check_file("db after a defragmentation", server.path("snap", "db"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as place:
        golden(place)
    written_here()
    defragmented()
    finish()
