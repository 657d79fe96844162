"""`/api/v2/tickets`: show, list, create, update, notes, replies, search."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from sandbox.answers import Refused, json_object
from sandbox.freshdesk import rules
from sandbox.freshdesk.paging import page
from sandbox.freshdesk.state import FreshdeskState, Ticket

_INCLUDES = {"conversations", "requester", "company", "stats"}


def routes(state: FreshdeskState) -> Blueprint:
    api = Blueprint("tickets", __name__, url_prefix="/api/v2")
    _list(api, state)
    _tickets(api, state)
    _conversations(api, state)
    _search(api, state)
    return api


def body() -> dict[str, Any]:
    text = "Request body has invalid json format"
    return json_object(Refused(400, {"code": "invalid_json", "message": text}))


def _list(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/tickets")
    @state.locked
    def listed() -> Response:
        """Newest first, without descriptions; `updated_since`, `requester_id`, `email` narrow."""
        since = request.args.get("updated_since", "")
        requester = request.args.get("requester_id", type=int)
        email = request.args.get("email")
        found = [
            ticket
            for ticket in state.tickets.values()
            if ticket.updated_at >= since
            and requester in (None, ticket.requester_id)
            and email in (None, state.contacts.get(ticket.requester_id, {}).get("email"))
        ]
        key = request.args.get("order_by", "created_at")
        ascending = request.args.get("order_type", "desc") == "asc"
        found.sort(key=lambda ticket: str(getattr(ticket, key, "")), reverse=not ascending)
        hidden = ("description", "description_text")
        shown = [state.ticket_json(ticket) for ticket in found]
        return page([{k: v for k, v in one.items() if k not in hidden} for one in shown])


def _tickets(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/tickets/<int:number>")
    @state.locked
    def show(number: int) -> dict[str, Any]:
        ticket = rules.find_ticket(state, number)
        wanted = {name for name in request.args.get("include", "").split(",") if name}
        if wanted - _INCLUDES:
            raise rules.invalid("include", "invalid_value", "It should be one of these values")
        return state.ticket_json(ticket) | _included(state, ticket, wanted)

    @api.post("/tickets")
    @state.locked
    def create() -> tuple[Response, int]:
        asked = body()
        for name in ("subject", "description", "email", "status", "priority"):
            if not asked.get(name):
                raise rules.invalid(name, "missing_field", "It should be a/an String")
        now = state.clock.iso()
        ticket = Ticket(
            id=max(state.tickets, default=0) + 1,
            subject=asked["subject"],
            description_text=asked["description"],
            requester_id=_requester(state, asked["email"]),
            source=2,
            created_at=now,
            updated_at=now,
        )
        rest = {k: v for k, v in asked.items() if k not in ("description", "email")}
        rules.update(state, ticket, rest)
        state.tickets[ticket.id] = ticket
        return jsonify(state.ticket_json(ticket)), 201

    @api.put("/tickets/<int:number>")
    @state.locked
    def update(number: int) -> dict[str, Any]:
        ticket = rules.find_ticket(state, number)
        rules.update(state, ticket, body())
        return state.ticket_json(ticket)


def _requester(state: FreshdeskState, email: str) -> int:
    for contact in state.contacts.values():
        if contact["email"] == email:
            return int(contact["id"])
    made = state.add_contact({"id": state.next_id(), "name": email.split("@")[0], "email": email})
    return int(made["id"])


def _included(state: FreshdeskState, ticket: Ticket, wanted: set[str]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if "conversations" in wanted:
        extra["conversations"] = [vars(one) for one in ticket.conversations[:10]]
    if "requester" in wanted:
        contact = state.contacts.get(ticket.requester_id, {})
        extra["requester"] = {
            name: contact.get(name) for name in ("id", "name", "email", "mobile", "phone")
        }
    if "company" in wanted:
        extra["company"] = {}
    if "stats" in wanted:
        done = ticket.updated_at if ticket.status in (4, 5) else None
        extra["stats"] = {
            "resolved_at": done,
            "closed_at": done if ticket.status == 5 else None,
            "status_updated_at": ticket.updated_at,
        }
    return extra


def _conversations(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/tickets/<int:number>/conversations")
    @state.locked
    def conversations(number: int) -> Response:
        return page([vars(one) for one in rules.find_ticket(state, number).conversations])

    @api.post("/tickets/<int:number>/notes")
    @state.locked
    def note(number: int) -> tuple[Response, int]:
        ticket, asked = rules.find_ticket(state, number), body()
        private = asked.get("private", True) is not False
        made = rules.converse(state, ticket, asked, g.actor, private=private, note=True)
        return jsonify(vars(made)), 201

    @api.post("/tickets/<int:number>/reply")
    @state.locked
    def reply(number: int) -> tuple[Response, int]:
        ticket = rules.find_ticket(state, number)
        made = rules.converse(state, ticket, body(), g.actor, private=False, note=False)
        return jsonify(vars(made)), 201


def _search(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/search/tickets")
    @state.locked
    def search() -> dict[str, Any]:
        """`"status:2 AND tag:'vip'"`, quotes included; 30 a page, ten pages, some time behind."""
        query = request.args.get("query", "")
        number = request.args.get("page", 1, type=int)
        if not re.fullmatch(r'".*"', query) or not 1 <= number <= 10:
            raise rules.invalid("query", "invalid_value", "It should be a valid query")
        horizon = state.clock.epoch() - state.search_lag_s
        found = []
        for ticket in state.tickets.values():
            known = [snapshot for at, snapshot in ticket.index if at <= horizon]
            if known and _matches(known[-1], query.strip('"')):
                found.append(known[-1])
        return {"total": len(found), "results": found[(number - 1) * 30 : number * 30]}


def _matches(ticket: dict[str, Any], query: str) -> bool:
    """Any of the OR parts of which all AND terms hold."""
    return any(
        all(_term(ticket, term.strip(" ()")) for term in part.split(" AND "))
        for part in query.split(" OR ")
    )


def _term(ticket: dict[str, Any], term: str) -> bool:
    name, _, value = term.partition(":")
    value = value.strip("'")
    if name == "tag":
        return value in ticket["tags"]
    if value[:1] in "<>" and value:
        shown = str(ticket.get(name, ""))[: len(value) - 1]
        return shown >= value[1:] if value[0] == ">" else shown <= value[1:]
    found = ticket["custom_fields"].get(name, ticket.get(name))
    return str(found if found is not None else "null") == value
