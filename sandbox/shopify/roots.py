"""The root fields: which resolver answers each, and which scope it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.shopify import credit, discounts, drafts, giftcards, refunds, subscriptions
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Call, Info, demand, instant, shop_of
from sandbox.shopify.money import money
from sandbox.shopify.refund_views import refund
from sandbox.shopify.search import found
from sandbox.shopify.views import View, customer, gid, number_in, order, page

Resolver = Callable[..., Any]
OLD_S = 60 * 86400


def _by_identifier(info: Info, identifier: Mapping[str, Any]) -> View | None:
    shop = shop_of(info)
    wanted = number_in("Customer", identifier.get("id") or "")
    for one in shop.customers.values():
        same_mail = one.email.casefold() == (identifier.get("emailAddress") or "\n").casefold()
        if same_mail or one.id == wanted or one.phone == (identifier.get("phoneNumber") or "\n"):
            return customer(shop, one)
    return None


def _customer(info: Info, id: str) -> View | None:
    return _by_identifier(info, {"id": id})


def _customers(info: Info, query: str | None = None, **args: Any) -> View:
    shop = shop_of(info)
    rows = [
        (
            instant(one.created_at) or 0,
            one,
            {
                "": [one.email, one.first_name, one.last_name],
                "email": [one.email],
                "id": [str(one.id)],
            },
        )
        for one in shop.customers.values()
    ]
    views = [customer(shop, one) for one in found(shop, query, rows)]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def _seen(info: Info) -> list[Any]:
    """The orders this token may see: sixty days of them, all with `read_all_orders`."""
    call: Call = info.context
    every = list(call.shop.orders.values())
    if call.token.may("read_all_orders"):
        return every
    oldest = call.shop.clock.epoch() - OLD_S
    return [one for one in every if (instant(one.created_at) or 0) >= oldest]


def _orders(info: Info, query: str | None = None, **args: Any) -> View:
    shop = shop_of(info)
    rows = [
        (
            instant(one.created_at) or 0,
            one,
            {
                "": [one.name, one.email or ""],
                "email": [one.email or ""],
                "name": [one.name, one.name.lstrip("#")],
                "id": [str(one.id)],
                "customer_id": [str(one.customer_id or "")],
                "tag": one.tags,
                "created_at": [one.created_at],
                "updated_at": [one.updated_at],
            },
        )
        for one in _seen(info)
    ]
    hits = found(shop, query, rows)
    if args.get("sortKey") in ("CREATED_AT", "PROCESSED_AT"):
        hits.sort(key=lambda one: instant(one.created_at) or 0)
    views = [order(shop, one) for one in hits]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def _order(info: Info, id: str) -> View | None:
    wanted = number_in("Order", id)
    return next((order(shop_of(info), one) for one in _seen(info) if one.id == wanted), None)


def _order_by_identifier(info: Info, identifier: Mapping[str, Any]) -> View | None:
    return _order(info, identifier["id"])


def _refund(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    one = shop.refunds.get(number_in("Refund", id) or 0)
    return refund(shop, one) if one else None


def _node(info: Info, id: str) -> View | None:
    kinds: dict[str, Resolver] = {
        "Order": _order,
        "Customer": _customer,
        "Refund": _refund,
        "GiftCard": giftcards.read_card,
        "StoreCreditAccount": credit.read_account,
        "DiscountCodeNode": discounts.read_node,
        "DraftOrder": drafts.read_draft,
    }
    kind = id.removeprefix("gid://shopify/").partition("/")[0]
    return kinds[kind](info, id) if kind in kinds else None


def _shop(info: Info) -> View:
    shop = shop_of(info)
    return {
        "id": gid("Shop", 1),
        "name": shop.name,
        "email": "owner@sandbox.example",
        "contactEmail": "owner@sandbox.example",
        "myshopifyDomain": shop.domain,
        "currencyCode": shop.currency,
        "ianaTimezone": "Etc/UTC",
        "url": f"https://{shop.domain}",
        "enabledPresentmentCurrencies": sorted(
            {shop.currency, *(one.currency for one in shop.orders.values())}
        ),
        "customerAccountsV2": {
            "customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS",
            "loginRequiredAtCheckout": False,
        },
    }


def _versions(info: Info) -> list[View]:
    handles = ("2026-01", "2026-04", "2026-07", "2026-10")
    return [{"handle": one, "displayName": one, "supported": True} for one in handles]


def _dispute_view(shop: Shop, of: Any) -> View:
    owner = shop.orders[of.order_id]
    return {
        "__typename": "ShopifyPaymentsDispute",
        "id": gid("ShopifyPaymentsDispute", of.id),
        "legacyResourceId": str(of.id),
        "amount": money(of.amount, owner.currency),
        "evidenceDueBy": None,
        "initiatedAt": of.initiated_at,
        "finalizedOn": None,
        "order": lambda _info: order(shop, owner),
        "reasonDetails": {"reason": of.reason, "networkReasonCode": "4855"},
        "status": of.status,
        "type": of.type,
    }


def _dispute(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    one = shop.disputes.get(number_in("ShopifyPaymentsDispute", id) or 0)
    return _dispute_view(shop, one) if one else None


def _disputes(info: Info, **args: Any) -> View:
    shop = shop_of(info)
    return page(
        [_dispute_view(shop, one) for one in shop.disputes.values()], first=args.get("first")
    )


def _installation(info: Info) -> View:
    call: Call = info.context
    handles = sorted(call.token.scopes)
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", 1),
        "accessScopes": [{"handle": one, "description": one} for one in handles],
    }


_FIELDS: dict[str, tuple[Resolver, str | None]] = {
    "customerByIdentifier": (_by_identifier, "read_customers"),
    "customer": (_customer, "read_customers"),
    "customers": (_customers, "read_customers"),
    "orders": (_orders, "read_orders"),
    "order": (_order, "read_orders"),
    "orderByIdentifier": (_order_by_identifier, "read_orders"),
    "refund": (_refund, "read_orders"),
    "node": (_node, "read_orders"),
    "shop": (_shop, None),
    "publicApiVersions": (_versions, None),
    "currentAppInstallation": (_installation, None),
    "dispute": (_dispute, "read_shopify_payments_disputes"),
    "disputes": (_disputes, "read_shopify_payments_disputes"),
    "refundCreate": (refunds.refund_create, "write_orders"),
    "storeCreditAccount": (credit.read_account, "read_store_credit_accounts"),
    "storeCreditAccountCredit": (credit.credit, "write_store_credit_account_transactions"),
    "storeCreditAccountDebit": (credit.debit, "write_store_credit_account_transactions"),
    "giftCard": (giftcards.read_card, "read_gift_cards"),
    "giftCards": (giftcards.read_cards, "read_gift_cards"),
    "giftCardCreate": (giftcards.create, "write_gift_cards"),
    "giftCardCredit": (giftcards.credit, "write_gift_card_transactions"),
    "giftCardDebit": (giftcards.debit, "write_gift_card_transactions"),
    "giftCardDeactivate": (giftcards.deactivate, "write_gift_cards"),
    "giftCardSendNotificationToCustomer": (giftcards.notify_customer, "write_gift_cards"),
    "giftCardSendNotificationToRecipient": (giftcards.notify_recipient, "write_gift_cards"),
    "codeDiscountNodeByCode": (discounts.read_by_code, "read_discounts"),
    "codeDiscountNodes": (discounts.read_nodes, "read_discounts"),
    "codeDiscountNode": (discounts.read_node, "read_discounts"),
    "discountCodeBasicCreate": (discounts.create, "write_discounts"),
    "discountCodeDeactivate": (discounts.deactivate, "write_discounts"),
    "draftOrder": (drafts.read_draft, "read_draft_orders"),
    "draftOrders": (drafts.read_drafts, "read_draft_orders"),
    "draftOrderCreate": (drafts.create, "write_draft_orders"),
    "draftOrderComplete": (drafts.complete, "write_draft_orders"),
    "draftOrderDelete": (drafts.delete, "write_draft_orders"),
    "webhookSubscription": (subscriptions.read_one, None),
    "webhookSubscriptions": (subscriptions.read_all, None),
    "webhookSubscriptionCreate": (subscriptions.create, None),
    "webhookSubscriptionDelete": (subscriptions.delete, None),
}


def _guarded(resolver: Resolver, scope: str | None) -> Resolver:
    def resolve(info: Info, **arguments: Any) -> Any:
        if scope is not None:
            demand(info, scope)
        return resolver(info, **arguments)

    return resolve


#: The root value of every request.
ROOTS: dict[str, Resolver] = {
    name: _guarded(resolver, scope) for name, (resolver, scope) in _FIELDS.items()
}
