"""A promotion code for one customer and one use, over a coupon of its own.

Two objects: the coupon (the value; its id is ours) and the promotion code (what the customer types;
bound to them). Since 2025-09-30 the coupon stands inside `promotion`.
"""

from __future__ import annotations

import re

from stripe.params import CouponCreateParams, PromotionCodeCreateParams

from connectors.stripe.client import Account, Node, Refused
from connectors.stripe.shapes import at, counted, id_of, instant, listed, stepped, text
from connectors.stripe.till.remedy import Sending, asked, ending_of, needed
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    Instruction,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

_CODE = re.compile(r"[A-Za-z0-9-]{16,64}", re.ASCII)


class Coupon:
    def __init__(self, account: Account) -> None:
        self._account = account

    def quote(self, instruction: Instruction) -> Quote:
        code_body(instruction)
        return Quote(payable=stepped(asked(instruction)))

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        coupon, code = coupon_body(instruction), code_body(instruction)
        return lambda: self._send(coupon, code, instruction)

    def find(self, instruction: Instruction) -> Finding:
        """A coupon without its code is worth nothing to anybody: only the code counts."""
        code = code_body(instruction)["code"]
        page = self._account.read(
            lambda client: client.v1.promotion_codes.list({"code": code, "limit": 100})
        )
        ours = [
            one for one in listed(page) if at(one, "metadata", "amends_id") == instruction.payout_id
        ]
        if len(ours) > 1:
            return Unknown("two promotion codes carry this payout's id: look at them now")
        return self._judged(ours[0], instruction) if ours else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        """Switches the code off, where it has not been used. Doing it again changes nothing."""
        code_id = needed(instruction.host_object, "the promotion code's id")
        code = self._account.read(lambda client: client.v1.promotion_codes.retrieve(code_id))
        if at(code, "metadata", "amends_id") != instruction.payout_id:
            return Unknown("this promotion code is not surely ours: look at it in Stripe")
        if at(code, "times_redeemed") != 0:
            return Declined("used", "the customer has used the code already")
        answer = self._account.write(
            lambda client: client.v1.promotion_codes.update(code_id, {"active": False})
        )

        def believed(off: Node) -> Ending:
            if at(off, "id") != code_id or at(off, "active") is not False:
                return Unknown("Stripe does not say that the code is off")
            return Settled(_receipt(off, instruction))

        return ending_of(answer, believed)

    def _send(
        self,
        coupon: CouponCreateParams,
        code: PromotionCodeCreateParams,
        instruction: Instruction,
    ) -> Ending:
        made = self._account.write(
            lambda client: client.v1.coupons.create(
                coupon, {"idempotency_key": f"{instruction.key}:coupon"}
            )
        )
        # An earlier attempt got this far: its coupon has our id, and the same value or none.
        there = isinstance(made, Refused) and made.code == "resource_already_exists"
        if not isinstance(made, dict) and not there:
            return ending_of(made, lambda _: Unknown("unreadable"))
        answer = self._account.write(
            lambda client: client.v1.promotion_codes.create(
                code, {"idempotency_key": f"{instruction.key}:code"}
            )
        )
        return ending_of(answer, lambda seen: self._judged(seen, instruction))

    def _judged(self, code: Node, instruction: Instruction) -> Settled | Unknown:
        if str(at(code, "code")).lower() != (instruction.code or "").lower():
            return Unknown("Stripe shows another code than ours")
        if id_of(code, "customer") != instruction.buyer_id:
            return Unknown("Stripe shows the code with another customer")
        if at(code, "metadata", "amends_id") != instruction.payout_id:
            return Unknown("Stripe answered with a code that does not carry our id")
        if id_of(code, "promotion", "coupon") != coupon_id(instruction):
            return Unknown("Stripe shows the code over another coupon")
        return Settled(_receipt(code, instruction))


def coupon_id(instruction: Instruction) -> str:
    return f"amends-{instruction.payout_id}"


def coupon_body(instruction: Instruction) -> CouponCreateParams:
    wanted = asked(instruction)
    params: CouponCreateParams = {
        "id": coupon_id(instruction),
        "amount_off": counted(wanted),
        "currency": wanted.currency.lower(),
        "duration": "once",
        "max_redemptions": 1,
        "metadata": {"amends_id": instruction.payout_id},
    }
    if instruction.text:
        params["name"] = instruction.text[:40]
    if instruction.expires_at is not None:
        params["redeem_by"] = int(instruction.expires_at.timestamp())
    return params


def code_body(instruction: Instruction) -> PromotionCodeCreateParams:
    code = instruction.code
    if code is None or _CODE.fullmatch(code) is None:
        raise Unpayable("a promotion code needs 16 to 64 letters, digits and dashes")
    params: PromotionCodeCreateParams = {
        "promotion": {"type": "coupon", "coupon": coupon_id(instruction)},
        "code": code,
        "customer": needed(instruction.buyer_id, "a customer to bind the code to"),
        "max_redemptions": 1,
        "metadata": {"amends_id": instruction.payout_id},
    }
    if instruction.expires_at is not None:
        params["expires_at"] = int(instruction.expires_at.timestamp())
    return params


def _receipt(code: Node, instruction: Instruction) -> Receipt:
    return Receipt(
        host_object=text(code, "id"),
        amount=instruction.amount,
        at=instant(at(code, "created")),
        code=instruction.code,
    )
