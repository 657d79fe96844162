"""Each safety taken out, one at a time: the simulator notices, so it would notice a mistake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from core import harm, payout
from core.authority import counters
from core.booking import settlement
from core.case import Case
from core.flow import Rest
from core.ledger import Posting
from core.payout import Payout, PayoutState
from core.ports import Ending, Finding, Instruction, NotSent, Pays, Till, Unknown
from core.store.memory import MemoryStore
from sandbox.sim.desk import SimDesk
from sandbox.sim.line import WITHIN, Line
from sandbox.sim.till import SimTill
from webhooks.engine import deliveries, steps
from webhooks.engine.clock import Clock
from webhooks.engine.watch import Watch
from webhooks.engine.writing import Writer
from webhooks.proof.sim import run
from webhooks.proof.stage import SimHosts

pytestmark = pytest.mark.slow

#: What is paid twice shows as the one or the other.
TWICE = ("was paid", "was made good by")


def caught(faults: Sequence[str], words: Sequence[str] = TWICE, seeds: int = 60) -> int:
    """How many runs it took to notice; 0 if none did."""
    for seed in range(1, 1 + seeds):  # most are noticed by the first
        outcome = run(MemoryStore("sim"), seed, 40, faults)
        if any(word in line for line in outcome.violations for word in words):
            return seed
    return 0


def without_find(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """ "We do not know" taken for "it did not happen"."""
    send = payout.send

    def blind(till: Till, order: Instruction) -> Ending | Finding:
        ending = send(till, order)
        return NotSent(ending.why) if isinstance(ending, Unknown) else ending

    monkeypatch.setattr(payout, "send", blind)
    return ("drop_after", "error_after", "slow", "lag")


def without_deadline_check(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Whoever wakes up sends, however late: neither engine nor connector looks at the time."""
    monkeypatch.setattr(Clock, "need", lambda *_: None)
    monkeypatch.setattr(Line, "_left", lambda *_: WITHIN)
    return ("zombie",)


def without_look_up(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Nothing is looked for by its marker: not there, says the connector."""
    find = SimTill.find

    def unmarked(self: SimTill, asked: Instruction) -> Finding:
        return find(self, asked if asked.host_object else replace(asked, marker="[amends:other]"))

    monkeypatch.setattr(SimTill, "find", unmarked)
    return ("drop_after", "error_after", "crash")


def without_key(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """A new key for every sending."""
    numbers = count()
    made = payout.instruction

    def fresh(about: Payout, *, code: str | None = None) -> Instruction:
        return replace(made(about, code=code), key=f"{about.id}:{next(numbers)}")

    monkeypatch.setattr(payout, "instruction", fresh)
    return ("drop_after", "error_after", "lag", "crash")


def without_patience(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Asked at once after a call that was cut off, while the host is still at work on it."""
    unknown = payout._unknown

    def hasty(about: Payout, why: str, pays: Pays, now: datetime) -> Payout:
        return unknown(replace(about, state=PayoutState.UNKNOWN), why, pays, now)

    monkeypatch.setattr(payout, "_unknown", hasty)
    return ("slow",)


def without_waiting_for_the_echo(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """A webhook about our own payout has the host asked at once."""

    def at_once(tx, ours, host, moment) -> None:  # type: ignore[no-untyped-def]
        tx.put(replace(ours, due_at=moment.now))
        tx.wake(Case, ours.case_id, moment.now)

    monkeypatch.setattr(deliveries, "_wake", at_once)
    return ("lag", "error_after", "early_echo")


def without_the_name(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """What the host has named and does not show is taken for not there."""
    absent = payout._absent

    def forgetful(about: Payout, pays: Pays, now: datetime) -> Payout:
        return absent(replace(about, host_object=None), pays, now)

    monkeypatch.setattr(payout, "_absent", forgetful)
    return ("lag", "pending", "early_echo")


def without_reservation(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(counters, "first_bound", lambda *_: None)
    return ()


def without_harm_guard(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(harm, "same", lambda *_: False)
    monkeypatch.setattr(harm, "harm_key", lambda row: row.id)
    return ()


@pytest.mark.parametrize(
    "mutate",
    [
        without_find,
        without_deadline_check,
        without_look_up,
        without_key,
        without_patience,
        without_waiting_for_the_echo,
        without_the_name,
        without_harm_guard,
    ],
)
def test_what_is_taken_out_is_missed(
    mutate: Callable[[pytest.MonkeyPatch], Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caught(mutate(monkeypatch))


def test_a_missing_reservation_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught(without_reservation(monkeypatch), ("of a budget of",))


def test_a_clock_set_ahead_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "holds", lambda _: False)
    assert caught(("clock_jump", "lag"), (*TWICE, "stands on ticket"))


def test_a_clock_set_ahead_is_known_to_whoever_starts_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without what is kept, a call that a dead process left under way is believed to be over."""
    monkeypatch.setattr(Watch, "_keep", lambda *_: None)
    assert caught(("clock_jump", "slow", "error_after", "crash"), (*TWICE, "stands on ticket"))


def test_a_case_left_in_the_middle_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A due time that is only written when a case comes to rest leaves closed cases untold."""
    lead_on = steps.Worker._lead_on

    def careless(self, tx, lease, moment):  # type: ignore[no-untyped-def]
        case = tx.get(Case, lease.id)
        action, after = lead_on(self, tx, lease, moment)
        if case.due_at is None and not isinstance(action, Rest):
            tx.put(replace(tx.get(Case, lease.id), due_at=None))
        return action, after

    monkeypatch.setattr(steps.Worker, "_lead_on", careless)
    assert caught(("crash",), ("was never written",))


def test_a_note_written_again_too_soon_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "_put", lambda _, host, back: host.desk.write_back(back))
    assert caught(("slow",), ("stands on ticket",))


def test_a_sweep_that_does_not_look_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimTill, "recent", lambda *_: [])
    assert caught(("by_hand", "unheard"), ("was given by hand",))


def test_a_lost_word_of_a_solved_ticket_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimDesk, "recent", lambda *_: [])
    assert caught(("unheard",), ("has no case",))


def test_a_helpdesk_whose_clock_is_taken_for_ours_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = SimHosts.make
    monkeypatch.setattr(SimHosts, "make", lambda *of: replace(make(*of), time=lambda: None))
    assert caught(("unheard", "clock_jump", "skew"), ("has no case",))


def test_what_one_case_cost_charged_to_another_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of all cases agree all the same."""
    settle = settlement

    def muddled(*given: Any, **named: Any) -> list[Posting]:
        cost, *borne = settle(*given, **named)
        return [cost, *(replace(one, case_id="another") for one in borne)]

    monkeypatch.setattr(payout, "settlement", muddled)
    assert caught(("drop_after",), ("of the budget, and it cost",))


def test_nothing_is_missed_where_nothing_is_taken_out() -> None:
    every = ("drop_after", "error_after", "slow", "lag", "zombie", "crash", "clock_jump")
    for seed in range(1, 21):
        assert run(MemoryStore("sim"), seed, 40, every).violations == []
