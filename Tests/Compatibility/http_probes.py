"""What operators' probes ask over HTTP: /version, /health, /livez and /readyz, answered as a real etcd 3.6.14 did; paths that nobody
serves; and how a server ends while connections are open."""
import http.client
import json
import re
import signal
import socket
import time

from replay_transcripts import lines
from support.checks import check, finish, note
from support.servers import Server

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
    ends_while_connections_are_open()
    finish()
