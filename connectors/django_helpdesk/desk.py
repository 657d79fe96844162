"""Tickets at django-helpdesk: read whole, written to once. A note and a reply are both a follow-up,
private or public. https://django-helpdesk.readthedocs.io/en/latest/api.html

What a follow-up's text goes through, and what we do about it (update_ticket.py):

* It is rendered as a Django template with the ticket in its context: `{{ ticket.... }}` from a
  customer's message would be filled in, `{# #}` vanish, `{% endverbatim %}` be an error 500. We
  part every such pair of characters.
* `#123` writes "Referenced in ticket ..." on ticket 123, whoever's that is. We part these too,
  with a character nobody sees.
* A follow-up with a `title` renames the ticket. We send none.

No write takes an idempotency key. So a note ends with its marker, for staff to see, and a reply
with a digest of it in characters that have no width, which no customer sees.

Each change writes the whole ticket as it was read a moment before. Custom fields are therefore set
one writer at a time in this process, and looked at again.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.django_helpdesk.api import HelpdeskApi, Refused
from connectors.django_helpdesk.shapes import (
    CUSTOM,
    Node,
    fields,
    follow_ups,
    instant,
    is_id,
    solved_numbers,
    ticket,
    whole,
    words,
)
from core.ports import (
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Settings,
    Ticket,
    Unwritable,
    WriteBack,
)

log = logging.getLogger(__name__)

#: A status set by REST leaves no trace and no date: solved tickets that began within so long before
#: are looked at for one.
SILENT_FOR = timedelta(days=30)
MARK_TRIES_MAX = 5
_PAGES_MAX = 100

_TEMPLATE = re.compile(r"\{(?=[{%#])")
_REFERENCE = re.compile(r"#(?=[0-9])")
_WIDTHLESS = "\u200b\u200c\u200d\u2060"
_LOCKS = tuple(threading.Lock() for _ in range(64))


class HelpdeskDesk:
    def __init__(self, api: HelpdeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def ticket(self, ticket_id: str) -> Ticket:
        return ticket(self._raw(ticket_id), self._settings)

    def find(self, back: WriteBack) -> str | None:
        raw = self._raw(back.ticket_id)
        if back.kind == "marks":
            return None if self._missing(raw, back) else back.ticket_id
        for one in follow_ups(raw):
            if _is(back, one):
                _check_visibility(back, one)
                return str(whole(one, "id"))
        return None

    def write_back(self, back: WriteBack) -> str:
        if back.kind == "marks":
            with self._locked(back.ticket_id):
                return self._mark(back)
        form = {
            "ticket": int(_number(back.ticket_id)),
            "comment": body(back),
            # Said explicitly: private is only the default.
            "public": back.kind == "reply",
        }
        try:
            made = self._api.write("POST", "followups/", form)
        except Refused as error:
            why = f"{error}: ticket {back.ticket_id} does not take this {back.kind}"
            raise Unwritable(why) from None
        if str(made.get("ticket")) != back.ticket_id or not _is(back, made):
            raise HostUnclear("django-helpdesk answered with another follow-up than was sent")
        _check_visibility(back, made)
        return str(whole(made, "id"))

    def recent(self, since: datetime) -> Iterable[Ticket]:
        """Tickets with a follow-up since, newest first; then those whose solved status no
        follow-up accounts for, because somebody set it by REST, at a time nobody can tell."""
        seen: set[str] = set()
        for one in self._api.newest("followups/", {}, pages_max=_PAGES_MAX):
            if instant(one) < since:
                break
            ticket_id = str(whole(one, "ticket"))
            if ticket_id not in seen:
                seen.add(ticket_id)
                try:
                    yield self.ticket(ticket_id)
                except HostNotFound:  # deleted between the two
                    continue
        for raw in self._silently_solved(since - SILENT_FOR):
            if str(whole(raw, "id")) not in seen:
                yield ticket(raw, self._settings)

    # ------------------------------------------------------------------------------------ innards

    def _silently_solved(self, began_after: datetime) -> Iterator[Node]:
        solved = solved_numbers(self._settings)
        asked = {"status": ",".join(map(str, sorted(solved)))}
        for raw in self._api.newest("tickets/", asked, pages_max=_PAGES_MAX):
            said = follow_ups(raw)
            if not said:
                continue
            if min(map(instant, said)) < began_after:
                return
            told = [one["new_status"] for one in said if one.get("new_status") is not None]
            # The filter is compared again: a status it does not know lists everything.
            if whole(raw, "status") in solved and told[-1:] != [raw["status"]]:
                yield raw

    def _raw(self, ticket_id: str) -> Node:
        number = _number(ticket_id)
        raw = self._api.get(f"tickets/{number}/")
        if str(whole(raw, "id")) != number:
            raise HostUnclear("django-helpdesk answered about another ticket")
        return raw

    def _mark(self, back: WriteBack) -> str:
        for _ in range(MARK_TRIES_MAX):
            missing = self._missing(self._raw(back.ticket_id), back)
            if not missing:
                return back.ticket_id
            form = {f"{CUSTOM}{name}": value for name, value in missing.items()}
            try:
                made = self._api.write("PATCH", f"tickets/{back.ticket_id}/", form)
            except Refused as error:
                raise Unwritable(f"ticket {back.ticket_id}: {error}") from None
            # A field that does not exist is passed over without a word.
            if unknown := sorted(name for name in form if name not in made):
                raise Unwritable(f"there is no custom field {unknown[0].removeprefix(CUSTOM)}")
        raise HostUnavailable(f"ticket {back.ticket_id} changes too fast to be marked")

    def _missing(self, raw: Node, back: WriteBack) -> dict[str, str]:
        """Custom fields to set, and their values. Without a field for tags there are no tags."""
        there, kept = fields(raw), self._settings.get("tags_field")
        wanted = {name: text for name, text in back.fields.items() if there.get(name) != text}
        had = words(there.get(kept)) if kept else []
        new = [tag for tag in back.tags if tag not in had]
        return {**wanted, kept: " ".join([*had, *new])} if kept and new else wanted

    @contextmanager
    def _locked(self, ticket_id: str) -> Iterator[None]:
        lock = _LOCKS[hash((self._api.address(), ticket_id)) % len(_LOCKS)]
        with self._api.one_call() as attempt:
            if not lock.acquire(timeout=max(0.0, attempt.left())):
                raise HostUnavailable(f"ticket {ticket_id} is being written to; nothing was done")
            try:
                yield
            finally:
                lock.release()


def body(back: WriteBack) -> str:
    """The text of a follow-up, safe from being taken for anything but text."""
    plain = _REFERENCE.sub("#\u2060", _TEMPLATE.sub("{\u2060", back.text))
    end = f"\n\n{back.marker}" if back.kind == "note" else _digest(back)
    return f"{plain.rstrip()}{end}"


def _digest(back: WriteBack) -> str:
    """64 bits without width. The first character parts it from a last letter that would join."""
    number = int.from_bytes(hashlib.sha256(back.marker.encode()).digest()[:8])
    digits = (_WIDTHLESS[number >> shift & 3] for shift in range(0, 64, 2))
    return f"\u200b{''.join(digits)}"


def _is(back: WriteBack, one: Node) -> bool:
    """Whether a follow-up is ours. Customers have no user; staff who quote us go on after it."""
    comment = one.get("comment")
    if not isinstance(comment, str) or one.get("user") is None:
        return False
    return comment.rstrip().endswith(back.marker if back.kind == "note" else _digest(back))


def _check_visibility(back: WriteBack, one: Node) -> None:
    shown = one.get("public")
    if back.kind == "note" and shown is not False:
        alarm = f"the note {back.marker} on ticket {back.ticket_id} is PUBLIC; look at it at once"
    elif back.kind == "reply" and shown is not True:
        alarm = f"the reply {back.marker} on ticket {back.ticket_id} is private; nobody has it"
    else:
        return
    log.error("%s", alarm)
    raise HostUnclear(alarm)


def _number(ticket_id: str) -> str:
    """An id in an address is a number, whatever a caller was given."""
    if not is_id(ticket_id):
        raise HostNotFound(f"{ticket_id[:24]!r} is not a ticket of django-helpdesk's")
    return ticket_id
