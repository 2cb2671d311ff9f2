"""What a process takes of the machine, sampled, and whether that stays flat."""
import os
import threading
import time
from typing import Callable, List, NamedTuple, Tuple


class Sample(NamedTuple):
    seconds: float
    anonymous: int  # bytes
    resident: int
    descriptors: int
    threads: int


class Sampler(threading.Thread):
    """Samples /proc each second. `pid`: of the process now; restarts change it."""

    def __init__(self, pid: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self.pid, self.samples, self.running, self.began = pid, [], True, time.monotonic()  # type: Callable[[], int], List[Tuple[int, Sample]], bool, float

    def run(self) -> None:
        while self.running:
            try:
                self.samples.append((self.pid(), self.take(self.pid())))
            except (OSError, ValueError, KeyError):  # it has just ended, or has not begun
                pass
            time.sleep(1)

    def take(self, pid: int) -> Sample:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return Sample(time.monotonic() - self.began, int(fields["RssAnon"].split()[0]) << 10, int(fields["VmRSS"].split()[0]) << 10,
                      len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]))

    def last_life(self, warm_up: float) -> List[Sample]:
        """Of the process that ran last, after it was warm."""
        pid = self.samples[-1][0]
        life = [sample for owner, sample in self.samples if owner == pid]
        return [sample for sample in life if sample.seconds - life[0].seconds >= warm_up]


def slope(points: List[Tuple[float, float]]) -> float:
    """Of the line of least squares, per second."""
    if len(points) < 2:
        return 0.0
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
