"""Refunds: partials up to the charge, endings that come late, and failures after success."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.books import Account, Object, Stripe
from sandbox.stripe.calls import Call, listing
from sandbox.stripe.errors import StripeNo, choice, integer, invalid, metadata, only, truth
from sandbox.stripe.money import check_step, spoken

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
#: Statuses in which a refund holds its share of the charge.
_HOLDING = ("pending", "requires_action", "succeeded")
_OVER = ("won", "warning_closed")


def create(call: Call) -> Object:
    params = call.params
    only(
        params, "amount", "charge", "payment_intent", "currency", "customer", "origin",
        "instructions_email", "metadata", "reason", "refund_application_fee", "reverse_transfer",
    )  # fmt: skip
    amount, reason = integer(params, "amount"), choice(params, "reason", *_REASONS)
    kept = metadata(params)
    for flag in ("refund_application_fee", "reverse_transfer"):
        truth(params, flag)
    if amount is not None and amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    charge = _charge(call)
    if amount is not None:
        check_step(amount, charge["currency"])
    if params.get("currency") not in (None, charge["currency"]):
        raise StripeNo("The currency must be the one of the charge.", param="currency")
    call.stripe.think()
    made = refund(call.stripe, call.account, charge, amount)
    made["metadata"], made["reason"] = kept, reason
    announce(call.stripe, call.account, made)
    return made


def _charge(call: Call) -> Object:
    if "charge" in call.params:
        return call.named("charges", "charge")
    if "payment_intent" not in call.params:
        words = "One of the following params should be provided for this request: "
        raise invalid(words + "payment_intent or charge.")
    intent = call.named("payment_intents", "payment_intent")
    return call.one("charges", intent["latest_charge"])


def refund(stripe: Stripe, account: Account, charge: Object, amount: int | None) -> Object:
    """Take the amount from what is left of the charge; all of it where none is given."""
    left = charge["amount_captured"] - _held(account, charge)
    for one in account.pick("disputes", charge=charge["id"]):
        if one["status"] not in _OVER:
            words = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise StripeNo(words, code="charge_disputed")
    if left <= 0:
        words = f"Charge {charge['id']} has already been refunded."
        raise StripeNo(words, code="charge_already_refunded")
    asked = left if amount is None else amount
    if asked > left:
        currency = charge["currency"]
        raise StripeNo(
            f"Refund amount ({spoken(asked, currency)}) is greater than unrefunded amount "
            f"on charge ({spoken(left, currency)})",
            param="amount",
        )
    made = stripe.new_refund(account, charge, asked)
    made["status"] = stripe.endings.pop(0) if stripe.endings else "succeeded"
    made["pending_reason"] = "processing" if made["status"] == "pending" else None
    if made["status"] == "failed":
        made["failure_reason"] = "declined"
        made["failure_balance_transaction"] = stripe.new_id("txn")
    tally(account, charge)
    return made


def _held(account: Account, charge: Object) -> int:
    rows = account.pick("refunds", charge=charge["id"])
    return sum(one["amount"] for one in rows if one["status"] in _HOLDING)


def tally(account: Account, charge: Object) -> None:
    """Write on the charge what its refunds come to."""
    charge["amount_refunded"] = _held(account, charge)
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]


def announce(stripe: Stripe, account: Account, made: Object) -> None:
    stripe.tell(account, "refund.created", made)
    if made["status"] == "failed":
        stripe.tell(account, "refund.failed", made)
    else:
        stripe.tell(account, "charge.refunded", account["charges"][made["charge"]])


def conclude(stripe: Stripe, account: Account, made: Object, status: str, why: str | None) -> None:
    """A refund moves on, days later if need be; a failed one gives its money back to the shop."""
    before = {"status": made["status"]}
    made["status"], made["pending_reason"] = status, None
    if status == "failed":
        made["failure_reason"] = why or "unknown"
        made["failure_balance_transaction"] = stripe.new_id("txn")
    tally(account, account["charges"][made["charge"]])
    stripe.tell(account, "refund.updated", made, **before)
    if status == "failed":
        stripe.tell(account, "refund.failed", made, **before)


def get(call: Call, id: str) -> Object:
    only(call.params)
    return call.one("refunds", id)


def listed(call: Call) -> Object:
    wanted: dict[str, Any] = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    for table, name in (("charges", "charge"), ("payment_intents", "payment_intent")):
        if wanted[name] is not None:
            call.named(table, name)
    return listing(call, "refunds", call.account.pick("refunds", **wanted), *wanted)


def update(call: Call, id: str) -> Object:
    only(call.params, "metadata")
    made = call.one("refunds", id)
    made["metadata"] = {**made["metadata"], **metadata(call.params)}
    call.stripe.tell(call.account, "refund.updated", made)
    return made


def cancel(call: Call, id: str) -> Object:
    only(call.params)
    made = call.one("refunds", id)
    if made["status"] != "requires_action":
        words = f"A refund with status {made['status']} cannot be canceled; only one that "
        raise StripeNo(words + "requires action can.")
    conclude(call.stripe, call.account, made, "canceled", None)
    return made
