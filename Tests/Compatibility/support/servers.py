"""Servers on free loopback ports, clients of theirs, and the programs of a real etcd."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import grpc

from support.messages import SCHEMA, decode, encode

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 3))
GOLDEN = os.path.join(ROOT, "Tests", "Golden")
ORACLES = os.path.join(ROOT, ".build", "oracles")
ETCD, ETCDUTL = (os.path.join(ORACLES, "3.5", name) for name in ("etcd", "etcdutl"))
ETCDCTLS = {version: os.path.join(ORACLES, version, "etcdctl") for version in ("3.4", "3.5")}

# The server under test: Scripts/test-compatibility says which.
SERVER = os.path.abspath(os.environ.get("MARTLET_SERVER", os.path.join(ROOT, ".build", "release", "martlet")))

# Advertised by every server here, so that member and cluster id are the same in every run and those of the transcripts.
NAME, PEER_URL, CLIENT_URL = "m1", "http://127.0.0.1:12380", "http://127.0.0.1:12379"


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("ETCD_", "ETCDCTL_"))}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Client:
    """Calls by the bytes of their messages, or by dictionaries."""

    def __init__(self, endpoint):
        self.channel = grpc.insecure_channel(endpoint, options=[
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 100),
            ("grpc.initial_reconnect_backoff_ms", 20), ("grpc.min_reconnect_backoff_ms", 2000), ("grpc.enable_retries", 0)])
        self.calls = {}

    def unary(self, path, request=b"", timeout=15, metadata=()):
        """(code, message, response bytes)."""
        call = self.calls.get(path) or self.calls.setdefault(path, self.channel.unary_unary(path))
        try:
            return 0, "", call(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", b""

    def ask(self, method, timeout=15, **fields):
        """The answer to e.g. `ask("KV/Put", key=b"k")`; raises RuntimeError with what the server said if it refused."""
        path = "/etcdserverpb." + method
        request, response = SCHEMA.methods[path][:2]
        code, message, data = self.unary(path, encode(request, fields), timeout)
        if code != 0:
            raise RuntimeError(f"{method}: code {code}: {message}")
        return decode(response, data)

    def dialogue(self, path, requests, timeout=10):
        """A two-way stream in lock-step: each request waits for its answer. (code, message, responses)"""
        answers, iterator = [], iter(requests)
        call = self.channel.stream_stream(path)(iterator, timeout=timeout)
        try:
            for answer in call:
                answers.append(answer)
                if path.endswith("/Watch") and len(answers) == len(requests):
                    call.cancel()  # a watch stream whose client closed its side stays open
                    break
            return 0, "", answers
        except grpc.RpcError as error:
            return error.code().value[0], error.details() or "", answers

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """One member with its data in a directory of its own, which goes when the server is closed."""

    def __init__(self, binary=SERVER, flags=(), data=None, name=NAME, peer_url=PEER_URL, client_url=CLIENT_URL):
        self.folder = tempfile.mkdtemp(prefix="martlet-test-")
        self.data = data or os.path.join(self.folder, "data")
        self.endpoint, self.log, self.process = f"127.0.0.1:{free_port()}", os.path.join(self.folder, "log"), None
        self.command = [
            binary, "--name", name, "--data-dir", self.data,
            "--listen-client-urls", "http://" + self.endpoint, "--advertise-client-urls", client_url,
            "--listen-peer-urls", f"http://127.0.0.1:{free_port()}", "--initial-advertise-peer-urls", peer_url,
            "--initial-cluster", f"{name}={peer_url}", *flags]

    def start(self, seconds=30):
        self.launch()
        return self.wait(seconds)

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment(), cwd=self.folder)

    def wait(self, seconds=30):
        """Until it answers a linearizable read, for which a member of several needs a leader."""
        end = time.time() + seconds
        with Client(self.endpoint) as client:
            while client.unary("/etcdserverpb.KV/Range", b"\x0a\x01r", timeout=2)[0] != 0:
                if self.process.poll() is not None or time.time() > end:
                    raise RuntimeError(f"the server does not get ready ({self.process.poll()}): {self.log_tail()}")
                time.sleep(0.02)
        return self

    def log_tail(self, size=1500):
        with open(self.log, "rb") as log:
            return log.read()[-size:].decode("utf-8", "replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends the server as an operator would; its exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process and self.process.returncode

    def alive(self):
        return self.process.poll() is None

    def client(self):
        return Client(self.endpoint)

    def path(self, *parts):
        return os.path.join(self.data, "member", *parts)

    def memory(self, field="RssAnon"):
        """Bytes of memory, by a field of /proc/PID/status."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":")), 0)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def run(*command, stdin="", seconds=30, **variables):
    """(exit code, standard output, standard error) of a program."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, errors="replace", timeout=seconds,
                          env={**environment(), **variables}, check=False)
    return done.returncode, done.stdout, done.stderr
