"""Contacts, agents, ticket fields and satisfaction ratings."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from sandbox.answers import Refused
from sandbox.freshdesk import rules
from sandbox.freshdesk.paging import page
from sandbox.freshdesk.state import FreshdeskState


def routes(state: FreshdeskState) -> Blueprint:
    api = Blueprint("people", __name__, url_prefix="/api/v2")
    _people(api, state)
    _more(api, state)
    return api


def _people(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/contacts")
    @state.locked
    def contacts() -> Response:
        email = request.args.get("email", "").lower()
        found = [
            contact
            for contact in state.contacts.values()
            if not email or str(contact["email"]).lower() == email
        ]
        return page(found)

    @api.get("/contacts/<int:number>")
    @state.locked
    def contact(number: int) -> dict[str, Any]:
        if number not in state.contacts:
            raise Refused(404, None)
        return state.contacts[number]

    @api.get("/agents/me")
    @state.locked
    def me() -> dict[str, Any]:
        return state.agents[g.actor]

    @api.get("/agents/<int:number>")
    @state.locked
    def agent(number: int) -> dict[str, Any]:
        if number not in state.agents:
            raise Refused(404, None)
        return state.agents[number]


def _more(api: Blueprint, state: FreshdeskState) -> None:
    @api.get("/ticket_fields")
    @state.locked
    def fields() -> Response:
        statuses = {str(number): [label, label] for number, label in state.statuses.items()}
        made: list[dict[str, Any]] = [
            {"id": 1, "name": "status", "label": "Status", "type": "default_status",
             "default": True, "choices": statuses},
            {"id": 2, "name": "priority", "label": "Priority", "type": "default_priority",
             "default": True, "choices": {"Low": 1, "Medium": 2, "High": 3, "Urgent": 4}},
        ]  # fmt: skip
        made += [
            {
                "id": 100 + position,
                "name": name,
                "label": label,
                "type": "custom_text",
                "default": False,
                "required_for_closure": name in state.needed_to_close,
            }
            for position, (name, label) in enumerate(state.custom_fields.items())
        ]
        return jsonify(made)

    @api.get("/surveys/satisfaction_ratings")
    @state.locked
    def ratings() -> Response:
        since = request.args.get("created_since", "")
        return page([rating for rating in state.ratings if rating["created_at"] >= since])

    @api.get("/tickets/<int:number>/satisfaction_ratings")
    @state.locked
    def ratings_of(number: int) -> Response:
        rules.find_ticket(state, number)
        return page([rating for rating in state.ratings if rating["ticket_id"] == number])
