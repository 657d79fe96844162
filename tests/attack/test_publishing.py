"""Attack book I7: who puts a policy in force, and from when."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.authority import NotAnAdmin
from core.moment import Moment
from core.people import Person
from core.policies import (
    MayNotPublish,
    PolicyBackdated,
    PolicyVersion,
    draft,
    in_force,
    publish,
    publish_pack,
)
from core.store import Tx
from core.store.memory import MemoryStore

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
SHOP = (
    "policy: shop\nbasis: goodwill\ncurrency: EUR\nfacts: {price: money}\n"
    "give:\n  - {cash: 10% of price}\n"
)


def admin(name: str, email: str = "") -> Person:
    address = email or f"{name}@shop.example"
    return Person(id=f"per_{name}", name=name, email=address, roles=["admin"], created_at=NOW)


ANN, BEN = admin("ann"), admin("ben")


@pytest.fixture
def tx() -> Iterator[Tx]:
    with MemoryStore("main").write() as opened:
        opened.add(ANN)
        opened.add(BEN)
        yield opened


def written(tx: Tx, text: str = SHOP, hours: int = 0) -> str:
    return draft(tx, text, by=ANN, moment=Moment(NOW + timedelta(hours=hours))).id


def test_i7_nobody_publishes_what_they_wrote(tx: Tx) -> None:
    id = written(tx)
    for by in (ANN, admin("ann2", "Ann+two@shop.example")):
        with pytest.raises(MayNotPublish):
            publish(tx, id, effective_from=TODAY, by=by, moment=Moment(NOW))
    for by in (replace(BEN, active=False), replace(BEN, roles=["approver"])):
        with pytest.raises(NotAnAdmin):
            publish(tx, id, effective_from=TODAY, by=by, moment=Moment(NOW))
    assert in_force(tx, "shop", TODAY) is None


def test_i7_nothing_takes_effect_in_the_past(tx: Tx) -> None:
    for days in (1, 400):
        with pytest.raises(PolicyBackdated):
            publish(tx, written(tx), effective_from=TODAY - timedelta(days=days), by=BEN,
                    moment=Moment(NOW))  # fmt: skip
        with pytest.raises(PolicyBackdated):
            publish_pack(tx, "eu261", effective_from=TODAY - timedelta(days=days), by=BEN,
                         moment=Moment(NOW))  # fmt: skip


def test_i7_a_rule_taken_out_and_put_back_leaves_its_trace(tx: Tx) -> None:
    """Each of the three steps took two people, and all three versions stay."""
    texts = [SHOP, SHOP.replace("10%", "90%"), SHOP]
    for hours, text in enumerate(texts):
        moment = Moment(NOW + timedelta(hours=hours))
        publish(tx, written(tx, text, hours), effective_from=TODAY, by=BEN, moment=moment)
    kept = tx.find(PolicyVersion, name="shop")
    assert [one.text for one in kept] == texts
    assert {(one.author, one.published_by) for one in kept} == {(ANN.id, BEN.id)}
    with pytest.raises(TypeError):
        tx.put(replace(kept[1], text=SHOP))


def test_i7_versions_are_made_in_one_place_only() -> None:
    made = set()
    for room in ("core", "connectors", "webhooks", "console"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PolicyVersion":
                    made.add(file.relative_to(ROOT).as_posix())
    # The simulator's own workspaces, which are thrown away, have nobody to publish.
    assert made == {"core/policies.py", "webhooks/proof/policy.py"}
