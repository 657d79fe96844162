"""A shop on Shopify: GraphQL Admin API 2026-10, sign-in of apps, webhooks.

`X-Shopify-Access-Token: shpat_sandbox` may do everything; `sandbox.shopify.access` has the app's
client id and secret, with which webhooks are signed. What people do at the shop is asked for under
`/_sandbox/` (`sandbox.shopify.admin`).
"""

from __future__ import annotations

from flask import Flask

from sandbox.answers import answer_refusals
from sandbox.host import host_app
from sandbox.shopify.admin import admin_api
from sandbox.shopify.api import graphql_api
from sandbox.shopify.books import Shop
from sandbox.shopify.oauth import oauth_api

__all__ = ["Shop", "create"]


def create(state: Shop | None = None) -> Flask:
    shop = state or Shop()
    app = host_app("shopify", shop)
    answer_refusals(app)
    for part in (graphql_api(shop), oauth_api(shop), admin_api(shop)):
        app.register_blueprint(part)
    return app
