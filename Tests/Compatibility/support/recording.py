"""Writes what clients did and were told as docs/internals/histories.md has it, and has it judged by `martlet-sim check-history`."""
import json
import os
from typing import Iterable, Tuple

from support.historian import Kept
from support.history import RANGE, Operation
from support.messages import decode, encode
from support.servers import ROOT, run

JUDGE = os.environ.get("MARTLET_JUDGE", os.path.join(ROOT, ".build", "simulation", "release", "martlet-sim"))


def lines(operations: Iterable[Operation], watches: Iterable[Kept], leases: Iterable[Tuple[int, int]]) -> Iterable[dict]:
    """`leases`: (id, nanoseconds when its grant was asked for)."""
    for operation in operations:
        line = {"client": operation.client, "op": operation.method.split("/")[1], "call": operation.began, "request": operation.sent().hex()}
        if operation.known:
            yield {**line, "return": operation.ended, "response": operation.answer.hex()}
        elif operation.method != RANGE:
            yield {**line, "outcome": "unknown"}
    for lease, granted in leases:
        yield {"client": 0, "op": "LeaseRevoke", "call": granted, "outcome": "unknown", "request": encode("etcdserverpb.LeaseRevokeRequest", {"ID": lease}).hex()}
    for number, watch in enumerate(watches, 1):
        yield {"watch": number, "request": encode("etcdserverpb.WatchCreateRequest", watch.interest.fields()).hex()}
        for data, at in watch.whole:
            if watch.program == "martlet" or promises_nothing(data):
                yield {"watch": number, "response": data.hex(), "time": at}


def promises_nothing(data: bytes) -> bool:
    """Whether a response is no bookmark: those of etcd before 3.5.8 overtake events (its issue 15220)."""
    message = decode("etcdserverpb.WatchResponse", data)
    return bool(message.get("events") or message.get("created") or message.get("canceled"))


def judge(path: str, *recorded) -> Tuple[bool, str]:
    """Whether the history is one that a correct etcd can have had, and what was said of it."""
    with open(path, "w", encoding="ascii") as file:
        for line in lines(*recorded):
            file.write(json.dumps(line) + "\n")
    code, out, problem = run(JUDGE, "check-history", path, seconds=300)
    return code == 0, (out + problem).strip()
