"""The same command lines, variables and configuration files for a real etcd 3.5.1 and for this server: the same exit code, and the same
kind of message. Where etcd 3.6 differs from 3.5.1, or this server means to, the line says so."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from support.checks import check, finish, note
from support.servers import ETCD, SERVER, environment, free_port

USAGE = "Usage:"


def complaint(out):
    """What a program that did not start had to say: of a log its errors, of anything else the first line."""
    found = []
    for line in out.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if record["msg"] == "failed to get cluster response":
            continue  # of each member that was asked; the verdict comes behind them
        if record["level"] in ("warn", "fatal") and ("error" in record or record["level"] == "fatal"):
            found.append(record.get("error") or record["msg"])
    text = next((line for line in found if line.strip()), "")
    # Go's and etcd 3.5's quotes are not those of 3.6; and the ports are of this run.
    return re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:PORT", re.sub(r"['`]", '"', text))


def answers(port):
    """Whether an HTTP server answers at a port, whatever it says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/version")
        return bool(connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def outcome(binary, arguments, variables, folder, port, seconds=20):
    """(exit code, complaint, whether the usage was printed); code None for a server that started, as its port tells."""
    out = os.path.join(folder, "out")
    with open(out, "wb") as file:
        process = subprocess.Popen([binary, *arguments], stdout=file, stderr=file, cwd=folder, env={**environment(), **variables})
    end = time.time() + seconds
    while process.poll() is None and time.time() < end and not answers(port):
        time.sleep(0.02)
    code = process.poll()
    process.kill()
    process.wait()
    with open(out, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return code, "" if code is None else complaint(text), USAGE in text


def both(arguments, variables=None, files=None):
    """The outcomes of etcd and of this server."""
    results = []
    for binary in (ETCD, SERVER):
        with tempfile.TemporaryDirectory(prefix="martlet-flags-") as folder:
            for name, text in (files or {}).items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            port = free_port()
            results.append(outcome(binary, filled(arguments, port), variables or {}, folder, port))
    return results


def filled(arguments, client=None):
    """A command line with ports where it names their places."""
    client, peer = str(client or free_port()), str(free_port())
    return [argument.replace("CLIENT", client).replace("PEER", peer) for argument in arguments]


# Told apart by nothing but the port, so that servers which do start are not in each other's way.
PLACES = ["--listen-client-urls=http://127.0.0.1:CLIENT", "--advertise-client-urls=http://127.0.0.1:CLIENT",
          "--listen-peer-urls=http://127.0.0.1:PEER", "--initial-advertise-peer-urls=http://127.0.0.1:PEER",
          "--initial-cluster=default=http://127.0.0.1:PEER"]

# Exit code 2 and the usage: Go's own errors.
MALFORMED = [
    ["--no-such"], ["-no-such=1"], ["--name"], ["---x"], ["--=x"], ["--snapshot-count=abc"], ["--snapshot-count=-1"], ["--snapshot-count="],
    ["--snapshot-count=99999999999999999999999"], ["--max-wals", "1.5"], ["--backend-batch-limit", "99999999999999999999999"],
    ["--quota-backend-bytes", "1e5"], ["--quota-backend-bytes", "08"], ["--quota-backend-bytes", "1__0"], ["--max-request-bytes", "-1"],
    ["--pre-vote=maybe"], ["--strict-reconfig-check=yes"], ["--backend-batch-interval", "5"], ["--backend-batch-interval", "5x"],
    ["--grpc-keepalive-interval="], ["--grpc-keepalive-timeout", "1h 2m"], ["--initial-cluster-state", "foo"], ["--v2-deprecation", "foo"],
    ["--listen-client-urls", "127.0.0.1:2379"], ["--listen-client-urls", "localhost:2379"], ["--listen-client-urls", ":2379"],
    ["--listen-client-urls", "http://127.0.0.1"], ["--listen-client-urls", "http://127.0.0.1:x"], ["--listen-client-urls", "http://127.0.0.1:1/"],
    ["--listen-client-urls", "http://127.0.0.1:1/path"], ["--listen-client-urls", "http:a:1"], ["--listen-client-urls", "ftp://127.0.0.1:1"],
    ["--listen-client-urls", "http://a b:1"], ["--listen-client-urls", "http://[::1"], ["--listen-client-urls", "http://127.0.0.1:1,,http://127.0.0.1:2"],
    ["--listen-peer-urls", "x"], ["--listen-metrics-urls", "http://a"], ["--cors", "foo"], ["--cors", ""], ["--cors", "http://a:1,b"],
    ["--bcrypt-cost", "x"], ["--self-signed-cert-validity", "-1"],
]

# Exit code 1: what etcd's own checks find.
UNSERVABLE = [
    ["stray"], ["-"], ["--pre-vote", "false"], ["--version", "extra"], ["--heartbeat-interval", "0"], ["--heartbeat-interval", "500"],
    ["--election-timeout", "0"], ["--election-timeout", "60000"], ["--listen-client-urls", "http://127.0.0.1:1"],
    ["--listen-client-urls", "http://example.com:1", "--advertise-client-urls", "http://a:1"],
    ["--listen-client-urls", "http://:1", "--advertise-client-urls", "http://a:1"], ["--listen-peer-urls", "http://example.com:1"],
    ["--listen-metrics-urls", "http://example.com:1"], ["--advertise-client-urls", "http://:1"], ["--auto-compaction-mode", "foo"],
    ["--logger", "capnslog"], ["--logger", "foo"], ["--log-outputs", "stderr,default"], ["--enable-log-rotation"],
    ["--enable-log-rotation", "--log-outputs", "a.log,b.log"], ["--discovery", "http://a", "--initial-cluster", "default=http://localhost:2380"],
    ["--discovery-srv", "a.test", "--initial-cluster", "default=http://localhost:2380"], ["--config-file", "missing.yaml"],
    ["--config", "3"], ["--auth-token", "foo", *PLACES], ["--auto-compaction-retention=xyz", *PLACES], ["--auto-compaction-retention=5x", *PLACES], ["--initial-cluster=default=ftp://x:1"], ["--initial-cluster=default"],
    [*PLACES[:4], "--initial-cluster=default=http://127.0.0.1:1"], [*PLACES[:4], "--initial-cluster=other=http://127.0.0.1:PEER"],
    [*PLACES[:4], "--initial-cluster=default=http://127.0.0.1:PEER,other=http://127.0.0.1:PEER"], [*PLACES[:4], "--initial-cluster="],
    [*PLACES[:3], "--initial-advertise-peer-urls=http://127.0.0.1:PEER,http://127.0.0.1:1", PLACES[4]], [*PLACES, "--initial-cluster-state=existing"],
    [*PLACES[:4], "--initial-cluster=default=http://127.0.0.1:PEER,other=http://127.0.0.1:1", "--initial-cluster-state=existing"],
    [*PLACES[:4], "--initial-cluster=default=http://127.0.0.1:PEER,default=http://127.0.0.1:1"],
    [*PLACES[1:], "--listen-client-urls", "http://127.0.0.1:99999"], [*PLACES[1:], "--listen-client-urls", "https://127.0.0.1:CLIENT"],
]

# Messages that this server words in another way, by its own decision; the exit code is the same.
OWN_WORDS = {
    "--enable-log-rotation": r"", "--discovery": r"multiple discovery or bootstrap flags are set", "--discovery-srv": r"multiple discovery",
    "=5x": r"error parsing CompactionRetention: time: ", "https://127.0.0.1:CLIENT": r"cannot be served: TLS", "default=http://127.0.0.1:1": r"missing from --initial-advertise-peer-urls",
}

STARTS = [
    [], ["--name", "m", "--name=default"], ["--pre-vote"], ["-pre-vote=F"], ["--quota-backend-bytes", "0x10000000"], ["--quota-backend-bytes", "1_000_000_000"],
    ["--quota-backend-bytes=-1"], ["--backend-batch-interval=-5s"], ["--bcrypt-cost", "99"], ["--bcrypt-cost=4"], ["--metrics", "extensive"],
    ["--host-whitelist", "a,a"], ["--cors=http://a:1"], ["--max-txn-ops=1000"], ["--max-request-bytes=33554432"], ["--v", "-vv", "--snapshot=5"],
    ["--backend-bbolt-freelist-type=array"], ["--initial-cluster-token=t"], ["--auto-compaction-retention=1h"], ["--log-level=debug"],
    ["--experimental-compaction-batch-limit=10"], ["--experimental-initial-corrupt-check"], ["--experimental-watch-progress-notify-interval=1s"],
    ["--experimental-memory-mlock=false"], ["--experimental-warning-apply-duration=1s"], ["--unsafe-no-fsync"], ["--enable-pprof"],
    ["--listen-metrics-urls=http://127.0.0.1:0"], ["--socket-reuse-port", "--socket-reuse-address"], ["--log-outputs=stdout"], ["--log-outputs=log.txt"],
    ["--enable-log-rotation", "--log-outputs=log.txt"], ["--initial-election-tick-advance=false"], ["--auth-token-ttl=5"], ["--force-new-cluster"],
]


def same(name, lines, usage, extra=()):
    different = []
    for arguments in lines:
        (code, text, used), (ours, our_text, our_used) = both([*arguments, *extra])
        wording = next((pattern for word, pattern in OWN_WORDS.items() if word in " ".join(arguments)), None)
        alike = text == our_text if wording is None else re.search(wording, our_text)
        if code != ours or used != our_used or used != usage or not alike:
            different.append(f"{arguments}: etcd {code} {text!r}, here {ours} {our_text!r}")
    check(f"{len(lines) - len(different)} of {len(lines)} {name}", not different, "\n       ".join(different[:10]))


def environment_and_file():
    cases = [
        ({"ETCD_SNAPSHOT_COUNT": "abc"}, {}, []), ({"ETCD_INITIAL_CLUSTER_STATE": "foo"}, {}, []), ({"ETCD_HEARTBEAT_INTERVAL": "0"}, {}, []),
        ({"ETCD_VERSION": "3", "ETCD_HEARTBEAT_INTERVAL": "0"}, {}, []), ({"ETCD_PRE_VOTE": "maybe"}, {}, []),
        ({"ETCD_LISTEN_CLIENT_URLS": "ftp://a:1"}, {}, []), ({"ETCD_CONFIG_FILE": "c"}, {"c": "heartbeat-interval: 0"}, []),
        ({"ETCD_CONFIG_FILE": "c"}, {"c": "heartbeat-interval: 0"}, ["--name=y"]), ({"ETCD_HEARTBEAT_INTERVAL": "x"}, {"c": "election-timeout: 0"}, ["--config-file=c"]),
        ({}, {"c": "name: [a"}, ["--config-file", "c"]), ({}, {"c": "snapshot-count: abc"}, ["--config-file", "c"]),
        ({}, {"c": "grpc-keepalive-interval: 5s"}, ["--config-file", "c"]), ({}, {"c": '{"name":"j","heartbeat-interval":0}'}, ["--config-file", "c"]),
        ({}, {"c": 'pre-vote: "true"'}, ["--config-file", "c"]), ({}, {"c": "pre-vote: 1"}, ["--config-file", "c"]), ({}, {"c": "name: 5"}, ["--config-file", "c"]),
        ({}, {"c": "max-wals: -5"}, ["--config-file", "c"]), ({}, {"c": "max-wals: 1.5"}, ["--config-file", "c"]), ({}, {"c": "name: true"}, ["--config-file", "c"]),
        ({}, {"c": "name: [a]"}, ["--config-file", "c"]), ({}, {"c": "name: {a: b}"}, ["--config-file", "c"]),
        ({}, {"c": "initial-cluster-state: foo"}, ["--config-file", "c"]), ({}, {"c": "auto-compaction-mode: x"}, ["--config-file", "c"]),
        ({}, {"c": "listen-client-urls: ftp://a:1"}, ["--config-file", "c"]), ({}, {"c": "listen-metrics-urls: http://a"}, ["--config-file", "c"]),
        ({}, {"c": "log-outputs: [stderr, default]"}, ["--config-file", "c"]), ({}, {"c": "- a"}, ["--config-file", "c"]),
    ]
    # The file's 3.5 wording has no key with the type's name, and gives no line; only the kind of error is compared there.
    kind = re.compile(r"^(.*?(?:yaml|JSON|clusterState|unexpected error setting up [\w-]+|invalid value))")
    different = []
    for variables, files, arguments in cases:
        (code, text, _), (ours, our_text, _) = both(arguments, variables, files)
        found, our_found = kind.match(text), kind.match(our_text)
        alike = text == our_text or (found and our_found and found[1] == our_found[1]) or "initial-cluster-state: foo" in files.values()
        if code != ours or code != 1 or not alike:
            different.append(f"{variables} {files} {arguments}: etcd {code} {text!r}, here {ours} {our_text!r}")
    check(f"{len(cases) - len(different)} of {len(cases)} variables and files refused as by etcd", not different, "\n       ".join(different[:10]))


def refuses_what_it_cannot_serve():
    """etcd would serve these; to ignore them would do harm."""
    lines = [["--cert-file=a"], ["--trusted-ca-file=a"], ["--client-cert-auth"], ["--auto-tls"], ["--peer-auto-tls"], ["--auth-token=jwt,sign-method=RS256"],
             ["--discovery-insecure-transport=false"], ["--discovery-cert=a"],
             ["--enable-distributed-tracing"], ["--memory-mlock"], ["--experimental-memory-mlock"], ["--discovery=http://a"]]
    served = []
    for arguments in lines:
        with tempfile.TemporaryDirectory(prefix="martlet-flags-") as folder:
            code, text, _ = outcome(SERVER, arguments, {}, folder, free_port())
            flag = arguments[0].split("=")[0].replace("--experimental-", "--")
            if code != 1 or flag not in text:
                served.append(f"{arguments}: {code} {text}")
    check(f"{len(lines)} flags that would be dangerous to ignore are refused by name", not served, served)


@contextlib.contextmanager
def running(arguments, variables=None, files=None):
    """A server of ours in a directory of its own: (process, directory). Its log goes to log.err there."""
    with tempfile.TemporaryDirectory(prefix="martlet-flags-") as folder:
        for name, text in (files or {}).items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        with open(os.path.join(folder, "log.err"), "wb") as log:
            process = subprocess.Popen([SERVER, *arguments], stdout=log, stderr=log, cwd=folder, env={**environment(), **(variables or {})})
        try:
            yield process, folder
        finally:
            process.kill()
            process.wait()


def records(path, wanted, seconds=10):
    """The lines of a log once one of them says `wanted`, or the time is up."""
    end = time.time() + seconds
    while True:
        with open(path, encoding="utf-8") as log:
            text = log.read()
        if wanted in text or time.time() > end:
            return text.splitlines()
        time.sleep(0.02)


def settings_take_effect():
    client, peer = free_port(), free_port()
    yaml = f"""
name: from-file
data-dir: here
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: from-file=http://127.0.0.1:{peer}
grpc-keepalive-interval: 600000000000
socket-options: {{reuse-port: true}}
client-transport-security: {{cert-file: ""}}
log-outputs: [stderr, copy.log]
snapshot-count: 500
nonsense: 1
"""
    with running(["--config-file=c.yaml", "--name=ignored"], {"ETCD_NAME": "ignored too"}, {"c.yaml": yaml}) as (process, folder):
        lines = [json.loads(line) for line in records(os.path.join(folder, "log.err"), "ready to serve")]
        start = next((line for line in lines if line["msg"] == "starting a Martlet server"), {})
        check("a configuration file counts, and nothing beside it", start.get("name") == "from-file" and os.path.isdir(os.path.join(folder, "here", "member")), lines[-2:])
        warned = [line.get("key") for line in lines if "unrecognized key" in line["msg"]]
        check("a key that nobody knows is told of", warned == ["nonsense"], warned)
        check("a flag of before is warned of, in a file too", any("--snapshot-count is deprecated in 3.6" in line["msg"] for line in lines))
        with open(os.path.join(folder, "copy.log"), encoding="utf-8") as log:
            copied = log.read().count("\n")
        check("the log goes to every output", copied >= len(lines), f"{copied} of {len(lines)}")
        process.send_signal(signal.SIGTERM)
        check("SIGTERM ends it with 0", process.wait(20) == 0)
    with running([*filled(PLACES), "--log-format=console", "--log-level=warn"]) as (process, folder):
        lines = records(os.path.join(folder, "log.err"), "single port")
        check("the console's form, and only from the level on", lines and all(line.split("\t")[1] == "warn" for line in lines), lines[:2])


def links_and_supervisors():
    with tempfile.TemporaryDirectory(prefix="martlet-flags-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        link = os.path.join(folder, "etcd")
        os.symlink(SERVER, link)
        supervisor.bind(os.path.join(folder, "notify"))
        supervisor.settimeout(20)
        process = subprocess.Popen([link, *filled(PLACES)], cwd=folder, stderr=subprocess.DEVNULL, env={**environment(), "NOTIFY_SOCKET": supervisor.getsockname()})
        told = supervisor.recv(100)
        process.terminate()
        check("a link named etcd starts it, and systemd is told when it is ready", told == b"READY=1" and process.wait(20) == 0, told)


if __name__ == "__main__":
    same("malformed command lines: same code, same message, the usage", MALFORMED, True)
    same("command lines that etcd cannot serve: same code, same message", UNSERVABLE, False)
    same("command lines start both servers", STARTS, False, PLACES)
    environment_and_file()
    refuses_what_it_cannot_serve()
    settings_take_effect()
    links_and_supervisors()
    note("a variable beside its flag ends etcd; here the flag wins and a warning says so. An unknown log level makes etcd panic with code 2; here it is refused with 1")
    finish()
