"""A network of our own: each member in a network namespace, all on one bridge, with packet filters that cut it apart.

The test itself runs in namespaces of its own (network and mounts), so that nothing of it is seen outside and all of it goes with the test."""
import os
import subprocess
import sys
import time
from typing import Dict, Iterable, List, Set

from support.cluster import Member, Place, command_line
from support.isolation import isolated

MARK, BRIDGE, PREFIX = "MARTLET_ISOLATED", "members", "10.77.0"


def isolate() -> None:
    """Runs this program from its beginning in namespaces of its own; to be called first of all."""
    if os.environ.pop(MARK, None):
        command_line("ip", "link", "set", "lo", "up")
        return
    command = isolated()
    os.execvpe(command[0], [*command, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})


class Namespaces:
    """The places of members, and what is cut between them."""

    links = 0  # a link's name is free again only some time after its other end has gone

    def __init__(self) -> None:
        self.holders: Dict[int, subprocess.Popen] = {}
        self.cuts: Set[tuple] = set()  # (from, to): packets that do not arrive
        command_line("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        command_line("ip", "address", "add", f"{PREFIX}.254/24", "dev", BRIDGE)
        command_line("ip", "link", "set", BRIDGE, "up")

    def place(self, number: int) -> Place:
        # A process that holds the namespace, and ends with this one: its input is a pipe from here.
        holder = self.holders[number] = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        space, own = f"/proc/{holder.pid}/ns/net", os.readlink("/proc/self/ns/net")
        while os.readlink(space) == own:
            time.sleep(0.005)
        Namespaces.links += 1
        link = f"link{Namespaces.links}"
        command_line("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        command_line("ip", "link", "set", link, "master", BRIDGE, "up")
        for words in (["address", "add", f"{PREFIX}.{number}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            command_line("nsenter", f"--net={space}", "ip", *words)
        address = f"{PREFIX}.{number}"
        return Place(f"{address}:2379", f"{address}:2380", f"{address}:2380", ("nsenter", f"--net={space}"))

    # Partitions

    def cut(self, one: Iterable[Member], others: Iterable[Member], both_ways: bool = True) -> None:
        """Lets no packet pass from `one` to `others`, nor back unless one way only is asked for. Clients reach all of them."""
        for a in map(number_of, one):
            for b in map(number_of, others):
                self.cuts |= {(a, b), (b, a)} if both_ways else {(a, b)}
        self.apply()

    def heal(self) -> None:
        self.cuts = set()
        self.apply()

    def apply(self) -> None:
        for number, holder in self.holders.items():
            refused = sorted(a for a, b in self.cuts if b == number)
            addresses = ", ".join(f"{PREFIX}.{a}" for a in refused)
            rule = f"ip saddr {{ {addresses} }} drop;" if refused else ""
            rules = f"table ip cut {{}}\ndelete table ip cut\ntable ip cut {{ chain input {{ type filter hook input priority 0; {rule} }}; }}\n"
            subprocess.run(["nsenter", f"--net=/proc/{holder.pid}/ns/net", "nft", "-f", "-"], input=rules, text=True, check=True)

    def close(self) -> None:
        for holder in self.holders.values():
            holder.stdin.close()
            holder.wait()

    def __enter__(self) -> "Namespaces":
        return self

    def __exit__(self, *_) -> None:
        self.close()
        command_line("ip", "link", "delete", BRIDGE)


def number_of(member: Member) -> int:
    return int(member.name[1:])


class SmallDisk:
    """A file system in memory that can be filled up. It needs `isolate`."""

    def __init__(self, folder: str, megabytes: int) -> None:
        self.folder, self.filler = folder, os.path.join(folder, "filler")
        os.makedirs(folder, exist_ok=True)
        command_line("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)

    def fill(self, leave: int) -> None:
        """Takes all room but for some bytes, while others may be taking it, too."""
        with open(self.filler, "wb") as file:
            for _ in range(100):
                room = os.statvfs(self.folder)
                try:
                    os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + max(4096, room.f_bavail * room.f_frsize - leave))
                    return
                except OSError:
                    continue

    def free(self) -> None:
        os.unlink(self.filler)

    def close(self) -> None:
        command_line("umount", "-l", self.folder)


def partitions(members: List[Member], leader: Member) -> Dict[str, tuple]:
    """By name: (one side, the other side, whether both ways are cut)."""
    others = [member for member in members if member is not leader]
    half = len(members) // 2
    halves = {
        "halves, the leader in the smaller": ([leader, *others[:half - 1]], others[half - 1:], True),
        "halves, the leader in the greater": (others[:half], [leader, *others[half:]], True)}
    return {
        "a follower alone": ([others[0]], [leader, *others[1:]], True),
        "the leader alone": ([leader], others, True),
        **(halves if half > 1 else {}),
        "nothing reaches the leader": (others, [leader], False),
        "nothing comes from the leader": ([leader], others, False),
        "nothing reaches a follower": ([leader, *others[1:]], [others[0]], False),
        "nothing comes from a follower": ([others[0]], [leader, *others[1:]], False),
    }
