"""The list of cases, and the steps that a case adds to a plan.

A case is an option of a request together with one class of outcome. Each is named, and says of an answer whether it is of that
class; it has occurred when the real etcd's answer (or, where the two are known to differ, Martlet's) says so."""
import random
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

from traffic.world import World

Answer = Tuple[int, str, object]  # code, text, and the decoded message (a list of them for a stream)


@dataclass
class Step:
    """One thing a client does. `case` is empty for what is only there so that a case can be."""
    case: str
    action: str  # a method of runner.Runner
    path: str = ""  # of the method called
    fields: object = None  # of the message, or messages, sent
    stream: str = ""  # the name of the stream or of the call in flight
    count: int = 0  # answers or events to wait for
    revision: int = 0  # the world's after it, which the answer's header has
    index: int = 0  # in the plan

    def words(self) -> str:
        on = f" on {self.stream}" if self.stream else ""
        return f"{self.action} {self.path.replace('/etcdserverpb.', '')}{on} {shorten(self.fields)}"


REQUESTS = {"call", "begin", "dialogue", "snapshot", "observe", "watch"}  # the actions that ask something


def shorten(value: object, limit: int = 600) -> str:
    if isinstance(value, (bytes, bytearray)) and len(value) > 80:
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{name}: {shorten(item)}" for name, item in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(map(shorten, value)) + "]"
    else:
        text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"


@dataclass(frozen=True)
class Chosen:
    """An id that the server chooses, by a name of ours; `prefix`: a key that ends in it. Known once the step `name` is answered."""
    name: str
    prefix: Optional[bytes] = None


class Plan:
    """What a chapter will ask, and the world it makes."""

    def __init__(self, seed: str, chosen_ids: bool) -> None:
        self.world, self.random, self.steps = World(), random.Random(seed), []  # type: World, random.Random, List[Step]
        self.chosen_ids = chosen_ids  # whether ids chosen by servers may get into the store, after which its hash is not compared
        self.case, self.counter, self.requests = "", 0, 0

    def fresh(self) -> int:
        self.counter += 1
        return self.counter

    def add(self, action: str, path: str = "", fields: object = None, named: bool = True, **more: object) -> Step:
        self.settle()
        step = Step(self.case if named else "", action, path, fields, index=len(self.steps), **more)  # type: ignore[arg-type]
        self.steps.append(step)
        self.requests += action in REQUESTS
        return step

    def settle(self) -> None:
        """Notes the revision that the world has come to by the step before."""
        if self.steps:
            self.steps[-1].revision = self.world.revision

    def call(self, method: str, named: bool = True, **fields: object) -> Step:
        """A unary call of a method of etcdserverpb, or of the full path. The caller changes the world after it."""
        return self.add("call", method if method.startswith("/") else "/etcdserverpb." + method, fields, named)


@dataclass
class Case:
    name: str
    build: Optional[Callable[[Plan], Optional[bool]]]  # adds steps; False: not possible now; None: another case's builder adds its steps
    holds: Callable[[Answer], bool]
    weight: int = 1  # how often among all; 0: once a chapter
    judged_by_martlet: bool = False  # the class is of 3.6 and unknown to 3.5.1
    needs_chosen_ids: bool = False


CASES: Dict[str, Case] = {}


def register(name: str, holds: Callable[[Answer], bool], build: Optional[Callable[[Plan], Optional[bool]]], **more: object) -> None:
    assert name not in CASES, name
    CASES[name] = Case(name, build, holds, **more)  # type: ignore[arg-type]


def case(name: str, holds: Callable[[Answer], bool], **more: object) -> Callable:
    def decorate(build: Callable) -> Callable:
        register(name, holds, build, **more)
        return build
    return decorate


# Classes of outcome

def ok(answer: Answer) -> bool:
    return answer[0] == 0


def fails(code: int, text: str) -> Callable[[Answer], bool]:
    return lambda answer: answer[0] == code and answer[1] == text


def gives(predicate: Callable[[dict], object]) -> Callable[[Answer], bool]:
    """The call succeeds and its message is such."""
    return lambda answer: answer[0] == 0 and bool(predicate(answer[2]))  # type: ignore[arg-type]


EMPTY_KEY = fails(3, "etcdserver: key is not provided")
KEY_NOT_FOUND = fails(3, "etcdserver: key not found")
VALUE_PROVIDED = fails(3, "etcdserver: value is provided")
LEASE_PROVIDED = fails(3, "etcdserver: lease is provided")
TOO_MANY_OPS = fails(3, "etcdserver: too many operations in txn request")
DUPLICATE_KEY = fails(3, "etcdserver: duplicate key given in txn request")
INVALID_SORT = fails(3, "etcdserver: invalid sort option")
COMPACTED = fails(11, "etcdserver: mvcc: required revision has been compacted")
FUTURE = fails(11, "etcdserver: mvcc: required revision is a future revision")
TOO_LARGE = fails(3, "etcdserver: request is too large")
LEASE_NOT_FOUND = fails(5, "etcdserver: requested lease not found")
LEASE_EXISTS = fails(9, "etcdserver: lease already exists")
TTL_TOO_LARGE = fails(11, "etcdserver: too large lease TTL")
NO_SPACE = fails(8, "etcdserver: mvcc: database space exceeded")
CORRUPT = fails(15, "etcdserver: corrupt cluster")
