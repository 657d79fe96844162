"""The lists: what has to be done, what waits for a yes, and every case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from console.staff import seeing, telling
from console.staff.seeing import PAGE, Sight
from console.staff.telling import Badge, Told
from core import approval as approvals
from core import authority, by_hand
from core import letter as letters
from core.approval import Approval
from core.case import Case, Task
from core.choice import read_choice
from core.message import TaskText
from core.moment import Moment
from core.offer import Offer, parts_of
from core.people import Person
from core.store import Reader


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`by_hand`: it asks a person to pay, and ends with a proof or with why not. `may`: whether
    this person may end it."""

    id: str
    case_id: str | None
    ticket_id: str | None
    order: str | None
    opened: str
    text: TaskText
    by_hand: bool
    may: bool


def task_row(reader: Reader, sight: Sight, told: Told, task: Task) -> TaskRow:
    case = reader.get(Case, task.case_id) if task.case_id else None
    pays = task.kind == by_hand.KIND
    return TaskRow(
        id=task.id,
        case_id=task.case_id,
        ticket_id=case.ticket_id if case else None,
        order=case.order_name if case else None,
        opened=told.at(task.opened_at),
        text=told.task(task),
        by_hand=pays,
        may=sight.everything or not pays,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that waits for a yes. `offer_id` is what the yes will be for, and no other.

    may: whether this person can say it now; others: who can, where they cannot. given: yeses
    so far, of `needed`. letter: the message to the customer where a person wrote it.
    """

    case_id: str
    offer_id: str
    ticket_id: str
    order: str | None
    reason: str | None
    parts: Sequence[str]
    asked_by: str | None
    asked_at: str
    until: str
    note: str | None
    letter: str | None
    may: bool
    others: Sequence[str]
    given: int
    needed: int


def asked(reader: Reader, sight: Sight, told: Told, case: Case, now: datetime) -> Asked | None:
    """None: nothing of this case waits."""
    rows = approvals.asked(reader, case.id)
    waiting = [row for row in rows if row.state == "waiting"]
    offer = reader.get(Offer, waiting[0].offer_id) if waiting else None
    if offer is None:
        return None
    may = bool(_able(reader, case, offer, rows, now, among=[sight.person]))
    able = [] if may else _able(reader, case, offer, rows, now)
    choice = read_choice(case.choice) if case.choice else None
    return Asked(
        case_id=case.id,
        offer_id=offer.id,
        ticket_id=case.ticket_id,
        order=case.order_name,
        reason=telling.reason(case),
        parts=[telling.part(part) for part in parts_of(offer)],
        asked_by=told.name(waiting[0].requested_by),
        asked_at=told.at(waiting[0].asked_at),
        until=told.at(waiting[0].expires_at),
        note=choice.note if choice else case.override_note,
        letter=letters.text_of(reader, case.id),
        may=may,
        others=[person.name for person in able],
        given=sum(row.state == "granted" for row in rows),
        needed=len(rows),
    )


def _able(
    reader: Reader,
    case: Case,
    offer: Offer,
    rows: Sequence[Approval],
    now: datetime,
    among: Sequence[Person] | None = None,
) -> list[Person]:
    """Who may say the next yes. A look ahead; `core.approval.decide` has the last word."""
    waiting = next(row for row in rows if row.state == "waiting")
    if now >= waiting.expires_at:
        return []
    wish = authority.wish_held(reader, case, offer.basis, parts_of(offer))
    return approvals.able(reader, wish, waiting, Moment(now), among, rows)


def all_asked(reader: Reader, sight: Sight, told: Told, now: datetime) -> list[Asked]:
    """The oldest of what waits, at most a page of it, with what this person can decide in front."""
    ids = dict.fromkeys(row.case_id for row in reader.find(Approval, state="waiting"))
    found = (seeing.case_of(reader, sight, id) for id in ids)
    first = islice((case for case in found if case is not None), PAGE)
    shown = [asked(reader, sight, told, case, now) for case in first]
    return sorted((one for one in shown if one is not None), key=lambda one: not one.may)


@dataclass(frozen=True, slots=True)
class CaseRow:
    id: str
    ticket_id: str
    order: str | None
    reason: str | None
    standing: Badge
    changed: str


@dataclass(frozen=True, slots=True)
class Page:
    """`after`: where the next page begins; None at the end."""

    rows: Sequence[CaseRow]
    after: str | None


def case_page(
    reader: Reader,
    sight: Sight,
    told: Told,
    state: str | None,
    wanted: str | None,
    after: str | None,
) -> Page:
    found = seeing.cases(reader, sight, state, wanted, after)
    rows = [
        CaseRow(
            id=case.id,
            ticket_id=case.ticket_id,
            order=case.order_name,
            reason=telling.reason(case),
            standing=telling.standing(case),
            changed=told.at(case.changed_at),
        )
        for case in found[:PAGE]
    ]
    return Page(rows, rows[-1].id if len(found) > PAGE else None)
