"""A ticket was solved: a case to open for it, or the one that covers it already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core import letter as letters
from core import tasks
from core.case import Case, CaseState, Outcome
from core.moment import Moment
from core.payout import Payout
from core.record import replace
from core.routing import Routing
from core.store import Reader, Tx

#: One act of an agent may come as several deliveries (an event and a trigger's call).
SAME_ACT = timedelta(seconds=5)
_GIVEN = frozenset({Outcome.MADE_GOOD, Outcome.SHADOWED, Outcome.SUGGESTED})


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
            # Nobody chose this time: the ticket and the policy decide, and the words are ours.
            letters.erase(tx, case.id)
            begin_again(tx, replace(case, choice=None), actor_id, moment)
        else:
            moment.log(tx, case.id, "solved_again")
        return None
    opened = new_case(desk_id, ticket_id, routing.mode, actor_id, moment)
    return replace(opened, beside=beside(tx, desk_id, ticket_id) if routing.owed else None)


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


def beside(reader: Reader, desk_id: str, ticket_id: str) -> str | None:
    """The ticket's newest case, where what is owed was given in it and goodwill has not been looked
    at yet; else None."""
    newest = reader.find(Case, desk_id=desk_id, ticket_id=ticket_id, newest_first=True, limit=1)
    return newest[0].id if newest and _gave_what_is_owed(newest[0]) else None


def _gave_what_is_owed(case: Case) -> bool:
    decision = case.decision if isinstance(case.decision, Mapping) else {}
    return decision.get("basis") == "owed" and case.outcome in _GIVEN


def on_owed(tx: Tx, case: Case, routing: Routing, moment: Moment) -> None:
    """What is owed was given (or would have been): then goodwill is looked at, in a case of its
    own. Where an agent chose, the agent sees it next."""
    ended = tx.get(Case, case.id)
    if ended is None or routing.owed is None or ended.choice is not None:
        return
    if _gave_what_is_owed(ended):
        after = new_case(ended.desk_id, ended.ticket_id, ended.mode, ended.asked_by, moment)
        tx.add(replace(after, beside=ended.id))


def may_look_again(reader: Reader, case: Case) -> bool:
    """Only a case with which nothing was promised yet may start over."""
    return case.state is CaseState.WITH_PERSON and not reader.count(Payout, case_id=case.id)


def begin_again(tx: Tx, case: Case, agent_id: str | None, moment: Moment) -> None:
    """Somebody asks anew: it is their act from now on, out of their limits, and not what somebody
    else decided of before."""
    theirs = replace(
        case, asked_by=agent_id or case.asked_by, overridden_by=None, override_note=None
    )
    look_again(tx, theirs, moment)


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
