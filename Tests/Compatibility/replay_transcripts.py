"""Asks a fresh server what a real etcd 3.6.14 was asked, in the same order, and compares every answer with the recorded one."""
import base64
import gzip
import json
import os
import time

import grpc

from support.checks import check, finish, note
from support.messages import SCHEMA, comparable, decode, difference, put_varint, same_text
from support.servers import GOLDEN, Server
from support.watches import WatchStream


def lines(kind):
    with gzip.open(os.path.join(GOLDEN, "transcripts", kind + ".jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compare(line, code, message, response):
    """How an answer differs from the recorded one, in words; empty if it does not. The response is bytes, of a stream a list of
    them, of a snapshot what is to be known of it."""
    if code != line["code"]:
        return f"code: recorded {line['code']} {line.get('message', '')!r}, got {code} {message!r}"
    if not same_text(line.get("message", ""), message):
        return f"message: recorded {line.get('message', '')!r}, got {message!r}"
    if "facts" in line:
        return difference(line["facts"], response, "facts")
    kind = SCHEMA.methods.get(line["rpc"], (None, None))[1]
    if "responses" in line:
        recorded = [base64.b64decode(one) for one in line["responses"]]
    else:
        recorded, response = [base64.b64decode(line.get("response", ""))], [response]
    if len(recorded) != len(response):
        return f"{len(recorded)} answers recorded, got {len(response)}"
    return next((found for one, other in zip(recorded, response) if (found := difference_of(kind, one, other, line.get("loose", ())))), "")


def difference_of(kind, recorded, response, loose):
    if recorded == response:
        return ""
    try:
        return difference(comparable(kind, decode(kind, recorded), loose), comparable(kind, decode(kind, response), loose))
    except ValueError as error:
        return f"response: {error}"


class Replayer:
    """Asks what lines of a transcript say."""

    def __init__(self, client):
        self.client, self.streams = client, {}
        self.members = {}  # ids of members by their URLs: those of added members differ from run to run

    def ask(self, line):
        """(code, message, response) in the form that `compare` takes."""
        if "requests" in line:
            return self.client.dialogue(line["rpc"], [base64.b64decode(one) for one in line["requests"]])
        if "facts" in line:
            return self.snapshot(line["rpc"])
        request = base64.b64decode(line.get("request", ""))
        if "member" in line:
            request = b"\x08" + put_varint(self.members.get(line["member"], 0)) + request
        code, message, response = self.client.unary(
            line["rpc"], request, timeout=line.get("timeout", 15), metadata=[tuple(pair) for pair in line.get("metadata", ())])
        if code == 0 and line["rpc"].startswith("/etcdserverpb.Cluster/"):
            for member in decode(SCHEMA.methods[line["rpc"]][1], response).get("members", []):
                self.members.update({url.decode(): member["ID"] for url in member.get("peerURLs", [])})
        return code, message, response

    def watch(self, line):
        """Does what a line says of a watch stream. How what came on it differs from what is recorded, in words."""
        stream = self.streams.get(line["stream"])
        if "send" in line:
            if not stream:
                stream = self.streams[line["stream"]] = WatchStream(self.client)
            stream.send(base64.b64decode(line["send"]), line.get("await"))
        elif "half_close" in line:
            stream.half_close()
        elif "close" in line:
            self.streams.pop(line["stream"]).close()
        else:
            return difference(line["events"], stream.events(line["events"], line.get("settle", 0)), "watch")
        return ""

    def close(self):
        for stream in self.streams.values():
            stream.close()

    def snapshot(self, path):
        try:
            blobs = [decode(SCHEMA.methods[path][1], data) for data in self.client.channel.unary_stream(path)(b"", timeout=20)]
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", {}
        sizes = [len(one.get("blob", b"")) for one in blobs]
        return 0, "", {"blobs": len(blobs) > 1, "last": sizes[-1], "remainder": sum(sizes) % 512,
                       "versions": sorted({one.get("version", b"").decode() for one in blobs})}


def replay(kind, is_served=lambda line: True):
    header, *calls = lines(kind)
    with Server(flags=header["flags"]) as server, server.client() as client:
        replayer, began, different, asked = Replayer(client), time.time(), [], 0
        for number, line in enumerate(calls, 2):
            if "sleep" in line:
                time.sleep(line["sleep"])
                continue
            if "stream" in line:
                what, found = f"stream {line['stream']}", replayer.watch(line)
            elif is_served(line):
                what = f"{line['rpc'].split('.')[-1]} {line.get('what') or str(line.get('request'))[:100]}"
                found = compare(line, *replayer.ask(line))
            else:
                continue
            asked += "stream" not in line or "events" in line
            if found:
                different.append(f"line {number}: {what}: {found}")
        replayer.close()
        note(f"{kind}: {asked} of {len(calls)} lines in {time.time() - began:.1f} s")
    check(f"{kind}: {asked - len(different)} of {asked} answers equal to those of {header['server']}", not different and asked,
          different and different[0])
    for text in different[1:10]:
        note(text)


if __name__ == "__main__":
    for name in ("kv", "txn", "lease", "watch", "maintenance"):
        replay(name)
    finish()
