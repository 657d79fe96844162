"""Lines and their taxes. Totals are without tax, whatever the shop's prices are; the percent of a
rate stands with the order's `tax_lines`, which lines name by `rate_id`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Object = dict[str, Any]
#: Rates by percent: the shop's own numbers of them.
_FIRST_RATE = 71


def amounts(paid: Decimal, percent: Decimal, included: bool) -> tuple[Decimal, Decimal]:
    """Net and tax of what a line costs."""
    if included:
        tax = (paid * percent / (100 + percent)).quantize(_step(paid))
        return paid - tax, tax
    return paid, (paid * percent / 100).quantize(_step(paid))


def _step(paid: Decimal) -> Decimal:
    return Decimal(1).scaleb(min(0, int(paid.as_tuple().exponent)))


def rate_id(percent: Decimal) -> int:
    return _FIRST_RATE + int(percent * 10)


def totals(net: Decimal, tax: Decimal, percent: Decimal) -> Object:
    taxes = [{"id": rate_id(percent), "total": f"{tax:f}", "subtotal": f"{tax:f}"}]
    return {"total": f"{net:f}", "total_tax": f"{tax:f}", "taxes": taxes if percent else []}


def tax_lines(percents: Sequence[Decimal]) -> list[Object]:
    return [
        {
            "id": 300 + at,
            "rate_code": f"IE-VAT-{at}",
            "rate_id": rate_id(percent),
            "label": "VAT",
            "compound": False,
            "rate_percent": float(percent) if percent % 1 else int(percent),
        }
        for at, percent in enumerate(sorted({one for one in percents if one}))
    ]


def refund_line(new_id: int, line: Mapping[str, Any], asked: Mapping[str, Any]) -> Object:
    """A line of a refund as the shop shows it: everything is negative."""
    net = Decimal(str(asked.get("refund_total", 0)))
    taxes = [
        {"id": one["id"], "total": f"{-Decimal(str(one['refund_total'])):f}", "subtotal": ""}
        for one in asked.get("refund_tax") or []
    ]
    tax = sum((Decimal(one["total"]) for one in taxes), Decimal(0))
    return {
        "id": new_id,
        "name": line.get("name", ""),
        "quantity": -int(asked.get("quantity", 0)),
        "total": f"{-net:f}",
        "total_tax": f"{tax:f}",
        "taxes": taxes,
        "meta_data": [{"key": "_refunded_item_id", "value": str(asked.get("id"))}],
    }
