"""What operators' probes ask over HTTP: /version, /health, /livez and /readyz, answered as a real etcd 3.6.14 did; paths that nobody
serves; and how a server ends while connections are open."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time

from replay_transcripts import lines
from support.checks import check, finish, note
from support.servers import ETCD, Client, Server, free_port

# The gateway and the metrics are not served yet.
NOT_SERVED = re.compile(r"/(v3|v3beta|metrics|debug)(/|$)")


def ask(connection, line):
    """(status, content type, body)"""
    connection.request(line["method"], line["path"], line.get("body"), line.get("headers") or {})
    answer = connection.getresponse()
    body = answer.read().decode("utf-8", "replace")
    return answer.status, answer.headers.get("Content-Type") or "", body


def comparable(path, status, kind, body):
    """What of an answer is compared: all but the order of checks, which is chance in etcd, and the patch of our version."""
    if path.startswith(("/livez", "/readyz")):
        body = "\n".join(sorted(body.split("\n")))
    if path.startswith("/version") and status == 200:
        body = re.sub(r'("etcdserver":"\d+\.\d+)\.\d+', r"\1", body)
    return status, kind, body


def as_alarm(line):
    """The fields of a gateway's call that raises or ends an alarm, which the probes after it tell of."""
    if line.get("path") != "/v3/maintenance/alarm" or line["method"] != "POST":
        return None
    values = json.loads(line["body"])
    action = {"ACTIVATE": 1, "DEACTIVATE": 2}.get(values.get("action"), values.get("action"))
    if action not in (1, 2):
        return None
    kind = {"NONE": 0, "NOSPACE": 1, "CORRUPT": 2}.get(values.get("alarm"), values.get("alarm"))
    return {"action": action, "memberID": int(values["memberID"]), "alarm": kind}


def answered_as_recorded():
    calls = lines("http")[1:]
    with Server() as server, server.client() as client:
        connection, asked, alarms, different = http.client.HTTPConnection(server.endpoint, timeout=10), 0, 0, []
        for number, line in enumerate(calls, 2):
            if fields := as_alarm(line):
                client.ask("Maintenance/Alarm", **fields)
                alarms += 1
            if "path" not in line or NOT_SERVED.match(line["path"].split("?")[0]):
                continue
            asked += 1
            got = comparable(line["path"], *ask(connection, line))
            recorded = comparable(line["path"], line["status"], line["type"], line["response"])
            if got != recorded:
                different.append(f"line {number}: {line['method']} {line['path']}: recorded {recorded}, got {got}")
        connection.close()
    check(f"{asked - len(different)} of {asked} answers equal to those of a real etcd", asked > 80 and not different,
          "\n       ".join(different[:8]))
    note(f"{len(calls)} lines are recorded; {alarms} alarms were raised and ended over gRPC between the probes")


def found_by_headers():
    with Server() as server:
        connection = http.client.HTTPConnection(server.endpoint, timeout=10)
        connection.request("GET", "/nonsense")
        answer = connection.getresponse()
        lost = answer.status, answer.headers["X-Content-Type-Options"], answer.headers["Content-Type"], answer.read()
        connection.request("POST", "/version", b"{}")
        answer = connection.getresponse()
        allowed = answer.headers["Allow"], answer.read()
        connection.close()
    check("what nobody serves is not found, in the words of Go's mux",
          lost == (404, "nosniff", "text/plain; charset=utf-8", b"404 page not found\n"), lost)
    check("a wrong method is told the right one", allowed == ("GET", b"Method Not Allowed\n"), allowed)


def get(port, path, host="localhost", method="GET", **headers):
    """(status, origin that may read it or None, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers["Access-Control-Allow-Origin"], answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, None, ""
    finally:
        connection.close()


def over_socket_file(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a.b\r\nConnection: close\r\n\r\n")
        text = b""
        while part := connection.recv(4096):
            text += part
    return text.split(b"\r\n")[0]


def listeners(binary):
    """Each kind of listener, of ours and of a real etcd: what is answered there."""
    metrics, more, folder = free_port(), free_port(), tempfile.mkdtemp(prefix="martlet-listen-")
    # etcd 3.5 wants a port behind the name of a socket.
    names = "a.b,localhost,127.0.0.1"
    sockets = os.path.join(folder, "client.sock:0") if binary != ETCD else "client.sock:0"
    with Server(binary) as server:
        port = int(server.endpoint.split(":")[1])
        server.stop()
        index = server.command.index("--listen-client-urls") + 1
        server.command[index] += f",http://127.0.0.1:{more},unix://{sockets}"
        server.command += ["--listen-metrics-urls", f"http://127.0.0.1:{metrics}", "--host-whitelist", names, "--cors", "http://x.test:1"]
        server.start()
        path = sockets if binary != ETCD else os.path.join(server.folder, sockets)
        found = {
            "every client URL": [get(where, "/health", "a.b:7")[0] for where in (port, more)],
            "a socket in the file system": over_socket_file(path),
            "a strange host": get(port, "/health", "evil.test"),
            "a known origin": get(port, "/health", "a.b", Origin="http://x.test:1")[:2],
            "a strange origin": get(port, "/health", "a.b", Origin="http://y.test")[:2],
            "OPTIONS of a strange origin": get(port, "/nonsense", "a.b", "OPTIONS", Origin="http://y.test"),
            "health among metrics": get(metrics, "/health", "evil.test"),
            "the version among metrics": get(metrics, "/version"),
            "OPTIONS among metrics": get(metrics, "/health", method="OPTIONS"),
        }
        with Client(f"127.0.0.1:{metrics}") as client:
            found["gRPC among metrics"] = client.unary("/etcdserverpb.KV/Range", b"\x0a\x01k", timeout=2)[0]
        with Client(f"127.0.0.1:{more}") as client:
            found["gRPC at the second URL"] = client.unary("/etcdserverpb.KV/Range", b"\x0a\x01k", timeout=5)[0]
        server.stop()
        found["the socket when it has ended"] = os.path.exists(path)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def listens_as_etcd_does():
    ours, etcds = listeners(Server().command[0]), listeners(ETCD)
    different = [f"{name}: etcd {etcds[name]}, here {ours[name]}" for name in etcds if etcds[name] != ours[name]]
    check(f"{len(etcds)} questions to all kinds of listeners answered as by a real etcd", not different, "\n       ".join(different))


def own_port_for_http():
    port = free_port()
    with Server(flags=["--listen-client-http-urls", f"http://127.0.0.1:{port}"]) as server:
        client = int(server.endpoint.split(":")[1])
        with Client(f"127.0.0.1:{port}") as other:
            code = other.unary("/etcdserverpb.KV/Range", b"\x0a\x01k", timeout=2)[0]
        check("HTTP has a port of its own, and gRPC the other", get(port, "/version")[0] == 200 and get(client, "/version")[0] != 200 and code != 0,
              (get(port, "/version"), get(client, "/version"), code))


def ends_while_connections_are_open():
    with Server() as server:
        host, port = server.endpoint.split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(20)]
        for number, connection in enumerate(idle):
            connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n" + (b"\r\n" if number % 2 else b""))
        for connection in idle[1::2]:
            connection.settimeout(5)
            connection.recv(4096)
        began = time.time()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(20)
        took = time.time() - began
        check("it ends at once, and well, while HTTP connections are idle or half asked", code == 0 and took < 3,
              f"exit code {code} after {took:.1f} s: {server.log_tail(400)}")
        ended = [connection.recv(4096) for connection in idle[1::2]]
        check("clients see the end of their connections", not any(ended), ended)
        for connection in idle:
            connection.close()


if __name__ == "__main__":
    answered_as_recorded()
    found_by_headers()
    listens_as_etcd_does()
    own_port_for_http()
    ends_while_connections_are_open()
    finish()
