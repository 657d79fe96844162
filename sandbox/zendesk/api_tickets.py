"""`/api/v2/tickets`: show, create, update, tags, comments, audits, and the incremental export."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, request

from sandbox.answers import Refused, json_object
from sandbox.zendesk import rules
from sandbox.zendesk.paging import decode, encode, page
from sandbox.zendesk.state import Ticket, ZendeskState

_KEY_LIFE_S = 2 * 3600
_EXPORT_PAGE = 1000
_EXPORT_LAG_S = 60


def asked(name: str) -> dict[str, Any]:
    """The object under `name` in the request's JSON body."""
    refusal = Refused(400, {"error": "InvalidJSON", "description": f"{name} is missing"})
    value = json_object(refusal).get(name)
    if not isinstance(value, dict):
        raise refusal
    return value


def routes(state: ZendeskState) -> Blueprint:
    api = Blueprint("tickets", __name__, url_prefix="/api/v2")
    _tickets(api, state)
    _lists(api, state)
    _tags(api, state)
    _export(api, state)
    return api


def _tickets(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/tickets")
    @state.locked
    def listed() -> dict[str, Any]:
        return page([state.ticket_json(t) for t in state.tickets.values()], "tickets")

    @api.get("/tickets/<int:number>")
    @state.locked
    def show(number: int) -> dict[str, Any]:
        ticket = rules.find_ticket(state, number)
        body: dict[str, Any] = {"ticket": state.ticket_json(ticket)}
        if "users" in request.args.get("include", "").split(","):
            ids = {ticket.requester_id, ticket.submitter_id, ticket.assignee_id}
            body["users"] = [state.users[key] for key in ids if key in state.users]
        return body

    @api.post("/tickets")
    @state.locked
    def create() -> Response:
        return _once(state, asked("ticket"))

    @api.put("/tickets/<int:number>")
    @state.locked
    def update(number: int) -> dict[str, Any]:
        ticket = rules.find_ticket(state, number)
        audit = rules.update(state, ticket, asked("ticket"), g.actor, "api")
        body: dict[str, Any] = {"ticket": state.ticket_json(ticket)}
        return body | ({"audit": audit} if audit else {})


def _lists(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/tickets/<int:number>/comments")
    @state.locked
    def comments(number: int) -> dict[str, Any]:
        found = [rules.comment_json(c) for c in rules.find_ticket(state, number).comments]
        if request.args.get("sort_order") == "desc" or request.args.get("sort") == "-created_at":
            found.reverse()
        return page(found, "comments")

    @api.get("/tickets/<int:number>/audits")
    @state.locked
    def audits(number: int) -> dict[str, Any]:
        return page(rules.find_ticket(state, number).audits, "audits")

    @api.get("/users/<int:number>/tickets/requested")
    @state.locked
    def requested(number: int) -> dict[str, Any]:
        mine = [t for t in state.tickets.values() if t.requester_id == number]
        return page([state.ticket_json(t) for t in mine], "tickets")


def _once(state: ZendeskState, wanted: dict[str, Any]) -> Response:
    """Create a ticket; with an Idempotency-Key, only once in two hours. No other call has this."""
    key = request.headers.get("Idempotency-Key")
    same = json.dumps(wanted, sort_keys=True).encode()
    if key is not None:
        made, body, answer = state.idempotent.get(key, (0.0, b"", {}))
        if state.clock.epoch() - made < _KEY_LIFE_S:
            if body != same:
                text = "The request parameters do not match the ones first used with this key."
                raise Refused(400, {"error": "IdempotentRequestError", "description": text})
            return make_response(answer, 201, {"x-idempotency-lookup": "hit"})
    ticket = rules.create(state, wanted, g.actor, "api")
    answer = {"ticket": state.ticket_json(ticket), "audit": ticket.audits[-1]}
    if key is None:
        return make_response(answer, 201)
    state.idempotent[key] = (state.clock.epoch(), same, answer)
    return make_response(answer, 201, {"x-idempotency-lookup": "miss"})


def _tags(api: Blueprint, state: ZendeskState) -> None:
    def change(number: int, verb: str) -> list[str]:
        """Add, set or remove tags. Without a safe update, read and write lie apart."""
        body = json_object(Refused(400, {"error": "InvalidJSON"}))
        given = set(rules.clean_tags(body.get("tags")))
        with state.lock:
            ticket = rules.find_ticket(state, number)
            rules.check_open(ticket)
            if rules.check_stamp(ticket, body):
                return _write(ticket, _combine(set(ticket.tags), given, verb))
            read = set(ticket.tags)
        time.sleep(state.tag_window_s)
        with state.lock:
            return _write(ticket, _combine(read, given, verb))

    def _write(ticket: Ticket, tags: list[str]) -> list[str]:
        rules.update(state, ticket, {"tags": tags}, g.actor, "api")
        return sorted(ticket.tags)

    @api.get("/tickets/<int:number>/tags")
    @state.locked
    def tags(number: int) -> dict[str, Any]:
        return {"tags": sorted(rules.find_ticket(state, number).tags)}

    @api.put("/tickets/<int:number>/tags")
    def add(number: int) -> dict[str, Any]:
        return {"tags": change(number, "add")}

    @api.post("/tickets/<int:number>/tags")
    def put(number: int) -> tuple[Response, int]:
        return jsonify(tags=change(number, "set")), 201

    @api.delete("/tickets/<int:number>/tags")
    def remove(number: int) -> tuple[str, int]:
        change(number, "remove")
        return "", 204


def _combine(read: set[str], given: set[str], verb: str) -> list[str]:
    return sorted({"add": read | given, "set": given, "remove": read - given}[verb])


def _export(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/incremental/tickets/cursor")
    @state.locked
    def export() -> dict[str, Any]:
        """Everything changed since `start_time`, oldest change first, but the last minute."""
        now = state.clock.epoch()
        cursor = request.args.get("cursor", "")
        start = decode(cursor) / 1000 if cursor else request.args.get("start_time", type=float)
        if start is None or (not cursor and start > now - _EXPORT_LAG_S):
            text = "Too recent start_time. Use a start_time older than 60 seconds"
            raise Refused(400, {"error": "StartTimeTooRecent", "description": text})
        size = min(request.args.get("per_page", _EXPORT_PAGE, type=int), _EXPORT_PAGE)
        found = sorted(
            (t for t in state.tickets.values() if start < t.changed_epoch <= now - _EXPORT_LAG_S),
            key=lambda t: t.changed_epoch,
        )
        part = found[:size]
        after = encode(int(part[-1].changed_epoch * 1000 + 1) if part else int(start * 1000))
        return {
            "tickets": [state.ticket_json(t) for t in part],
            "after_cursor": after,
            "after_url": f"{request.base_url}?cursor={after}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(found) <= size,
        }
