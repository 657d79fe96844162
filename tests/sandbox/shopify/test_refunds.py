"""The money side of an order: what is refunded, refused, remembered under a key."""

import threading
from typing import Any

import pytest
import requests

from sandbox.shopify import books
from tests.gate import Gate
from tests.sandbox.shopify.conftest import ShopCaller

REFUND = """mutation($input:RefundInput!,$key:String!){
  refundCreate(input:$input) @idempotent(key:$key){
  refund{ id note transactions(first:10){nodes{id status gateway errorCode}}
    totalRefundedSet{presentmentMoney{amount currencyCode} shopMoney{amount currencyCode}} }
  order{ displayFinancialStatus totalRefundedSet{presentmentMoney{amount}} }
  userErrors{field message} } }"""


def parent(shop: ShopCaller, number: int) -> str:
    query = "query($id:ID!){order(id:$id){transactions{id kind}}}"
    order = shop.ask(query, id=f"gid://shopify/Order/{number}")
    return str(order["transactions"][0]["id"])


def wanted(shop: ShopCaller, amount: str, number: int = 1001, **more: Any) -> dict[str, Any]:
    order = f"gid://shopify/Order/{number}"
    move = {"orderId": order, "gateway": "shopify_payments", "kind": "REFUND", "amount": amount,
            "parentId": parent(shop, number)}  # fmt: skip
    return {"orderId": order, "transactions": [move], **more}


def test_a_refund_is_in_the_books_and_written_without_zeros(shop: ShopCaller) -> None:
    done = shop.ask(REFUND, input=wanted(shop, "15.00", note="Late [m:1]"), key="k1")
    assert done["userErrors"] == []
    assert done["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"] == "15.0"
    assert done["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert shop.order_books(1001)["net"] == "35.00"
    listed = shop.ask('{orders(first:1,query:"name:#1001"){nodes{refunds(first:5){note}}}}')
    assert listed["nodes"][0]["refunds"] == [{"note": "Late [m:1]"}]


def test_more_than_was_paid_is_refused_with_the_captured_text(shop: ShopCaller) -> None:
    shop.ask(REFUND, input=wanted(shop, "35.00"), key="k1")
    for flag in (False, True):
        asked = wanted(shop, "25", allowOverRefunding=flag)
        done = shop.ask(REFUND, input=asked, key=f"over{flag}")
        text = "Refund amount €25.00 is greater than net payment received €15.00"
        assert done["userErrors"] == [{"field": None, "message": text}]
    assert shop.order_books(1001)["refunded"] == "35.00"


def test_without_a_key_nothing_happens(shop: ShopCaller) -> None:
    bare = "mutation($input:RefundInput!){refundCreate(input:$input){userErrors{message}}}"
    answer = shop.gql(bare, input=wanted(shop, "5.00"))
    assert answer["data"] == {"refundCreate": None}
    error = answer["errors"][0]
    text = "The @idempotent directive is required for this mutation but was not provided."
    assert (error["message"], error["path"]) == (text, ["refundCreate"])
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert shop.books()["refunds"] == []


def test_the_same_key_pays_once_and_answers_the_same(shop: ShopCaller) -> None:
    asked = wanted(shop, "10.00")
    first, second = (shop.ask(REFUND, input=asked, key="k") for _ in range(2))
    assert first["refund"]["id"] == second["refund"]["id"]
    other = shop.ask(REFUND, input=wanted(shop, "11.00"), key="k")
    assert "different operation parameters" in other["userErrors"][0]["message"]
    assert shop.order_books(1001)["refunded"] == "10.00"


def test_a_key_is_forgotten_after_a_day(shop: ShopCaller) -> None:
    asked = wanted(shop, "10.00")
    shop.ask(REFUND, input=asked, key="k")
    shop.control("clock", {"advance_s": 23 * 3600})
    shop.ask(REFUND, input=asked, key="k")
    assert shop.order_books(1001)["refunded"] == "10.00"
    shop.control("clock", {"advance_s": 3700})
    shop.ask(REFUND, input=asked, key="k")
    assert shop.order_books(1001)["refunded"] == "20.00"


def test_a_key_whose_first_use_failed_is_spent(shop: ShopCaller) -> None:
    asked = wanted(shop, "99.00")
    shop.ask(REFUND, input=asked, key="k")
    again = shop.ask(REFUND, input=asked, key="k")
    assert again["userErrors"][0]["message"].endswith("Retry with a new idempotency key.")


def test_a_key_in_use_is_refused_while_others_are_served(
    shop: ShopCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(books, "sleep", gate.hold)
    asked = wanted(shop, "10.00")
    shop.control("conduct", {"pace_s": 0.4})
    slow = threading.Thread(target=lambda: shop.ask(REFUND, input=asked, key="k"))
    slow.start()
    assert gate.met()
    meanwhile = shop.ask(REFUND, input=asked, key="k")
    gate.open()
    slow.join()
    text = "This request is currently in progress, please try again."
    assert meanwhile["userErrors"][0]["message"] == text
    assert shop.order_books(1001)["refunded"] == "10.00"


def test_parallel_refunds_never_exceed_what_was_paid(shop: ShopCaller) -> None:
    asked = wanted(shop, "12.00")
    shop.control("conduct", {"pace_s": 0.1})
    threads = [
        threading.Thread(target=lambda at=at: shop.ask(REFUND, input=asked, key=f"k{at}"))
        for at in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert shop.order_books(1001)["refunded"] == "48.00"


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"orderId": "gid://shopify/Order/9"}, ["orderId"], "Order does not exist"),
        ({"transactions": [{"parentId": None}]}, ["transactions"],
         "Transactions require a parent_id associated with the order"),
        ({"transactions": [{"kind": "AUTHORIZATION"}]}, None,
         "Kind authorization is not a valid transaction"),
        ({"refundLineItems": [{"lineItemId": "gid://shopify/LineItem/11", "quantity": 3}]},
         ["refundLineItems", "0", "quantity"],
         "Quantity cannot refund more items than were purchased"),
    ],
)  # fmt: skip
def test_captured_refusals(shop: ShopCaller, change: Any, field: Any, text: str) -> None:
    asked = wanted(shop, "5.00")
    if "transactions" in change:
        change = {"transactions": [{**asked["transactions"][0], **change["transactions"][0]}]}
    done = shop.ask(REFUND, input={**asked, **change}, key="k")
    assert done["userErrors"] == [{"field": field, "message": text}]
    assert shop.books()["refunds"] == []


def test_a_wrong_gateway_is_replaced_without_a_word(shop: ShopCaller) -> None:
    asked = wanted(shop, "5.00")
    asked["transactions"][0]["gateway"] = "cash"
    done = shop.ask(REFUND, input=asked, key="k")
    assert done["refund"]["transactions"]["nodes"][0]["gateway"] == "shopify_payments"


def test_lines_and_shipping_alone_move_no_money(shop: ShopCaller) -> None:
    asked = {"orderId": "gid://shopify/Order/1001", "shipping": {"fullRefund": True},
             "refundLineItems": [{"lineItemId": "gid://shopify/LineItem/11", "quantity": 1,
                                  "restockType": "RETURN"}]}  # fmt: skip
    done = shop.ask(REFUND, input=asked, key="k")
    assert done["refund"]["transactions"]["nodes"] == []
    books = shop.order_books(1001)
    assert (books["refunded"], books["lines"][0]["refunded_quantity"]) == ("0.00", 1)


def test_yen_and_dinars_in_presentment_money(shop: ShopCaller) -> None:
    yen = shop.ask(REFUND, input=wanted(shop, "750", 1003), key="jpy")
    assert yen["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"] == "750.0"
    missing = shop.ask(REFUND, input=wanted(shop, "1.250", 1004), key="none")
    assert missing["userErrors"][0]["field"] == ["currency"]
    dinar = shop.ask(REFUND, input=wanted(shop, "1.250", 1004, currency="KWD"), key="kwd")
    assert dinar["refund"]["totalRefundedSet"] == {
        "presentmentMoney": {"amount": "1.25", "currencyCode": "KWD"},
        "shopMoney": {"amount": "4.06", "currencyCode": "USD"},
    }


def test_a_refund_to_store_credit_lands_on_the_account(shop: ShopCaller) -> None:
    def asked(number: int) -> dict[str, Any]:
        amount = {"amount": "10.00", "currencyCode": "EUR"}
        return {"orderId": f"gid://shopify/Order/{number}",
                "refundMethods": [{"storeCreditRefund": {"amount": amount}}]}  # fmt: skip

    done = shop.ask(REFUND, input=asked(1001), key="k")
    assert done["refund"]["transactions"]["nodes"][0]["gateway"] == "shopify_store_credit"
    (account,) = shop.books()["accounts"]
    assert account["entries"][0]["event"] == "ORDER_REFUND"
    guest = shop.ask(REFUND, input=asked(1002), key="g")
    assert guest["userErrors"]
    assert shop.order_books(1002)["refunded"] == "0.00"


def test_payments_that_wait_or_fail(shop: ShopCaller) -> None:
    shop.control("conduct", {"endings": ["PENDING", "FAILURE"]})
    waiting = shop.ask(REFUND, input=wanted(shop, "20.00"), key="a")
    failed = shop.ask(REFUND, input=wanted(shop, "20.00"), key="b")
    (move,) = waiting["refund"]["transactions"]["nodes"]
    assert move["status"] == "PENDING"
    assert failed["refund"]["transactions"]["nodes"][0]["errorCode"] == "CARD_DECLINED"
    assert shop.order_books(1001)["net"] == "30.00"
    shop.control(f"transactions/{move['id'].rpartition('/')[2]}", {"status": "FAILURE"})
    assert shop.order_books(1001)["net"] == "50.00"


def test_suggested_refund_knows_what_is_left(shop: ShopCaller) -> None:
    shop.control("orders/1001/refund", {"amount": "15.00", "note": "by hand"})
    order = shop.ask("""{order(id:"gid://shopify/Order/1001"){
        suggestedRefund(suggestFullRefund:true){
          maximumRefundableSet{presentmentMoney{amount}}
          suggestedTransactions{kind gateway parentTransaction{id}}}}}""")
    quote = order["suggestedRefund"]
    assert quote["maximumRefundableSet"]["presentmentMoney"]["amount"] == "35.0"
    assert quote["suggestedTransactions"][0]["parentTransaction"]["id"] == parent(shop, 1001)


def test_an_answer_lost_after_acting_leaves_the_refund(shop: ShopCaller) -> None:
    asked = wanted(shop, "10.00")
    fault = {"match": {"operation": "refundCreate"}, "when": "after", "kind": "drop"}
    shop.control("faults", fault)
    with pytest.raises(requests.ConnectionError):
        shop.gql(REFUND, input=asked, key="k")
    assert shop.order_books(1001)["refunded"] == "10.00"
    shop.ask(REFUND, input=asked, key="k")
    assert shop.order_books(1001)["refunded"] == "10.00"


def test_by_hand_beyond_what_is_left_is_refused(shop: ShopCaller) -> None:
    url = f"{shop.url}/_sandbox/orders/1002/refund"
    assert requests.post(url, json={"amount": "31"}, timeout=30).status_code == 422
    assert shop.books()["refunds"] == []
