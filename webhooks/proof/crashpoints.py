"""`amends crashpoints`: a real process dies at every commit and every request of one case.

Each point is tried with a ticket of its own: a runner is forked and killed there, another is forked
some minutes later and finishes. Then the shop's own books, the ticket and the ledger are read.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core import ledger
from core.case import Case, CaseState, Outcome, Writing
from core.connection import Delivery
from core.ledger_check import verify
from core.payout import Payout, PayoutState
from webhooks.demo.stage import environment
from webhooks.proof.arena import KINDS, Arena, arena, paid_once, tickets_of

#: How much later the next runner starts, and how often one may.
_LATER_SECONDS, _MOST_RESTARTS = 300.0, 6


@dataclass(frozen=True, slots=True)
class Point:
    """`kind` is the till's: key or find. `number` counts from 1; `when` is before or after."""

    kind: str
    number: int
    name: str
    when: str


class Forks:
    """The process that forks runners."""

    def __init__(self, of: Arena) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webhooks.proof.forks"],
            env=environment(of.of.settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, crash_at: str | None = None, ahead: float = 0.0) -> dict[str, object]:
        return self._order({"crash_at": crash_at, "ahead": ahead})

    def go_on(self, stopped: object) -> dict[str, object]:
        return self._order({"go_on": stopped})

    def _order(self, order: dict[str, object]) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


def run(
    home: Path, database_url: str, sample: int | None, seed: int, say: Callable[[str], None]
) -> dict[str, object]:
    """Every point of a case on each kind of till, or a sample of so many. Answers the report;
    `problems` is empty where every case was finished, paid once and told once."""
    started = time.monotonic()
    tickets = 1200 if sample is None else 2 * sample + 20
    with arena(home, database_url, tickets) as of, Forks(of) as forks:
        numbers = {kind: tickets_of(kind) for kind in KINDS}
        points = points_of(of, forks, numbers)
        chosen = points if sample is None else _sampled(points, sample, seed)
        problems: list[str] = []
        killed = 0
        for point in chosen:
            ticket = next(numbers[point.kind])
            found, died = _try(of, forks, point, ticket)
            killed += died
            if not died:
                say(f"{point.kind} {point.number}:{point.when} ({point.name}): not reached")
            problems += found
            for problem in found:
                say(f"{point.kind} {point.number}:{point.when} ({point.name}): {problem}")
        problems += books_wrong(of)
    return {
        "points": len(points),
        "tried": len(chosen),
        "killed": killed,
        "problems": problems,
        "seconds": round(time.monotonic() - started, 1),
    }


def points_of(of: Arena, forks: Forks, numbers: Mapping[str, Iterator[int]]) -> list[Point]:
    """What one case on each kind of till passes, found by letting one through."""
    found = []
    for kind, tickets in numbers.items():
        of.solve(next(tickets))
        names = forks.run()["points"]
        assert isinstance(names, list)
        found += [
            Point(kind, number, name, when)
            for number, name in enumerate(names, 1)
            for when in ("before", "after")
        ]
        finish(of, forks)
    return found


def _sampled(points: list[Point], size: int, seed: int) -> list[Point]:
    """Some of each kind, in order."""
    chance = random.Random(seed)  # noqa: S311 - to be had again
    return sorted(
        chance.sample(points, min(size, len(points))), key=lambda p: (p.kind, p.number, p.when)
    )


def _try(of: Arena, forks: Forks, point: Point, ticket: int) -> tuple[list[str], bool]:
    of.solve(ticket)
    died = forks.run(f"{point.number}:{point.when}")["killed"] is True
    finish(of, forks)
    return list(wrong(of, ticket)), died


def finish(of: Arena, forks: Forks) -> None:
    """Start again some minutes later, as often as it takes until nothing is under way."""
    for restart in range(1, 1 + _MOST_RESTARTS):
        of.idle()
        forks.run(ahead=restart * _LATER_SECONDS)
        of.idle()
        if not under_way(of):
            return


def under_way(of: Arena) -> bool:
    with of.of.store.read() as reader:
        if reader.count(Delivery, state="new") or reader.count(Writing, state="planned"):
            return True
        return any(
            reader.count(Case, state=state) for state in (CaseState.GATHERING, CaseState.PAYING)
        )


def wrong(of: Arena, ticket: int) -> Iterator[str]:
    """What is not as it must be about one ticket."""
    with of.of.store.read() as reader:
        cases = reader.find(Case, ticket_id=str(ticket))
        if len(cases) != 1 or cases[0].outcome is not Outcome.MADE_GOOD:
            yield f"cases: {[(c.state.value, c.outcome, c.said) for c in cases]}"
        for case in cases:
            payouts = reader.find(Payout, case_id=case.id)
            entries = [e for p in payouts for e in ledger.entries_of(reader, p.id)]
            if [p.state for p in payouts] != [PayoutState.SETTLED] or len(entries) != 1:
                yield f"payouts {[p.state.value for p in payouts]}, entries {len(entries)}"
    if not paid_once(amounts := of.refunds(ticket)):
        yield f"the shop paid {amounts}"
    told = sorted(bool(comment["public"]) for comment in of.comments(ticket))
    if told != [False, True]:
        with of.of.store.read() as reader:
            rows = [w for case in cases for w in reader.find(Writing, case_id=case.id)]
        ours = [(w.kind, w.state, w.tries, w.why) for w in rows]
        yield f"on the ticket: {told.count(False)} notes, {told.count(True)} replies, of {ours}"


def books_wrong(of: Arena) -> Iterator[str]:
    with of.of.store.read() as reader:
        found = verify(reader)
    if not found.ok:
        yield f"the ledger: {found.problem} at entry {found.seq}"
