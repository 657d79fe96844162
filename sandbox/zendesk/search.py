"""The search index for tickets: it knows a ticket as it was some time ago."""

from __future__ import annotations

import re
import shlex
from typing import Any

from sandbox.zendesk.state import OPEN_STATUSES, ZendeskState

_TERM = re.compile(r"(-?)(\w+)(:|<=|>=|<|>)(.*)")
_RANK = {status: rank for rank, status in enumerate((*OPEN_STATUSES, "closed"))}


def search_tickets(state: ZendeskState, query: str) -> list[dict[str, Any]]:
    """Tickets matching all terms, newest first, as of `search_lag_s` ago.

    Known terms: `type`, `status`, `tags`, `requester`, `external_id`, `priority`, `updated`,
    `created`, `fieldvalue`, `custom_field_<id>`, and plain words in subject or description.
    """
    try:
        terms = shlex.split(query)
    except ValueError:
        terms = query.split()
    horizon = state.clock.epoch() - state.search_lag_s
    known = []
    for ticket in state.tickets.values():
        indexed = [snapshot for at, snapshot in ticket.index if at <= horizon]
        if indexed and all(_matches(state, indexed[-1], term) for term in terms):
            known.append({"result_type": "ticket"} | indexed[-1])
    return sorted(known, key=lambda found: str(found["created_at"]), reverse=True)


def _matches(state: ZendeskState, ticket: dict[str, Any], term: str) -> bool:
    found = _TERM.fullmatch(term)
    if found is None:
        return term.lower() in f"{ticket['subject']} {ticket['description']}".lower()
    negated, name, operator, value = found.groups()
    return _term(state, ticket, name, operator, value) != bool(negated)


def _term(
    state: ZendeskState, ticket: dict[str, Any], name: str, operator: str, value: str
) -> bool:
    fields = {str(entry["id"]): entry["value"] for entry in ticket["custom_fields"]}
    if name == "type":
        return value == "ticket"
    if name == "status":
        return _compare(_RANK[ticket["status"]], operator, _RANK.get(value, -1))
    if name in ("updated", "created"):
        return _compare(ticket[f"{name}_at"][: len(value)], operator, value)
    if name == "tags":
        return value in ticket["tags"]
    if name == "requester":
        requester = state.users.get(ticket["requester_id"], {})
        return value in (str(requester.get("id")), requester.get("email"))
    if name == "fieldvalue":
        return value in fields.values()
    if name.startswith("custom_field_"):
        return bool(fields.get(name.removeprefix("custom_field_")) == value)
    return str(ticket.get(name)) == value


def _compare(left: Any, operator: str, right: Any) -> bool:
    return bool(
        {
            ":": left == right,
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
        }[operator]
    )
