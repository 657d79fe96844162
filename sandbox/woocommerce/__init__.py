"""A shop on WooCommerce: REST v3, keys, webhooks.

The key pair is `ck_sandbox` / `cs_sandbox` (Basic auth). What people do at the shop is asked for
under `/_sandbox/` (`sandbox.woocommerce.admin`).
"""

from __future__ import annotations

from flask import Flask

from sandbox.answers import answer_refusals
from sandbox.host import host_app
from sandbox.woocommerce.admin import admin_api
from sandbox.woocommerce.api import rest_api
from sandbox.woocommerce.books import Shop
from sandbox.woocommerce.webhooks import handover_api, webhook_api

__all__ = ["Shop", "create"]


def create(state: Shop | None = None) -> Flask:
    shop = state or Shop()
    app = host_app("woocommerce", shop)
    answer_refusals(app)
    rest = rest_api(shop)
    webhook_api(rest, shop)
    for part in (rest, handover_api(shop), admin_api(shop)):
        app.register_blueprint(part)
    return app
