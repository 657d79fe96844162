"""People at work, under `/_sandbox/tickets/`, and what only an admin sets up in the pages.

`POST /_sandbox/tickets/<id>/<action>` with a JSON body; `as` is the acting user's id. Actions:
`solve`, `reopen`, `close`; `comment` (`body`, `public`); `tag`, `untag` (`tags`); `field` (`name`,
`value`); `rate` (`score`, -103 to 103, and `comment`). Automation rules have no API at the real
host: here they are registered by `POST /_sandbox/webhooks` with `meta` (`sandbox.freshdesk.rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.freshdesk import rules
from sandbox.freshdesk.state import FreshdeskState, Limits, Ticket

Act = Callable[[FreshdeskState, Ticket, dict[str, Any], int], None]


def routes(state: FreshdeskState) -> Blueprint:
    api = Blueprint("agent", __name__, url_prefix="/_sandbox")

    @api.get("/tickets")
    @state.locked
    def tickets() -> Response:
        found = [
            state.ticket_json(ticket) | {"requester": state.contacts.get(ticket.requester_id)}
            for ticket in state.tickets.values()
        ]
        return jsonify(tickets=found)

    @api.post("/tickets/<int:number>/<action>")
    @state.locked
    def act(number: int, action: str) -> Response:
        ticket = rules.find_ticket(state, number)
        if action not in _ACTIONS:
            raise Refused(404, {"error": f"actions are {', '.join(_ACTIONS)}"})
        asked = request.get_json(silent=True) or {}
        actor = int(asked.get("as") or ticket.responder_id or next(iter(state.agents)))
        _ACTIONS[action](state, ticket, asked, actor)
        return jsonify(ticket=state.ticket_json(ticket))

    @api.post("/limits")
    @state.locked
    def limits() -> Response:
        """Other rate limits than the plan's; fields of `Limits`."""
        state.limits = Limits(**{**vars(state.limits), **(request.get_json(silent=True) or {})})
        return jsonify(vars(state.limits))

    return api


def _status(status: int) -> Act:
    def act(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
        rules.update(state, ticket, {"status": status})

    return act


def _comment(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    """A reply or a note; the customer's own words open a resolved ticket again."""
    incoming = actor == ticket.requester_id
    public = incoming or bool(asked.get("public", True))
    said = {"body": asked.get("body"), "incoming": incoming}
    rules.converse(state, ticket, said, actor, private=not public, note=not public)
    if incoming and ticket.status in (3, 4, 5):
        rules.update(state, ticket, {"status": 2})


def _tag(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    rules.update(state, ticket, {"tags": [*ticket.tags, *asked.get("tags", ())]})


def _untag(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    gone = asked.get("tags", ())
    rules.update(state, ticket, {"tags": [tag for tag in ticket.tags if tag not in gone]})


def _field(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    rules.update(state, ticket, {"custom_fields": {asked.get("name"): asked.get("value")}})


def _rate(state: FreshdeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    state.ratings.append(
        {
            "id": state.next_id(),
            "survey_id": 1,
            "ticket_id": ticket.id,
            "user_id": ticket.requester_id,
            "agent_id": ticket.responder_id,
            "feedback": asked.get("comment", ""),
            "ratings": {"default_question": asked.get("score", 103)},
            "created_at": state.clock.iso(),
            "updated_at": state.clock.iso(),
        }
    )


_ACTIONS: dict[str, Act] = {
    "solve": _status(4),
    "reopen": _status(2),
    "close": _status(5),
    "comment": _comment,
    "tag": _tag,
    "untag": _untag,
    "field": _field,
    "rate": _rate,
}
