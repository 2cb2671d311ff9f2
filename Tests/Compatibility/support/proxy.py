"""A network that delays and loses, between peers: each member is reached through a proxy of ours, a process of its own.

  python3 -m support.proxy LISTEN TARGET [LISTEN TARGET ...]     each address:port

A line "DELAY JITTER LOSS" on standard input sets it for all: milliseconds, milliseconds, a part of 1. What passes is TCP, so that a
lost packet is one that comes late, by a retransmission, and holds up what follows; one in twenty losses ends the connection."""
import asyncio
import os
import random
import subprocess
import sys
from typing import List, Sequence

from support.cluster import Loopback, Place

RETRANSMISSION = (0.2, 0.4)  # seconds
RESETS = 0.05
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Conditions:
    def __init__(self, seed: str) -> None:
        self.delay = self.jitter = self.loss = 0.0
        self.random = random.Random(seed)

    def lateness(self) -> float:
        """Seconds; negative if the connection is to end."""
        late = self.delay + self.random.uniform(0, self.jitter)
        if self.random.random() < self.loss:
            late = -1 if self.random.random() < RESETS else late + self.random.uniform(*RETRANSMISSION)
        return late


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conditions: Conditions) -> None:
    """One direction of a connection: everything in its order, each piece at its time."""
    queue: asyncio.Queue = asyncio.Queue(256)
    clock = asyncio.get_running_loop().time

    async def receive() -> None:
        due = 0.0
        while data := await reader.read(65536):
            late = conditions.lateness()
            if late < 0:
                break
            due = max(due, clock() + late)
            await queue.put((due, data))
        await queue.put((0, b""))

    receiving = asyncio.ensure_future(receive())
    try:
        while True:
            due, data = await queue.get()
            if not data:
                break
            await asyncio.sleep(max(0, due - clock()))
            writer.write(data)
            await writer.drain()
    finally:
        receiving.cancel()
        writer.close()


async def serve(listen: str, target: str, conditions: Conditions) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection(*target.rsplit(":", 1))
        except OSError:
            writer.close()
            return
        ways = [asyncio.ensure_future(pump(reader, onward[1], conditions)), asyncio.ensure_future(pump(onward[0], writer, conditions))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        onward[1].close()
        writer.close()
        await asyncio.gather(*ways, return_exceptions=True)

    host, port = listen.rsplit(":", 1)
    await asyncio.start_server(connected, host, int(port))


async def run(addresses: Sequence[str]) -> None:
    conditions, loop = Conditions("proxy"), asyncio.get_running_loop()
    for listen, target in zip(addresses[::2], addresses[1::2]):
        await serve(listen, target, conditions)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        delay, jitter, loss = map(float, line.split())
        conditions.delay, conditions.jitter, conditions.loss = delay / 1000, jitter / 1000, loss
        print("set", flush=True)
    os._exit(0)  # its connections go with it


class Proxied:
    """Places whose peers' addresses are those of proxies."""

    def __init__(self) -> None:
        self.loopback, self.addresses = Loopback(), []  # type: Loopback, List[str]
        self.process: subprocess.Popen = None  # type: ignore[assignment]

    def place(self, number: int) -> Place:
        direct = self.loopback.place(number)
        through = self.loopback.place(number).peer
        self.addresses += [through, direct.peer]
        return direct._replace(advertised=through)

    def conditions(self, delay: float, jitter: float = 0, loss: float = 0) -> None:
        """Milliseconds, milliseconds, a part of 1. The first call starts the proxies, for all places there are."""
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, "-B", "-m", "support.proxy", *self.addresses], cwd=TESTS, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"{delay} {jitter} {loss}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "set\n":
            raise RuntimeError("the proxies ended")

    def __enter__(self) -> "Proxied":
        return self

    def __exit__(self, *_) -> None:
        if self.process:
            self.process.stdin.close()
            self.process.wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
