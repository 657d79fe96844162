"""Publishing: two people, never in the past, nothing taken back, and old decisions that stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.authority import NotAnAdmin
from core.moment import Moment
from core.people import Person
from core.policies import (
    MayNotPublish,
    NoSuchDraft,
    PolicyBackdated,
    PolicyDraft,
    PolicyTaken,
    PolicyVersion,
    draft,
    drafts,
    in_force,
    publish,
    publish_pack,
)
from core.policy import PolicyError, load, load_pack, pack_text
from core.policy.check import PolicyUnfit
from core.store import Store, Tx
from tests.stores import store

__all__ = ["store"]  # a fixture

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
LATE = """\
policy: late
basis: goodwill
currency: EUR
facts: {days_late: days, price: money}
give:
  - {when: {days_late: 3..}, refund: 10% of price}
"""


def person(name: str, **changes: Any) -> Person:
    known = {"email": f"{name}@shop.example", "roles": ["admin"], "created_at": NOW}
    return Person(id=f"per_{name}", name=name, **{**known, **changes})


ANN, BEN = person("ann"), person("ben")


def moment(hours: int = 0) -> Moment:
    return Moment(NOW + timedelta(hours=hours))


@pytest.fixture
def tx(store: Store) -> Any:
    with store.write() as opened:
        opened.add(ANN)
        opened.add(BEN)
        yield opened


def written(tx: Tx, text: str = LATE, by: Person = ANN) -> str:
    return draft(tx, text, by=by, moment=moment()).id


def put(tx: Tx, text: str, day: date = TODAY, hours: int = 0) -> PolicyVersion:
    made = draft(tx, text, by=ANN, moment=moment(hours))
    return publish(tx, made.id, effective_from=day, by=BEN, moment=moment(hours))


def test_a_draft_is_put_in_force_by_another_admin(tx: Tx) -> None:
    version = publish(tx, written(tx), effective_from=TODAY, by=BEN, moment=moment())
    assert (version.author, version.published_by) == (ANN.id, BEN.id)
    assert in_force(tx, "late", TODAY - timedelta(days=1)) is None
    found = in_force(tx, "late", TODAY)
    assert found is not None
    assert found.version_hash == version.version_hash
    assert drafts(tx) == []


@pytest.mark.parametrize(
    ("by", "error"),
    [
        (ANN, MayNotPublish),
        (person("ann2", email="ann+admin@shop.example"), MayNotPublish),
        (person("cy", roles=["approver", "finance"]), NotAnAdmin),
        (replace(BEN, active=False), NotAnAdmin),
    ],
)
def test_nobody_else_may(tx: Tx, by: Person, error: type[Exception]) -> None:
    id = written(tx)
    with pytest.raises(error):
        publish(tx, id, effective_from=TODAY, by=by, moment=moment())
    assert tx.count(PolicyVersion) == 0


def test_only_an_admin_writes_a_draft_and_only_what_can_be_published(tx: Tx) -> None:
    with pytest.raises(NotAnAdmin):
        written(tx, by=person("cy", roles=["agent"]))
    with pytest.raises(PolicyUnfit):
        written(tx, LATE + "  - {when: {days_late: 5..}, apology: yes}\n")
    with pytest.raises(PolicyError):
        written(tx, LATE.replace("refund", "refnud"))
    assert tx.count(PolicyDraft) == 0


def test_a_policy_holds_no_longer_than_it_says_itself(tx: Tx) -> None:
    ends = LATE.replace("facts: {", "effective: {from: 2026-03-03, until: 2026-03-09}\nfacts: {")
    put(tx, ends)
    days = [date(2026, 3, day) for day in (2, 3, 9, 10)]
    assert [in_force(tx, "late", day) is not None for day in days] == [False, True, True, False]
    with pytest.raises(PolicyUnfit, match="ended on 2026-03-09"):
        put(tx, ends + "  - {apology: yes}\n", date(2026, 3, 10), 1)


def test_the_past_is_not_changed(tx: Tx) -> None:
    id = written(tx)
    yesterday = TODAY - timedelta(days=1)
    with pytest.raises(PolicyBackdated):
        publish(tx, id, effective_from=yesterday, by=BEN, moment=moment())
    with pytest.raises(PolicyBackdated):
        publish_pack(tx, "eu261", effective_from=yesterday, by=BEN, moment=moment())


def test_what_was_read_is_what_is_published(tx: Tx) -> None:
    """An author's next draft takes the place of the one before, which nobody can publish then."""
    first = written(tx)
    second = written(tx, LATE.replace("10%", "90%"))
    assert [one.id for one in drafts(tx)] == [second]
    with pytest.raises(MayNotPublish):
        publish(tx, first, effective_from=TODAY, by=BEN, moment=moment())
    publish(tx, second, effective_from=TODAY, by=BEN, moment=moment())
    with pytest.raises(MayNotPublish):
        publish(tx, second, effective_from=TODAY + timedelta(days=9), by=BEN, moment=moment())
    with pytest.raises(NoSuchDraft):
        publish(tx, "draft_0", effective_from=TODAY, by=BEN, moment=moment())


def test_what_holds_already_is_not_published_again_and_undoing_is_publishing(tx: Tx) -> None:
    before = put(tx, LATE)
    with pytest.raises(PolicyTaken):
        put(tx, LATE + "# a comment changes nothing\n", TODAY + timedelta(days=9), 1)
    put(tx, LATE.replace("10%", "11%"), hours=2)
    again = put(tx, LATE, hours=3)
    assert again.version_hash == before.version_hash
    found = in_force(tx, "late", TODAY)
    assert found is not None
    assert found.version_hash == before.version_hash
    assert tx.count(PolicyVersion, name="late") == 3


def test_the_latest_to_take_effect_holds(tx: Tx) -> None:
    put(tx, LATE.replace("10%", "20%"), TODAY + timedelta(days=5))
    put(tx, LATE, hours=1)
    for days, share in ((0, "10%"), (4, "10%"), (5, "20%")):
        found = in_force(tx, "late", TODAY + timedelta(days=days))
        assert found is not None
        assert found.version_hash == load(LATE.replace("10%", share)).version_hash


def test_a_pack_as_it_ships_needs_one_admin_and_a_changed_one_two(tx: Tx) -> None:
    version = publish_pack(tx, "online-shop", effective_from=TODAY, by=ANN, moment=moment())
    assert (version.author, version.published_by, version.draft_id) == (None, ANN.id, None)
    assert version.version_hash == load_pack("online-shop").version_hash
    text, variant = pack_text("online-shop")
    made = draft(tx, text.replace("10%", "15%"), variant=variant, by=ANN, moment=moment(1))
    with pytest.raises(MayNotPublish):
        publish(tx, made.id, effective_from=TODAY, by=ANN, moment=moment(1))
    with pytest.raises(NotAnAdmin):
        publish_pack(tx, "eu261", effective_from=TODAY, by=person("cy", roles=[]), moment=moment())


@pytest.mark.parametrize("change", [lambda v: replace(v, text=""), lambda v: v])
def test_a_version_cannot_be_changed(
    tx: Tx, change: Callable[[PolicyVersion], PolicyVersion]
) -> None:
    version = put(tx, LATE)
    with pytest.raises(TypeError):
        tx.put(change(version))
