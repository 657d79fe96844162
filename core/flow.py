"""The one file that joins the stages: what a case needs next, and what follows from what happened.

`next_action` is pure. The runner performs the action (the only part that talks to hosts) and hands
the result to one of the `on_...` functions inside a transaction; each stands in its stage's file
(`opening`, `deciding`, `agreeing`, `settling`, `ending`). Every step is short, ends in one commit
and may run twice, late, or after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import approval as approvals
from core import link as links
from core import payout as payouts
from core.agreeing import on_chosen, on_not_chosen, on_release, on_settled_approval
from core.approval import Approval
from core.case import Case, CaseState, Writing
from core.deciding import (
    FAULTS_BEFORE_TASK,
    PATIENCE,
    on_fault,
    on_host_trouble,
    on_terms,
    on_trouble,
)
from core.ending import close, may_close, on_unwritable
from core.history import HistoryMoved
from core.link import ChoiceLink
from core.opening import SAME_ACT, look_again, may_look_again, on_solved
from core.payout import Payout, PayoutState
from core.settling import on_payout, on_perhaps_given, payout_doc
from core.store import Reader

__all__ = [
    "FAULTS_BEFORE_TASK", "PATIENCE", "SAME_ACT", "Action", "Ask", "CaseFile", "Chosen", "Gather",
    "HistoryMoved", "NotChosen", "Release", "Remind", "Rest", "Send", "Settle", "TakeBack", "Write",
    "close", "load", "look_again", "may_close", "may_look_again", "next_action", "on_chosen",
    "on_fault", "on_host_trouble", "on_not_chosen", "on_payout", "on_perhaps_given", "on_release",
    "on_settled_approval", "on_solved", "on_terms", "on_trouble", "on_unwritable", "payout_doc",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case with what is still open about it."""

    case: Case
    payouts: Sequence[Payout]
    writings: Sequence[Writing]
    approvals: Sequence[Approval]  # what its newest request needs
    link: ChoiceLink | None = None  # where the customer is choosing


@dataclass(frozen=True, slots=True)
class Gather:
    """Read the ticket and the customer's orders, and decide."""


@dataclass(frozen=True, slots=True)
class Release:
    """Everybody who has to agreed: look at the order again, then pay."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Somebody's no, or the time ran out: end the offer."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Chosen:
    """The customer chose: look at the order again, then pay."""


@dataclass(frozen=True, slots=True)
class NotChosen:
    """The time to choose ran out."""


@dataclass(frozen=True, slots=True)
class Remind:
    """Nobody has answered for a while: tell them again."""

    approvals: Sequence[Approval]


@dataclass(frozen=True, slots=True)
class Send:
    payout: Payout


@dataclass(frozen=True, slots=True)
class Ask:
    payout: Payout


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A person wants the unspent part back."""

    payout: Payout


@dataclass(frozen=True, slots=True)
class Write:
    writings: Sequence[Writing]


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; None: not before something wakes the case."""

    until: datetime | None


Action = (
    Gather | Release | Chosen | NotChosen | Settle | Remind | Send | Ask | TakeBack | Write | Rest
)


def load(reader: Reader, case_id: str) -> CaseFile:
    case = reader.get(Case, case_id)
    if case is None:
        raise LookupError(case_id)
    waiting = case.state is CaseState.WAITING_APPROVAL
    gathering = case.state is CaseState.GATHERING
    choosing = case.state is CaseState.WAITING_CUSTOMER
    return CaseFile(
        case=case,
        payouts=[] if gathering else reader.find(Payout, case_id=case_id),
        writings=reader.find(Writing, case_id=case_id, state="planned"),
        approvals=approvals.asked(reader, case_id) if waiting else [],
        link=links.of_case(reader, case_id) if choosing else None,
    )


def next_action(file: CaseFile, now: datetime) -> Action:
    """What to do now. Money comes first, then the ticket, then waiting."""
    case = file.case
    if case.state is CaseState.GATHERING and _is_due(case.due_at, now):
        return Gather()
    # A till that could not be asked is asked again when the case is due, not at once.
    if _all_agreed(file) and (not case.tries or _is_due(case.due_at, now)):
        return Release()
    if file.link is not None and _is_due(case.due_at, now):
        return Chosen() if file.link.chosen else NotChosen()
    waiting = [row for row in file.approvals if row.state == "waiting"]
    for row in file.approvals:
        if row.state not in ("granted", "waiting") or (row in waiting and now >= row.expires_at):
            return Settle(row)
    if any(_is_due(row.remind_at, now) for row in waiting):
        return Remind(waiting)
    for payout in file.payouts:
        if _is_due(payout.due_at, now):
            return _about(payout)
    due = [w for w in file.writings if _is_due(w.due_at, now)]
    if due:
        return Write(due)
    return Rest(_next_due(file))


def _about(payout: Payout) -> Action:
    if payout.state is PayoutState.REVERSING:
        return TakeBack(payout)
    return Send(payout) if payouts.may_send(payout) else Ask(payout)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _all_agreed(file: CaseFile) -> bool:
    return bool(file.approvals) and all(row.state == "granted" for row in file.approvals)


def _next_due(file: CaseFile) -> datetime | None:
    dues = [p.due_at for p in file.payouts]
    dues += [w.due_at for w in file.writings]
    if file.case.state is CaseState.GATHERING or _all_agreed(file) or file.link is not None:
        dues.append(file.case.due_at)
    for row in file.approvals:
        if row.state == "waiting":
            dues += [row.expires_at, row.remind_at]
    return min((d for d in dues if d is not None), default=None)
