"""Generated and mutated documents against the loader and the engines.

    .venv/bin/python -m tests.core.policy.hostile --n 1000000 [--seed 1]

Every document must load or be refused with a `PolicyError` that has a place; what loads must decide
random facts within the time allowed, the same by both engines, and nothing else may be raised.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import yaml

from core.policy import Decision, Policy, PolicyError, decide, load, reference
from tests.core.policy.generate import draw_facts, write_policy

SLOWEST_MS = 50
_NASTY = [  # one odd piece of text a time, from expressions, YAML and numbers
    "__class__", "().__class__.__base__", "{0.__class__}", "lambda: 1", "(x := 1)", "import os",
    "&a [*a, *a]", "*a", "!!python/object/apply:os.system [id]", "<<: {a: 1}", "1e3", "1e2000000",
    "NaN", ".inf", "-0", "+5", "1_000", "١٢٣", "0x10", "no", "null", "~", "'", '"', "{", "}", "[",
    "]", ": ", "- ", "#", "|", ">", "---", "...", "%YAML 1.1", "\t", "\x00", "\u202e",
    "\ud83d\ude00", "a" * 3000, "(" * 40, "not " * 300, "-" * 300, "1 + " * 400 + "1", "9" * 400,
    "1..2", "..", "<..<", "50% of total", "max(total)", "sum(it.price for it in items)",
    "regex('^(a+)+$')", "total.minor", "total if vip else", "exchange(loss, rate)", "0 EUR",
    "5 XYZ", "2026-02-30", "up to", "n ** n", "{{7*7}}", "${total}", "{n}", "r_{n", "else",
    "any(it in items where any(jt in items where yes))",
]  # fmt: skip


def mutate(text: str, rng: Random) -> str:
    """One to three small changes; the first kinds keep it YAML more often than not."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(9)
        spot = rng.randrange(len(text) + 1)
        if kind == 0:
            text = _swap_words(text, rng)
        elif kind == 1:
            text = _other_number(text, rng)
        elif kind == 2:
            lines = text.split("\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            text = "\n".join(lines)
        elif kind == 3:
            lines = text.split("\n")
            del lines[rng.randrange(len(lines))]
            text = "\n".join(lines)
        elif kind == 4:
            text = text[:spot] + rng.choice(_NASTY) + text[spot:]
        elif kind == 5:
            text = text[:spot] + text[spot + rng.randint(1, 8) :]
        elif kind == 6:
            words = text.split(" ")
            words[rng.randrange(len(words))] = rng.choice(_NASTY)
            text = " ".join(words)
        elif kind == 7:
            text = (
                text[:spot]
                + chr(rng.choice([9, 34, 39, 44, 58, 91, 123, 0x661, 0xD7FF]))
                + text[spot:]
            )
        else:
            text = text.replace(rng.choice(["money", "total", "late", "when", "is"]), "n", 1)
    return text or "x"


def _swap_words(text: str, rng: Random) -> str:
    words = text.split(" ")
    one, other = rng.randrange(len(words)), rng.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


def _other_number(text: str, rng: Random) -> str:
    spots = [index for index, character in enumerate(text) if character.isdigit()]
    spot = rng.choice(spots) if spots else 0
    return (
        text[:spot] + rng.choice(["0", "7", "99", "-1", "1.5", "10%", "5 EUR"]) + text[spot + 1 :]
    )


@dataclass(slots=True)
class Report:
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0


def attack(number: int, report: Report) -> None:
    """One document and, if it loads, three decisions."""
    rng = Random(number)
    text = write_policy(rng)
    if rng.random() < 0.6:
        text = mutate(text, rng)
    report.counts["documents"] += 1
    report.counts["yaml"] += _is_yaml(text)
    try:
        policy = load(text)
    except PolicyError as error:
        report.counts["not loaded"] += 1
        if error.line < 1 or error.column < 1 or len(str(error)) > 2_000:
            report.failures.append(f"{number}: a refusal without a place: {error}")
        return
    except Exception as error:  # the very thing that is looked for
        report.failures.append(f"{number}: {type(error).__name__}: {str(error)[:200]}")
        return
    report.counts["loaded"] += 1
    try:
        for _ in range(3):
            facts = draw_facts(rng)
            first = decide(policy, facts)
            again, taken = _timed(policy, facts)
            report.slowest_ms = max(report.slowest_ms, taken)
            if first.to_bytes() != again.to_bytes() or again != reference.decide(policy, facts):
                report.failures.append(f"{number}: two answers")
            report.counts[first.outcome] += 1
    except Exception as error:  # as above
        report.failures.append(f"{number}: deciding: {type(error).__name__}: {str(error)[:200]}")


def _timed(policy: Policy, facts: dict[str, Any]) -> tuple[Decision, float]:
    """The decision, and the milliseconds it takes: the best of three, for a pause of the garbage
    collector or of the machine is no cost of the decision."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        decision = decide(policy, facts)
        times.append((time.thread_time() - start) * 1000)
    return decision, min(times)


def _is_yaml(text: str) -> bool:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(text, Loader=loader):
            pass
    except (yaml.YAMLError, UnicodeError):
        return False
    return True


def run(count: int, seed: int = 1) -> Report:
    report = Report()
    for number in range(count):
        attack(seed * 10**9 + number, report)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    report = Report()
    for number in range(options.n):
        attack(options.seed * 10**9 + number, report)
        if number % 20_000 == 19_999:
            print(f"{number + 1} documents, {len(report.failures)} failures", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(dict(report.counts))
    print(
        f"slowest decision {report.slowest_ms:.1f} ms, {memory:.0f} MiB at most, "
        f"{time.monotonic() - start:.0f} s, {len(report.failures)} failures"
    )
    for failure in report.failures[:20]:
        print(failure)
    raise SystemExit(bool(report.failures))


if __name__ == "__main__":
    main()
