"""The GraphQL door: look-ups, typed mistakes, scopes, tokens, points."""

import pytest
import requests

from sandbox.shopify.document import schema
from tests.sandbox.shopify.conftest import ShopCaller

BY_MAIL = "query($e:String!){customerByIdentifier(identifier:{emailAddress:$e}){id email}}"
ORDERS = "query($q:String!){orders(first:5,query:$q){nodes{name email}}}"


def test_customer_by_address_is_exact(shop: ShopCaller) -> None:
    assert shop.ask(BY_MAIL, e="ANN@mail.example")["email"] == "ann@mail.example"
    assert shop.ask(BY_MAIL, e="nn@mail.example") is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('email:"guest@mail.example"', ["#1002"]),
        ("name:#1003", ["#1003"]),
        ("id:1001", ["#1001"]),
        ("email:mail.example", ["#1001", "#1002", "#1003", "#1004"]),  # word by word
        ("billing_email:nobody@mail.example", ["#1001", "#1002", "#1003", "#1004"]),  # ignored
        ('email:"guest@mail.example" name:#1001', []),
    ],
)
def test_order_search(shop: ShopCaller, query: str, names: list[str]) -> None:
    assert [one["name"] for one in shop.ask(ORDERS, q=query)["nodes"]] == names


def test_orders_by_the_time_of_their_last_change(shop: ShopCaller) -> None:
    shop.control("clock", {"advance_s": 3600})
    since = shop.state.clock.iso()
    assert shop.ask(ORDERS, q=f"updated_at:>='{since}'")["nodes"] == []
    shop.control("orders/1003/refund", {"amount": "5"})
    changed = shop.ask(ORDERS, q=f"updated_at:>='{since}'")["nodes"]
    assert [one["name"] for one in changed] == ["#1003"]
    before = shop.ask(ORDERS, q=f'updated_at:<"{since}" created_at:>2020-01-01')["nodes"]
    assert [one["name"] for one in before] == ["#1001", "#1002", "#1004"]


def test_an_order_with_its_facts(shop: ShopCaller) -> None:
    order = shop.ask("""{order(id:"gid://shopify/Order/1001"){
      customer{id numberOfOrders amountSpent{amount}} refundable displayFulfillmentStatus
      fulfillments(first:5){deliveredAt estimatedDeliveryAt}
      lineItems(first:5){nodes{title quantity variant{id}}} risk{recommendation}}}""")
    assert order["fulfillments"] == [
        {"deliveredAt": "2026-11-20T10:00:00Z", "estimatedDeliveryAt": "2026-11-15T10:00:00Z"}
    ]
    assert order["customer"]["numberOfOrders"] == "3"
    assert order["lineItems"]["nodes"][0]["variant"]["id"].endswith("/77")
    guest = shop.ask('{order(id:"gid://shopify/Order/1002"){customer{id} risk{recommendation}}}')
    assert guest == {"customer": None, "risk": {"recommendation": "CANCEL"}}


@pytest.mark.parametrize(
    ("document", "words", "code"),
    [
        ("{shop{nmae}}", "Field 'nmae' doesn't exist on type 'Shop'", "undefinedField"),
        ("{shop @idempotent {name}}", "required arguments: key", "missingRequiredArguments"),
        ('mutation @idempotent(key:"k"){giftCardDeactivate(id:"1"){giftCard{id}}}',
         "can't be applied", "directiveCannotBeApplied"),
        ('mutation{giftCardDeactivate(id:"1",foo:1){giftCard{id}}}', "foo", None),
    ],
)  # fmt: skip
def test_a_mistyped_document_is_answered_with_an_error(
    shop: ShopCaller, document: str, words: str, code: str | None
) -> None:
    answer = shop.gql(document)
    assert "data" not in answer
    assert words in answer["errors"][0]["message"]
    assert code is None or answer["errors"][0]["extensions"]["code"] == code


def test_a_wrong_variable_is_named(shop: ShopCaller) -> None:
    query = "mutation($i:GiftCardCreateInput!){giftCardCreate(input:$i){giftCardCode}}"
    answer = shop.gql(query, i={"foo": 1})
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"


def test_a_missing_scope_is_access_denied(shop: ShopCaller) -> None:
    shop.control("tokens", {"token": "few", "scopes": ["read_orders", "write_discounts"]})
    answer = shop.gql(BY_MAIL, token="few", e="ann@mail.example")
    error = answer["errors"][0]
    assert error["message"].startswith("Access denied for customerByIdentifier field.")
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert answer["data"] == {"customerByIdentifier": None}
    written = shop.gql('{codeDiscountNodeByCode(code:"x"){id}}', token="few")
    assert "errors" not in written  # a write scope reads too


def test_orders_older_than_sixty_days_need_a_scope(shop: ShopCaller) -> None:
    shop.control("tokens", {"token": "few", "scopes": ["read_orders"]})
    shop.control("clock", {"advance_s": 61 * 86400})
    assert shop.gql(ORDERS, token="few", q="")["data"]["orders"]["nodes"] == []
    assert len(shop.ask(ORDERS, q="")["nodes"]) == 4


@pytest.mark.parametrize("token", ["", "nonsense", "over"])
def test_a_bad_token_is_401(shop: ShopCaller, token: str) -> None:
    shop.control("tokens", {"token": "over", "expires_in": 5})
    shop.control("clock", {"advance_s": 6})
    url = f"{shop.url}/admin/api/2026-10/graphql.json"
    answer = requests.post(
        url, json={"query": "{shop{name}}"}, headers={"X-Shopify-Access-Token": token}, timeout=30
    )
    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


def test_points_run_out_and_come_back(shop: ShopCaller) -> None:
    shop.control("conduct", {"points": -90})
    answer = shop.gql(ORDERS, q="x")
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["actualQueryCost"] is None
    assert "data" not in answer
    shop.control("clock", {"advance_s": 1})
    again = shop.gql("{shop{name}}")["extensions"]["cost"]
    assert again["throttleStatus"]["restoreRate"] == 100
    assert again["actualQueryCost"] == again["requestedQueryCost"]


def test_the_search_may_lag_behind(shop: ShopCaller) -> None:
    shop.control("conduct", {"index_lag_s": 30})
    shop.ask(
        "mutation($i:DraftOrderInput!){draftOrderCreate(input:$i){draftOrder{id}}}",
        i={"lineItems": [{"title": "Cup", "quantity": 1}], "tags": ["m:1"]},
    )
    query = "{draftOrders(first:5,query:\"tag:'m:1'\"){nodes{id}}}"
    assert shop.ask(query)["nodes"] == []
    shop.control("clock", {"advance_s": 31})
    assert len(shop.ask(query)["nodes"]) == 1


def test_every_root_field_has_a_resolver() -> None:
    from sandbox.shopify.roots import ROOTS

    made = schema()
    assert made.query_type is not None
    assert made.mutation_type is not None
    assert set(ROOTS) == set(made.query_type.fields) | set(made.mutation_type.fields)
