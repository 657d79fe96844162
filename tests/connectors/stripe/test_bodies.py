"""Every body sent to Stripe, held against stripe-python's own typed parameters."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from stripe import params
from typing_extensions import TypedDict, is_typeddict

from connectors.stripe.setup import endpoint_body
from connectors.stripe.till import account_credit, coupon, credit_note, refund
from core.money import Money
from core.ports import Instruction, Unpayable

ASKED = Instruction(
    payout_id="pay_01938f6e-0000-7000-8000-0000000000aa",
    key="amends:pay_1:1",
    marker="[amends:pay_1]",
    remedy="refund",
    amount=Money(1234, "EUR"),
    order_id="pi_1",
    buyer_id="cus_1",
    text="Sorry for the delay",
    code="SORRY-7K2M9QXA4T",
    expires_at=datetime(2027, 2, 1, tzinfo=UTC),
)
BARE = replace(ASKED, text="", expires_at=None, order_id="ch_1")

BODIES = [
    (params.RefundCreateParams, refund.body),
    (params.CustomerBalanceTransactionCreateParams, account_credit.body),
    (params.CreditNoteCreateParams, lambda asked: credit_note.body(asked, "in_1")),
    (params.CouponCreateParams, coupon.coupon_body),
    (params.PromotionCodeCreateParams, coupon.code_body),
    (params.WebhookEndpointCreateParams, lambda _: endpoint_body("https://amends.example/h")),
]


def closed(kind: Any) -> Any:
    """A TypedDict takes unknown keys unless told otherwise, and `"10"` for a number: here neither.

    The library's own object types, which bodies may hold too and ours do not, are left out.
    """
    names = {**vars(sys.modules[kind.__module__]), "StripeContext": dict, "Mapping": Mapping}
    names["UntypedStripeObject"] = defaultdict(lambda: Literal["an object of the library"])
    hints = get_type_hints(kind, globalns=names, include_extras=True)
    made = TypedDict(kind.__name__, {name: _closed(hint) for name, hint in hints.items()})  # type: ignore[misc]
    return with_config(ConfigDict(extra="forbid", strict=True))(made)


def _closed(hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return NotRequired[_closed(inner[0])]
    if origin is list:
        return list[_closed(inner[0])]  # type: ignore[misc]
    if origin in (Union, UnionType):
        return Union[tuple(map(_closed, inner))]  # noqa: UP007 (of a tuple)
    return closed(hint) if is_typeddict(hint) else hint


def checked(kind: Any, body: Any) -> None:
    TypeAdapter(closed(kind)).validate_python(body)


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("asked", [ASKED, BARE], ids=["full", "bare"])
def test_fits_the_typed_parameters(kind: Any, body: Any, asked: Instruction) -> None:
    checked(kind, body(asked))


@pytest.mark.parametrize("wrong", [{"amuont": 1}, {"amount": "10"}, {"amount": 1.5}])
def test_the_parameters_see_a_wrong_word(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        checked(params.RefundCreateParams, {**refund.body(ASKED), **wrong})


def test_nobody_is_put_on_a_block_list() -> None:
    assert refund.body(ASKED)["reason"] == "requested_by_customer"


def test_credit_is_below_zero() -> None:
    assert account_credit.body(ASKED)["amount"] == -1234


def test_the_code_is_bound_to_the_customer_and_used_once() -> None:
    body = coupon.code_body(ASKED)
    assert (body["customer"], body["max_redemptions"]) == ("cus_1", 1)
    assert body["promotion"] == {"type": "coupon", "coupon": f"amends-{ASKED.payout_id}"}
    with pytest.raises(Unpayable):
        coupon.code_body(replace(ASKED, buyer_id=None))


@pytest.mark.parametrize("code", [None, "", "SHORT", "SORRY 7K2M9QXA4T", "SORRY-7K2M9QXA٤T"])
def test_a_code_that_cannot_be_is_refused(code: str | None) -> None:
    with pytest.raises(Unpayable):
        coupon.code_body(replace(ASKED, code=code))


@pytest.mark.parametrize(
    ("amount", "count"),
    [
        (Money(1234, "EUR"), 1234),
        (Money(1500, "JPY"), 1500),
        (Money(12340, "KWD"), 12340),
        (Money(500, "ISK"), 50000),
        (Money(500, "UGX"), 50000),
        (Money(500_000, "MGA"), 5000),
    ],
    ids=str,
)
def test_amounts_are_counted_as_stripe_counts(amount: Money, count: int) -> None:
    assert refund.body(replace(ASKED, amount=amount))["amount"] == count


@pytest.mark.parametrize("amount", [Money(12345, "KWD"), Money(12345, "MGA"), None], ids=str)
def test_what_stripe_cannot_move_is_refused(amount: Money | None) -> None:
    with pytest.raises(Unpayable):
        refund.body(replace(ASKED, amount=amount))
