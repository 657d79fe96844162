"""How far a case is, step by step in words: who agreed, what each host said, what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flask_babel import gettext as _

from console.language import reader as language
from console.sidebar import words
from console.sidebar.past import zone_of
from core import message
from core.approval import Approval
from core.case import Case, CaseState, Outcome, Writing
from core.payout import Payout, PayoutState
from core.restore import is_held
from core.settling import must_look_first
from core.store import Reader


@dataclass(frozen=True, slots=True)
class Step:
    """`mark`: done, busy, wait or stuck."""

    words: str
    mark: str


def steps_of(
    reader: Reader,
    case: Case,
    payouts: Sequence[Payout],
    writings: Sequence[Writing],
    names: Mapping[str, str],
) -> list[Step]:
    return _Steps(reader, case, payouts, writings, names).all()


class _Steps:
    def __init__(
        self,
        reader: Reader,
        case: Case,
        payouts: Sequence[Payout],
        writings: Sequence[Writing],
        names: Mapping[str, str],
    ) -> None:
        self.reader, self.case, self.payouts = reader, case, payouts
        self.writings, self.names, self.zone = writings, names, zone_of(reader)

    def all(self) -> list[Step]:
        case = self.case
        steps = self._agreed(case)
        if case.state is CaseState.GATHERING:
            waits = case.said in ("host_unavailable", "host_denied", "our_fault")
            if waits:
                task = message.task(language(), cast(str, case.said), {}, zone=self.zone)
                steps.append(Step(task.body, "stuck"))
        steps += [self._paid(payout) for payout in self.payouts]
        if case.outcome is Outcome.DUPLICATE:
            steps.append(self._first(case))
        if self.payouts or any(w.kind == "reply" for w in self.writings):
            steps += self._told_ticket()
        return steps

    def _agreed(self, case: Case) -> list[Step]:
        rows = self.reader.find(Approval, case_id=case.id, state="granted")
        return [
            Step(
                str(
                    _(
                        "%(name)s agreed at %(at)s",
                        name=words.name(self.names.get(row.decided_by or "", "")),
                        at=words.clock(row.decided_at, self.zone),
                    )
                ),
                "done",
            )
            for row in rows
            if row.decided_at is not None
        ]

    def _paid(self, payout: Payout) -> Step:
        host = self.names.get(payout.till_id)
        shown = {
            "remedy": payout.remedy,
            "amount": payout.amount,
            "quantity": payout.quantity,
            "host": host,
            "at": payout.changed_at,
            "why": payout.why,
        }
        if payout.state is PayoutState.SETTLED and payout.due_at is None:
            return Step(self._step("payout_settled", shown), "done")
        code, mark = {
            PayoutState.PENDING: ("payout_pending", "wait"),
            PayoutState.DECLINED: (_declined(payout), "stuck"),
            PayoutState.NOT_SENT: _not_sent(payout),
            PayoutState.UNKNOWN: ("payout_unknown", "wait"),
            PayoutState.FAILED: ("payment_failed", "stuck"),
            PayoutState.REVERSED: ("payout_reversed", "done"),
            PayoutState.SETTLED: ("payout_settled", "done"),
        }.get(payout.state, ("paying", "busy"))
        if payout.state is PayoutState.REVERSING:
            return Step(
                str(_("Asking %(host)s to take it back", host=words.name(host or ""))), mark
            )
        return Step(self._step(code, shown), mark)

    def _step(self, code: str, shown: Mapping[str, object]) -> str:
        return message.step(language(), code, shown, zone=self.zone)

    def _first(self, case: Case) -> Step:
        first = self.reader.get(Case, case.duplicate_of or "")
        if first is None or (first.desk_id, first.ticket_id) == (case.desk_id, case.ticket_id):
            return Step(str(_("It was made good on this ticket before.")), "done")
        ticket = words.name(first.ticket_id)
        return Step(str(_("It was made good on ticket %(ticket)s.", ticket=ticket)), "done")

    def _told_ticket(self) -> list[Step]:
        if any(writing.state == "planned" for writing in self.writings):
            return [Step(str(_("Writing to the ticket")), "busy")]
        if any(writing.state == "failed" for writing in self.writings):
            return []  # a task says so
        if any(writing.kind == "reply" for writing in self.writings):
            return [Step(str(_("The customer was answered on the ticket")), "done")]
        if self.writings:
            return [Step(str(_("A private note is on the ticket")), "done")]
        return []


def _not_sent(payout: Payout) -> tuple[str, str]:
    """What may have been given before a restore waits for a person."""
    return ("payout_held", "stuck") if is_held(payout) else ("payout_not_sent", "wait")


def _declined(payout: Payout) -> str:
    """A no that is not plain says nothing about what was paid."""
    return "payout_look_first" if must_look_first(payout) else "payout_declined"
