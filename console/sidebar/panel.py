"""The whole panel of one ticket: the glance, the warnings, where it stands, and the offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from console.language import reader as language
from console.sidebar import past
from console.sidebar.glance import Glance, glance, warnings
from console.sidebar.offering import Offered, offered
from console.sidebar.picking import Picked, first_terms, reason_of
from console.sidebar.state import State, state_of
from console.sidebar.world import Look, SidebarWorld
from core import message
from core.facts import Trouble
from core.message import TaskText
from core.moment import Moment
from core.people import Person
from core.session import Session
from core.store import Reader
from core.terms import Terms
from core.writeback import readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`none`: why there is no offer, and what to do. `picked.more`: more is asked for what was made
    good already."""

    ticket_id: str
    look: Look
    glance: Glance
    warnings: Sequence[str]
    state: State
    offer: Offered | None
    none: TaskText | None
    person: Person | None
    agent_id: str
    desk_id: str
    picked: Picked

    @property
    def offering(self) -> bool:
        """Whether an offer, or why there is none, belongs on the panel."""
        if self.state.beyond:
            return self.offer is not None
        return self.state.open or (self.state.more and self.picked.more)


def panel(
    world: SidebarWorld,
    reader: Reader,
    session: Session,
    person: Person | None,
    look: Look,
    picked: Picked,
    letter: tuple[str, str] | None = None,
) -> Panel:
    reason = reason_of(look.routing, look.ticket, picked)
    found: Terms | Trouble
    if look.gathered is None:
        found = Trouble("host_unavailable", {"why": str(look.unread)})
    elif reason is None:
        found = Trouble("no_reason")
    else:
        found = first_terms(world, look, session.connection_id, reason.code, picked)
    terms = found if isinstance(found, Terms) else None
    taken = past.taken(reader, terms, look.routing, session.connection_id) if terms else None
    made: Offered | Trouble | None = None
    if terms is not None:
        moment = Moment(world.now())
        made = offered(world, reader, session, person, look, terms, picked, letter, moment)
    trouble = next((one for one in (found, made) if isinstance(one, Trouble)), None)
    state = state_of(world, reader, session.connection_id, look.ticket.id, person)
    own = taken is not None and state.case_id == taken.case.id
    return Panel(
        ticket_id=look.ticket.id,
        look=look,
        glance=glance(reader, look, reason, terms, picked),
        warnings=warnings(
            reader, look, terms, None if own else taken, trouble.kind if trouble else None
        ),
        state=state,
        offer=made if isinstance(made, Offered) else None,
        none=_none(trouble, world) if trouble else None,
        person=person,
        agent_id=session.agent_id,
        desk_id=session.connection_id,
        picked=picked,
    )


def _none(trouble: Trouble, world: SidebarWorld) -> TaskText:
    """Why there is no offer. What an agent can settle on the panel itself is said in its words."""
    mine = {
        "no_reason": _("Choose what went wrong; the offer follows."),
        "two_reasons": _("The ticket gives more than one reason. Choose the one that counts."),
        "several_orders": _("Choose which order this is about; the offer follows."),
    }
    if trouble.kind in mine:
        return TaskText(str(mine[trouble.kind]), "", "")
    if trouble.kind == "nothing_due":
        return TaskText(str(_("By the policy, nothing is due here")), "", "")
    known = trouble.known if isinstance(trouble.known, dict) else {}
    return message.task(language(), trouble.kind, readable(known, world.titles()))
