"""Asks a fresh server what a real etcd 3.6.14 was asked, in the same order, and compares every answer with the recorded one."""
import base64
import gzip
import json
import os
import time

from support.checks import check, finish, note
from support.messages import SCHEMA, comparable, decode, difference, same_text
from support.servers import GOLDEN, Server


def lines(kind):
    with gzip.open(os.path.join(GOLDEN, "transcripts", kind + ".jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compare(line, code, message, response):
    """How an answer differs from the recorded one, in words; empty if it does not."""
    if code != line["code"]:
        return f"code: recorded {line['code']} {line.get('message', '')!r}, got {code} {message!r}"
    if not same_text(line.get("message", ""), message):
        return f"message: recorded {line.get('message', '')!r}, got {message!r}"
    recorded = base64.b64decode(line.get("response", ""))
    if recorded == response:
        return ""
    kind = SCHEMA.methods[line["rpc"]][1]
    try:
        return difference(comparable(kind, decode(kind, recorded)), comparable(kind, decode(kind, response)))
    except ValueError as error:
        return f"response: {error}"


def replay(kind):
    header, *calls = lines(kind)
    with Server(flags=header["flags"]) as server, server.client() as client:
        began, different = time.time(), []
        for number, line in enumerate(calls, 2):
            answer = client.unary(line["rpc"], base64.b64decode(line["request"]))
            if found := compare(line, *answer):
                request = decode(SCHEMA.methods[line["rpc"]][0], base64.b64decode(line["request"]))
                different.append(f"line {number}: {line['rpc'].split('.')[1]} {str(request)[:200]}: {found}")
        note(f"{kind}: {len(calls)} requests in {time.time() - began:.1f} s")
    check(f"{kind}: {len(calls) - len(different)} of {len(calls)} answers equal to those of {header['server']}", not different,
          different and different[0])
    for text in different[1:10]:
        note(text)


if __name__ == "__main__":
    replay("kv")
    replay("txn")
    finish()
