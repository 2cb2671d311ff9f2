"""Clusters of several members: Martlet's, a real etcd's, or both, each a process with addresses and a directory of its own."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

from support.messages import encode
from support.replay import blame
from support.servers import ETCD, SERVER, Server, environment

PROGRAMS = {"martlet": SERVER, "etcd": ETCD}
PATIENCE = 30.0  # seconds in which a cluster elects, changes or catches up, on a busy machine


def kinds(count: int) -> List[str]:
    """What a test's members are: Martlet, or what CLUSTER says (`etcd`: the test is tried on what it is modelled on)."""
    words = os.environ.get("CLUSTER", "martlet").split(",")
    return [words[number % len(words)] for number in range(count)]


class Settings(NamedTuple):
    """What the members of a cluster are started with. Times are shorter than etcd's defaults, so that tests are."""
    heartbeat: int = 50  # milliseconds
    election: int = 500
    snapshot_count: int = 0
    catchup: int = 0  # entries kept behind a snapshot; a real etcd 3.5.1 has no flag for it and keeps 5000
    corrupt_check: str = ""  # how often members compare what they hold; a Go duration
    flags: Sequence[str] = ()

    def words(self, program: str) -> List[str]:
        words = ["--heartbeat-interval", str(self.heartbeat), "--election-timeout", str(self.election), *self.flags]
        if self.snapshot_count:
            words += ["--snapshot-count", str(self.snapshot_count)]
        if self.catchup and program == "martlet":
            words += ["--snapshot-catchup-entries", str(self.catchup)]
        if self.corrupt_check:
            words += ["--corrupt-check-time" if program == "martlet" else "--experimental-corrupt-check-time", self.corrupt_check]
        return words


class Place(NamedTuple):
    """Where a member lives."""
    client: str  # address:port
    peer: str
    advertised: str  # where its peers reach it
    prefix: Sequence[str] = ()  # the command that runs another there


class Loopback:
    """Places on an address of the loopback that no other process's clusters have, at ports that the system gives nobody."""
    ports = 20_000

    def __init__(self) -> None:
        pid = os.getpid()
        self.host = f"127.{16 + (pid >> 16) % 64}.{pid >> 8 & 255}.{pid & 255}"

    def place(self, _: int) -> Place:
        Loopback.ports += 2
        peer = f"{self.host}:{Loopback.ports + 1}"
        return Place(f"{self.host}:{Loopback.ports}", peer, peer)


class Member(Server):
    """A member's process comes and goes; its name, its addresses and its directory stay."""

    def __init__(self, folder: str, name: str, program: str, place: Place, settings: Settings) -> None:  # pylint: disable=super-init-not-called
        self.name, self.program, self.place, self.settings = name, program, place, settings
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        self.data, self.log = os.path.join(self.folder, "data"), os.path.join(self.folder, "log")
        self.endpoint, self.process = place.client, None
        self.initial, self.state, self.token = "", "new", "etcd-cluster"
        self.learner, self.paused, self.id = False, False, 0
        self.extra: List[str] = []
        self.discovery: List[str] = []  # how it finds the others, if not by their list

    @property
    def peer_url(self) -> str:
        return "http://" + self.place.advertised

    @property
    def command(self) -> List[str]:
        return [*self.place.prefix, PROGRAMS.get(self.program, self.program), "--name", self.name, "--data-dir", self.data,
                "--listen-client-urls", "http://" + self.place.client, "--advertise-client-urls", "http://" + self.place.client,
                "--listen-peer-urls", "http://" + self.place.peer, "--initial-advertise-peer-urls", self.peer_url,
                *(self.discovery or ["--initial-cluster", self.initial]), "--initial-cluster-state", self.state, "--initial-cluster-token", self.token,
                *self.settings.words(self.program), *self.extra]

    def up(self) -> bool:
        return self.process is not None and self.process.poll() is None and not self.paused

    def pause(self) -> None:
        self.paused = True
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def stop(self):
        if self.paused:
            self.resume()
        return super().stop()

    def end(self) -> None:
        """Ends the process as is good for its program: a real etcd 3.5.1 forgets entries when it is killed (issue 13766)."""
        (self.kill if self.program == "martlet" else self.stop)()

    def wipe(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)

    def status(self, timeout: float = 2) -> dict:
        """What it says of itself; raises RuntimeError if it does not."""
        with self.client() as client:
            return client.ask("Maintenance/Status", timeout=timeout)

    def said(self, text: str) -> bool:
        """Whether its log has these words."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return any(text in line for line in log)

    def got_snapshot(self) -> bool:
        """Whether its log tells of the store having come from a peer; in the words of both programs."""
        return self.said("applied snapshot") or self.said("applying snapshot")


class Cluster:
    """Several members, the first of which are started together."""

    def __init__(self, programs: Sequence[str], settings: Settings = Settings(), network=None) -> None:
        self.folder = tempfile.mkdtemp(prefix="martlet-cluster-")
        self.settings, self.network, self.number = settings, network or Loopback(), 0
        self.members: List[Member] = []
        self.gone: List[Member] = []
        for program in programs:
            self.member(program)
        initial = ",".join(f"{member.name}={member.peer_url}" for member in self.members)
        for member in self.members:
            member.initial = initial

    def member(self, program: str) -> Member:
        self.number += 1
        member = Member(self.folder, f"m{self.number}", program, self.network.place(self.number), self.settings)
        self.members.append(member)
        return member

    def start(self) -> "Cluster":
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait(PATIENCE)
            member.id = member.status()["header"]["member_id"]
        return self

    def __enter__(self) -> "Cluster":
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        for member in self.members + self.gone:
            if member.process and member.process.poll() is None:
                member.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Who is there

    def up(self) -> List[Member]:
        return [member for member in self.members if member.up()]

    def voters(self) -> List[Member]:
        return [member for member in self.up() if not member.learner]

    def named(self, number: int) -> Optional[Member]:
        return next((member for member in self.members if member.id == number), None)

    def leader(self, seconds: float = PATIENCE, among: Optional[Sequence[Member]] = None) -> Member:
        """The leader, which a majority of those asked must agree on."""
        end = time.time() + seconds
        while time.time() < end:
            asked = [member for member in (self.voters() if among is None else among) if member.up()]
            said: Dict[tuple, int] = {}
            for member in asked:
                try:
                    status = member.status(timeout=1)
                except RuntimeError:
                    continue
                key = (status.get("leader", 0), status.get("raftTerm", 0))
                said[key] = said.get(key, 0) + 1
            for (number, _), count in said.items():
                found = self.named(number)
                if found in asked and count * 2 > len(asked):
                    return found
            time.sleep(0.05)
        raise RuntimeError(f"no leader after {seconds} s: {self.tails()}")

    def followers(self) -> List[Member]:
        leader = self.leader()
        return [member for member in self.voters() if member is not leader]

    def tails(self, size: int = 600) -> str:
        return "; ".join(f"{member.name} ({member.program}): {member.log_tail(size)}" for member in self.members if os.path.exists(member.log))

    # Changes

    def ask(self, method: str, timeout: float = 10, seconds: float = PATIENCE, **fields) -> dict:
        """The answer of some member that can answer, tried for a while."""
        end, problem = time.time() + seconds, "nobody is up"
        while time.time() < end:
            for member in self.voters():
                with member.client() as client:
                    try:
                        return client.ask(method, timeout=timeout, **fields)
                    except RuntimeError as error:
                        problem = str(error)
            time.sleep(0.2)
        raise RuntimeError(f"{method} was not answered in {seconds} s: {problem}")

    def move_leader(self, target: Member) -> None:
        end = time.time() + PATIENCE
        while (leader := self.leader()) is not target:
            with leader.client() as client:
                code, text, _ = client.unary("/etcdserverpb.Maintenance/MoveLeader", encode("etcdserverpb.MoveLeaderRequest", {"targetID": target.id}), timeout=5)
            if code and time.time() > end:
                raise RuntimeError(f"leadership does not move to {target.name}: {text}")

    def add(self, program: str, learner: bool = False) -> Member:
        """Adds a member and starts it. A voter is waited for; a learner answers no linearizable read."""
        member = self.member(program)
        self.members.remove(member)
        answer = self.ask("Cluster/MemberAdd", peerURLs=[member.peer_url], isLearner=learner)
        member.id, member.learner, member.state = answer["member"]["ID"], learner, "existing"
        member.initial = ",".join(f"{(it.get('name') or member.name.encode()).decode()}={it['peerURLs'][0].decode()}" for it in answer["members"])
        member.launch()
        if learner:
            self.wait_status(member)
        else:
            member.wait(PATIENCE)
        self.members.append(member)
        return member

    def wait_status(self, member: Member) -> dict:
        end = time.time() + PATIENCE
        while True:
            try:
                return member.status(timeout=1)
            except RuntimeError:
                if member.process.poll() is not None or time.time() > end:
                    raise RuntimeError(f"{member.name} does not get ready ({member.process.poll()}): {member.log_tail()}") from None
                time.sleep(0.05)

    def promote(self, member: Member) -> None:
        self.ask("Cluster/MemberPromote", ID=member.id)
        member.learner = False
        member.wait(PATIENCE)

    def remove(self, member: Member) -> None:
        """Removes a member, which is to stop by itself if it runs."""
        self.members.remove(member)
        self.gone.append(member)
        self.ask("Cluster/MemberRemove", ID=member.id)

    def fill(self, entries: int, prefix: bytes) -> None:
        """So many puts, as fast as they go."""
        with self.leader().client() as client:
            call = client.channel.unary_unary("/etcdserverpb.KV/Put")
            for start in range(0, entries, 200):
                keys = [prefix + b"%06d" % number for number in range(start, min(start + 200, entries))]
                futures = [call.future(encode("etcdserverpb.PutRequest", {"key": key, "value": key * 3}), timeout=30) for key in keys]
                for future in futures:
                    future.result()

    # Agreement

    def settle(self, seconds: float = PATIENCE) -> int:
        """Waits until all that are up have the same revision; the revision."""
        end, seen = time.time() + seconds, []
        while time.time() < end:
            try:
                seen = [(member.name, status["header"].get("revision", 0), status.get("raftAppliedIndex", 0), status.get("leader", 0))
                        for member in self.up() for status in [member.status()]]
                if seen and all(it[1:] == seen[0][1:] and it[3] for it in seen):
                    return seen[0][1]
            except RuntimeError as error:
                seen = [("", str(error))]
            time.sleep(0.1)
        raise RuntimeError(f"members do not come to the same revision in {seconds} s: {seen}; {self.tails(300)}")

    def hashes(self) -> Dict[str, tuple]:
        """By member: its hash at the newest revision, and what it was compacted at."""
        revision, found = self.settle(), {}
        for member in self.up():
            with member.client() as client:
                answer = client.ask("Maintenance/HashKV", revision=revision)
            found[f"{member.name} ({member.program})"] = (answer["hash"], answer.get("compact_revision", 0))
        return found

    def unequal(self) -> str:
        """What differs between the members' hashes, and who is to blame for it by the log; empty if nothing does. A difference ends them."""
        found = self.hashes()
        if len(set(found.values())) == 1:
            return ""
        for member in self.members:
            member.stop()
        blamed = blame({f"{member.name} ({member.program})": member.data for member in self.members})
        return f"hashes differ: {found}; by the log: {blamed or 'all are what their logs say'}"


def each(members: Sequence[Member]) -> Iterator[tuple]:
    """(member, a client of it)"""
    for member in members:
        with member.client() as client:
            yield member, client


def command_line(*words: str, check: bool = True) -> str:
    """The output of a program of the system's."""
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout

