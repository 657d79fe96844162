"""Tickets at django-helpdesk: read whole, written to once. A note and a reply are both a follow-up,
private or public. https://django-helpdesk.readthedocs.io/en/latest/api.html

What a new follow-up's text goes through (update_ticket.py), and what we do about it:

* On a resolved ticket it becomes the ticket's **resolution**, private or not, and customers see
  that on their page. So a note is made in two steps: a private follow-up that repeats the
  resolution as it was, and then the note put in its place, which touches nothing else. The first
  carries a sign of the note, so that after a crash the second step is taken and not both.
* It is rendered as a Django template with the ticket in its context: `{{ ticket.... }}` from a
  customer's message would be filled in, `{# #}` vanish, `%}` be an error 500. We part such pairs
  with a character nobody sees.
* `#123` writes "Referenced in ticket ..." on ticket 123, whoever's that is. We part these too.
* One with a `title` renames the ticket. We send none.

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
from collections.abc import Iterable, Iterator, Mapping
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

#: Between the two characters of what Django's templates, or references to tickets, begin with.
_APART = re.compile(r"(?<=\{)(?=[{%#])|(?<=[%}#])(?=\})|(?<=#)(?=[0-9])")
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
        try:
            with self._locked(back.ticket_id):
                if back.kind == "marks":
                    return self._mark(back)
                made = self._reply(back) if back.kind == "reply" else self._note(back)
        except HostNotFound:
            raise Unwritable(f"ticket {back.ticket_id} was deleted") from None
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

    def _reply(self, back: WriteBack) -> Node:
        return self._follow_up(back, f"{_plain(back.text)}{_sign(back)}")

    def _note(self, back: WriteBack) -> Node:
        raw = self._raw(back.ticket_id)
        begun = next((one for one in follow_ups(raw) if _is_begun(back, one)), None)
        if begun is None:
            resolution = str(raw.get("resolution") or "").rstrip(_WIDTHLESS)
            begun = self._follow_up(back, f"{_plain(resolution)}{_sign(back)}")
        _check_visibility(back, begun)
        # As it stands: only what is new is rendered.
        form = {"comment": f"{back.text.rstrip()}\n\n{back.marker}", "public": False}
        return self._written(back, "PATCH", f"followups/{whole(begun, 'id')}/", form)

    def _follow_up(self, back: WriteBack, comment: str) -> Node:
        form = {
            "ticket": int(_number(back.ticket_id)),
            "comment": comment,
            "public": back.kind == "reply",  # said explicitly: private is only the default
        }
        return self._written(back, "POST", "followups/", form)

    def _written(self, back: WriteBack, method: str, path: str, form: Mapping[str, object]) -> Node:
        try:
            return self._api.write(method, path, form)
        except Refused as error:
            why = f"{error}: ticket {back.ticket_id} does not take this {back.kind}"
            raise Unwritable(why) from None

    def _mark(self, back: WriteBack) -> str:
        for _ in range(MARK_TRIES_MAX):
            missing = self._missing(self._raw(back.ticket_id), back)
            if not missing:
                return back.ticket_id
            form = {f"{CUSTOM}{name}": value for name, value in missing.items()}
            made = self._written(back, "PATCH", f"tickets/{back.ticket_id}/", form)
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


def _plain(text: str) -> str:
    """Safe from being taken for anything but text where it is new."""
    return _APART.sub("\u2060", text).rstrip()


def _sign(back: WriteBack) -> str:
    """64 bits without width. The first character parts it from a last letter that would join."""
    named = f"{back.kind} {back.marker}".encode()
    number = int.from_bytes(hashlib.sha256(named).digest()[:8])
    digits = (_WIDTHLESS[number >> shift & 3] for shift in range(0, 64, 2))
    return f"\u200b{''.join(digits)}"


def _ends(one: Node, end: str) -> bool:
    """Customers have no user; staff who quote us go on after it."""
    comment = one.get("comment")
    ours = isinstance(comment, str) and one.get("user") is not None
    return ours and str(comment).rstrip().endswith(end)


def _is(back: WriteBack, one: Node) -> bool:
    return _ends(one, back.marker if back.kind == "note" else _sign(back))


def _is_begun(back: WriteBack, one: Node) -> bool:
    """The first step of a note."""
    return _ends(one, _sign(back))


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
