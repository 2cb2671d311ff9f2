"""Members that find each other: by the SRV records of a name server (dnsmasq), and in the keys of a real etcd."""
import contextlib
import os
import subprocess
import tempfile
import time

from support.checks import check, finish
from support.network import isolate
from support.servers import ETCD, SERVER, Client, Server, free_port

DOMAIN = "cluster.test"


class Found(Server):
    """A member that is told neither of the others nor of its own name in a list."""

    def __init__(self, name, peer_url, flags, binary=SERVER, listen=None):
        super().__init__(binary=binary)
        self.name = name
        self.command = [
            binary, "--name", name, "--data-dir", self.data, "--listen-client-urls", "http://" + self.endpoint,
            "--advertise-client-urls", "http://" + self.endpoint, "--listen-peer-urls", listen or peer_url,
            "--initial-advertise-peer-urls", peer_url, *flags]

    def refusal(self, seconds=20):
        """(exit code, what its log says) of a member that does not start."""
        self.launch()
        self.process.wait(seconds)
        return self.process.returncode, self.log_tail()


def names(server):
    with server.client() as client:
        return sorted(member.get("name", b"").decode() for member in client.ask("Cluster/MemberList")["members"])


def together(servers):
    """Starts members that wait for each other; the names that each of them knows in the end."""
    for server in servers:
        server.launch()
    for server in servers:
        server.wait()
    end = time.time() + 20
    wanted = sorted(server.name for server in servers)
    while (found := [names(server) for server in servers]) != [wanted] * len(servers) and time.time() < end:
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def name_server(records):
    """dnsmasq on the loopback of this network, which this mount namespace's resolv.conf names."""
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
        resolv = os.path.join(folder, "resolv.conf")
        with open(resolv, "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
        subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
        with subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root",
                               "--listen-address=127.0.0.1", "--bind-interfaces", "--no-daemon", *records],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(0.3)
            yield
            process.terminate()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)


def by_name():
    ports = {f"m{number}": free_port() for number in (1, 2, 3)}
    alone = free_port()
    records = [f"--srv-host=_etcd-server-blue._tcp.{DOMAIN},{name}.{DOMAIN},{port},1,1" for name, port in ports.items()]
    records += [f"--srv-host=_etcd-server._tcp.{DOMAIN},m1.{DOMAIN},{alone},1,1", f"--address=/{DOMAIN}/127.0.0.1",
                f"--srv-host=_etcd-server._tcp.strangers.test,m1.{DOMAIN},1,1,1"]
    with name_server(records), contextlib.ExitStack() as stack:
        def member(name, port, *flags, binary=SERVER):
            return stack.enter_context(contextlib.closing(Found(
                name, f"http://{name}.{DOMAIN}:{port}", ["--discovery-srv", *flags], binary, f"http://127.0.0.1:{port}")))

        one = member("m1", alone, DOMAIN).start()
        check("a record that names only this member is a cluster of one", names(one) == ["m1"], names(one))
        one.stop()
        for binary in (ETCD, SERVER):
            code, log = member("m1", free_port(), "strangers.test", binary=binary).refusal()
            check(f"{os.path.basename(binary)} that the records do not name does not start", code == 1 and "cannot find local etcd member" in log, log)
            code, log = member("m1", free_port(), "nowhere.test", binary=binary).refusal()
            check(f"{os.path.basename(binary)} without any record does not start", code == 1 and "error querying DNS SRV records for _etcd-server" in log, log)
        blue = [member(name, port, DOMAIN, "--discovery-srv-name", "blue") for name, port in ports.items()]
        found = together(blue)
        check("three members find each other by SRV records", found == [["m1", "m2", "m3"]] * 3, found)
        for server in blue:
            server.stop()


def by_keys():
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(Server(binary=ETCD))
        keys = stack.enter_context(Client(registry.endpoint))

        def member(name, token, *flags):
            return stack.enter_context(contextlib.closing(Found(
                name, f"http://127.0.0.1:{free_port()}",
                ["--discovery-endpoints", f"127.0.0.1:1,http://{registry.endpoint}", "--discovery-token", token,
                 "--discovery-dial-timeout", "300ms", "--discovery-request-timeout", "2s", *flags])))

        def size(token, value):
            keys.ask("KV/Put", key=f"/_etcd/registry/{token}/_config/size".encode(), value=value)

        code, log = member("m1", "none").refusal()
        check("without a size there is no cluster", code == 1 and "discovery: size key not found" in log, log)
        size("bad", b"x")
        code, log = member("m1", "bad").refusal()
        check("a size must be a number", code == 1 and "discovery: size key is bad" in log, log)

        size("one", b"1")
        rivals = [member(name, "one") for name in ("m1", "m2")]
        for rival in rivals:
            rival.launch()
        end = time.time() + 30
        while all(rival.alive() for rival in rivals) and time.time() < end:
            time.sleep(0.05)
        winner, loser = sorted(rivals, key=lambda rival: not rival.alive())
        check("of two who come at once for one place, one is refused", not loser.alive() and "discovery: cluster is full" in loser.log_tail(), loser.log_tail())
        check("and the other is the cluster", names(winner.wait()) == [winner.name], names(winner))
        winner.stop()
        winner.start()
        check("which needs nobody at its next start", names(winner) == [winner.name] and "discovery token is ignored" in winner.log_tail(20000))
        winner.stop()

        size("three", b"3")
        three = [member(f"m{number}", "three") for number in (1, 2, 3)]
        found = together(three)
        check("three members find each other in another etcd's keys", found == [["m1", "m2", "m3"]] * 3, found)
        code, log = member("m4", "three").refusal()
        check("a fourth comes too late", code == 1 and "discovery: cluster is full" in log, log)
        waiting = member("m5", "five")
        size("five", b"5")
        waiting.launch()
        time.sleep(1)
        waiting.process.terminate()
        check("who waits for others can be told to end", waiting.process.wait(5) is not None, waiting.log_tail())
        for server in three:
            server.stop()

        size("secret", b"1")
        for method, fields in (("UserAdd", {"name": b"root", "password": b"pw"}), ("RoleAdd", {"name": b"root"}), ("UserGrantRole", {"user": b"root", "role": b"root"}), ("AuthEnable", {})):
            keys.ask(f"Auth/{method}", **fields)
        known = member("m6", "secret", "--discovery-user", "root", "--discovery-password", "pw").start()
        check("a user may be asked for", names(known) == ["m6"], names(known))
        known.stop()


if __name__ == "__main__":
    isolate()
    by_name()
    by_keys()
    finish()
