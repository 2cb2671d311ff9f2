"""Starts, logs, refuses and ends as an operator and a supervisor expect of an etcd."""
import json
import signal
import subprocess
import tempfile
import time

from kill9 import AnyMoment, Trial
from support.checks import check, finish
from support.servers import ETCD, ETCDCTLS, SERVER, Server, environment, run


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


def data_is_locked():
    """Whoever holds the data, ours or a real etcd, keeps another of ours out, which says why."""
    for holder in (SERVER, ETCD):
        name = "one of ours" if holder == SERVER else "a real etcd"
        with Server(holder) as first:
            second = Server(data=first.data)
            code, out, err = run(*second.command, seconds=20)
            second.close()
            said = [json.loads(line) for line in (out + err).splitlines() if line.startswith("{")]
            reason = [record.get("error", "") for record in said if record["level"] == "fatal"]
            check(f"data held by {name}: a second server ends with code 1 and says why", code == 1 and any("in use by another process" in text for text in reason),
                  f"{code}, {reason or (out + err)[-300:]}")
    with Server() as first, tempfile.TemporaryDirectory() as folder:
        other = Server(ETCD, data=first.data)
        process = subprocess.Popen(other.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), cwd=folder)
        time.sleep(1)
        with other.client() as client:
            code = client.unary("/etcdserverpb.KV/Range", b"\x0a\x01k", timeout=1)[0]
        process.kill()
        process.wait()
        other.close()
        check("a real etcd waits for data that this server holds", code != 0)


def users_are_not_ignored():
    """A directory whose users only a later version checks is refused, not served to everybody."""
    with Server(ETCD) as holder:
        for words in (["user", "add", "root:secret"], ["role", "add", "root"], ["user", "grant-role", "root", "root"], ["auth", "enable"]):
            code, out, err = run(ETCDCTLS["3.5"], "--endpoints", holder.endpoint, *words)
            assert code == 0, out + err
        holder.stop()
        ours = Server(data=holder.data)
        code, out, err = run(*ours.command, seconds=20)
        ours.close()
        check("a directory with authentication switched on is refused, with the reason", code == 1 and "authentication is switched on" in out + err,
              f"{code}, {(out + err)[-300:]}")


def second_signal_ends_at_once():
    """The first signal drains; a second does not wait for that."""
    with Server() as server, server.client() as client:
        client.ask("KV/Put", key=b"k", value=b"v")
        # A request that is half asked keeps the server from draining, for a while.
        server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGCONT)
        code = server.process.wait(20)
        check("two signals: it ends, by the second or before it", code in (0, -signal.SIGINT, -signal.SIGTERM), code)


def slow_requests_are_told_of():
    """A bound so low that all are slow: keys are told, values are not."""
    flags = ["--warning-unary-request-duration=1ns", "--warning-apply-duration=1ns"]
    with Server(flags=flags) as server, server.client() as client:
        client.ask("KV/Put", key=b"slow-key", value=b"secret-value")
        client.ask("KV/Range", key=b"slow", range_end=b"slox")
        server.stop()
        with open(server.log, encoding="utf-8") as log:
            text = log.read()
        records = [json.loads(line) for line in text.splitlines()]
        slow = [record for record in records if record["msg"] == "request stats"]
        asked = {record["method"]: record for record in slow}
        put, ranged = asked.get("/etcdserverpb.KV/Put", {}), asked.get("/etcdserverpb.KV/Range", {})
        check("slow requests are told of, with keys and sizes", put.get("request content") == 'key:"slow-key" value_size:12 '
              and ranged.get("request content") == 'key:"slow" range_end:"slox" ' and put["request size"] == 24 and put["remote"].startswith("ipv4:127.0.0.1:"), slow[-2:])
        check("slow applies are told of", any(record["msg"] == "apply request took too long" and record["level"] == "warn" for record in records))
        check("no value is in the log", "secret-value" not in text)


def records_of(server):
    with open(server.log, encoding="utf-8") as log:
        return [json.loads(line) for line in log if line.startswith("{")]


def make_holes(client):
    """Some megabytes that a defragmentation can free."""
    for number in range(300):
        revision = client.ask("KV/Put", key=b"hole%d" % (number % 5), value=b"h" * 20_000)["header"]["revision"]
    client.ask("KV/Compact", revision=revision, physical=True)


def defragmentations_are_told_of():
    """Begin and end in etcd's words and with its fields; at the start, too, if so much can be freed."""
    shapes = []
    for binary in (ETCD, SERVER):
        with Server(binary) as server, server.client() as client:
            make_holes(client)
            client.ask("Maintenance/Defragment", timeout=30)
            told = {record["msg"]: record for record in records_of(server)}
            shapes.append([{field: type(value) for field, value in told.get(message, {}).items() if field not in ("ts", "caller")}
                           for message in ("defragmenting", "finished defragmenting directory")])
    check("a defragmentation is told of with etcd's fields", shapes[0] == shapes[1] and all(shapes[0]), shapes)
    diff, size = (told["finished defragmenting directory"][field] for field in ("current-db-size-bytes-diff", "current-db-size-bytes"))
    check("the file is the smaller by what the log says", diff < -1_000_000 and told["defragmenting"]["current-db-size-bytes"] + diff == size, (diff, size))
    with Server(flags=["--bootstrap-defrag-threshold-megabytes=1"]) as server, server.client() as client:
        make_holes(client)
        server.stop()
        server.start()
        end = time.time() + 20
        while time.time() < end and not (done := [record for record in records_of(server) if record["msg"].startswith("finished defragmenting")]):
            time.sleep(0.05)
        check("a start with much to free defragments", len(done) == 1 and done[0]["current-db-size-bytes"] < 1_000_000, done)


def ends():
    """Told to end under load, five times: what it acknowledged is there when it comes back."""
    codes = []
    with Server() as server:
        trial = Trial(server, "stops")
        for _ in range(5):
            trial.round(AnyMoment(), lambda ended: codes.append(ended.stop()))
    check("SIGTERM under load, five times: it ends at once, and not by a crash", all(code in (0, -15) for code in codes), codes)
    check("every acknowledged write is there after each", not trial.wrong, "; ".join(trial.wrong[:3]))
    check("a watch across them saw every acknowledged write once, in order", not trial.follower.wrong, "; ".join(trial.follower.wrong[:3]))


if __name__ == "__main__":
    starts_and_logs()
    refuses()
    data_is_locked()
    users_are_not_ignored()
    second_signal_ends_at_once()
    slow_requests_are_told_of()
    defragmentations_are_told_of()
    ends()
    finish()
