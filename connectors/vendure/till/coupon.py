"""A coupon for one use with a code of our own: a promotion with a fixed discount on the order.

No key, and Vendure takes a second promotion with the same code, after which **both** count. So the
code is looked up before each sending, one at a time in this process, and again afterwards: two of
one code are a person's to look at.

The discount is a bare number that counts in whatever currency an order is in, so ten euros would be
ten dinars: coupons are given only where the channel sells in one currency. Where its prices are
without tax, the discount is taken off before tax too.
https://github.com/vendure-ecommerce/vendure, order-fixed-discount-action.ts
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.vendure.client import Admin, Node, Refused
from connectors.vendure.shapes import PRECISION, Units, instant, many, marked, node, text
from connectors.vendure.till.remedy import asked
from core.money import EXPONENTS, Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostError,
    HostRecord,
    HostUnclear,
    Instruction,
    NotSent,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

_PAGES_MAX = 50
_CODE = re.compile(r"[A-Za-z0-9-]{16,64}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)

PROMOTION = """id createdAt endsAt couponCode description enabled usageLimit
  conditions { code } actions { code args { name value } }"""
CHANNEL = "activeChannel { defaultCurrencyCode availableCurrencyCodes defaultLanguageCode }"
_SHOP = f"query {{ {CHANNEL} {PRECISION} }}"
_SEEN = f"""query($options: PromotionListOptions) {{
  promotions(options: $options) {{ items {{ {PROMOTION} }} }} {CHANNEL} {PRECISION} }}"""
_MAKE = f"""mutation($input: CreatePromotionInput!) {{ createPromotion(input: $input) {{ __typename
  ... on Promotion {{ {PROMOTION} }} ... on ErrorResult {{ errorCode message }} }} }}"""


class Coupon:
    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def thing(self, instruction: Instruction) -> str:
        return f"coupon {_code(instruction)}"

    def quote(self, instruction: Instruction) -> Quote:
        """Also before there is a code."""
        wanted = asked(instruction)
        data = self._admin.read(_SHOP)
        _check_currency(data, wanted.currency)
        step = Units.of(data).step_minor(wanted.currency)
        return Quote(payable=Money(wanted.minor - wanted.minor % step, wanted.currency))

    def find(self, instruction: Instruction) -> Finding:
        code = _code(instruction)
        options = {"filter": {"couponCode": {"eq": code}}}
        found = [
            (one, data)
            for one, data in self._admin.listed(_SEEN, "promotions", options, pages_max=1)
            if text(one, "couponCode").casefold() == code.casefold()
        ]
        if len(found) > 1:
            return Unknown("two promotions have this code, and both count: look at them now")
        if not found:
            return Absent()
        one, data = found[0]
        return judged(one, Units.of(data), instruction)

    def send(self, instruction: Instruction) -> Ending:
        data = self._admin.read(_SHOP)
        wanted = asked(instruction)
        _check_currency(data, wanted.currency)
        language = text(node(data, "activeChannel"), "defaultLanguageCode")
        form = body(instruction, Units.of(data).units(wanted), language)
        answer = self._admin.write(_MAKE, "createPromotion", "Promotion", input=form)
        match answer:
            case NotSent() | Unknown():
                return answer
            case Refused(code, message):
                return Declined(code, f"Vendure says: {message}")
        try:
            made = judged(answer, Units.of(data), instruction)
            there = self.find(instruction)
        except HostError as error:
            return Unknown(str(error))
        if isinstance(made, Unknown):
            return made
        if isinstance(there, Absent):
            return Unknown("Vendure shows no coupon with this code")
        return there

    def recent(self, since: datetime) -> Iterator[HostRecord]:
        """Coupons of ours since; a shop has many promotions of its own, which are no payouts."""
        options = {"filter": {"createdAt": {"after": since.isoformat()}}, "sort": {"id": "ASC"}}
        for one, data in self._admin.listed(_SEEN, "promotions", options, pages_max=_PAGES_MAX):
            ours = marked(one.get("description"))
            currency, units = _only_currency(data), _discount(one)
            if ours is not None:
                sure = currency is not None and units is not None
                yield HostRecord(
                    host_object=_name(one),
                    remedy="coupon",
                    amount=Units.of(data).money(units or 0, currency or "") if sure else None,
                    order_id=None,
                    marker=f"[amends:{ours}]",
                    ending="settled",
                    at=instant(one, "createdAt"),
                )


def body(instruction: Instruction, units: int, language: str) -> dict[str, object]:
    """Customers see the name beside the discount in their cart, so it is the code."""
    code = _code(instruction)
    form: dict[str, object] = {
        "enabled": True,
        "couponCode": code,
        "usageLimit": 1,
        "perCustomerUsageLimit": 1,
        "conditions": [],
        "actions": [
            {
                "code": "order_fixed_discount",
                "arguments": [{"name": "discount", "value": str(units)}],
            }
        ],
        "translations": [
            {"languageCode": language, "name": code, "description": f"Amends {instruction.marker}"}
        ],
    }
    if instruction.expires_at is not None:
        form["endsAt"] = instruction.expires_at.astimezone(UTC).isoformat()
    return form


def judged(promotion: Node, units: Units, instruction: Instruction) -> Settled | Unknown:
    """Only a promotion with our code, marker and amount, for one use, is ours."""
    if text(promotion, "couponCode").casefold() != _code(instruction).casefold():
        return Unknown("Vendure shows another code than ours")
    if marked(promotion.get("description")) != instruction.payout_id:
        return Unknown("a promotion with this code exists and does not carry our marker")
    if _discount(promotion) != units.units(asked(instruction)):
        return Unknown("Vendure shows a coupon of another amount than was asked")
    if promotion.get("usageLimit") != 1 or promotion.get("enabled") is not True:
        return Unknown("Vendure shows the coupon switched off, or for more than one use")
    return Settled(
        Receipt(
            host_object=_name(promotion),
            amount=instruction.amount,
            at=instant(promotion, "createdAt"),
            code=_code(instruction),
        )
    )


def _name(promotion: Node) -> str:
    """Its number alone may be a refund's as well."""
    return f"promotion:{text(promotion, 'id')}"


def _code(instruction: Instruction) -> str:
    code = instruction.code
    if code is None or _CODE.fullmatch(code) is None:
        raise Unpayable("a coupon needs a code of 16 to 64 letters, digits and dashes")
    return code


def _discount(promotion: Node) -> int | None:
    """The fixed discount in the shop's units; None for a promotion that gives something else."""
    actions = many(promotion, "actions")
    if len(actions) != 1 or actions[0].get("code") != "order_fixed_discount":
        return None
    values = [one.get("value") for one in many(actions[0], "args") if one.get("name") == "discount"]
    value = values[0] if len(values) == 1 else None
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def _only_currency(data: Node) -> str | None:
    channel = node(data, "activeChannel")
    default, sold = text(channel, "defaultCurrencyCode"), channel.get("availableCurrencyCodes")
    if not isinstance(sold, list):
        raise HostUnclear("Vendure's answer does not say what the channel sells in")
    return default if set(sold) <= {default} and default in EXPONENTS else None


def _check_currency(data: Node, currency: str) -> None:
    only = _only_currency(data)
    if only is None:
        raise Unpayable("the channel sells in several currencies; a coupon would count in each")
    if currency != only:
        raise Unpayable(f"the channel sells in {only}; a coupon is in no other currency")
