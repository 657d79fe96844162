"""A ticket was solved: a case to open for it, or the one that covers it already."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core import tasks
from core.case import Case, CaseState
from core.moment import Moment
from core.payout import Payout
from core.routing import Routing
from core.store import Reader, Tx

#: One act of an agent may come as several deliveries (an event and a trigger's call).
SAME_ACT = timedelta(seconds=5)


def on_solved(
    tx: Tx,
    desk_id: str,
    ticket_id: str,
    *,
    actor_id: str | None,
    received_at: datetime,
    routing: Routing,
    moment: Moment,
) -> Case | None:
    """A case to open for the ticket; or None where its newest case covers this: it is open (and
    looks again if it waits for a person), or was opened by another delivery of the same act."""
    newest = tx.find(Case, desk_id=desk_id, ticket_id=ticket_id, newest_first=True, limit=1)
    case = tx.lock(Case, newest[0].id) if newest else None
    # A ticket found unsolved was reopened before Amends looked; solving it then is another act.
    looked = case is not None and case.said != "not_solved"
    if case is not None and looked and received_at <= case.looked_at + SAME_ACT:
        moment.log(tx, case.id, "delivery_again")
        return None
    if case is not None and case.state is not CaseState.CLOSED:
        if may_look_again(tx, case):
            # Nobody chose this time: the ticket and the policy decide.
            look_again(tx, replace(case, choice=None), moment)
        else:
            moment.log(tx, case.id, "solved_again")
        return None
    return new_case(desk_id, ticket_id, routing.mode, actor_id, moment)


def new_case(desk_id: str, ticket_id: str, mode: str, asked_by: str | None, moment: Moment) -> Case:
    """A case as it begins. `asked_by` is the helpdesk's id of whose act it is."""
    return Case(
        id=moment.new("case"),
        state=CaseState.GATHERING,
        desk_id=desk_id,
        ticket_id=ticket_id,
        opened_at=moment.now,
        looked_at=moment.now,
        changed_at=moment.now,
        due_at=moment.now,
        open_key=f"{desk_id}|{ticket_id}",
        mode=mode,
        asked_by=asked_by,
    )


def may_look_again(reader: Reader, case: Case) -> bool:
    """Only a case with which nothing was promised yet may start over."""
    return case.state is CaseState.WITH_PERSON and not reader.count(Payout, case_id=case.id)


def look_again(tx: Tx, case: Case, moment: Moment) -> None:
    tasks.close_tasks(tx, case, "looked again", moment.now)
    again = replace(
        case,
        state=CaseState.GATHERING,
        looked_at=moment.now,
        changed_at=moment.now,
        due_at=moment.now,
        tries=0,
        said=None,
    )
    tx.put(again)
    moment.log(tx, case.id, "looked_again")
    tx.wake(Case, case.id, moment.now)
