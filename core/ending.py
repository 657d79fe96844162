"""How a case ends, or is put to a person."""

from __future__ import annotations

from datetime import datetime

from core import authority, restore, tasks, writeback
from core import harm as harms
from core import link as links
from core import payout as payouts
from core.case import Case, CaseState, Outcome, Writing
from core.moment import Moment
from core.payout import FINAL, Payout, PayoutState
from core.record import replace
from core.routing import Routing
from core.store import Reader, Tx


def on_unwritable(tx: Tx, case: Case, writing: Writing, why: str, moment: Moment) -> None:
    """The ticket cannot be told (it is closed or gone): a person has the words and a task."""
    writeback.given_up(tx, writing, why)
    known = {"kind": writing.kind, "about": writing.about, "why": why, "ticket": writing.ticket_id}
    tasks.open_task(tx, case, "ticket_closed", known, moment)


def may_close(reader: Reader, case: Case) -> bool:
    """A person may end a case that waits for one, or has nothing under way at any host: what was
    not sent is not given then."""
    paid = reader.find(Payout, case_id=case.id)
    ended = all(payout.state in FINAL or payouts.may_send(payout) for payout in paid)
    return case.state in (CaseState.WITH_PERSON, CaseState.PAYING) and ended


def close(tx: Tx, case: Case, person_id: str, note: str, routing: Routing, moment: Moment) -> None:
    """A person ends a case: what was not sent is not given, and of what was the customer hears.
    Where nothing was, the harm is free again; not where it may have been before a restore."""
    planned = tx.find(Payout, case_id=case.id)
    perhaps = any(restore.is_held(payout) for payout in planned)
    for payout in planned:
        if payouts.may_send(payout):
            after = payouts.give_up(tx, payout, moment)
            authority.conclude(tx, after, moment.now)
    given = payouts.standing(tx, [case.id])
    tasks.close_tasks(tx, case, note, moment.now)
    links.shut(tx, case)
    paid = [payout for payout in given if payout.state is PayoutState.SETTLED]
    if paid:
        writeback.plan_made_good(tx, case, routing, paid, moment)
    if not given and not perhaps:
        harms.release(tx, case)
    authority.release(tx, case, moment.now)
    moment.log(tx, case.id, "dismissed", {"by": person_id, "note": note})
    end(tx, case, Outcome.MADE_GOOD if given else Outcome.DISMISSED, "dismissed", moment)
    tx.wake(Case, case.id, moment.now)


def end(tx: Tx, case: Case, outcome: Outcome, said: str, moment: Moment) -> None:
    moment.log(tx, case.id, "closed", {"outcome": outcome.value})
    tx.put(
        replace(
            case,
            state=CaseState.CLOSED,
            outcome=outcome,
            said=said,
            open_key=None,
            due_at=None,
            changed_at=moment.now,
        )
    )


def with_person(case: Case, said: str, now: datetime) -> Case:
    return replace(
        case, state=CaseState.WITH_PERSON, said=said, due_at=None, tries=0, changed_at=now
    )
