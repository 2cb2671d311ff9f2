"""Maintenance, Cluster and what there is of Auth while it is off: asking, and being refused."""
from traffic import keys, watch_cases
from traffic.cases import COMPACTED, CORRUPT, FUTURE, NO_SPACE, Chosen, Plan, case, fails, gives, ok, register
from traffic.keys import INT64

MEMBER = Chosen("member")  # the id of the only member
GET, ACTIVATE, DEACTIVATE = range(3)
NOSPACE, CORRUPTION = 1, 2


def call_case(name, holds, method, fields=lambda plan: {}, **more):
    def build(plan):
        given = fields(plan)
        if given is None:
            return False
        plan.call(method, **given)
        return True
    register(name, holds, build, **more)


call_case("status", gives(lambda answer: answer["leader"]), "Maintenance/Status", weight=2)
call_case("hash", gives(lambda answer: answer["hash"]), "Maintenance/Hash")
call_case("authentication's status", gives(lambda answer: not answer.get("enabled")), "Auth/AuthStatus")


@case("defragment", ok)
def defragment(plan: Plan):
    watch_cases.collect_all(plan, settle=True)
    plan.call("Maintenance/Defragment")


@case("snapshot", ok)
def snapshot(plan: Plan):
    plan.add("snapshot", "/etcdserverpb.Maintenance/Snapshot", {})


def hash_case(name, holds, revision, **more):
    """Not where ids that a server chose are in the store: they are in its hash, too."""
    call_case("hash of keys, " + name, holds, "Maintenance/HashKV",
              lambda plan: None if plan.chosen_ids or revision(plan) is None else {"revision": revision(plan)}, **more)


hash_case("newest", ok, lambda plan: 0, weight=3)
hash_case("newest, by number", ok, lambda plan: plan.world.revision, weight=3)
hash_case("negative", ok, lambda plan: -4)
hash_case("compacted", ok, lambda plan: plan.world.compacted if plan.world.compacted > 1 else None, judged_by_martlet=True)
hash_case("below compacted", COMPACTED, lambda plan: plan.world.compacted - 1 if plan.world.compacted > 2 else None)
hash_case("future", FUTURE, lambda plan: plan.world.revision + 1)
hash_case("end of time", FUTURE, lambda plan: INT64)


@case("hash of keys, past", ok)
def hash_of_the_past(plan: Plan):
    if plan.chosen_ids:
        return False
    plan.call("Maintenance/HashKV", revision=keys.past(plan))
    return True


# Alarms

def alarm(plan, name, action, kind, **fields):
    plan.case = "alarm/" + name
    plan.call("Maintenance/Alarm", action=action, alarm=kind, **fields)


for label, kind in {"any": 0, "no space": NOSPACE, "corruption": CORRUPTION, "unknown type": 7}.items():
    call_case(f"alarm/get, {label}, none there", gives(lambda answer: "alarms" not in answer), "Maintenance/Alarm", lambda plan, kind=kind: {"alarm": kind})
    call_case(f"alarm/deactivate, {label}, none there", gives(lambda answer: "alarms" not in answer), "Maintenance/Alarm",
              lambda plan, kind=kind: {"action": DEACTIVATE, "alarm": kind, "memberID": plan.random.choice([0, MEMBER])})
call_case("alarm/activate, none", gives(lambda answer: "alarms" not in answer), "Maintenance/Alarm", lambda plan: {"action": ACTIVATE, "memberID": 7})


@case("alarm/no space, put refused", NO_SPACE)
def no_space(plan: Plan):
    name, raised = plan.case, {"memberID": plan.random.choice([MEMBER, 0, 77])}
    key = keys.some(plan)
    alarm(plan, "no space, activate", ACTIVATE, NOSPACE, **raised)
    alarm(plan, "no space, activate again", ACTIVATE, NOSPACE, **raised)
    alarm(plan, "no space, get", GET, plan.random.choice([0, NOSPACE]))
    alarm(plan, "no space, get another type", GET, CORRUPTION)
    plan.case = name
    plan.call("KV/Put", key=key, value=b"v")
    plan.case = "alarm/no space, txn refused"
    plan.call("KV/Txn", success=[{"request_put": {"key": key, "value": b"v"}}])
    plan.case = "alarm/no space, grant refused"
    plan.call("Lease/LeaseGrant", TTL=5000, ID=3_000_000 + plan.fresh())
    plan.case = "alarm/no space, get and delete"
    plan.call("KV/Range", key=key)
    plan.call("KV/DeleteRange", key=key)
    plan.world.delete(key)
    plan.case = "alarm/no space, txn that only deletes"
    plan.call("KV/Txn", success=[{"request_delete_range": {"key": key}}, {"request_range": {"key": key}}])
    plan.case = "alarm/no space, status"
    plan.call("Maintenance/Status")
    alarm(plan, "no space, deactivate", DEACTIVATE, NOSPACE, **raised)
    keys.put(plan, key)


@case("alarm/corruption, put refused", CORRUPT)
def corruption(plan: Plan):
    name, raised, key = plan.case, {"memberID": plan.random.choice([MEMBER, 77])}, keys.some(plan)
    lease = keys.lease(plan)
    alarm(plan, "corruption, activate", ACTIVATE, CORRUPTION, **raised)
    for plan.case, method, fields in [
            (name, "KV/Put", {"key": key, "value": b"v"}), ("alarm/corruption, delete refused", "KV/DeleteRange", {"key": key}),
            ("alarm/corruption, txn refused", "KV/Txn", {"success": [{"request_put": {"key": key}}]}),
            ("alarm/corruption, compaction refused", "KV/Compact", {"revision": plan.world.revision}),
            ("alarm/corruption, grant refused", "Lease/LeaseGrant", {"TTL": 5000, "ID": 3_000_000 + plan.fresh()}),
            ("alarm/corruption, revoke refused", "Lease/LeaseRevoke", {"ID": lease}),
            ("alarm/corruption, get", "KV/Range", {"key": key}), ("alarm/corruption, status", "Maintenance/Status", {})]:
        plan.call(method, **fields)
    alarm(plan, "corruption, deactivate", DEACTIVATE, CORRUPTION, **raised)


def raised(answer):
    return len(answer.get("alarms", [])) == 1


for label in ("no space, activate", "no space, activate again", "no space, get", "no space, deactivate", "corruption, activate", "corruption, deactivate"):
    register("alarm/" + label, gives(raised), None)
register("alarm/no space, get another type", gives(lambda answer: not raised(answer)), None)
register("alarm/no space, txn refused", NO_SPACE, None)
register("alarm/no space, grant refused", NO_SPACE, None)
for label in ("no space, get and delete", "no space, txn that only deletes", "no space, status", "corruption, get", "corruption, status"):
    register("alarm/" + label, ok, None)
for label in ("delete", "txn", "compaction", "grant", "revoke"):
    register(f"alarm/corruption, {label} refused", CORRUPT, None)


# Leader, version, members

call_case("move leader, to an unknown member", fails(9, "etcdserver: bad leader transferee"), "Maintenance/MoveLeader", lambda plan: {"targetID": 12345})
call_case("move leader, to nobody", fails(9, "etcdserver: bad leader transferee"), "Maintenance/MoveLeader")
call_case("move leader, to itself", ok, "Maintenance/MoveLeader", lambda plan: {"targetID": MEMBER})

FORMAT, TARGET = fails(3, "etcdserver: wrong downgrade target version format"), fails(3, "etcdserver: invalid downgrade target version")
for label, version in {"no version": "", "words": "the last one", "two dots": "3..5", "a number": "3"}.items():
    for action, name in enumerate(("validate", "enable")):
        call_case(f"downgrade, {name}, {label}", FORMAT, "Maintenance/Downgrade", lambda plan, version=version, action=action: {"action": action, "version": version}, judged_by_martlet=True)
for label, version in {"far too old": "3.2.0", "its own": "3.6.0", "of the future": "9.9.9"}.items():
    for action, name in enumerate(("validate", "enable")):
        call_case(f"downgrade, {name}, {label}", TARGET, "Maintenance/Downgrade", lambda plan, version=version, action=action: {"action": action, "version": version}, judged_by_martlet=True)
call_case("downgrade, validate, the one before", ok, "Maintenance/Downgrade", lambda plan: {"version": "3.5.0"}, judged_by_martlet=True)
call_case("downgrade, unknown action", lambda answer: answer[0] != 0, "Maintenance/Downgrade", lambda plan: {"action": 9, "version": "3.5.0"})

call_case("members", gives(lambda answer: len(answer["members"]) == 1), "Cluster/MemberList")
call_case("members, linearizable", gives(lambda answer: len(answer["members"]) == 1), "Cluster/MemberList", lambda plan: {"linearizable": True})
NOT_FOUND = fails(5, "etcdserver: member not found")
for label, urls in {"no scheme": ["zz"], "no port": ["http://127.0.0.1"], "a path": ["http://127.0.0.1:1/path"], "none": [], "empty": [""]}.items():
    call_case(f"member add, {label}", fails(3, "etcdserver: given member URLs are invalid"), "Cluster/MemberAdd",
              lambda plan, urls=urls: {"peerURLs": urls, "isLearner": plan.random.random() < 0.5})
call_case("member add, a known URL", fails(9, "etcdserver: Peer URLs already exists"), "Cluster/MemberAdd", lambda plan: {"peerURLs": ["http://127.0.0.1:12380"]})
call_case("member add, a known URL for a learner", fails(9, "etcdserver: Peer URLs already exists"), "Cluster/MemberAdd",
          lambda plan: {"peerURLs": ["http://127.0.0.1:12380"], "isLearner": True})


def change_case(name, holds, method, **fields):
    """A change of the members that is refused only when it is applied. The next must come later: real etcd drops a second one that comes
    before its log has noted that the first is done, and the client waits until its own deadline."""
    def build(plan):
        plan.call(f"Cluster/Member{method}", **fields)
        plan.call("KV/Range", named=False, key=b"after a change")  # linearizable: the member's log has moved on when it is answered
    register(f"member {method.lower()}, {name}", holds, build)


for method in ("Remove", "Promote", "Update"):
    extra = {"peerURLs": ["http://127.0.0.1:9"]} if method == "Update" else {}
    change_case("unknown", NOT_FOUND, method, ID=99999, **extra)
    change_case("id 0", NOT_FOUND, method, ID=0, **extra)
change_case("the only one", lambda answer: answer[0] == 2, "Remove", ID=MEMBER)
change_case("no learner", fails(9, "etcdserver: can only promote a learner member"), "Promote", ID=MEMBER)
