"""People at work: what agents and customers do in the helpdesk, under `/_sandbox/tickets/`.

`POST /_sandbox/tickets/<id>/<action>` with a JSON body; `as` is the acting user's id (the assignee
or the first agent if left out). The page a person sees is not sandboxed, its effects are.

| action | body |
|---|---|
| `solve`, `reopen`, `close` | |
| `comment` | `body`, `public` (true if left out) |
| `tag`, `untag` | `tags` |
| `field` | `id`, `value` |
| `merge` | `into`: the ticket that goes on |
| `rate` | `score` (good, bad), `comment`: the customer answers the survey |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.zendesk import announce, rules
from sandbox.zendesk.state import Limits, Ticket, Token, ZendeskState

Act = Callable[[ZendeskState, Ticket, dict[str, Any], int], None]


def routes(state: ZendeskState) -> Blueprint:
    api = Blueprint("agent", __name__, url_prefix="/_sandbox")

    @api.get("/tickets")
    @state.locked
    def tickets() -> Response:
        found = [
            state.ticket_json(ticket) | {"requester": state.users.get(ticket.requester_id)}
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
        _ACTIONS[action](state, ticket, asked, _actor(state, ticket, asked))
        return jsonify(ticket=state.ticket_json(ticket))

    @api.post("/limits")
    @state.locked
    def limits() -> Response:
        """Other rate limits than the plan's; fields of `Limits`."""
        state.limits = Limits(**{**vars(state.limits), **(request.get_json(silent=True) or {})})
        return jsonify(vars(state.limits))

    @api.post("/tokens")
    @state.locked
    def tokens() -> Response:
        """Put a token pair of the test's choosing into the books; fields of `Token`."""
        asked = request.get_json(silent=True) or {}
        life = asked.pop("expires_in", None)
        token = Token(**asked, expires=None if life is None else state.clock.epoch() + life)
        state.tokens.append(token)
        return jsonify(access=token.access)

    return api


def _actor(state: ZendeskState, ticket: Ticket, asked: dict[str, Any]) -> int:
    if "as" in asked:
        return int(asked["as"])
    if ticket.assignee_id:
        return ticket.assignee_id
    return next(key for key, user in state.users.items() if user["role"] in ("agent", "admin"))


def _status(status: str) -> Act:
    def act(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
        rules.update(state, ticket, {"status": status}, actor, "web")

    return act


def _comment(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    comment = {"body": asked.get("body", ""), "public": asked.get("public", True)}
    changes: dict[str, Any] = {"comment": comment}
    if actor == ticket.requester_id and ticket.status in ("pending", "solved"):
        changes["status"] = "open"  # a customer's answer opens the ticket again
    rules.update(state, ticket, changes, actor, "web")


def _tag(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    tags = set(ticket.tags) | set(rules.clean_tags(asked.get("tags")))
    rules.update(state, ticket, {"tags": sorted(tags)}, actor, "web")


def _untag(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    tags = set(ticket.tags) - set(rules.clean_tags(asked.get("tags")))
    rules.update(state, ticket, {"tags": sorted(tags)}, actor, "web")


def _field(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    entry = {"id": asked.get("id"), "value": asked.get("value")}
    rules.update(state, ticket, {"custom_fields": [entry]}, actor, "web")


def _merge(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    into = rules.find_ticket(state, int(asked.get("into", 0)))
    text = f"This request was closed and merged into request #{into.id}"
    closing = {
        "comment": {"body": text, "public": False},
        "status": "closed",
        "tags": [*ticket.tags, "closed_by_merge"],
    }
    rules.update(state, ticket, closing, actor, "web")
    note = {"comment": {"body": f"Request #{ticket.id} was merged here", "public": False}}
    rules.update(state, into, note, actor, "web")
    announce.merged(state, ticket, into, actor)


def _rate(state: ZendeskState, ticket: Ticket, asked: dict[str, Any], actor: int) -> None:
    """The answer lands in the one survey product the account uses."""
    now, number = state.clock.iso(), state.next_id()
    score, words = asked.get("score", "good"), asked.get("comment", "")
    if state.survey_product == "ratings":
        state.ratings.append(
            {
                "id": number,
                "ticket_id": ticket.id,
                "requester_id": ticket.requester_id,
                "assignee_id": ticket.assignee_id,
                "group_id": ticket.group_id,
                "score": score,
                "comment": words,
                "reason": None,
                "created_at": now,
                "updated_at": now,
                "url": f"https://shop.zendesk.com/api/v2/satisfaction_ratings/{number}.json",
                "epoch": state.clock.epoch(),
            }
        )
        return
    answers = [{"type": "rating_scale", "rating": 5 if score == "good" else 1}]
    answers += [{"type": "open_ended", "value": words}] if words else []
    state.surveys.append(
        {
            "id": str(number),
            "responder_id": str(ticket.requester_id),
            "answers": answers,
            "subjects": [
                {"type": "ticket", "id": str(ticket.id), "zrn": f"zen:ticket:{ticket.id}"}
            ],
            "created_at": now,
            "updated_at": now,
        }
    )


_ACTIONS: dict[str, Act] = {
    "solve": _status("solved"),
    "reopen": _status("open"),
    "close": _status("closed"),
    "comment": _comment,
    "tag": _tag,
    "untag": _untag,
    "field": _field,
    "merge": _merge,
    "rate": _rate,
}
