"""Stripe: hears of refunds and disputes; pays refunds, account credit and promotion codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.http import Http
from connectors.stripe.client import Account
from connectors.stripe.intake import StripeIntake
from connectors.stripe.setup import StripeSetup
from connectors.stripe.shapes import STEPS
from connectors.stripe.till import StripeTill
from connectors.stripe.till.refund import KEY_LIFE
from core.ports import Pays, Rate, Roles, Setting, Settings, Spec

_UNLISTED = (
    "Stripe lists no balance credits across customers: one given by hand is not found by the sweep;"
    " ours are asked about one by one"
)

SPEC = Spec(
    name="stripe",
    title="Stripe",
    hears=("RefundRecorded", "DisputeChanged", "ConnectionLost"),
    pays={
        "refund": Pays(retry="key", key_life=KEY_LIFE, step_minor=STEPS),
        "account_credit": Pays(
            retry="key", key_life=KEY_LIFE, step_minor=STEPS, reversible=True, needs_order=False,
            listed=False,
        ),
        "coupon": Pays(
            retry="key", key_life=KEY_LIFE, step_minor=STEPS, reversible=True, needs_order=False
        ),
    },
    signature="Stripe-Signature: hex HMAC-SHA256 of time and body, within 300 seconds",
    settings=(
        Setting(
            name="secret_key", title="Secret key", secret=True,
            help="a restricted key with write access to refunds, customers, coupons, promotion"
            " codes and webhook endpoints is enough",
        ),
        Setting(
            name="webhook_secret", title="Webhook signing secret", secret=True, required=False,
            help="learned by installing; starts with whsec_",
        ),
        Setting(
            name="credit_notes", title="Account credit as credit notes", required=False,
            help="yes, where credit about an invoiced payment is to stand as a credit note on its"
            " invoice; the key then needs write access to credit notes and read access to invoices",
        ),
        Setting(
            name="account", title="Connected account", required=False,
            help="acct_..., where payments belong to an account of yours (Connect)",
        ),
        Setting(
            name="webhook_url", title="Webhook address", required=False,
            help="learned by installing",
        ),
        Setting(
            name="address", title="Address of a stand-in", required=False,
            help="for tests and the demo; leave empty for the real Stripe",
        ),
    ),
    calls_within=timedelta(seconds=20),
    # No figures; a 429 names what was met, or nothing where an object is locked.
    rate=Rate(
        blames="stripe-rate-limited-reason", whole=frozenset({"global-rate", "global-concurrency"})
    ),
    quality={
        "fresh": ("done", ""),
        "signed": ("done", ""),
        "setup": ("done", ""),
        "recent": ("done", _UNLISTED),
        "tax": (
            "exempt",
            "a payment has no lines, and a refund says no tax; what an invoice or a credit note"
            " says of it stands in that paper, also after its credit was taken back",
        ),
        "credit notes": ("done", ""),  # for account credit, where the setting asks for them
        "balance credits": ("exempt", _UNLISTED),
    },
)  # fmt: skip


def connect(settings: Settings, http: Http) -> Roles:
    account = Account(settings, http)
    return Roles(
        intake=StripeIntake(settings),
        till=StripeTill(
            account, lambda: datetime.now(UTC), lambda: settings.get("credit_notes") == "yes"
        ),
        setup=StripeSetup(account, settings),
    )
