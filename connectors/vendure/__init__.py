"""Vendure: hears of refunds through a plugin of ours; pays refunds and coupons by the Admin API.

The host's contract: https://docs.vendure.io/reference/graphql-api/admin/ and its source,
https://github.com/vendure-ecommerce/vendure (3.7.3), which the tests run. Where it lies is said
beside the code it bites.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.http import Http
from connectors.vendure.client import Admin
from connectors.vendure.intake import VendureIntake
from connectors.vendure.setup import VendureSetup
from connectors.vendure.till import VendureTill
from core.money import EXPONENTS
from core.ports import Pays, Roles, Setting, Settings, Spec

#: The refund is written down only after the payment gateway has answered, however late.
_LATE = timedelta(minutes=2)
#: Vendure counts every currency in hundredths, unless the shop has another precision.
_STEPS = {currency: 10 for currency, digits in EXPONENTS.items() if digits == 3}

SPEC = Spec(
    name="vendure",
    title="Vendure",
    hears=("RefundRecorded",),
    pays={
        "refund": Pays(retry="find", visibility=_LATE, step_minor=_STEPS),
        "coupon": Pays(retry="find", needs_order=False, step_minor=_STEPS),
    },
    signature="X-Amends-Signature: hex HMAC-SHA256 of X-Amends-Timestamp, a point and the body",
    calls_within=timedelta(seconds=30),
    settings=(
        Setting(
            name="address",
            title="Address of the server",
            help="As in https://shop.example, where Vendure answers /admin-api.",
        ),
        Setting(
            name="api_key",
            title="API key",
            help="Made in the dashboard for a role of Amends' own; see the page on Vendure.",
            secret=True,
        ),
        Setting(
            name="channel",
            title="Token of the channel",
            help="Empty for the default channel, which sees the orders of all.",
            required=False,
        ),
        Setting(
            name="settle_methods",
            title="Payment methods whose refunds are settled by hand",
            help="Their codes, with commas. Name only methods that have no gateway behind them.",
            required=False,
        ),
        Setting(
            name="webhook_secret",
            title="Secret of the plugin",
            help="Made by installing; goes into the shop's environment as AMENDS_SECRET.",
            secret=True,
            required=False,
        ),
        Setting(
            name="webhook_url",
            title="Webhook address",
            help="Filled in by installing; goes into the shop's environment as AMENDS_URL.",
            required=False,
        ),
    ),
    quality={
        "signed": ("done", ""),
        "fresh": ("done", ""),
        "setup": ("done", ""),
        "recent": ("done", ""),
        "tax": ("done", ""),
        "bound coupons": ("exempt", "Vendure binds a coupon to customer groups, never to a person"),
        "delivery dates": (
            "exempt",
            "an order of Vendure's own has none; a shop that keeps them does so in custom fields,"
            " which every shop's schema names differently",
        ),
        "gift cards": ("exempt", "Vendure has none of its own"),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    admin = Admin(settings, http)
    return Roles(
        intake=VendureIntake(settings),
        till=VendureTill(admin, settings),
        setup=VendureSetup(admin, settings),
    )
