"""Where a ticket stands with Amends: from our own store alone, so that it may be asked often.

What is under way is told step by step in words; what is stuck says what to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

from flask_babel import gettext as _

from console.language import reader as language
from console.sidebar import words
from console.sidebar.deciding import Decidable, Undo, decidable, undoable
from console.sidebar.past import zone_of
from console.sidebar.steps import Step, steps_of
from console.sidebar.world import SidebarWorld
from core import by_hand, interventions, message, opening
from core.approval import MAY_APPROVE
from core.case import Case, CaseState, Outcome, Task, Writing
from core.choice import read_choice
from core.errors import AmendsError
from core.limits import roles_of
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Person
from core.store import Reader
from core.writeback import readable

Tone = Literal["good", "busy", "ask", "plain"]
#: Seconds until it is worth asking again: at work; waiting for somebody; nothing to wait for.
AT_WORK, WAITING, IDLE = 1, 5, 10
_BUSY = frozenset({PayoutState.PLANNED, PayoutState.SENDING, PayoutState.REVERSING})
_OPEN_AGAIN = frozenset(
    {
        Outcome.NOTHING_DUE,
        Outcome.REFUSED,
        Outcome.SHADOWED,
        Outcome.SUGGESTED,
        Outcome.DISMISSED,
        Outcome.REVERSED,
    }
)


@dataclass(frozen=True, slots=True)
class Written:
    public: bool
    text: str
    direction: str


@dataclass(frozen=True, slots=True)
class Todo:
    id: str
    title: str
    body: str
    todo: str
    by_hand: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`open`: an offer may be made. `beyond`: what is owed was given, so it would be goodwill
    beyond that. `more`: more may be asked for what was made good. `draft`: a reply to be put into
    the agent's own. `every`: seconds until it is worth asking again."""

    case_id: str | None
    title: str
    tone: Tone
    steps: Sequence[Step]
    asking: Decidable | None
    undo: Sequence[Undo]
    written: Sequence[Written]
    tasks: Sequence[Todo]
    open: bool
    beyond: bool
    more: bool
    override: bool
    note: str | None
    draft: str | None
    every: int

    @property
    def phase(self) -> Literal["open", "busy", "done"]:
        """What belongs on the panel beside it: an offer, nothing yet, or what was given."""
        if self.open:
            return "open"
        return "done" if self.more else "busy"

    @property
    def seen(self) -> str:
        return hashlib.sha256(repr((language(), self)).encode()).hexdigest()[:24]


def state_of(
    world: SidebarWorld, reader: Reader, desk_id: str, ticket_id: str, person: Person | None
) -> State:
    cases = reader.find(Case, desk_id=desk_id, ticket_id=ticket_id)
    case = cases[-1] if cases else None
    told = _Told(world, reader, person, case, cases)
    return told.state()


def is_open(reader: Reader, case: Case | None) -> bool:
    """Whether an offer may be made: nothing is under way, and nothing was made good."""
    if case is None:
        return True
    if case.state is CaseState.CLOSED:
        return case.outcome in _OPEN_AGAIN
    return opening.may_look_again(reader, case)


class _Told:
    """The newest case of a ticket, told."""

    def __init__(
        self,
        world: SidebarWorld,
        reader: Reader,
        person: Person | None,
        case: Case | None,
        cases: Sequence[Case],
    ) -> None:
        self.world, self.reader, self.person, self.case = world, reader, person, case
        self.cases, self.zone = cases, zone_of(reader)
        self.names = dict(world.titles())
        self.names |= {one.id: one.name for one in reader.find(Person)}
        self.payouts: list[Payout] = reader.find(Payout, case_id=case.id) if case else []
        self.writings: list[Writing] = reader.find(Writing, case_id=case.id) if case else []

    def state(self) -> State:
        case = self.case
        asking = (
            decidable(self.reader, case, self.person, self.names, Moment(self.world.now()))
            if case
            else None
        )
        title, tone = self._title(asking)
        beyond = self._beyond()
        may_open = beyond or is_open(self.reader, case)
        return State(
            case_id=case.id if case else None,
            title=title,
            tone=tone,
            steps=steps_of(self.reader, case, self.payouts, self.writings, self.names)
            if case
            else [],
            asking=asking,
            undo=self._undo(),
            written=self._written(),
            tasks=self._tasks(),
            open=may_open,
            beyond=beyond,
            more=not may_open and case is not None and case.state is CaseState.CLOSED,
            override=self._may_override(),
            note=self._note(),
            draft=self._draft(),
            every=self._every(),
        )

    # ------------------------------------------------------------------------------- its title

    def _title(self, asking: Decidable | None) -> tuple[str, Tone]:
        case = self.case
        if case is None:
            return "", "plain"
        if case.state is CaseState.CLOSED:
            return self._ended(case)
        if case.said == "halted":
            return str(_("All payments are stopped")), "ask"
        match case.state:
            case CaseState.WAITING_APPROVAL if asking is not None and asking.mine:
                return str(_("This waits for your decision")), "ask"
            case CaseState.WAITING_APPROVAL if asking is not None and len(asking.who) == 1:
                who = words.name(asking.who[0])
                return str(_("Waiting for %(name)s to approve", name=who)), "ask"
            case CaseState.WAITING_APPROVAL:
                return str(_("Waiting for approval")), "ask"
            case CaseState.WAITING_CUSTOMER:
                return str(_("The customer is choosing")), "plain"
            case CaseState.PAYING:
                return str(_("Giving it now")), "busy"
            case CaseState.WRITING:
                return str(_("Writing to the ticket")), "busy"
            case CaseState.WITH_PERSON:
                return "", "ask"  # its task has a title
        return str(_("Looking at the ticket and the order once more")), "busy"

    def _ended(self, case: Case) -> tuple[str, Tone]:
        ended: dict[Outcome, tuple[object, Tone]] = {
            Outcome.MADE_GOOD: (_("Made good"), "good"),
            Outcome.DUPLICATE: (_("Already made good; nothing more was given"), "ask"),
            Outcome.NOTHING_DUE: (_("By the policy, nothing was due"), "plain"),
            Outcome.REFUSED: (_("Somebody said no to this; nothing was given"), "ask"),
            Outcome.SHADOWED: (_("Recorded only; nothing was given"), "plain"),
            Outcome.SUGGESTED: (_("Suggested in a note; nothing was given"), "plain"),
            Outcome.DISMISSED: (_("Closed by a person; nothing was given"), "plain"),
            Outcome.REVERSED: (_("Taken back"), "plain"),
        }
        if case.outcome is None or case.said == "not_solved":
            return "", "plain"
        said, tone = ended[case.outcome]
        return str(said), tone

    # ----------------------------------------------------------------------- what goes with it

    def _beyond(self) -> bool:
        """Whether an agent gave what is owed, and has yet to see what goodwill adds."""
        case = self.case
        if case is None or case.choice is None:
            return False
        with suppress(AmendsError):
            owed = self.world.routing(case.desk_id).owed is not None
            return owed and opening.beside(self.reader, case.desk_id, case.ticket_id) == case.id
        return False

    def _undo(self) -> list[Undo]:
        case = self.case
        return undoable(self.world, self.reader, case, self.payouts, self.person) if case else []

    def _written(self) -> list[Written]:
        return [
            Written(one.kind == "reply", one.text, "auto")
            for one in self.writings
            if one.text and one.kind in ("note", "reply") and one.state == "done"
        ]

    def _tasks(self) -> list[Todo]:
        found = []
        for case in self.cases:
            for row in self.reader.find(Task, case_id=case.id, state="open"):
                found.append(self._todo(row, case))
        return found

    def _todo(self, row: Task, case: Case) -> Todo:
        known = cast("Mapping[str, object]", row.known)
        shown = {**readable(known, self.names), "task": None, "case": None}
        if isinstance(known.get("till"), str):
            shown["host"] = self.names.get(cast(str, known["till"]))
        said = message.task(language(), row.kind, shown, zone=self.zone)
        return Todo(row.id, said.title, said.body, said.todo, row.kind == by_hand.KIND)

    def _may_override(self) -> bool:
        case, person = self.case, self.person
        if case is None or person is None or not interventions.is_stopped(case):
            return False
        return person.active and bool(MAY_APPROVE & roles_of(person)) and not self._asked(case)

    def _asked(self, case: Case) -> bool:
        """Whether this person is who asked: then somebody else decides."""
        return self.person is not None and case.requested_by == self.person.id

    def _note(self) -> str | None:
        choice = read_choice(self.case.choice) if self.case and self.case.choice else None
        return choice.note if choice else None

    def _draft(self) -> str | None:
        """What the customer should read, where it was left to the agent to send: out of the note it
        stands in. A code is not kept in our books, so then it is copied from the ticket."""
        case = self.case
        if case is None or case.outcome is not Outcome.MADE_GOOD:
            return None
        notes = [w.text for w in self.writings if w.about == "made_good" and w.text]
        drafts = [text.partition("\n\n---\n")[2] for text in notes]
        coded = any(payout.sealed_code for payout in self.payouts)
        return drafts[-1] if drafts and drafts[-1] and not coded else None

    def _every(self) -> int:
        case = self.case
        if case is None:
            return IDLE
        gathering = case.state is CaseState.GATHERING and not case.tries
        paying = any(payout.state in _BUSY for payout in self.payouts)
        writing = any(w.state == "planned" and not w.tries for w in self.writings)
        if gathering or paying or writing:
            return AT_WORK
        return IDLE if case.state is CaseState.CLOSED else WAITING
