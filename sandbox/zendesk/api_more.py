"""The rest of the REST API: users, search, fields, statuses, ratings, side conversations, keys."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Blueprint, Response, g, jsonify, request

from sandbox.zendesk import rules
from sandbox.zendesk.api_tickets import asked
from sandbox.zendesk.paging import page
from sandbox.zendesk.search import search_tickets
from sandbox.zendesk.state import ZendeskState


def routes(state: ZendeskState) -> Blueprint:
    api = Blueprint("more", __name__, url_prefix="/api/v2")
    _users(api, state)
    _fields(api, state)
    _triggers(api, state)
    _feedback(api, state)
    _side_conversations(api, state)
    _apps(api, state)
    return api


def _users(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/users/me")
    @state.locked
    def me() -> dict[str, Any]:
        return {"user": state.users[g.actor]}

    @api.get("/users/<int:number>")
    @state.locked
    def user(number: int) -> dict[str, Any]:
        if number not in state.users:
            raise rules.not_found()
        return {"user": state.users[number]}

    @api.get("/users/search")
    @state.locked
    def users() -> dict[str, Any]:
        """By `external_id` exactly, by `query` loosely: a part of a name or an address will do."""
        external, query = request.args.get("external_id"), request.args.get("query", "").lower()
        query = query.removeprefix("email:").strip('"')
        found = [
            user
            for user in state.users.values()
            if (user["external_id"] == external if external else _resembles(user, query))
        ]
        return page(found, "users")

    @api.get("/search")
    @state.locked
    def search() -> dict[str, Any]:
        return page(search_tickets(state, request.args.get("query", "")), "results")


def _resembles(user: dict[str, Any], query: str) -> bool:
    return any(query in str(user[name] or "").lower() for name in ("name", "email"))


def _fields(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/ticket_fields")
    @state.locked
    def fields() -> dict[str, Any]:
        return page(list(state.ticket_fields.values()), "ticket_fields")

    @api.post("/ticket_fields")
    @state.locked
    def add_field() -> tuple[Response, int]:
        wanted = asked("ticket_field")
        if not wanted.get("title"):
            raise rules.invalid("title", "BlankValue", "Title: cannot be blank")
        return jsonify(ticket_field=state.add_field(wanted)), 201

    @api.delete("/ticket_fields/<int:number>")
    @state.locked
    def drop_field(number: int) -> tuple[str, int]:
        if state.ticket_fields.pop(number, None) is None:
            raise rules.not_found()
        return "", 204

    @api.get("/custom_statuses")
    @state.locked
    def statuses() -> dict[str, Any]:
        return {"custom_statuses": state.custom_statuses}


def _triggers(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/triggers")
    @state.locked
    def triggers() -> dict[str, Any]:
        return page(list(state.triggers.values()), "triggers")

    @api.post("/triggers")
    @state.locked
    def add_trigger() -> tuple[Response, int]:
        wanted = asked("trigger")
        for name in ("title", "conditions", "actions"):
            if not wanted.get(name):
                raise rules.invalid(name, "BlankValue", f"{name.capitalize()}: cannot be blank")
        now = state.clock.iso()
        made: dict[str, Any] = {
            "id": state.next_id(),
            "active": True,
            "created_at": now,
            "updated_at": now,
        }
        state.triggers[made["id"]] = made | wanted
        return jsonify(trigger=state.triggers[made["id"]]), 201

    @api.put("/triggers/<int:number>")
    @state.locked
    def change_trigger(number: int) -> dict[str, Any]:
        if number not in state.triggers:
            raise rules.not_found()
        state.triggers[number] |= asked("trigger")
        return {"trigger": state.triggers[number]}

    @api.delete("/triggers/<int:number>")
    @state.locked
    def drop_trigger(number: int) -> tuple[str, int]:
        if state.triggers.pop(number, None) is None:
            raise rules.not_found()
        return "", 204


def _feedback(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/satisfaction_ratings")
    @state.locked
    def ratings() -> dict[str, Any]:
        score, start = request.args.get("score"), request.args.get("start_time", 0.0, type=float)
        found = [
            {name: value for name, value in rating.items() if name != "epoch"}
            for rating in state.ratings
            if (score is None or rating["score"] == score) and rating["epoch"] >= start
        ]
        return page(found, "satisfaction_ratings")

    @api.get("/guide/survey_responses")
    @state.locked
    def surveys() -> dict[str, Any]:
        subjects = request.args.get("filter[subject_zrns]", "").split(",")
        found = [
            survey
            for survey in state.surveys
            if subjects == [""] or any(s["zrn"] in subjects for s in survey["subjects"])
        ]
        return page(found, "survey_responses")


def _side_conversations(api: Blueprint, state: ZendeskState) -> None:
    @api.post("/tickets/<int:number>/side_conversations")
    @state.locked
    def open_side(number: int) -> tuple[Response, int]:
        ticket = rules.find_ticket(state, number)
        wanted = request.get_json(silent=True) or {}
        message = wanted.get("message") or {}
        if not message.get("body") or not message.get("to"):
            raise rules.invalid("message", "BlankValue", "Message: body and to are needed")
        now = state.clock.iso()
        made = {
            "id": secrets.token_hex(16),
            "ticket_id": ticket.id,
            "subject": message.get("subject", ""),
            "preview_text": str(message["body"])[:100],
            "state": "open",
            "participants": message["to"],
            "external_ids": wanted.get("external_ids", {}),
            "created_at": now,
            "updated_at": now,
            "message_added_at": now,
        }
        state.side_conversations.append(made)
        return jsonify(side_conversation=made), 201

    @api.get("/tickets/<int:number>/side_conversations")
    @state.locked
    def sides(number: int) -> dict[str, Any]:
        found = [side for side in state.side_conversations if side["ticket_id"] == number]
        return page(found, "side_conversations")


def _apps(api: Blueprint, state: ZendeskState) -> None:
    @api.get("/apps/<int:number>/public_key.pem")
    @state.locked
    def public_key(number: int) -> Response:
        """The key that signs this app's pages; one for each app, made when first asked for."""
        pem = (
            app_key(state, number)
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return Response(pem, content_type="application/x-pem-file")


def app_key(state: ZendeskState, number: int) -> rsa.RSAPrivateKey:
    if number not in state.app_keys:
        state.app_keys[number] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return state.app_keys[number]
