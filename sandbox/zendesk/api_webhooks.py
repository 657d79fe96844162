"""`/api/v2/webhooks`: webhooks of both kinds, their secrets, and what was sent."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.hooks import Delivery, Target
from sandbox.zendesk import rules
from sandbox.zendesk.api_tickets import asked
from sandbox.zendesk.delivery import CONDITIONAL, compose, ulid
from sandbox.zendesk.paging import page
from sandbox.zendesk.state import ZendeskState, new_secret

_REQUIRED = ("name", "status", "subscriptions", "endpoint", "http_method", "request_format")
#: Signs "Test webhook" before a webhook exists; used as it is written.
TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


def routes(state: ZendeskState) -> Blueprint:
    api = Blueprint("webhooks", __name__, url_prefix="/api/v2/webhooks")
    _crud(api, state)
    _secrets(api, state)
    _invocations(api, state)
    return api


def _find(state: ZendeskState, hook_id: str) -> Target:
    target = state.hooks.targets.get(hook_id)
    if target is None:
        raise rules.not_found()
    return target


def _check(wanted: dict[str, Any]) -> None:
    missing = [name for name in _REQUIRED if not wanted.get(name)]
    if missing:
        text = f"Missing required fields: {', '.join(missing)}"
        raise Refused(400, {"errors": [{"code": "InvalidWebhook", "title": text}]})
    topics = wanted["subscriptions"]
    if CONDITIONAL in topics and len(topics) > 1:
        text = "A webhook subscribes to events or is called by rules, not both"
        raise Refused(400, {"errors": [{"code": "InvalidSubscriptions", "title": text}]})
    events = CONDITIONAL not in topics
    if events and (wanted["http_method"] != "POST" or wanted["request_format"] != "json"):
        text = "Event subscriptions need POST and JSON"
        raise Refused(400, {"errors": [{"code": "InvalidWebhook", "title": text}]})


def _shown(target: Target) -> dict[str, Any]:
    """A webhook as the API shows it: authentication data and signing secret left out."""
    hidden = ("signing_secret", "authentication")
    shown = {name: value for name, value in target.meta.items() if name not in hidden}
    defaults = {"endpoint": target.url, "subscriptions": list(target.topics), "status": "active"}
    return {"id": target.id} | defaults | shown


def _keep(state: ZendeskState, target: Target, wanted: dict[str, Any]) -> None:
    now = state.clock.iso()
    target.meta = {"created_at": now} | target.meta | wanted | {"updated_at": now}
    target.url = target.meta["endpoint"]
    target.topics = tuple(target.meta["subscriptions"])
    target.active = target.meta["status"] == "active"
    target.secret = wanted.get("signing_secret", {}).get("secret") or target.secret
    state.hooks.targets[target.id] = target


def _crud(api: Blueprint, state: ZendeskState) -> None:
    @api.get("")
    @state.locked
    def listed() -> dict[str, Any]:
        return page([_shown(target) for target in state.hooks.targets.values()], "webhooks")

    @api.post("")
    @state.locked
    def create() -> tuple[Response, int]:
        wanted = asked("webhook")
        _check(wanted)
        target = Target(ulid(), wanted["endpoint"], new_secret())
        _keep(state, target, wanted)
        return jsonify(webhook=_shown(target)), 201

    @api.get("/<hook_id>")
    @state.locked
    def show(hook_id: str) -> dict[str, Any]:
        return {"webhook": _shown(_find(state, hook_id))}

    @api.route("/<hook_id>", methods=["PATCH", "PUT"])
    @state.locked
    def change(hook_id: str) -> tuple[str, int]:
        """PATCH in part, PUT in whole. The kind of a webhook never changes."""
        target, wanted = _find(state, hook_id), asked("webhook")
        merged = (target.meta if request.method == "PATCH" else {}) | wanted
        _check(merged)
        if (CONDITIONAL in merged["subscriptions"]) != (CONDITIONAL in target.topics):
            text = "The connection method of a webhook cannot be changed"
            raise Refused(400, {"errors": [{"code": "InvalidSubscriptions", "title": text}]})
        _keep(state, target, wanted)
        return "", 204

    @api.delete("/<hook_id>")
    @state.locked
    def drop(hook_id: str) -> tuple[str, int]:
        del state.hooks.targets[_find(state, hook_id).id]
        return "", 204


def _secrets(api: Blueprint, state: ZendeskState) -> None:
    def shown(secret: str) -> dict[str, Any]:
        return {"signing_secret": {"algorithm": "SHA256", "secret": secret}}

    @api.get("/<hook_id>/signing_secret")
    @state.locked
    def secret(hook_id: str) -> dict[str, Any]:
        return shown(_find(state, hook_id).secret)

    @api.post("/<hook_id>/signing_secret")
    @state.locked
    def reset(hook_id: str) -> tuple[Response, int]:
        target = _find(state, hook_id)
        target.secret = new_secret()
        return jsonify(shown(target.secret)), 201


def _invocations(api: Blueprint, state: ZendeskState) -> None:
    def sent(hook_id: str) -> list[Delivery]:
        return [d for d in list(state.hooks.log) if d.target.id == _find(state, hook_id).id]

    @api.get("/<hook_id>/invocations")
    @state.locked
    def invocations(hook_id: str) -> dict[str, Any]:
        found = [
            {
                "id": delivery.id,
                "latest_completed_at": delivery.attempts[-1].at if delivery.attempts else None,
                "status": _status(delivery),
                "status_code": delivery.attempts[-1].status if delivery.attempts else None,
            }
            for delivery in sent(hook_id)
        ]
        return page(found, "invocations")

    @api.get("/<hook_id>/invocations/<invocation>/attempts")
    @state.locked
    def attempts(hook_id: str, invocation: str) -> dict[str, Any]:
        for delivery in sent(hook_id):
            if delivery.id == invocation:
                return page(_attempts(delivery), "attempts")
        raise rules.not_found()

    @api.post("/test")
    def test() -> dict[str, Any]:
        """Send one request now, to a webhook that exists or to one that is only described."""
        body = request.get_json(silent=True) or {}
        hook_id, wanted = request.args.get("webhook_id"), body.get("request") or {}
        target = (
            _find(state, hook_id)
            if hook_id
            else Target("test", str(wanted.get("endpoint")), TEST_SECRET, meta=wanted)
        )
        payload = wanted.get("payload", "{}")
        text = payload if isinstance(payload, str) else json.dumps(payload)
        delivery = compose(target, CONDITIONAL, text)
        state.hooks.send_now(delivery)
        return {"response": {"status": delivery.attempts[-1].status}}


def _attempts(delivery: Delivery) -> list[dict[str, Any]]:
    """No answer counts as 504."""
    return [
        {
            "id": f"{delivery.id}-{number}",
            "invocation_id": delivery.id,
            "status_code": attempt.status or 504,
            "completed_at": attempt.at,
        }
        for number, attempt in enumerate(delivery.attempts)
    ]


def _status(delivery: Delivery) -> str:
    status = delivery.attempts[-1].status if delivery.attempts else None
    if not delivery.done:
        return "pending"
    return "success" if status is not None and status < 300 else "failed"
