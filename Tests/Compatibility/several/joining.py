"""Members that are started with what does not fit the cluster that is there: what becomes of them."""
import json
import re
import time
from typing import Dict, List, Tuple

from support.cluster import Cluster, Member

PATIENCE = 8.0  # seconds for one that is to end; those that are to be kept apart are looked at so long too


def starts(cluster: Cluster) -> Dict[str, dict]:
    """By case: what of a fourth member's command line is special. `{own}` stands for its own URL."""
    there = [f"{member.name}={member.peer_url}" for member in cluster.members]
    one, two, three = there
    return {
        "not added": {"initial": ",".join([*there, "x={own}"]), "state": "existing"},
        "without itself": {"initial": ",".join(there), "state": "existing"},
        "one too few": {"initial": f"{one},{two},x={{own}}", "state": "existing"},
        "a URL that is nobody's": {"initial": f"{one},{two},m3=http://127.0.0.1:1,x={{own}}", "state": "existing"},
        "nobody answers": {"initial": "a=http://127.0.0.1:1,b=http://127.0.0.1:2,x={own}", "state": "existing"},
        "alone": {"initial": "x={own}", "state": "existing"},
        "new, with those that are there": {"initial": f"{one},{two},x={{own}}", "state": "new"},
        "new, the same name twice": {"initial": f"x={one.split('=')[1]},x={{own}}", "state": "new"},
        "new, the same URL twice": {"initial": f"{three},y={three.split('=')[1]},x={{own}}", "state": "new"},
        "new, another token": {"initial": ",".join([*there, "x={own}"]), "state": "new", "token": "another"}}


def ends(cluster: Cluster) -> Dict[str, dict]:
    """By case: exit code, and what the log says of the reason."""
    started: List[Tuple[str, Member]] = []
    for number, (case, special) in enumerate(starts(cluster).items(), 50):
        member = Member(cluster.folder, f"x{number}", cluster.members[0].program, cluster.network.place(number), cluster.settings)
        member.name = "x"
        for field, value in special.items():
            setattr(member, field, value.replace("{own}", member.peer_url))
        member.launch()
        started.append((case, member))
    end, found = time.monotonic() + PATIENCE, {}
    for case, member in started:
        while member.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        code = member.process.poll()
        if code is None:
            member.kill()
        found[case] = {"code": code, "reason": reason(member.log).replace(member.peer_url, "<own>")}
    return found


# What of a reason depends on the order of ids.
ORDERED = re.compile(r"\{ClusterID:.*?RemovedMemberIDs:\[[^\]]*\]\}|(?<=for existing member) .*")


def reason(path: str) -> str:
    """What a program that ended said at last."""
    found = ""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("level") == "fatal":
                found = re.sub(r"['`]", '"', record.get("error") or record["msg"])
    return ORDERED.sub("<...>", found)
