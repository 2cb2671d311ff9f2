"""What of two answers is compared, and which differences are known.

Not compared is what differs between two runs of one server: see support/messages.py. Times to live may differ by two seconds, and by as much
as one server is slower than the other. Ids that a
server chose are compared by the names that the plan has for them."""
import os
import re
from typing import Dict, List, NamedTuple, Tuple

from support.messages import SCHEMA, comparable, decode, same_text
from traffic.cases import Answer, Step
from traffic.runner import Raw

TTL_SLACK = 2
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.txt")
Difference = Tuple[str, str, str]  # where, what the real etcd has there, what the other has


def readable(step: Step, raw: Raw, known: Dict[str, int]) -> Answer:
    """An answer with its message decoded, less what is not compared."""
    code, text, payload = raw
    if code != 0 or not step.path:
        return code, text, None
    kind = SCHEMA.methods[step.path][1]
    names = {number: name for name, number in known.items() if name != "member"}

    def message(data: bytes, kind: str = kind) -> dict:
        values = named(comparable(kind, decode(kind, data)), names)
        if kind == "etcdserverpb.LeaseTimeToLiveResponse" and "keys" in values:
            values["keys"].sort()
        if kind == "etcdserverpb.LeaseLeasesResponse" and "leases" in values:
            values["leases"].sort(key=str)
        return values

    if kind == "etcdserverpb.HashResponse":  # of ids, times and versions, too: only that there is one
        return code, text, {**message(payload), "hash": bool(message(payload).get("hash"))}
    if step.action == "snapshot":
        return code, text, payload
    if step.action == "collect":
        return code, text, [
            {"unasked": [message(control) for control in watcher["unasked"]]} if "unasked" in watcher else
            {**watcher, "events": [message(event, "mvccpb.Event") for event in watcher["events"]]} for watcher in payload]
    if isinstance(payload, list):
        return code, text, [message(data) for data in payload]
    return code, text, message(payload) if step.action in ("call", "finish") else None


def named(value: object, names: Dict[int, str]) -> object:
    if not names:
        return value
    if isinstance(value, dict):
        return {key: named(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [named(item, names) for item in value]
    if isinstance(value, bytes) and b"/" in value:
        head, _, tail = value.rpartition(b"/")
        for number, name in names.items():
            if tail == b"%x" % number:
                return head + b"/<" + name.encode() + b">"
        return value
    return names.get(value, value) if isinstance(value, int) and value > 1 << 32 else value


def differences(step: Step, ours: Answer, theirs: Answer, slack: float = TTL_SLACK) -> List[Difference]:
    """`ours` is the real etcd's."""
    if ours[0] != theirs[0] or not same_text(ours[1], theirs[1]):
        return [("status", f"{ours[0]} {ours[1]}".strip(), f"{theirs[0]} {theirs[1]}".strip())]
    return list(walk(ours[2], theirs[2], "", slack))


def walk(a: object, b: object, where: str, slack: float):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            yield from walk(a.get(key), b.get(key), f"{where}.{key}".lstrip("."), slack)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b)):
            yield from walk(one, other, f"{where}[{index}]", slack)
    elif isinstance(a, int) and isinstance(b, int) and where.endswith("TTL") and abs(a - b) <= slack and (a < 0) == (b < 0):
        return
    elif a != b:
        yield where or "answer", brief(a), brief(b)


def brief(value: object) -> str:
    text = "absent" if value is None else value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text if len(text) < 400 else text[:400] + "…"


class Known(NamedTuple):
    """A line of differences.txt. In each column but the last two, * stands for anything."""
    case: str
    where: str
    ours: str
    theirs: str
    version: str
    reason: str

    def covers(self, case: str, difference: Difference) -> bool:
        return all(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
                   for pattern, text in zip(self, (case, *difference)))


class Allowed:
    """The list of known differences, and how often each line was of use."""

    def __init__(self, path: str = LIST) -> None:
        self.lines: List[Known] = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith("#"):
                    columns = [column.strip() for column in line.split(" | ")]
                    if len(columns) != 6 or not all(columns):
                        raise ValueError(f"{path}, line {number}: six columns are needed: {line}")
                    self.lines.append(Known(*columns))
        self.used = {line: 0 for line in self.lines}

    def allows(self, case: str, difference: Difference) -> bool:
        for line in self.lines:
            if line.covers(case, difference):
                self.used[line] += 1
                return True
        return False

    def unused(self) -> List[Known]:
        return [line for line in self.lines if not self.used[line]]
