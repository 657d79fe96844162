"""Customer balance, coupons, promotion codes, credit notes: what is given that is not cash."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sandbox.stripe import refunds
from sandbox.stripe.books import Object
from sandbox.stripe.calls import Call, listing
from sandbox.stripe.errors import StripeNo, choice, integer, invalid, metadata, need, only, truth
from sandbox.stripe.money import spoken

_FIVE_YEARS = 5 * 365 * 86400 + 86400


def balance_create(call: Call, customer: str) -> Object:
    """A negative amount is in the customer's favour, on their next invoice."""
    only(call.params, "amount", "currency", "description", "metadata")
    need(call.params, "amount")
    amount, currency = integer(call.params, "amount") or 0, need(call.params, "currency").lower()
    if amount == 0:
        raise invalid("Invalid non-zero integer", "amount", "parameter_invalid_integer")
    kept = metadata(call.params)
    person = call.one("customers", customer)
    if person["currency"] not in (None, currency):
        words = "You cannot combine currencies on a single customer. This customer has had "
        raise StripeNo(words + f"transactions in {person['currency']}", param="currency")
    call.stripe.think()
    person["currency"] = currency
    person["balance"] += amount
    person["invoice_credit_balance"] = {currency: person["balance"]}
    id = call.stripe.new_id("cbtxn")
    made: Object = {
        "id": id,
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": call.stripe.now(),
        "credit_note": None,
        "currency": currency,
        "customer": customer,
        "description": call.params.get("description"),
        "ending_balance": person["balance"],
        "invoice": None,
        "livemode": False,
        "metadata": kept,
        "type": "adjustment",
    }
    call.account["balance_transactions"][id] = made
    return made


def balance_list(call: Call, customer: str) -> Object:
    call.one("customers", customer)
    rows = call.account.pick("balance_transactions", customer=customer)
    return listing(call, f"customers/{customer}/balance_transactions", rows)


def balance_get(call: Call, customer: str, id: str) -> Object:
    only(call.params)
    call.one("customers", customer)
    return call.one("balance_transactions", id)


def coupon_create(call: Call) -> Object:
    params = call.params
    only(
        params, "id", "amount_off", "percent_off", "currency", "duration", "duration_in_months",
        "max_redemptions", "redeem_by", "name", "applies_to", "metadata",
    )  # fmt: skip
    amount, redeem_by = integer(params, "amount_off"), integer(params, "redeem_by")
    duration = choice(params, "duration", "once", "repeating", "forever") or "once"
    if (amount is None) == ("percent_off" not in params):
        raise invalid("You must pass either amount_off or percent_off, and not both.")
    if amount is not None:
        need(params, "currency")
    if redeem_by is not None and not 0 < redeem_by - call.stripe.now() <= _FIVE_YEARS:
        raise invalid("redeem_by must be in the future, within five years", "redeem_by")
    id = params.get("id") or secrets.token_urlsafe(6).replace("-", "x").replace("_", "x")
    if id in call.account["coupons"]:
        raise StripeNo("Coupon already exists.", code="resource_already_exists", param="id")
    made: Object = {
        "id": id,
        "object": "coupon",
        "amount_off": amount,
        "created": call.stripe.now(),
        "currency": params.get("currency"),
        "duration": duration,
        "duration_in_months": integer(params, "duration_in_months"),
        "livemode": False,
        "max_redemptions": integer(params, "max_redemptions"),
        "metadata": metadata(params),
        "name": params.get("name"),
        "percent_off": float(params["percent_off"]) if "percent_off" in params else None,
        "redeem_by": redeem_by,
        "times_redeemed": 0,
        "valid": True,
    }
    call.account["coupons"][id] = made
    call.stripe.tell(call.account, "coupon.created", made)
    return made


def coupon_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("coupons", id)


def coupon_list(call: Call) -> Object:
    return listing(call, "coupons", list(call.account["coupons"].values()))


def coupon_delete(call: Call, id: str) -> Object:
    made = call.one("coupons", id)
    del call.account["coupons"][id]
    call.stripe.tell(call.account, "coupon.deleted", made)
    return {"id": id, "object": "coupon", "deleted": True}


def promotion_create(call: Call) -> Object:
    """Since 2025-09-30 the coupon stands under `promotion`; `coupon` is not a parameter."""
    params = call.params
    only(
        params, "promotion", "code", "active", "customer", "expires_at", "max_redemptions",
        "metadata", "restrictions",
    )  # fmt: skip
    promotion: dict[str, Any] = need(params, "promotion")
    if promotion.get("type") != "coupon":
        raise invalid("Invalid promotion[type]: must be coupon", "promotion[type]")
    coupon = call.one("coupons", promotion.get("coupon", ""), "promotion[coupon]", 400)
    code = params.get("code") or secrets.token_hex(4).upper()
    if not re.fullmatch(r"[A-Za-z0-9-]{1,500}", code):
        raise invalid("Promotion codes can only contain letters, numbers and dashes.", "code")
    if "customer" in params:
        call.named("customers", "customer")
    for other in call.account["promotion_codes"].values():
        shared = other["customer"] is None or other["customer"] == params.get("customer")
        shared = shared or "customer" not in params
        if other["active"] and shared and other["code"].casefold() == code.casefold():
            words = f"An active promotion code with `code: {code}` already exists."
            raise StripeNo(words, code="resource_already_exists", param="code")
    id = call.stripe.new_id("promo")
    made: Object = {
        "id": id,
        "object": "promotion_code",
        "active": truth(params, "active") is not False,
        "code": code,
        "created": call.stripe.now(),
        "customer": params.get("customer"),
        "expires_at": integer(params, "expires_at"),
        "livemode": False,
        "max_redemptions": integer(params, "max_redemptions"),
        "metadata": metadata(params),
        "promotion": {"type": "coupon", "coupon": coupon["id"]},
        "restrictions": params.get("restrictions", {}),
        "times_redeemed": 0,
    }
    call.account["promotion_codes"][id] = made
    call.stripe.tell(call.account, "promotion_code.created", made)
    return made


def promotion_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("promotion_codes", id)


def promotion_list(call: Call) -> Object:
    rows = call.account.pick(
        "promotion_codes",
        active=truth(call.params, "active"),
        customer=call.params.get("customer"),
    )
    code, coupon = call.params.get("code"), call.params.get("coupon")
    rows = [
        one
        for one in rows
        if (code is None or one["code"].casefold() == code.casefold())
        and coupon in (None, one["promotion"]["coupon"])
    ]
    return listing(call, "promotion_codes", rows, "active", "code", "coupon", "customer")


def promotion_update(call: Call, id: str) -> Object:
    only(call.params, "active", "metadata", "restrictions")
    made = call.one("promotion_codes", id)
    active = truth(call.params, "active")
    made["active"] = made["active"] if active is None else active
    made["metadata"] = {**made["metadata"], **metadata(call.params)}
    call.stripe.tell(call.account, "promotion_code.updated", made)
    return made


def note_create(call: Call) -> Object:
    """For a paid invoice the parts (refund, credit, outside) must come to the whole."""
    params = call.params
    only(
        params, "invoice", "amount", "refund_amount", "credit_amount", "out_of_band_amount",
        "reason", "memo", "metadata",
    )  # fmt: skip
    need(params, "invoice")
    choice(params, "reason", "duplicate", "fraudulent", "order_change", "product_unsatisfactory")
    need(params, "amount")
    amount = integer(params, "amount") or 0
    refund, credit, outside = (
        integer(params, f"{part}_amount") or 0 for part in ("refund", "credit", "out_of_band")
    )
    invoice = call.named("invoices", "invoice")
    left, currency = (
        invoice["total"] - invoice["post_payment_credit_notes_amount"],
        invoice["currency"],
    )
    if amount < 1 or amount > left:
        words = f"The credit note amount ({spoken(amount, currency)}) must be positive and at most "
        raise StripeNo(words + spoken(left, currency), param="amount")
    if refund + credit + outside != amount:
        parts = spoken(refund + credit + outside, currency)
        raise StripeNo(
            f"The sum of credit amount, refund amount and out of band amount ({parts}) must "
            f"equal the credit note amount ({spoken(amount, currency)})."
        )
    call.stripe.think()
    moved = None
    if refund:
        charge = call.one("charges", invoice["charge"])
        moved = refunds.refund(call.stripe, call.account, charge, refund)
        refunds.announce(call.stripe, call.account, moved)
    if credit:
        person = call.one("customers", invoice["customer"])
        person["balance"] -= credit
    invoice["post_payment_credit_notes_amount"] += amount
    return _note(call, invoice, amount, outside, moved)


def _note(call: Call, invoice: Object, amount: int, outside: int, moved: Object | None) -> Object:
    id = call.stripe.new_id("cn")
    made: Object = {
        "id": id,
        "object": "credit_note",
        "amount": amount,
        "created": call.stripe.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "invoice": invoice["id"],
        "livemode": False,
        "memo": call.params.get("memo"),
        "metadata": metadata(call.params),
        "out_of_band_amount": outside,
        "reason": call.params.get("reason"),
        "refunds": [{"amount_refunded": moved["amount"], "refund": moved["id"]}] if moved else [],
        "status": "issued",
        "total": amount,
        "type": "post_payment",
    }
    call.account["credit_notes"][id] = made
    call.stripe.tell(call.account, "credit_note.created", made)
    return made


def note_get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("credit_notes", id)


def note_list(call: Call) -> Object:
    wanted = {name: call.params.get(name) for name in ("invoice", "customer")}
    return listing(call, "credit_notes", call.account.pick("credit_notes", **wanted), *wanted)
