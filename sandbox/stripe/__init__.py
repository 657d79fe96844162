"""An account at Stripe: API v1, form-encoded, version 2026-10-28.endive.

The secret key is `sk_test_sandbox`. What happens without a call of ours is asked for under
`/_sandbox/` (`sandbox.stripe.admin`).
"""

from __future__ import annotations

from flask import Flask

from sandbox.answers import answer_refusals
from sandbox.host import host_app
from sandbox.stripe.admin import admin_api
from sandbox.stripe.api import v1_api
from sandbox.stripe.books import Stripe

__all__ = ["Stripe", "create"]


def create(state: Stripe | None = None) -> Flask:
    stripe = state or Stripe()
    app = host_app("stripe", stripe)
    answer_refusals(app)
    for part in (v1_api(stripe), admin_api(stripe)):
        app.register_blueprint(part)
    return app
