"""Shopify: hears of refunds, disputes and erasures; pays in five ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.http import Http
from connectors.shopify.client import Admin
from connectors.shopify.grant import ShopifyGrant
from connectors.shopify.intake import ShopifyIntake
from connectors.shopify.oauth import Tokens
from connectors.shopify.setup import ShopifySetup
from connectors.shopify.till import ShopifyTill
from connectors.shopify.till.refund import KEY_LIFE
from core.ports import Pays, Rate, Roles, Setting, Settings, Spec

_UNLISTED = (
    "Shopify lists no store credit across customers: one given without an order, by hand, is not"
    " found by the sweep; ours is asked about one by one"
)

SPEC = Spec(
    name="shopify",
    title="Shopify",
    hears=(
        "RefundRecorded",
        "DisputeChanged",
        "ErasureRequested",
        "ExportRequested",
        "ConnectionLost",
    ),
    pays={
        "refund": Pays(retry="key", key_life=KEY_LIFE),
        # Through an order it has a key; without one only the moment it ends tells it apart.
        "store_credit": Pays(retry="find", visibility=timedelta(seconds=30), needs_order=False),
        "gift_card": Pays(
            retry="find", visibility=timedelta(minutes=1), reversible=True, needs_order=False
        ),
        "coupon": Pays(
            retry="find", visibility=timedelta(seconds=30), reversible=True, needs_order=False
        ),
        "replacement": Pays(retry="find", visibility=timedelta(seconds=30), partial=False),
    },
    # Points in the body; the dearest document asks for a few times as much as is taken beforehand.
    rate=Rate(cost=50),
    signature="X-Shopify-Hmac-Sha256: base64 HMAC-SHA256 of the body under the client secret",
    settings=(
        Setting(name="shop", title="Shop", help="its-name.myshopify.com"),
        Setting(
            name="client_id", title="Client ID", help="of the app, from the Dev Dashboard",
            required=False, agreeing="needs",
        ),
        Setting(
            name="client_secret", title="Client secret", secret=True,
            help="of the app; it also signs the webhooks",
        ),
        Setting(
            name="previous_client_secret", title="Client secret before the change", secret=True,
            required=False, help="deliveries signed with it are taken for one hour",
        ),
        Setting(
            name="rotated_at", title="When the client secret was changed",
            required=False, help="as 2026-11-22T10:00:00Z; starts that hour",
        ),
        Setting(
            name="access_token", title="Access token", secret=True, required=False,
            agreeing="spares", help="of a custom app; other apps get theirs by installing",
        ),
        Setting(
            name="refresh_token", title="Refresh token", secret=True, required=False,
            agreeing="spares", help="learned by installing",
        ),
        Setting(
            name="access_ends_at", title="End of the access token", required=False,
            agreeing="spares", help="learned by installing",
        ),
        Setting(
            name="webhook_url", title="Webhook address", required=False,
            help="learned by installing",
        ),
        Setting(
            name="address", title="Address of a stand-in", required=False,
            help="for tests and the demo; leave empty for the real Shopify",
        ),
    ),
    calls_within=timedelta(seconds=20),
    quality={
        "fresh": ("exempt", "Shopify signs no time: deliveries are kept apart by id, for ever"),
        "signed": ("done", ""),
        "setup": ("done", ""),
        "recent": ("done", _UNLISTED),
        "tax": ("done", ""),
        "loose store credit": ("exempt", _UNLISTED),
        "returns": (
            "exempt",
            "a return is goods on their way back, which the shop's staff take in and refund there;"
            " Amends makes good without asking for the goods, and restocks nothing",
        ),
    },
)  # fmt: skip


def connect(settings: Settings, http: Http) -> Roles:
    def now() -> datetime:
        return datetime.now(UTC)

    tokens = Tokens(settings, http, now)
    admin = Admin(settings, http, tokens)
    return Roles(
        intake=ShopifyIntake(settings),
        till=ShopifyTill(admin, now),
        setup=ShopifySetup(admin, settings),
        grant=ShopifyGrant(settings, tokens),
    )
