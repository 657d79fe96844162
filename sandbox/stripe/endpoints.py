"""Webhook endpoints: the signing secret is shown once, when one is made."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from sandbox.hooks import Target
from sandbox.stripe.books import API_VERSION, Object
from sandbox.stripe.calls import Call, listing
from sandbox.stripe.errors import invalid, metadata, need, only, truth

_LOCAL = ("127.0.0.1", "localhost")


def create(call: Call) -> Object:
    params = call.params
    only(params, "url", "enabled_events", "api_version", "description", "metadata", "connect")
    need(params, "url")
    events = need(params, "enabled_events")
    parts = urlsplit(params["url"])
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise invalid("Invalid URL: URL must be publicly accessible over https.", "url")
    id, secret = call.stripe.new_id("we"), "whsec_" + secrets.token_urlsafe(24)
    made: Object = {
        "id": id,
        "object": "webhook_endpoint",
        "api_version": params.get("api_version", API_VERSION),
        "created": call.stripe.now(),
        "description": params.get("description"),
        "enabled_events": events,
        "livemode": False,
        "metadata": metadata(params),
        "status": "enabled",
        "url": params["url"],
    }
    call.account["webhook_endpoints"][id] = made
    _listen(call, made, secret)
    return {**made, "secret": secret}


def _listen(call: Call, made: Object, secret: str) -> None:
    topics = () if "*" in made["enabled_events"] else tuple(made["enabled_events"])
    if made["status"] == "enabled":
        call.stripe.hooks.targets[made["id"]] = Target(made["id"], made["url"], secret, topics)
    else:
        call.stripe.hooks.targets.pop(made["id"], None)


def get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("webhook_endpoints", id)


def listed(call: Call) -> Object:
    rows = list(call.account["webhook_endpoints"].values())
    return listing(call, "webhook_endpoints", rows)


def update(call: Call, id: str) -> Object:
    only(call.params, "url", "enabled_events", "description", "metadata", "disabled")
    made = call.one("webhook_endpoints", id)
    disabled = truth(call.params, "disabled")
    if disabled is not None:
        made["status"] = "disabled" if disabled else "enabled"
    for name in ("url", "enabled_events", "description"):
        made[name] = call.params.get(name, made[name])
    made["metadata"] = {**made["metadata"], **metadata(call.params)}
    held = call.stripe.hooks.targets.get(id)
    _listen(call, made, held.secret if held else "")
    return made


def delete(call: Call, id: str) -> Object:
    call.one("webhook_endpoints", id)
    del call.account["webhook_endpoints"][id]
    call.stripe.hooks.targets.pop(id, None)
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
