"""Tickets at Freshdesk: read whole, written to once. https://developers.freshdesk.com/api/#tickets

No write takes an idempotency key and a conversation keeps nothing of ours but its text. So a note
carries its marker for staff to see, and a reply carries a digest of it as the class of its
outermost element, which no customer sees; where Freshdesk drops that, a reply is recognised by its
words.

Tags are replaced as a whole and nothing locks: they are read, added to and written under a lock of
this process, and looked at again.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from connectors.freshdesk.api import FreshdeskApi, Refused
from connectors.freshdesk.statuses import solved_numbers, status_of
from core.ports import (
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Requester,
    Settings,
    Ticket,
    Unwritable,
    WriteBack,
)

log = logging.getLogger(__name__)

PAGE = 100
CONVERSATION_PAGES_MAX = 20
TICKET_PAGES_MAX = 300
TAG_TRIES_MAX = 10
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_OURS = re.compile(r'class="amends-([0-9a-f]{16})"', re.ASCII)
_LOCALE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?", re.ASCII)
_LOCKS = tuple(threading.Lock() for _ in range(64))


class FreshdeskDesk:
    def __init__(self, api: FreshdeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def ticket(self, ticket_id: str) -> Ticket:
        """With the requester's language, which only their contact has; an agent who wrote a ticket
        is no contact."""
        number = _number(ticket_id)
        with self._api.one_call():
            ticket = self._api.read(lambda api: api.tickets.get_ticket(number, "requester"))
            try:
                contact = self._api.read(
                    lambda api: api.contacts.get_contact(int(ticket.requester_id))
                )
            except HostNotFound:
                contact = None
            return self._api.read(lambda _: self._read(ticket, contact))

    def recent(self, since: datetime) -> Iterable[Ticket]:
        """Least recently changed first, and each page from the time where the last one ended: by
        page numbers alone, a ticket that changes meanwhile would push another one out of sight.
        The list has no descriptions and no people: each ticket is read when its turn comes."""
        seen: set[str] = set()
        stamp, page = _stamp(since), 1
        for _ in range(TICKET_PAGES_MAX):
            found = self._changed(stamp, page)
            for ticket_id in (str(one.id) for one in found):
                if ticket_id not in seen:
                    seen.add(ticket_id)
                    try:
                        yield self.ticket(ticket_id)
                    except HostNotFound:  # deleted between the two
                        continue
            if len(found) < PAGE:
                return
            latest = _stamp(found[-1].updated_at)
            stamp, page = (latest, 1) if latest > stamp else (stamp, page + 1)
        raise HostUnclear("more tickets changed than can be listed; ask from a later time on")

    def _changed(self, stamp: str, page: int) -> list[Any]:
        found: list[Any] = self._api.read(
            lambda api: api.tickets.list_tickets(
                filter_name=None,
                updated_since=stamp,
                page=page,
                per_page=PAGE,
                order_by="updated_at",
                order_type="asc",
            )
        )
        return found

    def find(self, back: WriteBack) -> str | None:
        if back.kind == "marks":
            return back.ticket_id if _marked(self.ticket(back.ticket_id), back) else None
        with self._api.one_call():
            for one in self._conversations(back.ticket_id):
                if _is(back, one):
                    _check_visibility(back, one)
                    return str(one.id)
        return None

    def write_back(self, back: WriteBack) -> str:
        if back.kind == "marks":
            with self._api.one_call():
                return self._mark(back)
        number, body = _number(back.ticket_id), _html(back)

        def put(api: Any) -> Any:
            if back.kind == "reply":
                return api.comments.create_reply(number, body)
            # Said explicitly: which visibility is the default is not in the contract.
            return api.comments.create_note(number, body, private=True, notify_emails=[])

        made = self._written(back, put)
        if not isinstance(getattr(made, "id", None), int):
            raise HostUnclear("Freshdesk took the conversation but does not name it")
        _check_visibility(back, made)
        return str(made.id)

    def _written(self, back: WriteBack, put: Callable[[Any], Any]) -> Any:
        try:
            return self._api.write(put)
        except HostNotFound:
            raise Unwritable(f"ticket {back.ticket_id} was deleted") from None
        except Refused as error:
            why = f"{error}: ticket {back.ticket_id} does not take this {back.kind}"
            raise Unwritable(why) from None

    # ------------------------------------------------------------------------------------ marks

    def _mark(self, back: WriteBack) -> str:
        number = _number(back.ticket_id)
        with self._locked(back.ticket_id):
            for _ in range(TAG_TRIES_MAX):
                ticket = self._api.read(lambda api: api.tickets.get_ticket(number))
                change = _missing(ticket, back)
                if not change:
                    return back.ticket_id
                self._written(back, _updating(number, change))
        raise HostUnavailable(f"ticket {back.ticket_id} changes too fast to be tagged")

    @contextmanager
    def _locked(self, ticket_id: str) -> Iterator[None]:
        """One writer of a ticket's tags at a time; other processes are met by looking again."""
        lock = _LOCKS[hash((self._api.address(), ticket_id)) % len(_LOCKS)]
        if not lock.acquire(timeout=self._api.seconds_left()):
            raise HostUnavailable(f"ticket {ticket_id} is being written to; nothing was done")
        try:
            yield
        finally:
            lock.release()

    # ----------------------------------------------------------------------------------- reading

    def _conversations(self, ticket_id: str) -> Iterator[Any]:
        """All of them, or `HostUnclear`: a part of the list must never look like an absence."""
        number = _number(ticket_id)
        for page in range(1, CONVERSATION_PAGES_MAX + 1):
            found = self._api.read(_listing(number, page))
            yield from found
            if len(found) < PAGE:
                return
        raise HostUnclear(f"ticket {ticket_id} has too long a history to look for our words")

    def _read(self, ticket: Any, contact: Any) -> Ticket:
        """Raises the errors of odd data, which `FreshdeskApi` turns into `HostUnclear`."""
        person, locale = ticket.requester, _language(getattr(contact, "language", None))
        gone = getattr(ticket, "deleted", False) or ticket.spam
        status = status_of(ticket._status, solved_numbers(self._settings))
        if status is None or not isinstance(person, dict) or type(person["id"]) is not int:
            raise ValueError("a ticket without a status or a requester")
        fields = {name: _text(value) for name, value in ticket.custom_fields.items()}
        return Ticket(
            id=str(ticket.id),
            status="deleted" if gone else status,
            tags=frozenset(map(str, ticket.tags)),
            fields={name: text for name, text in fields.items() if text is not None},
            requester=Requester(
                id=str(person["id"]),
                email=person.get("email") or None,
                name=person.get("name"),
                language=locale,
            ),
            language=locale,
            subject=ticket.subject or "",
            text=ticket.description_text or "",
            brand=str(ticket.product_id) if ticket.product_id else None,
            channel=str(ticket._source) if ticket._source else None,
            assignee_id=str(ticket.responder_id) if ticket.responder_id else None,
            created_at=ticket.created_at.astimezone(UTC),
            updated_at=ticket.updated_at.astimezone(UTC),
        )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(text: str) -> int:
    """An id in an address is a number, whatever a caller was given."""
    if _ID.fullmatch(text) is None:
        raise HostNotFound(f"{text[:24]!r} is not an id of Freshdesk's")
    return int(text)


def _updating(number: int, change: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda api: api.tickets.update_ticket(number, **change)


def _listing(number: int, page: int) -> Callable[[Any], Any]:
    return lambda api: api.comments.list_comments(number, page=page, per_page=PAGE)


def _missing(ticket: Any, back: WriteBack) -> dict[str, Any]:
    """What a PUT has to say so that the marks are there; nothing where they are."""
    had = [str(tag) for tag in ticket.tags]
    new = [tag for tag in back.tags if tag not in had]
    fields = {
        name: text
        for name, text in back.fields.items()
        if _text(ticket.custom_fields.get(name)) != text
    }
    change: dict[str, Any] = {"tags": [*had, *new]} if new else {}
    return {**change, "custom_fields": fields} if fields else change


def _marked(ticket: Ticket, back: WriteBack) -> bool:
    return ticket.tags >= set(back.tags) and all(
        ticket.fields.get(name) == text for name, text in back.fields.items()
    )


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _language(locale: Any) -> str | None:
    match = _LOCALE.fullmatch(locale) if isinstance(locale, str) else None
    return match[1].lower() if match else None


def _digest(back: WriteBack) -> str:
    """A note and a reply of one payout are two things."""
    return hashlib.sha256(f"{back.kind} {back.marker}".encode()).hexdigest()[:16]


def _html(back: WriteBack) -> str:
    text = back.text if back.kind == "reply" else f"{back.text}\n\n{back.marker}"
    direction = "rtl" if back.language in RIGHT_TO_LEFT else "ltr"
    lines = html.escape(text, quote=False).replace("\n", "<br>\n")
    return f'<div class="amends-{_digest(back)}" dir="{direction}">{lines}</div>'


def _is(back: WriteBack, one: Any) -> bool:
    """Whether a conversation is ours; a customer who quotes us is not."""
    if getattr(one, "incoming", False):
        return False
    body = str(one.body or "")
    ours = _OURS.search(body)
    if ours is not None:
        return ours[1] == _digest(back)
    if back.kind == "note":
        return back.marker in str(one.body_text or "")
    # Equal words have reached the customer either way.
    return one.private is False and _words(str(one.body_text or "")) == _words(back.text)


def _words(text: str) -> str:
    return "".join(text.split())


def _check_visibility(back: WriteBack, one: Any) -> None:
    """The answer to a reply does not say; a list of conversations does."""
    shown = getattr(one, "private", None)
    if back.kind == "note" and shown is not True:
        alarm = f"the note {back.marker} on ticket {back.ticket_id} is PUBLIC; look at it at once"
    elif back.kind == "reply" and shown is True:
        alarm = f"the reply {back.marker} on ticket {back.ticket_id} is private; nobody has it"
    else:
        return
    log.error("%s", alarm)
    raise HostUnclear(alarm)
