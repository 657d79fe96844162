from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import shopify
from sandbox.host import serve
from sandbox.shopify.access import CUSTOM_TOKEN
from tests.sandbox.caller import Caller

ANN = {"id": 7, "first_name": "Ann", "last_name": "Lee", "email": "ann@mail.example",
       "orders_count": 3, "total_spent": "150.00"}  # fmt: skip
LINES = [{"id": 11, "title": "Cup", "quantity": 2, "price": "20.00", "variant_id": 77}]


class ShopCaller(Caller):
    def gql(self, query: str, token: str = CUSTOM_TOKEN, **variables: Any) -> Any:
        """The whole answer to a document."""
        answer = self.call(
            "POST",
            "/admin/api/2026-10/graphql.json",
            {"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, query: str, **variables: Any) -> Any:
        """The one root field of a document that is answered without top-level errors."""
        answer = self.gql(query, **variables)
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    def order_books(self, number: int) -> Any:
        return next(one for one in self.books()["orders"] if one["id"] == number)


@pytest.fixture
def shop() -> Iterator[ShopCaller]:
    """#1001 EUR 50.00 by Ann, #1002 by a guest, #1003 in yen, #1004 in dinars sold in dollars."""
    app = shopify.create()
    with serve({"shopify": app}) as running:
        caller = ShopCaller(running.urls["shopify"], running.states["shopify"], {})
        ann = {"email": ANN["email"], "customer": ANN}
        caller.control(
            "seed",
            {
                "variants": [{"id": 77, "title": "Cup", "price": "20.00"}],
                "orders": [
                    {"id": 1001, "name": "#1001", "currency": "EUR", "total": "50.00",
                     "shipping": "10.00", "lines": LINES, "delivered_at": "2026-11-20T10:00:00Z",
                     "promised_at": "2026-11-15T10:00:00Z", **ann},
                    {"id": 1002, "name": "#1002", "currency": "EUR", "total": "30.00",
                     "email": "guest@mail.example", "customer": None, "risk": "HIGH"},
                    {"id": 1003, "name": "#1003", "currency": "JPY", "total": "5000", **ann},
                    {"id": 1004, "name": "#1004", "currency": "KWD", "total": "12.500",
                     "shop_currency": "USD", "rate": "3.25", **ann},
                ],
            },
        )  # fmt: skip
        yield caller
        caller.session.close()
