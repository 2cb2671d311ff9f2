"""Asks three real etcd 3.5.1 and three Martlets the same about members, leases and leadership, at the leader, at followers and at a learner, with
all members there, one away and two away, and compares every field of every answer.

  cluster_differential.py              everything
  cluster_differential.py CHAPTER...   members, leases, leadership, learner, a_running_learner, peers, joiners, one_away, two_away

Ids and addresses are compared by the names of the members that have them."""
import concurrent.futures
import os
import re
import sys
import time
from typing import Callable, Dict, List, Tuple

from several import joining, peer_port
from support.checks import check, finish, note
from support.cluster import Cluster, Member, Settings
from support.messages import SCHEMA, comparable, decode, encode, same_text
from traffic.comparison import Allowed, walk

HERE = os.path.dirname(os.path.abspath(__file__))
BAD, UNUSED = b"http://127.0.0.1", b"http://127.0.0.1:1"
HASLEADER = (("hasleader", "true"),)
Answer = Tuple[int, str, object]


class Asked:
    """A cluster, what it answered by the names of the cases, and names for what differs between clusters."""

    def __init__(self, program: str) -> None:
        self.cluster, self.answers = Cluster([program] * 3, Settings()), {}  # type: Cluster, Dict[str, Answer]
        self.names: Dict[object, str] = {}
        self.number = self.removed = 0  # the cluster's id, that of a member that was removed

    def start(self) -> "Asked":
        self.cluster.start()
        for member in self.cluster.members:
            self.know(member.name, member.id, member)
        self.cluster.move_leader(self.cluster.members[0])
        self.number = self.cluster.members[0].status()["header"]["cluster_id"]
        return self

    def know(self, name: str, number: int, member: Member) -> None:
        self.names[number] = f"<{name}>"
        self.names[member.peer_url.encode()] = f"<peer URL of {name}>"
        self.names[b"http://" + member.endpoint.encode()] = f"<client URL of {name}>"

    def ask(self, case: str, member: Member, method: str, metadata=(), timeout: float = 12, **fields) -> dict:
        """Asks and writes down the answer; what it was, or nothing if it was an error."""
        path = "/etcdserverpb." + method
        request, response, streams, _ = SCHEMA.methods[path]
        with member.client() as client:
            if streams:
                code, text, answers = client.dialogue(path, [encode(request, fields)], timeout)
                data = answers[0] if answers else b""
                code, text = (0, "") if answers else (code, text)
            else:
                code, text, data = client.unary(path, encode(request, fields), timeout, metadata)
        if case in self.answers:
            raise ValueError(f"two cases are called {case}")
        self.answers[case] = (code, text, self.named(comparable(response, decode(response, data))) if not code else None)
        return decode(response, data) if not code else {}

    def text(self, text: str) -> str:
        """Words with names in the place of ids and addresses."""
        for value, name in [(self.number, "<cluster>"), *self.names.items()]:
            for form in [f"{value:x}", str(value)] if isinstance(value, int) else [value.decode()]:
                text = text.replace(form, name)
        return re.sub(r'"Now":"[^"]*"', '"Now":"<now>"', text)

    def named(self, value: object) -> object:
        if isinstance(value, dict):
            return {key: self.named(item) for key, item in value.items()}
        if isinstance(value, list):
            named = [self.named(item) for item in value]
            return sorted(named, key=str) if named and isinstance(named[0], dict) and "peerURLs" in named[0] else named
        return self.names.get(value, value) if isinstance(value, (int, bytes)) and not isinstance(value, bool) else value


def members(it: Asked) -> None:
    """Three members, and a learner that comes and goes without ever running."""
    leader, follower, other = it.cluster.members
    for where, member in (("leader", leader), ("follower", follower)):
        it.ask(f"members, at the {where}", member, "Cluster/MemberList", linearizable=True)
        it.ask(f"members, serializable, at the {where}", member, "Cluster/MemberList")
        it.ask(f"status, at the {where}", member, "Maintenance/Status")
        it.ask(f"add, no URL, at the {where}", member, "Cluster/MemberAdd")
        it.ask(f"add, a URL without a port, at the {where}", member, "Cluster/MemberAdd", peerURLs=[BAD])
        it.ask(f"add, no URL at all, at the {where}", member, "Cluster/MemberAdd", peerURLs=[b"zz"])
        it.ask(f"add, a URL that is there, at the {where}", member, "Cluster/MemberAdd", peerURLs=[other.peer_url])
        it.ask(f"add, one URL that is there and one that is not, at the {where}", member, "Cluster/MemberAdd", peerURLs=[UNUSED, other.peer_url])
        it.ask(f"add a learner, a URL that is there, at the {where}", member, "Cluster/MemberAdd", peerURLs=[other.peer_url], isLearner=True)
        it.ask(f"remove, unknown, at the {where}", member, "Cluster/MemberRemove", ID=77)
        it.ask(f"remove, zero, at the {where}", member, "Cluster/MemberRemove")
        it.ask(f"update, unknown, at the {where}", member, "Cluster/MemberUpdate", ID=77, peerURLs=[UNUSED])
        it.ask(f"update, a URL that is another's, at the {where}", member, "Cluster/MemberUpdate", ID=follower.id, peerURLs=[other.peer_url])
        it.ask(f"update, no URL, at the {where}", member, "Cluster/MemberUpdate", ID=77)
        it.ask(f"promote, unknown, at the {where}", member, "Cluster/MemberPromote", ID=77)
        it.ask(f"promote, a voter, at the {where}", member, "Cluster/MemberPromote", ID=other.id)


def learner(it: Asked) -> None:
    leader, follower, _ = it.cluster.members
    added = it.ask("add a learner, at the follower", follower, "Cluster/MemberAdd", peerURLs=[UNUSED], isLearner=True)
    number = added.get("member", {}).get("ID", 0)
    it.names[number] = "<learner>"
    time.sleep(1.2)  # an id is made of the URL and the second
    for where, member in (("leader", leader), ("follower", follower)):
        it.ask(f"promote, a learner that never ran, at the {where}", member, "Cluster/MemberPromote", ID=number)
        it.ask(f"add a second learner, at the {where}", member, "Cluster/MemberAdd", peerURLs=[b"http://127.0.0.1:2"], isLearner=True)
        it.ask(f"add a voter, a learner's URL, at the {where}", member, "Cluster/MemberAdd", peerURLs=[UNUSED])
        it.ask(f"move leadership to a learner, at the {where}", member, "Maintenance/MoveLeader", targetID=number)
        it.ask(f"members, with a learner, at the {where}", member, "Cluster/MemberList", linearizable=True)
    it.removed = number
    it.ask("update a learner, at the leader", leader, "Cluster/MemberUpdate", ID=number, peerURLs=[b"http://127.0.0.1:3"])
    it.ask("remove a learner, at the follower", follower, "Cluster/MemberRemove", ID=number)
    it.ask("remove a learner again, at the leader", leader, "Cluster/MemberRemove", ID=number)
    it.ask("promote what was removed, at the leader", leader, "Cluster/MemberPromote", ID=number)
    it.ask("update what was removed, at the follower", follower, "Cluster/MemberUpdate", ID=number, peerURLs=[UNUSED])


def a_running_learner(it: Asked) -> None:
    """What a learner answers, in each service."""
    member = it.cluster.add(it.cluster.members[0].program, learner=True)
    it.know("learner", member.id, member)
    for method, fields in LEARNERS.items():
        it.ask(f"learner: {method}", member, method, **fields)
    it.ask("learner: KV/Range, serializable", member, "KV/Range", key=b"k", serializable=True)
    it.ask("status, of a learner", member, "Maintenance/Status")
    it.cluster.remove(member)


LEARNERS: Dict[str, dict] = {
    "KV/Range": {"key": b"k"}, "KV/Put": {"key": b"k"}, "KV/DeleteRange": {"key": b"k"}, "KV/Txn": {}, "KV/Compact": {"revision": 1},
    "Lease/LeaseGrant": {"TTL": 5}, "Lease/LeaseRevoke": {"ID": 1}, "Lease/LeaseTimeToLive": {"ID": 1}, "Lease/LeaseLeases": {},
    "Lease/LeaseKeepAlive": {"ID": 1}, "Watch/Watch": {"create_request": {"key": b"k"}}, "Cluster/MemberList": {}, "Cluster/MemberAdd": {"peerURLs": [UNUSED]},
    "Cluster/MemberRemove": {"ID": 1}, "Cluster/MemberUpdate": {"ID": 1}, "Cluster/MemberPromote": {"ID": 1}, "Maintenance/Alarm": {},
    "Maintenance/HashKV": {}, "Maintenance/Hash": {}, "Maintenance/Defragment": {}, "Maintenance/MoveLeader": {"targetID": 1},
    "Auth/AuthStatus": {}}


def leases(it: Asked) -> None:
    leader, follower, _ = it.cluster.members
    it.ask("grant, at the follower", follower, "Lease/LeaseGrant", ID=5, TTL=100)
    it.ask("put with a lease, at the leader", leader, "KV/Put", key=b"leased", lease=5)
    for where, member in (("leader", leader), ("follower", follower)):
        it.ask(f"grant, an id that is there, at the {where}", member, "Lease/LeaseGrant", ID=5, TTL=100)
        it.ask(f"grant, too long, at the {where}", member, "Lease/LeaseGrant", TTL=9_000_000_001)
        it.ask(f"grant, shortest, at the {where}", member, "Lease/LeaseGrant", ID=6 if member is leader else 7, TTL=1)
        it.ask(f"keepalive, at the {where}", member, "Lease/LeaseKeepAlive", ID=5)
        it.ask(f"keepalive, unknown, at the {where}", member, "Lease/LeaseKeepAlive", ID=55)
        it.ask(f"keepalive, zero, at the {where}", member, "Lease/LeaseKeepAlive")
        it.ask(f"time to live, at the {where}", member, "Lease/LeaseTimeToLive", ID=5)
        it.ask(f"time to live with keys, at the {where}", member, "Lease/LeaseTimeToLive", ID=5, keys=True)
        it.ask(f"time to live, unknown, at the {where}", member, "Lease/LeaseTimeToLive", ID=55, keys=True)
        it.ask(f"revoke, unknown, at the {where}", member, "Lease/LeaseRevoke", ID=55)
    it.ask("revoke, at the follower", follower, "Lease/LeaseRevoke", ID=5)
    it.ask("keepalive, revoked, at the follower", follower, "Lease/LeaseKeepAlive", ID=5)
    it.ask("time to live, revoked, at the follower", follower, "Lease/LeaseTimeToLive", ID=5)


def leadership(it: Asked) -> None:
    leader, follower, other = it.cluster.members
    for where, member in (("leader", leader), ("follower", follower)):
        it.ask(f"move leadership, unknown, at the {where}", member, "Maintenance/MoveLeader", targetID=77)
        it.ask(f"move leadership, zero, at the {where}", member, "Maintenance/MoveLeader")
    it.ask("move leadership, to itself, at the leader", leader, "Maintenance/MoveLeader", targetID=leader.id)
    it.ask("move leadership, to another, at a follower", follower, "Maintenance/MoveLeader", targetID=other.id)
    it.ask("move leadership, at the leader", leader, "Maintenance/MoveLeader", targetID=follower.id)
    it.ask("move leadership, at who led", leader, "Maintenance/MoveLeader", targetID=other.id)
    it.ask("move leadership, back", follower, "Maintenance/MoveLeader", targetID=leader.id)
    it.cluster.move_leader(leader)
    it.ask("a call with hasleader", follower, "KV/Put", HASLEADER, key=b"k")


def peers(it: Asked) -> None:
    """The port for peers."""
    leader, follower, other = it.cluster.members
    for where, member in (("leader", leader), ("follower", follower)):
        for request in peer_port.requests(it.number, member.id, other.id, it.removed):
            it.answers[f"peer port of the {where}: {request[0]}"] = (0, "", peer_port.ask(member, request, it.text))


def joiners(it: Asked) -> None:
    """Members that do not fit."""
    for case, found in joining.ends(it.cluster).items():
        it.answers[f"joining: {case}"] = (0, "", {**found, "reason": it.text(found["reason"])})


def one_away(it: Asked) -> None:
    leader, follower, away = it.cluster.members
    away.stop()
    time.sleep(1)
    for where, member in (("leader", leader), ("follower", follower)):
        it.ask(f"one away: add a voter, at the {where}", member, "Cluster/MemberAdd", peerURLs=[UNUSED])
        it.ask(f"one away: add a learner, at the {where}", member, "Cluster/MemberAdd", peerURLs=[UNUSED], isLearner=True)
        it.ask(f"one away: members, at the {where}", member, "Cluster/MemberList", linearizable=True)
    it.ask("one away: remove the other that is there, at the leader", leader, "Cluster/MemberRemove", ID=follower.id)
    it.ask("one away: a put", follower, "KV/Put", key=b"k")
    away.start()


ALONE: List[Tuple[str, str, dict]] = [
    ("a put", "KV/Put", {"key": b"k"}), ("a put with hasleader", "KV/Put", {"key": b"k"}), ("a range", "KV/Range", {"key": b"k"}),
    ("a serializable range", "KV/Range", {"key": b"k", "serializable": True}), ("a transaction", "KV/Txn", {"success": [{"request_put": {"key": b"k"}}]}),
    ("a transaction that reads", "KV/Txn", {"success": [{"request_range": {"key": b"k"}}]}), ("a deletion", "KV/DeleteRange", {"key": b"k"}),
    ("a compaction", "KV/Compact", {"revision": 1}), ("a grant", "Lease/LeaseGrant", {"TTL": 60}), ("a revocation", "Lease/LeaseRevoke", {"ID": 1}),
    ("a time to live", "Lease/LeaseTimeToLive", {"ID": 8}), ("leases", "Lease/LeaseLeases", {}), ("a keepalive", "Lease/LeaseKeepAlive", {"ID": 8}),
    ("members", "Cluster/MemberList", {"linearizable": True}), ("members, serializable", "Cluster/MemberList", {}),
    ("add a voter", "Cluster/MemberAdd", {"peerURLs": [UNUSED]}), ("add a learner", "Cluster/MemberAdd", {"peerURLs": [UNUSED], "isLearner": True}),
    ("update", "Cluster/MemberUpdate", {"ID": 77, "peerURLs": [UNUSED]}), ("promote", "Cluster/MemberPromote", {"ID": 77}),
    ("remove", "Cluster/MemberRemove", {"ID": 77}), ("alarms", "Maintenance/Alarm", {}), ("raise an alarm", "Maintenance/Alarm", {"action": 1, "alarm": 1}),
    ("a hash", "Maintenance/HashKV", {}), ("move leadership", "Maintenance/MoveLeader", {"targetID": 77}),
    ("auth status", "Auth/AuthStatus", {})]


def two_away(it: Asked) -> None:
    """One that led, and is alone: everything is asked at the same time, for most of it ends with a timeout of the server's."""
    alone, *away = it.cluster.members
    it.ask("a lease to be alone with", alone, "Lease/LeaseGrant", ID=8, TTL=600)
    for member in away:
        member.stop()
    end = time.monotonic() + 10
    while alone.status().get("leader") and time.monotonic() < end:
        time.sleep(0.1)
    it.ask("status, alone", alone, "Maintenance/Status")
    with concurrent.futures.ThreadPoolExecutor(len(ALONE)) as pool:
        for future in [pool.submit(it.ask, f"alone: {name}", alone, method, HASLEADER if "hasleader" in name else (), 20, **fields)
                       for name, method, fields in ALONE]:
            future.result()


CHAPTERS: List[Callable] = [members, leases, leadership, learner, a_running_learner, peers, joiners, one_away, two_away]


def run(program: str) -> Dict[str, Answer]:
    asked = Asked(program)
    try:
        asked.start()
        time.sleep(5.5)  # changes of members are refused until all have been connected for so long
        for chapter in CHAPTERS:
            if not sys.argv[1:] or chapter.__name__ in sys.argv[1:]:
                chapter(asked)
            note(f"{program}: {chapter.__name__}")
    except RuntimeError as error:
        check(f"{program} is asked everything", False, str(error)[:1500])
    finally:
        asked.cluster.close()
    return asked.answers


def main() -> None:
    began, allowed = time.time(), Allowed(os.path.join(HERE, "several", "differences.txt"))
    other = os.environ.get("CLUSTER", "martlet")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ours, theirs = (future.result() for future in [pool.submit(run, "etcd"), pool.submit(run, other)])
    wrong = 0
    for case, (code, text, message) in ours.items():
        answer = theirs.get(case, (-1, "not asked", None))
        if code != answer[0] or not same_text(text, answer[1]):
            found = [("status", f"{code} {text}".strip(), f"{answer[0]} {answer[1]}".strip())]
        else:
            found = list(walk(message, answer[2], "", 3))
        found = [it for it in found if not allowed.allows(case, it)]
        wrong += bool(found)
        for where, a, b in found:
            check(f"{case}: {where}", False, f"etcd 3.5.1 has {a}, the other {b}")
    check(f"{len(ours)} answers of a cluster are equal save {sum(allowed.used.values())} listed differences", not wrong, f"{wrong} are not")
    unused = allowed.unused()
    check(f"each of {len(allowed.lines)} listed differences is of use", not unused or other != "martlet" or sys.argv[1:], unused)
    refused = sum(code != 0 for code, _, _ in ours.values())
    note(f"{refused} of them are errors; {time.time() - began:.0f} s")
    finish()


if __name__ == "__main__":
    main()
