"""The codes of coupons and gift cards: sealed with the intent, opened for whoever needs them."""

from __future__ import annotations

from core.payout import Payout
from core.store.sealing import Place, Sealer


def place_of_code(workspace: str, of: Payout) -> Place:
    return Place(workspace, Payout.TABLE.name, of.id, "sealed_code")


def code_of(sealer: Sealer, workspace: str, of: Payout) -> str | None:
    """The code the customer redeems it with, if it has one."""
    return sealer.open(of.sealed_code, place_of_code(workspace, of)) if of.sealed_code else None
