"""Webhooks as the shop sends them: headers, signature, and the REST-style bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sandbox.hooks import Delivery, Target
from sandbox.shopify import records
from sandbox.shopify.money import fixed

RETRIES = 8
RETRY_EVERY_S = 4 * 3600 / RETRIES


def topic_path(name: str) -> str:
    """`REFUNDS_CREATE` as it is written in the header: `refunds/create`."""
    if name == "ORDERS_RISK_ASSESSMENT_CHANGED":
        return "orders/risk_assessment_changed"
    thing, _, happened = name.lower().rpartition("_")
    return f"{thing}/{happened}"


def compose(
    domain: str, version: str, now: str, target: Target, topic: str, payload: Any
) -> Delivery:
    delivery_id = str(uuid4())
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-API-Version": version,
        "X-Shopify-Webhook-Id": delivery_id,
        "X-Shopify-Event-Id": str(uuid4()),
        "X-Shopify-Triggered-At": now,
    }
    if name := target.meta.get("name"):
        headers["X-Shopify-Name"] = name
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Delivery(delivery_id, target, topic, body, headers)


def sign(delivery: Delivery) -> Mapping[str, str]:
    digest = hmac.new(delivery.target.secret.encode(), delivery.body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def order_body(order: records.Order, financial_status: str) -> dict[str, Any]:
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "name": order.name,
        "email": order.email,
        "currency": order.shop_currency,
        "presentment_currency": order.currency,
        "total_price": fixed(order.total * order.rate, order.shop_currency),
        "financial_status": financial_status.lower(),
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "customer": {"id": order.customer_id} if order.customer_id else None,
    }


def refund_body(
    refund: records.Refund, moves: Sequence[records.Transaction], order: records.Order
) -> dict[str, Any]:
    return {
        "id": refund.id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund.id}",
        "order_id": order.id,
        "created_at": refund.created_at,
        "processed_at": refund.created_at,
        "note": refund.note,
        "user_id": 1 if refund.by_hand else None,
        "restock": any(how in ("RETURN", "CANCEL") for _, _, how in refund.lines),
        "refund_line_items": [
            {"line_item_id": line, "quantity": quantity, "restock_type": how.lower()}
            for line, quantity, how in refund.lines
        ],
        "order_adjustments": [],
        "transactions": [transaction_body(one, order) for one in moves],
    }


def transaction_body(one: records.Transaction, order: records.Order) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{one.id}",
        "order_id": one.order_id,
        "kind": one.kind.lower(),
        "gateway": one.gateway,
        "status": one.status.lower(),
        "amount": fixed(one.amount, order.currency),
        "currency": order.currency,
        "parent_id": one.parent_id,
        "error_code": one.error_code,
        "created_at": one.created_at,
        "processed_at": one.created_at,
    }


def dispute_body(dispute: records.Dispute, order: records.Order) -> dict[str, Any]:
    return {
        "id": dispute.id,
        "order_id": order.id,
        "type": dispute.type.lower(),
        "amount": fixed(Decimal(dispute.amount), order.currency),
        "currency": order.currency,
        "reason": dispute.reason.lower(),
        "network_reason_code": "4855",
        "status": dispute.status.lower(),
        "evidence_due_by": None,
        "evidence_sent_on": None,
        "finalized_on": None,
        "initiated_at": dispute.initiated_at,
    }
