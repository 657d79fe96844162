"""Tickets at Zendesk: read whole, written to once.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/. A ticket update knows no
idempotency key (only creation does), so everything written carries its marker in the update's
`metadata`, which Zendesk keeps in the ticket's audit and shows to no customer, and is looked for
there. A note has the marker in its text as well, for staff and for accounts that lose metadata; a
reply never has, and where metadata is lost it is recognised by its words.
"""

from __future__ import annotations

import contextlib
import html
import logging
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from zenpy import Zenpy

from connectors.http import Answer
from connectors.strict import Json
from connectors.zendesk import beside
from connectors.zendesk.api import ZendeskApi
from connectors.zendesk.intake import STATUSES
from core.ports import (
    HostError,
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

#: Our key in an audit's `metadata.custom`.
METADATA = "amends"
PAGES_MAX = 10
TRIES_MAX = 40
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_LOCALE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?", re.ASCII)


class ZendeskDesk:
    def __init__(self, api: ZendeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def ticket(self, ticket_id: str) -> Ticket:
        number = _number(ticket_id)
        return self._api.read(lambda zenpy: self._read(zenpy.tickets(id=number, include=["users"])))

    def recent(self, since: datetime) -> Iterable[Ticket]:
        """By the incremental export, which leaves out the last minute and refuses to be asked
        about it; ten calls a minute."""
        latest = datetime.now(UTC) - timedelta(seconds=61)
        start = int(min(since, latest).timestamp())

        def ask(zenpy: Zenpy) -> list[Ticket]:
            found = zenpy.tickets.incremental(start_time=start, include=["users"])
            return [self._read(ticket) for ticket in found]

        return self._api.read(ask)

    def find(self, back: WriteBack) -> str | None:
        if back.kind == "marks":
            return back.ticket_id if _marked(self.ticket(back.ticket_id), back) else None
        if back.kind == "side":
            return beside.find(self._api, _number(back.ticket_id), back)
        with self._api.one_call():
            for audit in self._audits(back.ticket_id):
                comment = _comment(audit)
                if comment is not None and _is(back, audit, comment):
                    if comment.get("public") is not (back.kind == "reply"):
                        raise HostUnclear(_alarm(back))
                    return str(comment.get("id"))
        return None

    def write_back(self, back: WriteBack) -> str:
        if back.kind == "marks":
            with self._api.one_call():
                return self._mark(back)
        if back.kind == "side":
            return beside.begin(self._api, _number(back.ticket_id), back)
        public = back.kind == "reply"
        # Said explicitly both times: left out, Zendesk takes the ticket's first visibility, and
        # that is normally public.
        comment = {"html_body": _html(back), "public": public}
        ticket = {"comment": comment, "metadata": {METADATA: _signature(back)}}
        answer = self._api.write("PUT", f"tickets/{_number(back.ticket_id)}", {"ticket": ticket})
        self._check_written(answer, back)
        audit = answer.json().get("audit")
        written = _comment(audit) if isinstance(audit, dict) else None
        if written is None:
            raise HostUnclear("Zendesk took the update but shows no comment of it")
        if written.get("public") is not public:
            self._hide(back, written)
        return str(written.get("id"))

    def _hide(self, back: WriteBack, written: Mapping[str, Json]) -> None:
        """A comment whose visibility is not the one asked for. A note that went out in public is
        taken back at once; either way somebody must look."""
        log.error("%s", _alarm(back))
        if back.kind == "note":
            path = f"tickets/{_number(back.ticket_id)}/comments/{written.get('id')}/make_private"
            with contextlib.suppress(HostError):  # whatever comes of it, the alarm goes out
                self._api.write("PUT", path)
        raise HostUnclear(_alarm(back))

    def _check_written(self, answer: Answer, back: WriteBack) -> None:
        if answer.status == 409:
            raise HostUnavailable("the ticket was being changed by somebody else; nothing was done")
        if answer.status == 422:
            # The answer's words depend on the account's language: the ticket itself says more.
            if self.ticket(back.ticket_id).status in ("closed", "deleted"):
                raise Unwritable(f"ticket {back.ticket_id} is closed and takes no more updates")
            raise HostUnclear(f"Zendesk refuses this {back.kind} on ticket {back.ticket_id}")

    # ------------------------------------------------------------------------------------ marks

    def _mark(self, back: WriteBack) -> str:
        """Add the tags and set the fields, and look again until all of them are there.

        `PUT tickets/{id}/tags` adds on Zendesk's side, so tags that others write are never sent
        back by us; `safe_update` makes it fail instead of losing some when another update lies
        between our look and our write. `updated_at` has whole seconds, so even that can miss: the
        answer is compared, and the loop goes on.
        """
        self._set_fields(back)
        for tried in range(TRIES_MAX):
            ticket = self._raw(back.ticket_id)
            if set(back.tags) <= set(ticket["tags"]):
                return back.ticket_id
            body = {
                "tags": list(back.tags),
                "updated_stamp": ticket["updated_at"],
                "safe_update": "true",
            }
            answer = self._api.write("PUT", f"tickets/{_number(back.ticket_id)}/tags", body)
            if answer.status != 409:
                self._check_written(answer, back)
                continue
            time.sleep(random.uniform(0, min(0.5, 0.02 * (tried + 1))))  # noqa: S311 (no secret)
        raise HostUnavailable(f"ticket {back.ticket_id} changes too fast to be tagged")

    def _set_fields(self, back: WriteBack) -> None:
        ticket = self.ticket(back.ticket_id)
        missing = {key: text for key, text in back.fields.items() if ticket.fields.get(key) != text}
        if missing:
            fields = [{"id": _number(key), "value": text} for key, text in missing.items()]
            body = {"ticket": {"custom_fields": fields}}
            answer = self._api.write("PUT", f"tickets/{_number(back.ticket_id)}", body)
            self._check_written(answer, back)

    def _raw(self, ticket_id: str) -> Mapping[str, Json]:
        ticket = self._api.get(f"tickets/{_number(ticket_id)}").get("ticket")
        if (
            not isinstance(ticket, dict)
            or not isinstance(ticket.get("tags"), list)
            or not isinstance(ticket.get("updated_at"), str)
        ):
            raise HostUnclear("Zendesk's answer has no ticket with tags and a stamp")
        return ticket

    # ----------------------------------------------------------------------------------- reading

    def _audits(self, ticket_id: str) -> Iterator[Mapping[str, Json]]:
        """Newest first where the account sorts; all of them in any case, or `HostUnclear`: a part
        of the list must never look like an absence."""
        params = {"page[size]": "100", "sort": "-created_at"}
        for _ in range(PAGES_MAX):
            page = self._api.get(f"tickets/{_number(ticket_id)}/audits", params)
            audits, meta = page.get("audits"), page.get("meta")
            if not isinstance(audits, list) or not isinstance(meta, dict):
                raise HostUnclear("Zendesk's answer has no audits")
            yield from (audit for audit in audits if isinstance(audit, dict))
            if not meta.get("has_more"):
                return
            params["page[after]"] = str(meta.get("after_cursor"))
        raise HostUnclear(f"ticket {ticket_id} has too long a history to look for our comment")

    def _read(self, ticket: Any) -> Ticket:
        """A zenpy ticket as ours. Raises the errors of odd data, which `ZendeskApi.read` turns."""
        person = ticket.requester
        status = STATUSES.get(str(ticket.status).lower())
        if person is None or status is None:
            raise ValueError("a ticket without requester or with an unknown status")
        fields = {
            str(entry["id"]): text
            for entry in _plain(ticket.custom_fields)
            if (text := _text(entry["value"])) is not None
        }
        locale = _language(person.locale)
        named = _language(fields.get(self._settings.get("language_field") or ""))
        return Ticket(
            id=str(ticket.id),
            status=status,
            tags=frozenset(map(str, ticket.tags)),
            fields=fields,
            requester=Requester(
                id=str(person.id), email=person.email or None, name=person.name, language=locale
            ),
            language=named or locale,
            subject=ticket.subject or "",
            text=ticket.description or "",
            brand=str(ticket.brand_id) if ticket.brand_id else None,
            channel=getattr(ticket.via, "channel", None),
            assignee_id=str(ticket.assignee_id) if ticket.assignee_id else None,
            created_at=_instant(ticket.created_at),
            updated_at=_instant(ticket.updated_at),
        )


def _number(text: str) -> int:
    """An id in an address is a number, whatever a caller was given."""
    if _ID.fullmatch(text) is None:
        raise HostNotFound(f"{text[:24]!r} is not an id of Zendesk's")
    return int(text)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _plain(entries: Any) -> Iterator[Mapping[str, Any]]:
    """zenpy leaves custom fields as dicts or wraps them, by version and call."""
    for entry in entries or ():
        yield entry if isinstance(entry, dict) else {"id": entry.id, "value": entry.value}


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _language(locale: str | None) -> str | None:
    match = _LOCALE.fullmatch(locale or "")
    return match[1].lower() if match else None


def _signature(back: WriteBack) -> str:
    """A note and a reply of one payout are two things."""
    return f"{back.kind} {back.marker}"


def _html(back: WriteBack) -> str:
    """As HTML, because Zendesk reads a plain `body` as Markdown: `*` and `_` would vanish."""
    text = back.text if back.kind == "reply" else f"{back.text}\n\n{back.marker}"
    direction = "rtl" if back.language in RIGHT_TO_LEFT else "ltr"
    lines = html.escape(text, quote=False).replace("\n", "<br>\n")
    return f'<div dir="{direction}">{lines}</div>'


def _comment(audit: Mapping[str, Json]) -> Mapping[str, Json] | None:
    events = audit.get("events")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("type") == "Comment":
            return event
    return None


def _is(back: WriteBack, audit: Mapping[str, Json], comment: Mapping[str, Json]) -> bool:
    metadata = audit.get("metadata")
    custom = metadata.get("custom") if isinstance(metadata, dict) else None
    ours = custom.get(METADATA) if isinstance(custom, dict) else None
    if ours is not None:
        return bool(ours == _signature(back))
    body = str(comment.get("plain_body") or comment.get("body") or "")
    if back.kind == "note":
        return back.marker in body
    # No metadata of ours: an account that loses it, or words a person happened to write. Equal
    # words have reached the customer either way.
    return comment.get("public") is True and _words(body) == _words(back.text)


def _words(text: str) -> str:
    return "".join(html.unescape(text).split())


def _marked(ticket: Ticket, back: WriteBack) -> bool:
    return ticket.tags >= set(back.tags) and all(
        ticket.fields.get(key) == text for key, text in back.fields.items()
    )


def _alarm(back: WriteBack) -> str:
    if back.kind == "note":
        return f"the note {back.marker} on ticket {back.ticket_id} is PUBLIC; look at it at once"
    return f"the reply {back.marker} on ticket {back.ticket_id} is private; the customer has none"
