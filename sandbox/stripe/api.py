"""The v1 door: key, account, idempotency, and the table of calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from sandbox.stripe import credit, endpoints, payments, refunds
from sandbox.stripe.books import API_VERSION, Account, Saved, Stripe
from sandbox.stripe.calls import Call, Handler, expanded
from sandbox.stripe.errors import Params, StripeNo, invalid, read_form

KEPT_S = 24 * 3600
_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?")

CALLS: dict[str, Handler] = {
    "POST customers": payments.customer_create,
    "GET customers": payments.customer_list,
    "GET customers/search": payments.customer_search,
    "GET customers/:": payments.customer_get,
    "POST customers/:/balance_transactions": credit.balance_create,
    "GET customers/:/balance_transactions": credit.balance_list,
    "GET customers/:/balance_transactions/:": credit.balance_get,
    "GET payment_intents": payments.intent_list,
    "GET payment_intents/:": payments.intent_get,
    "GET charges": payments.charge_list,
    "GET charges/:": payments.charge_get,
    "GET disputes": payments.dispute_list,
    "GET disputes/:": payments.dispute_get,
    "GET events": payments.event_list,
    "GET events/:": payments.event_get,
    "GET invoices": payments.invoice_list,
    "GET invoices/:": payments.invoice_get,
    "GET invoice_payments": payments.invoice_payment_list,
    "POST refunds": refunds.create,
    "GET refunds": refunds.listed,
    "GET refunds/:": refunds.get,
    "POST refunds/:": refunds.update,
    "POST refunds/:/cancel": refunds.cancel,
    "POST coupons": credit.coupon_create,
    "GET coupons": credit.coupon_list,
    "GET coupons/:": credit.coupon_get,
    "DELETE coupons/:": credit.coupon_delete,
    "POST promotion_codes": credit.promotion_create,
    "GET promotion_codes": credit.promotion_list,
    "GET promotion_codes/:": credit.promotion_get,
    "POST promotion_codes/:": credit.promotion_update,
    "POST credit_notes": credit.note_create,
    "GET credit_notes": credit.note_list,
    "GET credit_notes/:": credit.note_get,
    "POST webhook_endpoints": endpoints.create,
    "GET webhook_endpoints": endpoints.listed,
    "GET webhook_endpoints/:": endpoints.get,
    "POST webhook_endpoints/:": endpoints.update,
    "DELETE webhook_endpoints/:": endpoints.delete,
}
_ROUTES = [
    (name.split()[0], re.compile(name.split()[1].replace(":", "([^/]+)")), handler)
    for name, handler in CALLS.items()
]


def v1_api(stripe: Stripe) -> Blueprint:
    api = Blueprint("v1", __name__)

    @api.route("/v1/<path:path>", methods=["GET", "POST", "DELETE"])
    def endpoint(path: str) -> Response:
        headers = {"Request-Id": stripe.new_id("req"), "Stripe-Version": API_VERSION}
        with stripe.lock:
            try:
                status, body, more = _answer(stripe, path, headers["Request-Id"])
            except StripeNo as no:
                status, body, more = no.status, no.body, {}
        text = json.dumps(body, indent=2, ensure_ascii=False)
        return Response(text, status, {**headers, **more}, mimetype="application/json")

    return api


Answer = tuple[int, Any, dict[str, str]]


def _answer(stripe: Stripe, path: str, request_id: str) -> Answer:
    _authenticate(stripe)
    version = request.headers.get("Stripe-Version", API_VERSION)
    if not _VERSION.fullmatch(version):
        raise invalid(f"Invalid Stripe API version: {version}")
    account = _account(stripe)
    handler, ids = _find(path)
    source = request.form if request.method == "POST" else request.args
    params = read_form(source.items(multi=True))
    call = Call(stripe, account, params)

    def act() -> tuple[int, Any]:
        return 200, expanded(call, handler(call, *ids))

    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return *act(), {}
    return _once(stripe, account, key, request_id, path, params, act)


def _authenticate(stripe: Stripe) -> None:
    given = request.authorization
    key = (given.token if given.type == "bearer" else given.username) if given else None
    if key is None:
        words = "You did not provide an API key. You need to provide your API key in the "
        words += "Authorization header, using Bearer auth."
        raise StripeNo(words, status=401, started=False)
    if key not in stripe.secret_keys:
        words = f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}"
        raise StripeNo(words, status=401, started=False)


def _account(stripe: Stripe) -> Account:
    id = request.headers.get("Stripe-Account")
    if id not in stripe.accounts:
        words = f"The provided key does not have access to account '{id}' (or that account does "
        words += "not exist). Application access may have been revoked."
        raise StripeNo(words, status=403, code="account_invalid", started=False)
    return stripe.accounts[id]


def _find(path: str) -> tuple[Handler, tuple[str, ...]]:
    for method, pattern, handler in _ROUTES:
        match = pattern.fullmatch(path)
        if match and method == request.method:
            return handler, match.groups()
    words = f"Unrecognized request URL ({request.method}: /v1/{path})."
    raise StripeNo(words, status=404, started=False)


def _once(
    stripe: Stripe,
    account: Account,
    key: str,
    request_id: str,
    path: str,
    params: Params,
    act: Callable[[], tuple[int, Any]],
) -> Answer:
    """Run a POST under its key: the first answer is kept, a 500 too, for a day."""
    _check_key(stripe, key)
    asked = json.dumps([path, params], sort_keys=True)
    saved = stripe.keys.get((account.id, key))
    if saved is not None:
        return _again(saved, key, asked)
    saved = stripe.keys[account.id, key] = Saved(asked, stripe.clock.epoch(), request_id)
    try:
        status, body = _crashing(stripe, act)
    except StripeNo as no:
        if not no.started:
            del stripe.keys[account.id, key]
            raise
        status, body = no.status, no.body
    saved.status, saved.body = status, body
    return status, body, {"Idempotency-Key": key, "Original-Request": request_id}


def _check_key(stripe: Stripe, key: str) -> None:
    if len(key) > 255:
        raise invalid("Idempotency keys have at most 255 characters.")
    now = stripe.clock.epoch()
    for old in [name for name, saved in stripe.keys.items() if saved.at + KEPT_S <= now]:
        del stripe.keys[old]


def _again(saved: Saved, key: str, asked: str) -> Answer:
    if saved.request != asked:
        raise StripeNo(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            type="idempotency_error",
        )
    if saved.status is None:
        raise StripeNo(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            status=409,
            code="idempotency_key_in_use",
        )
    more = {"Idempotency-Key": key, "Original-Request": saved.id, "Idempotent-Replayed": "true"}
    return saved.status, saved.body, more


def _crashing(stripe: Stripe, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """What the host does, or the error of its own that a test asked for."""
    crash = stripe.crashes.pop(0) if stripe.crashes else None
    if crash is None:
        return act()
    if crash == "acted":
        act()
    raise StripeNo("An unknown error occurred", status=500, type="api_error")
