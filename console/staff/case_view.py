"""One case as its page shows it: why this amount, who said yes, what was paid and whether it
arrived, what was booked, what was written. Made to be read by auditors too, and printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask_babel import gettext as _

from console.language import reader as language
from console.staff import lists, telling
from console.staff.lists import Asked, TaskRow
from console.staff.seeing import Sight
from console.staff.telling import Badge, Told, told
from console.staff.why import Why, why
from core import link as links
from core import message
from core.approval import Approval
from core.case import Case, CaseStep, Task, Writing
from core.connection import Connection
from core.followup import FollowUp
from core.ledger import Entry
from core.money import Money
from core.offer import Offer, parts_of
from core.payout import Attempt, Payout
from core.ports import Remedy
from core.store import Reader


@dataclass(frozen=True, slots=True)
class Yes:
    state: str
    by: str | None
    for_whom: str | None
    at: str
    note: str | None
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Try:
    number: int
    sent: str
    ending: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class PayoutRow:
    id: str
    what: str
    host: str
    host_object: str | None
    ending: Badge
    changed: str
    why: str | None
    tries: Sequence[Try]


@dataclass(frozen=True, slots=True)
class Posting:
    seq: int
    at: str
    kind: str
    debit: str
    credit: str
    amount: str
    hash: str


@dataclass(frozen=True, slots=True)
class Written:
    kind: str
    state: str
    text: str | None
    host_object: str | None
    why: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The link by which the customer chooses."""

    at: str
    until: str
    options: Sequence[str]
    chosen: str | None
    chosen_at: str


@dataclass(frozen=True, slots=True)
class CaseView:
    id: str
    ticket_id: str
    desk: str
    order: str | None
    reason: str | None
    standing: Badge
    opened: str
    changed: str
    asked_by: str | None
    note: str | None
    first_case: str | None
    beside: str | None
    why: Why | None
    asked: Asked | None
    yeses: Sequence[Yes]
    sent: Sent | None
    payouts: Sequence[PayoutRow]
    postings: Sequence[Posting]
    steps: Sequence[tuple[str, str]]
    writings: Sequence[Written]
    tasks: Sequence[TaskRow]
    heard: Sequence[tuple[str, str]]


def case_view(reader: Reader, sight: Sight, case: Case, now: datetime) -> CaseView:
    known = told(reader)
    open_tasks = reader.find(Task, case_id=case.id, state="open")
    desk = reader.get(Connection, case.desk_id)
    return CaseView(
        id=case.id,
        ticket_id=case.ticket_id,
        desk=desk.title if desk else case.desk_id,
        order=case.order_name,
        reason=telling.reason(case),
        standing=telling.standing(case),
        opened=known.at(case.opened_at),
        changed=known.at(case.changed_at),
        asked_by=known.name(case.requested_by),
        note=case.override_note,
        first_case=case.duplicate_of,
        beside=case.beside,
        why=why(reader, case),
        asked=lists.asked(reader, sight, known, case, now),
        yeses=_yeses(reader, known, case),
        sent=_sent(reader, known, case),
        payouts=[_payout(reader, known, row) for row in reader.find(Payout, case_id=case.id)],
        postings=[_posting(known, row) for row in reader.find(Entry, case_id=case.id)],
        steps=[
            (known.at(row.at), known.step(row)) for row in reader.find(CaseStep, case_id=case.id)
        ],
        writings=[_written(row, case) for row in reader.find(Writing, case_id=case.id)],
        tasks=[lists.task_row(reader, sight, known, row) for row in open_tasks],
        heard=_heard(reader, known, case),
    )


def _heard(reader: Reader, known: Told, case: Case) -> list[tuple[str, str]]:
    """What the customer answered to the helpdesk's survey: when, and whether it was good."""
    words = {"good": _("content"), "neutral": _("neither content nor not"), "bad": _("not content")}
    rows = reader.find(FollowUp, case_id=case.id)
    return [(known.at(row.answered_at), words[row.verdict]) for row in rows]


# --------------------------------------------------------------------------------- who said yes


def _yeses(reader: Reader, known: Told, case: Case) -> list[Yes]:
    words = {
        "waiting": _("Waiting"),
        "granted": _("Agreed"),
        "refused": _("Said no"),
        "expired": _("Nobody answered in time"),
        "void": _("No longer counts, because something changed"),
    }
    return [
        Yes(
            state=words.get(row.state, row.state),
            by=known.name(row.decided_by),
            for_whom=known.name(row.decided_for),
            at=known.at(row.decided_at or row.asked_at),
            note=row.note,
            parts=_parts(reader, row.offer_id),
        )
        for row in reader.find(Approval, case_id=case.id)
    ]


def _parts(reader: Reader, offer_id: str) -> list[str]:
    offer = reader.get(Offer, offer_id)
    return [telling.part(part) for part in parts_of(offer)] if offer else []


def _sent(reader: Reader, known: Told, case: Case) -> Sent | None:
    link = links.of_case(reader, case.id)
    if link is None:
        return None
    offered = {
        offer.id: " + ".join(telling.part(part) for part in parts_of(offer))
        for offer in links.offers_of(reader, link)
    }
    return Sent(
        at=known.at(link.made_at),
        until=known.at(link.expires_at),
        options=list(offered.values()),
        chosen=offered.get(link.chosen or ""),
        chosen_at=known.at(link.chosen_at),
    )


# ------------------------------------------------------------------------ what was paid and booked


def _payout(reader: Reader, known: Told, row: Payout) -> PayoutRow:
    tries = reader.find(Attempt, payout_id=row.id)
    return PayoutRow(
        id=row.id,
        what=telling.thing(cast(Remedy, row.remedy), row.amount, row.quantity),
        host=known.name(row.till_id) or "",
        host_object=row.host_object,
        ending=telling.ending(row),
        changed=known.at(row.changed_at),
        why=row.why,
        tries=[Try(t.number, known.at(t.sent_at), t.ending, t.why) for t in tries],
    )


def _posting(known: Told, row: Entry) -> Posting:
    return Posting(
        seq=row.seq,
        at=known.at(row.at),
        kind=row.kind,
        debit=row.debit,
        credit=row.credit,
        amount=message.money(language(), Money(row.amount_minor, row.currency)),
        hash=row.hash[:12],
    )


def _written(row: Writing, case: Case) -> Written:
    kinds = {
        "note": _("Private note, for the team only"),
        "reply": _("Reply to the customer"),
        "marks": _("Tags and fields"),
        "side": _("Side conversation, to whoever may approve"),
    }
    states = {
        "planned": _("Waits to be written"),
        "done": _("On the ticket"),
        "failed": _("The ticket did not take it"),
    }
    return Written(
        kind=kinds.get(row.kind, row.kind),
        state=states.get(row.state, row.state),
        text=row.text,
        host_object=row.host_object,
        why=row.why,
        language=(case.language if row.kind == "reply" else None) or "",
    )
