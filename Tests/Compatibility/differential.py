"""Asks a real etcd 3.5.1 and Martlet the same thousands of requests, made from a seed, and compares every field of every answer.

  differential.py                            20,000 requests of seed 1, as in the tests
  differential.py --seed N --requests M      others
  differential.py --seed N --chapter C       one chapter again: a chapter is what one fresh server is asked
  differential.py --itself                   the real etcd against a second of its kind: finds what the comparison must leave out
  differential.py --list                     the cases

Each option of each request, together with each class of outcome, is a named case (traffic/*_cases.py); in 20,000 requests each occurs at
least 20 times, which is checked. Differences are allowed only as traffic/differences.txt lists them."""
import argparse
import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import time
from typing import Iterator, List

from support.checks import check, finish, note
from support.servers import ETCD, SERVER
from traffic.cases import CASES, REQUESTS, Plan, Step, shorten
from traffic.comparison import TTL_SLACK, Allowed, differences, readable
from traffic.planning import CHAPTER, FULL, LEAST, chapters, plan_chapter, served
from traffic.runner import run_chapter

MOST_ERRORS = 0.4
SHOWN = int(os.environ.get("SHOWN", "5"))  # differences shown in full


class Verdicts:
    def __init__(self, seed: int, allowed: Allowed) -> None:
        self.seed, self.allowed = seed, allowed
        self.occurred, self.missed = collections.Counter(), collections.Counter()  # type: collections.Counter, collections.Counter
        self.requests = self.errors = self.different = 0
        self.wrong: List[str] = []

    def chapter(self, number: int, plan: Plan, ours: tuple, theirs: tuple) -> None:
        """Compares what two servers answered."""
        shown, slack = 0, TTL_SLACK + abs(ours[2] - theirs[2])  # the two do not keep step
        for (_, _, _, log), name in ((ours, "etcd 3.5.1"), (theirs, "the server")):
            if log:
                self.wrong.append(f"{name} died in chapter {number} of seed {self.seed}: {log}")
        for step, raw, other in itertools.zip_longest(plan.steps, ours[0], theirs[0]):
            if raw is None or other is None:
                return
            self.requests += step.action in REQUESTS
            self.errors += raw[0] != 0
            a = readable(step, raw, ours[1])
            b = a if raw == other and ours[1] == theirs[1] else readable(step, other, theirs[1])
            found = [] if a is b else [it for it in differences(step, a, b, slack) if not self.allowed.allows(step.case or step.path, it)]
            self.count(step, a, b)
            aim = self.misled(step, a, b)
            if found:
                self.different += 1
            if (found or aim) and shown < SHOWN:
                shown += 1
                self.wrong.append(self.report(number, plan, step, found or aim, a, b))

    def count(self, step: Step, a: tuple, b: tuple) -> None:
        if step.case:
            case = CASES[step.case]
            try:
                holds = case.holds(b if case.judged_by_martlet else a)
            except (KeyError, IndexError, TypeError):  # an answer of another shape than the case's
                holds = False
            (self.occurred if holds else self.missed)[step.case] += 1

    @staticmethod
    def misled(step: Step, a: tuple, b: tuple) -> list:
        """Where the generator's own idea of the revision is not the servers': it would aim at the wrong things from here on."""
        message = a[2] if step.action == "call" and a[0] == 0 and step.path.startswith("/etcdserverpb.KV/") else None
        revision = message and message.get("header", {}).get("revision")
        return [("the generator's revision", step.revision, revision)] if message and revision != step.revision else []

    def report(self, number: int, plan: Plan, step: Step, found: list, a: tuple, b: tuple) -> str:
        places = "".join(f"\n         {where}: etcd 3.5.1 has {shorten(ours)}, the server {shorten(theirs)}" for where, ours, theirs in found[:4])
        before = "".join(f"\n         {other.index}: {other.words()}" for other in related(plan.steps, step))
        return (f"seed {self.seed}, chapter {number}, step {step.index}, case '{step.case}'\n       {step.words()}{places}"
                f"\n       etcd 3.5.1: {shorten(a)}\n       the server: {shorten(b)}\n       before it, about the same:{before}"
                f"\n       again: differential.py --seed {self.seed} --chapter {number} --until {step.index}")


def mentioned(step: Step) -> set:
    """Keys, streams and leases of a step's request."""
    found = {step.stream} - {""}

    def look(value: object) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if name in ("key", "ID", "lease", "name") and item:
                    found.add(item if isinstance(item, (int, bytes)) else str(item))
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)
    look(step.fields)
    return found


def related(steps: List[Step], step: Step, most: int = 8) -> List[Step]:
    """The last steps before it that are about the same keys, leases or stream."""
    about = mentioned(step)
    return [other for other in steps[:step.index] if mentioned(other) & about][-most:]


def conclude(verdicts: Verdicts, arguments: argparse.Namespace, seconds: float) -> None:
    for text in verdicts.wrong[:SHOWN]:
        note(text)
    total = verdicts.requests
    check(f"seed {arguments.seed}: {total} requests, every answer equal save {sum(verdicts.allowed.used.values())} listed differences",
          not verdicts.wrong, f"{verdicts.different} answers differ")
    share = verdicts.errors / max(1, total)
    check(f"errors are {share:.0%} of the answers, at most {MOST_ERRORS:.0%}", share <= MOST_ERRORS)
    names = [case.name for case in served()]
    rare = {name: (verdicts.occurred[name], verdicts.missed[name]) for name in names if verdicts.occurred[name] < LEAST}
    fewest = min(names, key=lambda name: verdicts.occurred[name])
    if arguments.chapter is None and arguments.requests >= FULL and not arguments.cases:
        check(f"each of {len(names)} cases occurs at least {LEAST} times (fewest: '{fewest}', {verdicts.occurred[fewest]})", not rare,
              "".join(f"\n       {name}: {seen} times, and {other} times with another outcome" for name, (seen, other) in rare.items()))
        unused = verdicts.allowed.unused()
        check(f"each of {len(verdicts.allowed.lines)} listed differences is of use", not unused or arguments.itself, f"not {unused}")
    else:
        note(f"{len(names) - len(rare)} of {len(names)} cases occur at least {LEAST} times")
    for name in sorted(CASES) if arguments.verbose else []:
        note(f"{verdicts.occurred[name]:6} {verdicts.missed[name]:4} {name}")
    note(f"{seconds:.0f} s, {total / seconds:.0f} requests/s")


def pairs(arguments: argparse.Namespace, other: str) -> Iterator[tuple]:
    """(chapter, plan, answers of the real etcd, answers of the other), while the next is being planned."""
    count = chapters(arguments.requests)
    wanted = range(count) if arguments.chapter is None else [arguments.chapter]
    size = CHAPTER if arguments.chapter is not None else arguments.requests // count
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running = None
        for number in [*wanted, None]:
            plan = plan_chapter(arguments.seed, number, size, arguments.cases) if number is not None else None
            if running:
                yield (*running[:2], *(future.result() for future in running[2:]))
            if plan:
                steps = plan.steps if arguments.until is None else plan.steps[:arguments.until + 1]
                running = (number, plan, *(pool.submit(run_chapter, binary, [], steps) for binary in (ETCD, other)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument("--requests", type=int, default=FULL)
    parser.add_argument("--chapter", type=int)
    parser.add_argument("--until", type=int, help="the last step of the chapter")
    parser.add_argument("--cases", default="", help="only those whose name begins so, a regular expression")
    parser.add_argument("--itself", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--verbose", "-v", action="store_true", help="how often each case occurred, and how often it was aimed at in vain")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(sorted(CASES)))
        return
    began, verdicts = time.time(), Verdicts(arguments.seed, Allowed())
    for number, plan, ours, theirs in pairs(arguments, ETCD if arguments.itself else SERVER):
        note(f"chapter {number}: {len(plan.steps)} steps; etcd 3.5.1 {ours[2]:.1f} s, the other {theirs[2]:.1f} s")
        verdicts.chapter(number, plan, ours, theirs)
    conclude(verdicts, arguments, time.time() - began)
    finish()


if __name__ == "__main__":
    main()
