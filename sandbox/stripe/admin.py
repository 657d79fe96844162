"""What happens at Stripe without a call of ours, for tests and the demo page to ask for.

| call under `/_sandbox/` | does |
|---|---|
| POST `refunds/<id>` | `{"status", "failure_reason"}`: a refund ends, or a succeeded one fails |
| POST `charges/<id>/refund` | `{"amount"}`: somebody refunds in the dashboard |
| POST `charges/<id>/dispute` | `{"reason", "amount"}`: the bank opens a dispute |
| POST `disputes/<id>` | `{"status"}`: won, lost, under_review |
| POST `conduct` | `pace_s`, `index_lag_s`, `endings`, `crashes`, `secret_keys` (see `Stripe`) |

`account` in a body names another account than the main one.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.stripe import refunds
from sandbox.stripe.books import Account, Object, Stripe
from sandbox.stripe.errors import StripeNo


def admin_api(stripe: Stripe) -> Blueprint:
    api = Blueprint("admin", __name__, url_prefix="/_sandbox")
    _refunds(api, stripe)
    _disputes(api, stripe)

    @api.post("/conduct")
    def conduct() -> Response:
        asked = _body()
        with stripe.lock:
            stripe.pace_s = asked.get("pace_s", stripe.pace_s)
            stripe.index_lag_s = asked.get("index_lag_s", stripe.index_lag_s)
            stripe.endings = list(asked.get("endings", stripe.endings))
            stripe.crashes = list(asked.get("crashes", stripe.crashes))
            stripe.secret_keys = set(asked.get("secret_keys", stripe.secret_keys))
        return jsonify(ok=True)

    return api


def _body() -> dict[str, Any]:
    return request.get_json(silent=True) or {}


def _found(stripe: Stripe, table: str, id: str) -> tuple[Account, Object]:
    account = stripe.accounts[_body().get("account")]
    if id not in account[table]:
        raise Refused(404, {"error": f"no {id} in {table}"})
    return account, account[table][id]


def _refunds(api: Blueprint, stripe: Stripe) -> None:
    @api.post("/refunds/<id>")
    def conclude(id: str) -> Response:
        asked = _body()
        with stripe.lock:
            account, made = _found(stripe, "refunds", id)
            refunds.conclude(stripe, account, made, asked["status"], asked.get("failure_reason"))
            return jsonify(made)

    @api.post("/charges/<id>/refund")
    def by_hand(id: str) -> Response:
        with stripe.lock:
            account, charge = _found(stripe, "charges", id)
            try:
                made = refunds.refund(stripe, account, charge, _body().get("amount"))
            except StripeNo as no:
                raise Refused(422, no.body) from None
            refunds.announce(stripe, account, made)
            return jsonify(made)


def _disputes(api: Blueprint, stripe: Stripe) -> None:
    @api.post("/charges/<id>/dispute")
    def dispute(id: str) -> Response:
        asked = _body()
        with stripe.lock:
            account, charge = _found(stripe, "charges", id)
            made: Object = {
                "id": stripe.new_id("dp"),
                "object": "dispute",
                "amount": asked.get("amount", charge["amount"]),
                "charge": id,
                "created": stripe.now(),
                "currency": charge["currency"],
                "livemode": False,
                "metadata": {},
                "payment_intent": charge["payment_intent"],
                "reason": asked.get("reason", "product_not_received"),
                "status": "needs_response",
            }
            account["disputes"][made["id"]] = made
            charge["disputed"] = True
            stripe.tell(account, "charge.dispute.created", made)
            return jsonify(made)

    @api.post("/disputes/<id>")
    def dispute_moves(id: str) -> Response:
        with stripe.lock:
            account, made = _found(stripe, "disputes", id)
            made["status"] = _body()["status"]
            over = made["status"] in ("won", "lost")
            name = "charge.dispute.closed" if over else "charge.dispute.updated"
            stripe.tell(account, name, made)
            return jsonify(made)
