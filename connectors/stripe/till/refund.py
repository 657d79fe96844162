"""A refund of a payment, back to what it was paid with."""

from __future__ import annotations

from datetime import timedelta

from stripe.params import RefundCreateParams, RefundListParams

from connectors.stripe.client import Account, Node
from connectors.stripe.shapes import (
    REFUND_STATES,
    at,
    counted,
    instant,
    money,
    payment_of,
    stepped,
    text,
)
from connectors.stripe.till.purchases import charge_of, left_of
from connectors.stripe.till.remedy import (
    PAGE,
    Sending,
    asked,
    ending_of,
    every,
    irreversible,
    needed,
)
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    Instruction,
    Pending,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

#: Stripe may forget a key after 24 hours; less is trusted.
KEY_LIFE = timedelta(hours=20)


class Refund:
    def __init__(self, account: Account) -> None:
        self._account = account

    def quote(self, instruction: Instruction) -> Quote:
        wanted = asked(instruction)
        charge = charge_of(self._account, needed(instruction.order_id, "a payment"))
        left = left_of(self._account, charge)
        if left.currency != wanted.currency:
            raise Unpayable(f"the payment was in {left.currency}; it cannot be refunded otherwise")
        return Quote(payable=stepped(min(wanted, left)), limit=left)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        """The key alone keeps it from happening twice, so nothing is looked up before."""
        params = body(instruction)
        return lambda: self._send(params, instruction)

    def find(self, instruction: Instruction) -> Finding:
        """By id, else among the payment's own refunds by our id in their metadata."""
        if (known := instruction.host_object) is not None:
            found = [self._account.read(lambda client: client.v1.refunds.retrieve(known))]
        else:
            of: RefundListParams = {"limit": PAGE, **_payment(instruction)}  # type: ignore[typeddict-item]
            refunds = every(
                self._account,
                lambda client, after: client.v1.refunds.list(
                    {**of, "starting_after": after} if after else of
                ),
            )
            ours = instruction.payout_id
            found = [one for one in refunds if at(one, "metadata", "amends_id") == ours]
        if len(found) > 1:
            return Unknown("two refunds carry this payout's id: look at the payment now")
        return judged(found[0], instruction) if found else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        return irreversible("a refund that was made cannot be taken back by Stripe")

    def _send(self, params: RefundCreateParams, instruction: Instruction) -> Ending:
        answer = self._account.write(
            lambda client: client.v1.refunds.create(params, {"idempotency_key": instruction.key})
        )
        return ending_of(answer, lambda refund: judged(refund, instruction))


def body(instruction: Instruction) -> RefundCreateParams:
    """`reason` is never `fraudulent`: that puts the customer's card and e-mail on block lists."""
    params: RefundCreateParams = {
        "amount": counted(asked(instruction)),
        "reason": "requested_by_customer",
        "metadata": {"amends_id": instruction.payout_id},
        **_payment(instruction),  # type: ignore[typeddict-item]
    }
    return params


def _payment(instruction: Instruction) -> dict[str, str]:
    order_id = needed(instruction.order_id, "a payment")
    return {"payment_intent" if order_id.startswith("pi_") else "charge": order_id}


def judged(refund: Node, instruction: Instruction) -> Settled | Pending | Declined | Unknown:
    """An ending only for exactly what was asked: payment, amount, currency, and our id."""
    amount = money(at(refund, "amount"), at(refund, "currency"))
    if payment_of(refund) != instruction.order_id:
        return Unknown("Stripe answered about another payment")
    if at(refund, "metadata", "amends_id") != instruction.payout_id:
        return Unknown("Stripe answered with a refund that does not carry our id")
    if amount != instruction.amount:
        return Unknown(f"Stripe shows a refund of {amount}, not {instruction.amount}")
    receipt = Receipt(
        host_object=text(refund, "id"),
        amount=amount,
        order_id=instruction.order_id,
        at=instant(at(refund, "created")),
    )
    match REFUND_STATES.get(str(at(refund, "status"))):
        case "settled":
            return Settled(receipt)
        case "pending":
            return Pending(receipt)
        case "failed":
            # The money is back in the merchant's balance: the customer was not paid.
            reason = str(at(refund, "failure_reason") or at(refund, "status"))
            return Declined(reason, f"the customer's bank did not take the refund ({reason})")
    return Unknown("Stripe shows the refund in a state Amends does not know")
