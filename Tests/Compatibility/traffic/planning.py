"""Plans: which cases come when. The seed and the number of requests decide all of it; no answer has a say."""
import math
import re
from typing import List

from traffic import kv_cases, lease_cases, maintenance_cases, recipe_cases, txn_cases, watch_cases  # noqa: F401  (they list their cases)
from traffic.cases import CASES, Case, Plan

LEAST = 20  # how often each case must occur in FULL requests
FULL = 20_000
CHAPTER = 2_500  # requests to one fresh server
CHOSEN_CHAPTERS = 4  # each fourth chapter has ids that the server chose in its store
# What Martlet does not serve yet, by the names of the cases: each goes from here with the change that serves it.
PENDING = ""
SPARE = 1.15  # some occurrences turn out otherwise than was aimed for


def chapters(requests: int) -> int:
    return max(1, round(requests / CHAPTER))


def has_chosen_ids(chapter: int) -> bool:
    return chapter % CHOSEN_CHAPTERS == CHOSEN_CHAPTERS - 1


def quota(case: Case, chosen_ids: bool) -> int:
    """How often a chapter has a case, so that a full run has it often enough."""
    if case.weight == 0:
        return 1
    full = chapters(FULL)
    possible = full // CHOSEN_CHAPTERS if case.needs_chosen_ids else full - full // CHOSEN_CHAPTERS if case.name.startswith("hash of keys") else full
    if case.needs_chosen_ids and not chosen_ids:
        return 0
    return math.ceil(LEAST * SPARE / possible)


def served() -> List[Case]:
    return [case for case in CASES.values() if not re.match(PENDING, case.name)] if PENDING else list(CASES.values())


def plan_chapter(seed: int, chapter: int, requests: int, wanted: str = "") -> Plan:
    """`wanted`: a regular expression of the only cases to plan."""
    plan = Plan(f"{seed}/{chapter}", has_chosen_ids(chapter))
    random = plan.random
    deck: List[Case] = [case for case in served() if case.build and re.match(wanted, case.name) for _ in range(quota(case, plan.chosen_ids))]
    random.shuffle(deck)
    traffic = [case for case in served() if case.weight > 1 and re.match(wanted, case.name)]
    refused = 0
    while traffic and plan.requests < requests or deck and refused < 2000:
        left = max(1, requests - plan.requests)
        from_deck = deck and random.random() < min(0.9, 1.5 * len(deck) / left)
        case = deck.pop() if from_deck else random.choices(traffic, [case.weight for case in traffic])[0]
        plan.case = case.name
        if case.build and case.build(plan) is False and from_deck:
            refused += 1
            deck.insert(random.randrange(len(deck) + 1), case)
    watch_cases.collect_all(plan)
    plan.settle()
    return plan
