"""Moves a live cluster of real etcd 3.5.1 to Martlet and back under a recorded load, by the commands of docs/migrating.md and no others.

  migration.py            as in the tests
  MARTLET=etcd ...        with a real etcd in the place of Martlet, as far as there is no downgrade"""
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
from typing import List

from support.checks import check, finish, note
from support.cluster import Cluster, Loopback, Member, Place, Settings
from support.load import Load

from support.servers import ETCD, ETCDCTLS, ROOT, SERVER, Client, environment

DOCUMENT = os.path.join(ROOT, "docs", "migrating.md")
SEED = os.environ.get("SEED", "1")


def blocks() -> List[tuple]:
    """(heading, commands) of each block in the document."""
    found, heading = [], ""
    with open(DOCUMENT, encoding="utf-8") as file:
        for match in re.finditer(r"^## ([^\n]*)$|^```sh\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL):
            if match[1]:
                heading = match[1]
            else:
                found.append((heading, match[2]))
    return found


class Foreign(Member):
    """A member that the document's commands start and end."""

    def __init__(self, folder: str, number: int, host: str) -> None:  # pylint: disable=super-init-not-called
        self.name, self.place, self.settings = f"m{number}", Place(f"{host}:{number}2379", f"{host}:{number}2380", f"{host}:{number}2380"), Settings()
        self.folder, self.data = folder, os.path.join(folder, f"m{number}.etcd")
        self.endpoint, self.process, self.learner, self.paused, self.id = self.place.client, None, False, False, 0
        self.log = os.path.join(folder, f"m{number}.log")

    @property
    def program(self) -> str:  # type: ignore[override]
        try:
            with open(f"/proc/{self.pid()}/cmdline", "rb") as file:
                return os.path.basename(file.read().split(b"\0")[0].decode())
        except FileNotFoundError:
            return "none"

    def pid(self) -> int:
        try:
            with open(os.path.join(self.folder, self.name + ".pid"), encoding="ascii") as file:
                return int(file.read() or 0)
        except FileNotFoundError:
            return 0

    def up(self) -> bool:
        return bool(self.pid()) and os.path.exists(f"/proc/{self.pid()}/exe")

    def stop(self) -> None:
        if self.up():
            os.kill(self.pid(), 15)
            while self.up():
                time.sleep(0.05)

    def kill(self) -> None:
        if self.up():
            os.kill(self.pid(), 9)


class Foreigners(Cluster):
    def __init__(self, folder: str, host: str, count: int) -> None:  # pylint: disable=super-init-not-called
        self.folder, self.gone, self.host = folder, [], host
        self.members = [Foreign(folder, number, host) for number in range(1, count + 1)]

    def close(self) -> None:
        for member in self.members + self.gone:
            member.kill()


class Shell:
    """One shell that is given the document's blocks in turn."""

    def __init__(self, folder: str, host: str) -> None:
        self.host, self.folder = host, folder
        programs = os.path.join(folder, "bin")
        os.mkdir(programs)
        os.symlink(SERVER if os.environ.get("MARTLET", "martlet") == "martlet" else ETCD, os.path.join(programs, "martlet"))
        os.symlink(ETCD, os.path.join(programs, "etcd"))
        self.etcdctl(os.path.join(programs, "etcdctl"))
        variables = {**environment(), "PATH": f"{programs}:{os.environ['PATH']}", "ETCDCTL_API": "3"}
        self.output = open(os.path.join(folder, "shell.log"), "w+b")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(["bash", "-eu"], stdin=subprocess.PIPE, stdout=self.output, stderr=self.output, cwd=folder, env=variables)

    @staticmethod
    def etcdctl(path: str) -> None:
        """The etcdctl of 3.5.1, and for what only that of 3.6 has this file itself."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
case " $* " in
*" downgrade "* | *" -w fields "*) exec {sys.executable} -B {os.path.abspath(__file__)} etcdctl "$@" ;;
esac
exec {ETCDCTLS["3.5"]} "$@"
""")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def run(self, commands: str, seconds: float = 90) -> str:
        """What the commands wrote; raises RuntimeError if one fails or they take too long."""
        mark, start = os.path.join(self.folder, "done"), self.output.seek(0, os.SEEK_END)
        self.process.stdin.write((commands.replace("127.0.0.1", self.host) + f"\n: > '{mark}'\n").encode())
        self.process.stdin.flush()
        end = time.monotonic() + seconds
        while not os.path.exists(mark):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"these commands {'failed' if self.process.poll() is not None else 'take too long'}: {commands}: {self.said(start)[-1500:]}")
            time.sleep(0.05)
        os.unlink(mark)
        return self.said(start)

    def said(self, start: int) -> str:
        self.output.seek(start)
        return self.output.read().decode("utf-8", "replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.output.close()


def etcdctl(words: List[str]) -> None:
    """What etcdctl of 3.6 does for `downgrade ACTION VERSION` and `endpoint status -w fields`, of one endpoint."""
    endpoint = words[words.index("--endpoints") + 1]
    with Client(endpoint) as client:
        try:
            if "downgrade" in words:
                at = words.index("downgrade")
                action = ["validate", "enable", "cancel"].index(words[at + 1])
                answer = client.ask("Maintenance/Downgrade", action=action, version=(words[at + 2:] + [""])[0].encode())
                print(f"Downgrade {words[at + 1]} success, cluster version {answer.get('version', b'').decode()}")
            else:
                status = client.ask("Maintenance/Status")
                print(f'"StorageVersion" : "{status.get("storageVersion", b"").decode()}"')
        except RuntimeError as error:
            sys.exit(f"Error: {error}")


def versions(cluster: Cluster) -> List[str]:
    return [f"{member.name}: {member.program}" for member in cluster.members]


def migrate(folder: str) -> None:
    host, parts = Loopback().host, blocks()
    shell, cluster = Shell(folder, host), Foreigners(folder, host, 3)
    load = None
    try:
        shell.run(parts[0][1])
        for number in range(1, 4):
            shell.run(f"start etcd {number}")
        for member in cluster.members:
            shell.run(f"healthy {member.name[1:]}")
            member.id = member.status()["header"]["member_id"]
        load = Load(cluster, f"{SEED}/migration", compact=False).start()  # a hash depends on what is compacted
        for heading, commands in parts[1:]:
            advanced = load.advance(100)
            began = time.monotonic()
            new = "member add" in commands
            out = shell.run(commands)
            if new:
                adopt(cluster, load)
            check(f"{heading}: {commands.strip().splitlines()[0]} ...: {', '.join(versions(cluster))}, {time.monotonic() - began:.1f} s",
                  advanced and load.advance(50), load.problems)
            if "hashkv" in commands:
                hashes = {line.rsplit(",", 1)[-1].strip() for line in out.splitlines() if host in line and "," in line}
                check("the members hold the same, as etcdctl endpoint hashkv has it", len(hashes) == 1, out)
        load.finish("migration", 1000)
    except RuntimeError as error:
        check("the commands of docs/migrating.md", False, error)
    finally:
        if load:
            load.running = False
        cluster.close()
        shell.close()


def adopt(cluster: Foreigners, load: Load) -> None:
    """The member that was added is there, and the first is gone."""
    old = cluster.members[0]
    cluster.members.append(Foreign(cluster.folder, 4, cluster.host))
    cluster.members.remove(old)
    cluster.gone.append(old)
    check("the member that was replaced ends by itself", load.until(lambda: not old.up(), 15), old.log_tail(400))


if __name__ == "__main__":
    if sys.argv[1:2] == ["etcdctl"]:
        etcdctl(sys.argv[2:])
    else:
        started = time.time()
        with tempfile.TemporaryDirectory(prefix="martlet-migration-") as directory:
            migrate(directory)
        note(f"{time.time() - started:.0f} s")
        finish()
