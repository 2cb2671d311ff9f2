"""Starts, logs, refuses and ends as an operator and a supervisor expect of an etcd."""
import json
import subprocess
import time

from kill9 import AnyMoment, Trial
from support.checks import check, finish
from support.servers import SERVER, Server, environment, run


def starts_and_logs():
    with Server() as server:
        with open(server.log, encoding="utf-8") as log:
            text = log.read().splitlines()
        try:
            records = [json.loads(line) for line in text]
            wrong = [line for line, record in zip(text, records) if not {"level", "ts", "msg"} <= record.keys()]
        except ValueError as error:
            records, wrong = [], [str(error), *text[:3]]
        check("each line of the log is a JSON object with level, ts and msg", text and not wrong, wrong[:1])
        check("the log says when clients are served", any("ready to serve client requests" in record["msg"] for record in records), text[-3:])
        code, out, _ = run(SERVER, "--version")
        check("--version names etcd's version first", code == 0 and out.startswith("etcd Version: 3."), out[:100])


def refuses():
    code, out, err = run(SERVER, "--no-such-flag")
    check("an unknown flag ends it with a message", code != 0 and "no-such-flag" in out + err, f"{code}, {err[-200:]}")
    with Server() as server, server.client() as client:
        client.ask("KV/Put", key=b"k", value=b"v")
        second = Server(data=server.data)
        process = subprocess.Popen(second.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), cwd=second.folder)
        time.sleep(2)
        with second.client() as other:
            code = other.unary("/etcdserverpb.KV/Range", b"\x0a\x01k", timeout=2)[0]
        process.kill()
        process.wait()
        second.close()
        check("a second server on the same data serves nobody", code != 0)
        check("the first goes on", client.ask("KV/Range", key=b"k")["kvs"][0]["value"] == b"v")


def ends():
    """Told to end under load, five times: what it acknowledged is there when it comes back."""
    codes = []
    with Server() as server:
        trial = Trial(server, "stops")
        for _ in range(5):
            trial.round(AnyMoment(), lambda ended: codes.append(ended.stop()))
    check("SIGTERM under load, five times: it ends at once, and not by a crash", all(code in (0, -15) for code in codes), codes)
    check("every acknowledged write is there after each", not trial.wrong, "; ".join(trial.wrong[:3]))


if __name__ == "__main__":
    starts_and_logs()
    refuses()
    ends()
    finish()
