"""Sign-in of an app: the code grant, token exchange, refresh with rotation, own-store credentials.

Nobody has to click: the authorize page sends the browser straight back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, request

from sandbox.answers import Refused
from sandbox.shopify.access import ALL_SCOPES
from sandbox.shopify.books import Shop

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


def oauth_api(shop: Shop) -> Blueprint:
    api = Blueprint("oauth", __name__, url_prefix="/admin/oauth")

    @api.get("/authorize")
    def authorize() -> Any:
        asked = request.args
        target = asked.get("redirect_uri", "")
        if asked.get("client_id") != shop.access.client_id or not urlsplit(target).netloc:
            raise Refused(400, {"error": "invalid_request"})
        code = secrets.token_hex(16)
        with shop.lock:
            shop.access.codes[code] = _scopes(asked.get("scope"))
        back = {
            "code": code,
            "host": base64.b64encode(f"{shop.domain}/admin".encode()).decode().rstrip("="),
            "shop": shop.domain,
            "state": asked.get("state", ""),
            "timestamp": str(int(shop.clock.epoch())),
        }
        back["hmac"] = query_hmac(back, shop.access.client_secret)
        return redirect(f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(back)}")

    @api.post("/access_token")
    def access_token() -> Response:
        asked = request.get_json(silent=True) or request.form.to_dict()
        mine = (shop.access.client_id, shop.access.client_secret)
        if (asked.get("client_id"), asked.get("client_secret")) != mine:
            _refuse("application_cannot_be_found")
        with shop.lock:
            return jsonify(_grant(shop, asked))

    return api


def query_hmac(query: dict[str, str], secret: str) -> str:
    """The `hmac` of a redirect: the other parameters, sorted, as `k=v&...`."""
    text = "&".join(f"{name}={query[name]}" for name in sorted(query) if name != "hmac")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _refuse(error: str, description: str = "") -> Any:
    raise Refused(400, {"error": error, "error_description": description})


def _scopes(asked: str | None) -> frozenset[str]:
    return frozenset(one for one in (asked or "").replace(" ", ",").split(",") if one)


def _grant(shop: Shop, asked: dict[str, Any]) -> dict[str, object]:
    access = shop.access
    kind = asked.get("grant_type")
    expiring = str(asked.get("expiring", "")) in ("1", "true", "True")
    if kind is None:
        scopes = access.codes.pop(asked.get("code", ""), None)
        if scopes is None:
            _refuse("invalid_request", "The authorization code was not found or was already used")
        return access.issue(scopes or frozenset(), expiring=expiring)
    if kind == "client_credentials":
        return access.issue(ALL_SCOPES, expiring=True)
    if kind == "refresh_token":
        refresh = asked.get("refresh_token", "")
        held = access.refreshes.get(refresh)
        if held is None or held[1] <= shop.clock.epoch():
            _refuse("invalid_grant", "The refresh token is not valid any more")
        return access.issue((held or (frozenset(), 0))[0], expiring=True, replaces=refresh)
    if kind == EXCHANGE:
        return access.issue(_subject(shop, asked), expiring=expiring)
    return dict(_refuse("unsupported_grant_type"))


def _subject(shop: Shop, asked: dict[str, Any]) -> frozenset[str]:
    """The scopes for a session token of the app, or for an old token being exchanged."""
    subject = str(asked.get("subject_token", ""))
    if asked.get("subject_token_type") == OFFLINE:
        old = shop.access.tokens.pop(subject, None)
        if old is not None:
            return old.scopes
    elif asked.get("subject_token_type") == ID_TOKEN and _signed_for(shop, subject):
        return ALL_SCOPES
    _refuse("invalid_subject_token")
    raise AssertionError("unreachable")


def _signed_for(shop: Shop, token: str) -> bool:
    """Whether `token` is a session JWT of this app: HS256 by its secret, not over."""
    head, _, signature = token.rpartition(".")
    digest = hmac.new(shop.access.client_secret.encode(), head.encode(), hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(expected, signature):
        return False
    body = head.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return bool(claims.get("aud") == shop.access.client_id and claims["exp"] > shop.clock.epoch())
