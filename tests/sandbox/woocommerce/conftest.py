from collections.abc import Iterator

import pytest

from sandbox import woocommerce
from sandbox.host import serve
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from tests.sandbox.caller import Caller

ANN = {"id": 7, "first_name": "Ann", "last_name": "Lee", "email": "ann@mail.example"}
API = "/wp-json/wc/v3"


class WooCaller(Caller):
    def paid_back(self, number: int = 723) -> tuple[str, str]:
        """What is left to refund by the shop's rows, and what the gateway really moved."""
        one = next(one for one in self.books()["orders"] if one["id"] == number)
        return one["remaining"], one["gateway_paid_back"]


@pytest.fixture
def shop() -> Iterator[WooCaller]:
    """#723 EUR 20.00 by Ann, #724 EUR 30.00 by a guest paid by bank transfer, #725 in dinars."""
    with serve({"woocommerce": woocommerce.create()}) as running:
        caller = WooCaller(running.urls["woocommerce"], running.states["woocommerce"], {})
        caller.session.auth = (CONSUMER_KEY, CONSUMER_SECRET)
        lines = [{"id": 111, "title": "Cup", "quantity": 1, "price": "20.00"}]
        caller.control(
            "seed",
            {
                "customers": [{"id": 8, "email": "boss@mail.example", "role": "shop_manager"}],
                "orders": [
                    {"id": 723, "name": "#723", "email": ANN["email"], "currency": "EUR",
                     "total": "20.00", "lines": lines, "customer": ANN},
                    {"id": 724, "name": "#724", "email": "guest@mail.example", "currency": "EUR",
                     "total": "30.00", "customer": None, "gateway": "bacs"},
                    {"id": 725, "name": "#725", "email": ANN["email"], "currency": "KWD",
                     "total": "12.500", "customer": ANN},
                ],
            },
        )  # fmt: skip
        yield caller
        caller.session.close()
