"""WooCommerce: hears of refunds; pays refunds and coupons by REST v3.

The host's contract: https://woocommerce.github.io/woocommerce-rest-api-docs/ and the plugin's own
source, https://github.com/woocommerce/woocommerce. Where it lies is said beside the code it bites.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.http import Http
from connectors.woocommerce.client import Shop
from connectors.woocommerce.grant import WooGrant
from connectors.woocommerce.intake import WooIntake
from connectors.woocommerce.setup import WooSetup
from connectors.woocommerce.till import WooTill
from core.ports import Pays, Rate, Roles, Setting, Settings, Spec

#: PHP may take up a request that waits in its queue after we have stopped waiting for the answer.
_LATE = timedelta(minutes=2)

SPEC = Spec(
    name="woocommerce",
    title="WooCommerce",
    hears=("RefundRecorded",),
    pays={
        "refund": Pays(retry="find", visibility=_LATE),
        "coupon": Pays(retry="find", visibility=_LATE, reversible=True, needs_order=False),
    },
    signature="X-WC-Webhook-Signature: base64 HMAC-SHA256 of the body; no time, no delivery id",
    calls_within=timedelta(seconds=30),
    # WooCommerce itself limits nothing; what stands in front of a shop says 429.
    rate=Rate(),
    settings=(
        Setting(
            name="address",
            title="Address of the shop",
            help="As in https://shop.example, where WordPress answers /wp-json/.",
        ),
        Setting(
            name="consumer_key",
            title="Consumer key",
            help="Starts with ck_; needs permission to read and write.",
            secret=True,
            agreeing="spares",
        ),
        Setting(name="consumer_secret", title="Consumer secret", secret=True, agreeing="spares"),
        Setting(
            name="currency",
            title="Currency of the shop",
            help="Three letters. Coupons are in it; the shop's API does not say it with them.",
            required=False,
        ),
        Setting(
            name="promised_field",
            title="Order field with the promised date",
            help="The meta key a delivery plugin keeps it under, with the date first: 2026-01-08.",
            required=False,
        ),
        Setting(
            name="delivered_field",
            title="Order field with the date of delivery",
            help="The same for the date of delivery.",
            required=False,
        ),
        Setting(
            name="webhook_secret",
            title="Signing secret of the webhook",
            help="Filled in by installing.",
            secret=True,
            required=False,
        ),
        Setting(
            name="webhook_url",
            title="Webhook address",
            help="Filled in by installing.",
            required=False,
        ),
    ),
    quality={
        "signed": ("done", ""),
        "fresh": ("exempt", "deliveries carry no time; an old one only makes us look again"),
        "setup": ("done", ""),
        "recent": ("done", ""),
        "tax": ("done", ""),
        "disputes": ("exempt", "WooCommerce knows none: they stay with the payment plugin"),
        "gift cards": (
            "exempt",
            "WooCommerce has none of its own: they come with paid extensions, each with an API of"
            " its own",
        ),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    shop = Shop(settings, http)
    return Roles(
        intake=WooIntake(settings),
        till=WooTill(shop, settings),
        setup=WooSetup(shop, settings),
        grant=WooGrant(settings),
    )
