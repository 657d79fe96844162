from collections.abc import Iterator
from typing import Any

import pytest
import stripe

import sandbox.stripe
from sandbox.host import serve
from sandbox.stripe.books import SECRET_KEY
from tests.sandbox.caller import Caller


class StripeCaller(Caller):
    def client(self, **options: Any) -> stripe.StripeClient:
        """The real library, sending everything once to the stand-in."""
        options.setdefault("max_network_retries", 0)
        key = options.pop("key", SECRET_KEY)
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.url},
            http_client=stripe.RequestsClient(timeout=30),
            **options,
        )

    def charge(self, id: str = "ch_1") -> Any:
        return next(one for one in self.books()["charges"] if one["id"] == id)


def payment(number: int, amount: int, currency: str) -> dict[str, Any]:
    return {
        "customer": "cus_1", "email": "ann@mail.example", "name": "Ann Lee",
        "payment_intent": f"pi_{number}", "charge": f"ch_{number}", "amount": amount,
        "refunded": 0, "currency": currency, "description": f"Order #200{number}",
        "created_at": f"2026-11-0{number}T10:00:00Z",
    }  # fmt: skip


@pytest.fixture
def host() -> Iterator[StripeCaller]:
    """pi_1 EUR 50.00, pi_2 JPY 5000, pi_3 KWD 12.500, all of cus_1; acct_2 has EUR 20.00."""
    with serve({"stripe": sandbox.stripe.create()}) as running:
        caller = StripeCaller(running.urls["stripe"], running.states["stripe"], {})
        payments = [payment(1, 5000, "eur"), payment(2, 5000, "jpy"), payment(3, 12500, "kwd")]
        invoice = {"id": "in_1", "customer": "cus_1", "charge": "ch_1", "total": 5000,
                   "currency": "eur"}  # fmt: skip
        caller.control("seed", {"payments": payments, "invoices": [invoice]})
        caller.control("seed", {"account": "acct_2", "payments": [payment(4, 2000, "eur")]})
        yield caller
        caller.session.close()


@pytest.fixture
def client(host: StripeCaller) -> stripe.StripeClient:
    return host.client()
