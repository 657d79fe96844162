"""A coupon for one use, bound to the customer's e-mail address, with a code of our own.

No key, but the code is ours and is looked up before each sending. The shop keeps codes in small
letters and takes two equal ones when they come at the same moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.woocommerce.client import Node, Refused, Shop
from connectors.woocommerce.shapes import instant, marked, money, same_address, text, whole
from connectors.woocommerce.till.purchases import Books
from connectors.woocommerce.till.remedy import asked
from core.money import EXPONENTS
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostError,
    HostNotFound,
    HostRecord,
    Instruction,
    NotSent,
    Quote,
    Receipt,
    Settings,
    Settled,
    Unknown,
    Unpayable,
)

_CODE = re.compile(r"[A-Za-z0-9-]{16,64}", re.ASCII)
_TAKEN = "woocommerce_rest_coupon_code_already_exists"
_PAGES_MAX = 50


class Coupon:
    def __init__(self, shop: Shop, books: Books, settings: Settings) -> None:
        self._shop = shop
        self._books = books
        self._settings = settings

    def thing(self, instruction: Instruction) -> str:
        return f"coupon {_code(instruction)}"

    def quote(self, instruction: Instruction) -> Quote:
        """Also before there is a code: what matters is the currency and somebody to bind it to."""
        wanted = asked(instruction)
        self._check_currency(wanted.currency)
        self._email(instruction)
        return Quote(payable=wanted)

    def find(self, instruction: Instruction) -> Finding:
        found = self._seen(instruction)
        if len(found) > 1:
            return Unknown("two coupons have this code: look at them now")
        return judged(found[0], instruction) if found else Absent()

    def send(self, instruction: Instruction) -> Ending:
        try:
            self._check_currency(asked(instruction).currency)
            form = body(instruction, self._email(instruction))
        except (Unpayable, HostNotFound) as error:
            return Declined("unpayable", str(error))
        except HostError as error:  # nothing was sent yet
            return NotSent(str(error), error.retry_after)
        answer = self._shop.write("POST", "coupons", form)
        try:
            match answer:
                case NotSent() | Unknown():
                    return answer
                case Refused(_, code, message):
                    return self._refused(code, message, instruction, answer.status)
            return judged(answer, instruction)
        except HostError as error:
            return Unknown(str(error))

    def reverse(self, instruction: Instruction) -> Ending:
        """Deletes the coupon, where it has not been used."""
        found = self._seen(instruction)
        if len(found) != 1 or not isinstance(judged(found[0], instruction), Settled):
            return Unknown("this coupon is not surely ours: look at it in the shop")
        if whole(found[0], "usage_count"):
            return Declined("used", "the customer has used the coupon already")
        coupon_id = whole(found[0], "id")
        answer = self._shop.write("DELETE", f"coupons/{coupon_id}", params={"force": "true"})
        match answer:
            case NotSent() | Unknown():
                return answer
            case Refused(_, code, message):
                return Declined(code, f"WooCommerce says: {message}")
        if answer.get("id") != coupon_id:
            return Unknown("WooCommerce does not say that the coupon is gone")
        return judged(found[0], instruction)

    def recent(self, since: datetime) -> Iterator[HostRecord]:
        """Coupons of ours since; a shop has many of its own, which are no payouts."""
        params = {"orderby": "date", "order": "desc"}
        for one in self._shop.listed("coupons", params, pages_max=_PAGES_MAX):
            made = instant(one, "date_created")
            if made < since:
                return
            ours = marked(one.get("description"))
            currency = self._settings.get("currency") or ""
            if ours is not None:
                known = currency in EXPONENTS
                yield HostRecord(
                    host_object=str(whole(one, "id")),
                    remedy="coupon",
                    amount=money(text(one, "amount"), currency) if known else None,
                    order_id=None,
                    marker=f"[amends:{ours}]",
                    ending="settled",
                    at=made,
                )

    def _refused(self, code: str, message: str, instruction: Instruction, status: int) -> Ending:
        if code == _TAKEN:
            found = self.find(instruction)
            gone = Unknown("WooCommerce has a coupon with this code and does not show it")
            return gone if isinstance(found, Absent) else found
        if status == 500:
            return Unknown(f"WooCommerce failed while making the coupon: {message}")
        return Declined(code, f"WooCommerce says: {message}")

    def _seen(self, instruction: Instruction) -> list[Node]:
        """Every coupon of our code. Compared, because an unknown filter lists all of them."""
        code = _code(instruction)
        found = self._shop.listed("coupons", {"code": code}, pages_max=1)
        return [one for one in found if text(one, "code").lower() == code]

    def _check_currency(self, currency: str) -> None:
        shop = self._settings.get("currency")
        if not shop:
            raise Unpayable("set the currency of the shop: a coupon is in no other")
        if currency != shop:
            raise Unpayable(f"the shop sells in {shop}; a coupon is in no other currency")

    def _email(self, instruction: Instruction) -> str:
        return instruction.email or self._books.email_of_buyer(
            instruction.buyer_id, instruction.order_id
        )


def _code(instruction: Instruction) -> str:
    code = instruction.code
    if code is None or _CODE.fullmatch(code) is None:
        raise Unpayable("a coupon needs a code of 16 to 64 letters, digits and dashes")
    return code.lower()


def body(instruction: Instruction, email: str) -> dict[str, object]:
    form: dict[str, object] = {
        "code": _code(instruction),
        "discount_type": "fixed_cart",
        "amount": asked(instruction).text,
        "individual_use": True,
        "usage_limit": 1,
        "usage_limit_per_user": 1,
        "email_restrictions": [email],
        "description": f"Amends {instruction.marker}",
    }
    if instruction.expires_at is not None:
        form["date_expires_gmt"] = instruction.expires_at.astimezone(UTC).strftime(
            "%Y-%m-%dT%H:%M:%S"
        )
    return form


def judged(coupon: Node, instruction: Instruction) -> Settled | Unknown:
    """Only a coupon with our code, marker and amount, for one use by one person, is ours."""
    if text(coupon, "code").lower() != _code(instruction):
        return Unknown("WooCommerce shows another code than ours")
    if marked(coupon.get("description")) != instruction.payout_id:
        return Unknown("a coupon with this code exists and does not carry our marker")
    if money(text(coupon, "amount"), asked(instruction).currency) != instruction.amount:
        return Unknown("WooCommerce shows a coupon of another amount than was asked")
    bound = coupon.get("email_restrictions")
    people = [one for one in bound if one] if isinstance(bound, list) else []
    email = instruction.email
    if len(people) != 1 or (email and not same_address(people[0], email)):
        return Unknown("WooCommerce shows the coupon bound to nobody, or to somebody else")
    if coupon.get("usage_limit") != 1 or coupon.get("discount_type") != "fixed_cart":
        return Unknown("WooCommerce shows a coupon of another kind than was asked")
    return Settled(
        Receipt(
            host_object=str(whole(coupon, "id")),
            amount=instruction.amount,
            at=instant(coupon, "date_created"),
            code=_code(instruction),
        )
    )
