"""Verdicts: one a line, as Scripts/test-compatibility counts them."""
import sys

failed = False


def check(name, holds, detail=""):
    """Prints whether something holds; what was found instead follows a failure. Gives back whether it does."""
    global failed
    failed = failed or not holds
    print(f"ok   {name}" if holds else f"FAIL {name}: {detail}", flush=True)
    return bool(holds)


def skip(name, why):
    """Says that this machine cannot show something, and why; counted apart."""
    print(f"skip {name}: {why}", flush=True)


def note(text):
    """A line that is no verdict: a figure, a circumstance."""
    print(f"     {text}", flush=True)


def finish():
    sys.exit(1 if failed else 0)
