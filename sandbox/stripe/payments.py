"""Customers, payment intents, charges, disputes, events."""

from __future__ import annotations

import re

from sandbox.stripe.books import Object
from sandbox.stripe.calls import Call, listing
from sandbox.stripe.errors import invalid, metadata, need, only

_TERM = re.compile(r"""(email|name|metadata\[['"](\w+)['"]\])\s*[:=]\s*['"]([^'"]*)['"]""")


def customer_create(call: Call) -> Object:
    only(call.params, "email", "name", "phone", "description", "metadata")
    id = call.stripe.new_id("cus")
    given = {name: call.params.get(name) for name in ("email", "name", "phone", "description")}
    call.account["customers"][id] = {
        "id": id,
        "object": "customer",
        "balance": 0,
        "created": call.stripe.now(),
        "currency": None,
        **given,
        "invoice_credit_balance": {},
        "livemode": False,
        "metadata": metadata(call.params),
    }
    return call.account["customers"][id]


def customer_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("customers", id)


def customer_list(call: Call) -> Object:
    """`email` is compared letter by letter, case included."""
    rows = call.account.pick("customers", email=call.params.get("email"))
    return listing(call, "customers", rows, "email")


def customer_search(call: Call) -> Object:
    """Only `field:'value'` terms joined by AND; the index lags."""
    only(call.params, "query", "limit", "page")
    query = need(call.params, "query")
    terms = _TERM.findall(query)
    if not terms:
        raise invalid("We were unable to parse your search query.", "query")
    newest = call.stripe.clock.epoch() - call.stripe.index_lag_s
    rows = [
        one
        for one in call.account["customers"].values()
        if one["created"] <= newest
        and all(
            ((one["metadata"].get(key) if key else one[name]) or "").casefold() == value.casefold()
            for name, key, value in terms
        )
    ]
    return {"object": "search_result", "data": rows, "has_more": False,
            "next_page": None, "url": "/v1/customers/search"}  # fmt: skip


def intent_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("payment_intents", id)


def intent_list(call: Call) -> Object:
    rows = call.account.pick("payment_intents", customer=call.params.get("customer"))
    return listing(call, "payment_intents", rows, "customer")


def charge_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("charges", id)


def charge_list(call: Call) -> Object:
    wanted = {name: call.params.get(name) for name in ("customer", "payment_intent")}
    rows = call.account.pick("charges", **wanted)
    return listing(call, "charges", rows, *wanted)


def dispute_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("disputes", id)


def dispute_list(call: Call) -> Object:
    wanted = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return listing(call, "disputes", call.account.pick("disputes", **wanted), *wanted)


def event_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("events", id)


def event_list(call: Call) -> Object:
    rows = call.account.pick("events", type=call.params.get("type"))
    return listing(call, "events", rows, "type")


def invoice_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("invoices", id)


def invoice_list(call: Call) -> Object:
    wanted = {name: call.params.get(name) for name in ("customer", "status")}
    return listing(call, "invoices", call.account.pick("invoices", **wanted), *wanted)


def invoice_payment_list(call: Call) -> Object:
    """Which payments paid which invoice, asked for from either side."""
    wanted = call.params.get("payment") or {}
    only(wanted, "type", "payment_intent", "payment_record")
    if wanted and not wanted.get("type"):
        raise invalid("Missing required param: payment[type].", "payment[type]")
    rows = [
        one
        for one in [_paid_by(call, invoice) for invoice in call.account["invoices"].values()]
        if call.params.get("invoice") in (None, one["invoice"])
        and wanted.get("payment_intent") in (None, one["payment"]["payment_intent"])
    ]
    return listing(call, "invoice_payments", rows, "invoice", "payment", "status")


def _paid_by(call: Call, invoice: Object) -> Object:
    charge = call.account["charges"][invoice["charge"]]
    return {
        "id": f"inpay_{invoice['id']}",
        "object": "invoice_payment",
        "amount_paid": invoice["amount_paid"],
        "created": invoice["created"],
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": charge["payment_intent"]},
        "status": "paid",
    }
