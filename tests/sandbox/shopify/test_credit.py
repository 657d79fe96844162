"""What the shop gives that is not cash: store credit, gift cards, codes, replacements."""

from typing import Any

import pytest

from tests.sandbox.shopify.conftest import ShopCaller

ANN = "gid://shopify/Customer/7"
CREDIT = """mutation($id:ID!,$i:StoreCreditAccountCreditInput!){
  storeCreditAccountCredit(id:$id,creditInput:$i){
  storeCreditAccountTransaction{balanceAfterTransaction{amount} expiresAt account{id}}
  userErrors{field message code}}}"""
DEBIT = """mutation($id:ID!,$i:StoreCreditAccountDebitInput!){
  storeCreditAccountDebit(id:$id,debitInput:$i){
  storeCreditAccountTransaction{balanceAfterTransaction{amount}} userErrors{message code}}}"""
CARD = """mutation($i:GiftCardCreateInput!){giftCardCreate(input:$i){
  giftCardCode giftCard{id balance{amount currencyCode}} userErrors{field message code}}}"""
TOP_UP = """mutation($id:ID!,$i:GiftCardCreditInput!){giftCardCredit(id:$id,creditInput:$i){
  giftCardCreditTransaction{note giftCard{balance{amount}}} userErrors{message code}}}"""
CODE = """mutation($d:DiscountCodeBasicInput!){discountCodeBasicCreate(basicCodeDiscount:$d){
  codeDiscountNode{id} userErrors{field message code extraInfo}}}"""


def eur(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def test_credit_has_no_key_so_twice_is_twice(shop: ShopCaller) -> None:
    asked = {"creditAmount": eur("5.00"), "expiresAt": "2031-01-01T00:00:07Z"}
    first = shop.ask(CREDIT, id=ANN, i=asked)["storeCreditAccountTransaction"]
    second = shop.ask(CREDIT, id=first["account"]["id"], i=asked)["storeCreditAccountTransaction"]
    assert second["balanceAfterTransaction"]["amount"] == "10.0"
    assert second["expiresAt"] == "2031-01-01T00:00:07Z"
    listed = shop.ask("""{customer(id:"gid://shopify/Customer/7"){storeCreditAccounts(first:5){nodes{
        balance{amount} transactions(first:9){nodes{amount{amount} event
          ... on StoreCreditAccountCreditTransaction{id expiresAt}}}}}}}""")
    (account,) = listed["storeCreditAccounts"]["nodes"]
    assert [one["event"] for one in account["transactions"]["nodes"]] == ["ADJUSTMENT"] * 2
    left = shop.ask(DEBIT, id=ANN, i={"debitAmount": eur("4")})["storeCreditAccountTransaction"]
    assert left["balanceAfterTransaction"]["amount"] == "6.0"
    none = shop.ask(DEBIT, id=ANN, i={"debitAmount": eur("7")})
    assert none["userErrors"][0]["code"] == "INSUFFICIENT_FUNDS"


@pytest.mark.parametrize(
    ("to", "asked", "code"),
    [
        ("gid://shopify/Customer/9", {}, "OWNER_NOT_FOUND"),
        ("gid://shopify/StoreCreditAccount/9", {}, "ACCOUNT_NOT_FOUND"),
        (ANN, {"creditAmount": eur("0")}, "NEGATIVE_OR_ZERO_AMOUNT"),
        (ANN, {"expiresAt": "2020-01-01T00:00:00Z"}, "EXPIRES_AT_IN_PAST"),
        (ANN, {"creditAmount": eur("100001")}, "CREDIT_LIMIT_EXCEEDED"),
    ],
)
def test_credit_refusals(shop: ShopCaller, to: str, asked: dict[str, Any], code: str) -> None:
    done = shop.ask(CREDIT, id=to, i={"creditAmount": eur("5"), **asked})
    assert done["userErrors"][0]["code"] == code
    assert not any(account["entries"] for account in shop.books()["accounts"])


def test_a_card_code_is_taken_once_and_has_no_error_code(shop: ShopCaller) -> None:
    asked = {"code": "abcd2345efgh", "initialAmount": eur("10.00"), "customerId": ANN}
    first = shop.ask(CARD, i=asked)
    assert first["giftCardCode"] == "abcd2345efgh"
    assert first["giftCard"]["balance"] == {"amount": "10.0", "currencyCode": "EUR"}
    again = shop.ask(CARD, i=asked)
    text = "Code has already been taken"
    assert again["userErrors"] == [{"field": ["input", "code"], "message": text, "code": None}]
    assert len(shop.books()["cards"]) == 1
    found = shop.ask('{giftCards(first:2,query:"abcd2345efgh"){nodes{id}}}')
    assert [one["id"] for one in found["nodes"]] == [first["giftCard"]["id"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "short"}, "TOO_SHORT"),
        ({"code": "x" * 21}, "TOO_LONG"),
        ({"code": "abcd_2345"}, "INVALID"),
        ({"initialAmount": eur("0")}, "GREATER_THAN"),
        ({"initialAmount": eur("2001")}, "GIFT_CARD_LIMIT_EXCEEDED"),
        ({"customerId": "gid://shopify/Customer/9"}, "CUSTOMER_NOT_FOUND"),
    ],
)
def test_card_refusals(shop: ShopCaller, change: dict[str, Any], code: str) -> None:
    done = shop.ask(CARD, i={"code": "abcd2345", "initialAmount": eur("10"), **change})
    assert (done["giftCard"], done["userErrors"][0]["code"]) == (None, code)


def test_a_card_is_topped_up_sent_and_ended(shop: ShopCaller) -> None:
    card = shop.ask(CARD, i={"initialAmount": eur("10")})["giftCard"]["id"]
    asked = {"creditAmount": eur("5"), "note": "[m:2]"}
    done = shop.ask(TOP_UP, id=card, i=asked)["giftCardCreditTransaction"]
    assert (done["note"], done["giftCard"]["balance"]["amount"]) == ("[m:2]", "15.0")
    over = shop.ask(TOP_UP, id=card, i={"creditAmount": eur("1990")})
    assert over["userErrors"][0]["code"] == "GIFT_CARD_LIMIT_EXCEEDED"
    send = "mutation($id:ID!){giftCardSendNotificationToCustomer(id:$id){userErrors{message}}}"
    nobody = shop.ask(send, id=card)["userErrors"]
    assert nobody == [{"message": "The gift card has no customer."}]
    shop.ask("mutation($id:ID!){giftCardDeactivate(id:$id){giftCard{enabled}}}", id=card)
    ended = shop.ask(TOP_UP, id=card, i=asked)["userErrors"]
    assert ended == [{"message": "The gift card is deactivated.", "code": "INVALID"}]


def test_a_discount_code_is_unique_in_any_case(shop: ShopCaller) -> None:
    asked = {
        "code": "SORRY-7K2M", "title": "t", "startsAt": "2026-01-01T00:00:00Z", "usageLimit": 1,
        "context": {"customers": {"add": [ANN]}},
        "customerGets": {"items": {"all": True}, "value": {"discountAmount": {"amount": "10.00"}}},
    }  # fmt: skip
    node = shop.ask(CODE, d=asked)["codeDiscountNode"]["id"]
    taken = shop.ask(CODE, d={**asked, "code": "sorry-7k2m"})["userErrors"][0]
    assert taken["code"] == "TAKEN"
    read = """{codeDiscountNodeByCode(code:"Sorry-7K2M"){id codeDiscount{... on DiscountCodeBasic{
        status usageLimit customerGets{value{... on DiscountAmount{amount{amount}}}}}}}}"""
    found = shop.ask(read)
    assert found["codeDiscount"]["customerGets"]["value"]["amount"]["amount"] == "10.0"
    shop.ask("mutation($id:ID!){discountCodeDeactivate(id:$id){codeDiscountNode{id}}}", id=node)
    assert shop.ask(read)["codeDiscount"]["status"] == "EXPIRED"


def test_a_replacement_is_a_free_draft_that_becomes_an_order(shop: ShopCaller) -> None:
    make = """mutation($i:DraftOrderInput!){draftOrderCreate(input:$i){
        draftOrder{id totalPriceSet{presentmentMoney{amount}}} userErrors{field message}}}"""
    asked = {
        "purchasingEntity": {"customerId": ANN}, "tags": ["m:3"],
        "lineItems": [{"variantId": "gid://shopify/ProductVariant/77", "quantity": 1}],
        "appliedDiscount": {"valueType": "PERCENTAGE", "value": 100.0, "title": "Replacement"},
    }  # fmt: skip
    draft = shop.ask(make, i=asked)["draftOrder"]
    assert draft["totalPriceSet"]["presentmentMoney"]["amount"] == "0.0"
    finish = """mutation($id:ID!){draftOrderComplete(id:$id){
        draftOrder{status order{name tags}} userErrors{message}}}"""
    done = shop.ask(finish, id=draft["id"])["draftOrder"]
    assert (done["status"], done["order"]["tags"]) == ("COMPLETED", ["m:3"])
    assert shop.ask(finish, id=draft["id"])["userErrors"] == [
        {"message": "This order has been paid"}
    ]
    gone = {"lineItems": [{"variantId": "gid://shopify/ProductVariant/5", "quantity": 1}]}
    text = "Product with ID 5 is no longer available."
    assert shop.ask(make, i=gone)["userErrors"] == [{"field": None, "message": text}]
