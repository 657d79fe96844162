"""What a click in the sidebar does. Each looks at the rows again under its own transaction, and is
about a case of the session's own helpdesk and ticket, or about nothing."""

from __future__ import annotations

from collections.abc import Mapping

from console.sidebar.drafting import normal
from console.sidebar.panel import Panel
from console.sidebar.picking import final_choice
from console.sidebar.world import SidebarWorld
from core import approval, by_hand, interventions, tasks
from core import choice as choices
from core.approval import NotWaiting
from core.case import Case, Task
from core.choice import Way
from core.errors import AmendsError
from core.moment import Moment
from core.payout import Payout
from core.people import Person
from core.session import Session
from core.store import Reader, Tx


class Changed(AmendsError):
    """What is given would not be what was shown; nothing was given."""


class NotHere(AmendsError):
    """There is no such thing on this ticket."""


class NotLinked(AmendsError):
    """This agent is nobody we know, and may give nothing."""


class NeedsReason(AmendsError):
    """More is asked for what was made good, and nobody says why."""


def give(
    world: SidebarWorld, session: Session, shown: Panel, way: Way, form: Mapping[str, str]
) -> None:
    """Open the ticket's case with what is on the panel. Raises `Changed` where the panel of now is
    not the one the agent saw, `core.choice.CannotGive` where something is under way."""
    if shown.person is None:
        raise NotLinked("this agent is not linked to a person")
    if not shown.offering:
        raise choices.CannotGive("something is under way for this ticket, or it was made good")
    offer = shown.offer
    if offer is None or not offer.view.ready or form.get("shown") != offer.view.digest:
        raise Changed("the offer is not what it was")
    note = form.get("note", "").strip() or None
    if offer.view.taken is not None and (way != "ask" or note is None):
        raise NeedsReason("say why more should be given for the same thing")
    letter = form.get("letter")
    ours = letter is None or way == "customer" or not offer.view.message.edited
    choice = final_choice(offer.terms, offer.option, way, note)
    with world.store.write() as tx:
        choices.ask_for(
            tx,
            session.connection_id,
            shown.ticket_id,
            agent_id=session.agent_id,
            person=shown.person,
            choice=choice,
            letter=None if ours else normal(letter or ""),
            tone=offer.view.message.tone,
            routing=shown.look.routing,
            moment=Moment(world.now()),
        )
    world.notice()


def decide(
    world: SidebarWorld, session: Session, ticket_id: str, person: Person, form: Mapping[str, str],
    *, agree: bool,
) -> None:  # fmt: skip
    """Yes or no to exactly what was shown."""
    with world.store.write() as tx:
        case = _case(tx, session, ticket_id, form.get("case", ""))
        rows = [row for row in approval.asked(tx, case.id) if row.state == "waiting"]
        if not rows:
            raise NotWaiting(f"nothing waits for a yes on {case.id}")
        if rows[0].payload_hash != form.get("payload"):
            raise Changed("what waits is not what was shown")
        note = form.get("note", "").strip()[:1000] or None
        moment = Moment(world.now())
        approval.decide(tx, case.id, person, agree=agree, note=note, moment=moment)
    world.notice()


def override(
    world: SidebarWorld, session: Session, ticket_id: str, person: Person, form: Mapping[str, str]
) -> None:
    note = form.get("note", "").strip()[:1000]
    if not note:
        raise NeedsReason("say why more should be given for the same thing")
    with world.store.write() as tx:
        case = _case(tx, session, ticket_id, form.get("case", ""))
        interventions.override(tx, case.id, person, note, Moment(world.now()))
    world.notice()


def undo(
    world: SidebarWorld, session: Session, ticket_id: str, person: Person, form: Mapping[str, str]
) -> None:
    with world.store.read() as reader:
        payout = reader.get(Payout, form.get("payout", ""))
        if payout is None:
            raise NotHere("there is no such payout here")
        _case(reader, session, ticket_id, payout.case_id)
    world.take_back(payout.id, person, form.get("note", "").strip()[:1000])


def finish(
    world: SidebarWorld, session: Session, ticket_id: str, person: Person, form: Mapping[str, str]
) -> None:
    """A task is done; one that asks for a payment needs its proof, or why not."""
    note = form.get("note", "").strip()[:1000]
    with world.store.read() as reader:
        row = reader.get(Task, form.get("task", ""))
        if row is None or row.case_id is None:
            raise NotHere("there is no such task here")
        _case(reader, session, ticket_id, row.case_id)
    if row.kind == by_hand.KIND:
        _paid_or_not(world, session, row, person, note, paid=form.get("paid") == "1")
    else:
        with world.store.write() as tx:
            tasks.done(tx, row.id, person.id, note, Moment(world.now()))
    world.notice()


def _paid_or_not(
    world: SidebarWorld, session: Session, row: Task, person: Person, note: str, *, paid: bool
) -> None:
    with world.store.read() as reader:
        payout = by_hand.payout_of(reader, row)
    pays = world.pays(payout.till_id, payout.remedy)
    if pays is None:
        raise NotHere("this till does not pay that any more")
    routing, moment = world.routing(session.connection_id), Moment(world.now())
    end = by_hand.paid if paid else by_hand.not_paid
    with world.store.write() as tx:
        end(tx, row.id, person.id, note, pays=pays, routing=routing, moment=moment)


def _case(reader: Reader | Tx, session: Session, ticket_id: str, case_id: str) -> Case:
    """Raises `NotHere` for a case of another ticket or helpdesk, as for one that does not exist."""
    case = reader.get(Case, case_id)
    if case is None or (case.desk_id, case.ticket_id) != (session.connection_id, ticket_id):
        raise NotHere("there is no such case on this ticket")
    return case
