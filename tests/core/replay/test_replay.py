"""A decision of the past comes out to the same byte, whatever has changed since.

`kept.jsonl` is what stood in a database once: texts of policies, their hashes, facts and decisions.
It is never made anew: where a line no longer comes out, decisions already taken no longer do.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.case import Case, CaseState
from core.moment import Moment
from core.people import Person
from core.policies import PolicyVersion
from core.policy import load
from core.replay import NothingToReplay, replay
from core.store import Store
from core.store.memory import MemoryStore
from tests.publishing import put_in_force
from tests.stores import store

__all__ = ["store"]  # a fixture

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEPT = [
    json.loads(line)
    for line in Path(__file__).with_name("kept.jsonl").read_text(encoding="utf-8").splitlines()
]


def version(kept: dict[str, Any], **changes: Any) -> PolicyVersion:
    known = {
        "id": "pol_1", "name": json.loads(kept["decision"])["policy"],
        "version_hash": kept["hash"], "text": kept["text"], "variant": kept["variant"],
        "effective_from": NOW.date(), "published_at": NOW,
    }  # fmt: skip
    return PolicyVersion(**{**known, **changes})


def decided(kept: dict[str, Any]) -> Case:
    decision = json.loads(kept["decision"])
    return Case(
        id="case_1", state=CaseState.CLOSED, desk_id="desk", ticket_id="1", opened_at=NOW,
        looked_at=NOW, changed_at=NOW, due_at=None, open_key=None, mode="act",
        policy=decision["policy"], policy_hash=kept["hash"], facts=kept["facts"],
        decision=decision,
    )  # fmt: skip


@pytest.mark.parametrize("kept", KEPT, ids=lambda one: json.loads(one["decision"])["policy"])
def test_what_was_kept_comes_out_again(kept: dict[str, Any]) -> None:
    memory = MemoryStore("main")
    with memory.write() as tx:
        tx.add(version(kept))
        tx.add(decided(kept))
    with memory.read() as reader:
        case = reader.get(Case, "case_1")
        assert case is not None
        found = replay(reader, case)
    assert found.same
    assert found.again == kept["decision"].encode()
    assert load(kept["text"], variant=kept["variant"]).version_hash == kept["hash"]


def test_the_kept_decisions_are_of_every_outcome() -> None:
    outcomes = {json.loads(one["decision"])["outcome"] for one in KEPT}
    assert outcomes == {"give", "refused", "nothing", "cannot_decide"}


def test_later_versions_packs_and_people_change_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped pack is another, a newer version is in force, its author has gone."""
    kept = next(one for one in KEPT if '"policy":"uk261"' in one["decision"])
    moment = Moment(NOW + timedelta(days=400))
    with store.write() as tx:
        tx.add(version(kept))
        tx.add(decided(kept))
        newer = kept["text"].replace("220 GBP", "1 GBP").replace("350 GBP", "2 GBP")
        newer = newer.replace("520 GBP", "3 GBP")
        assert newer != kept["text"]
        put_in_force(tx, newer, moment, variant=kept["variant"])
        author = tx.get(Person, "per_writer")
        assert author is not None
        tx.put(replace(author, active=False, roles=[]))
    monkeypatch.setattr("core.policy.pack_text", lambda name: (newer, kept["variant"]))
    monkeypatch.setattr("core.policies.pack_text", lambda name: (newer, kept["variant"]))
    with store.read() as reader:
        case = reader.get(Case, "case_1")
        assert case is not None
        assert replay(reader, case).same


def test_a_changed_row_is_seen(store: Store) -> None:
    kept = KEPT[0]
    case = decided(kept)
    altered = [
        replace(case, decision={**json.loads(kept["decision"]), "rule": "give.9"}),
        replace(case, facts={}),
    ]
    with store.write() as tx:
        tx.add(version(kept))
        assert [replay(tx, one).same for one in (case, *altered)] == [True, False, False]


def test_without_its_version_or_a_decision_there_is_nothing_to_replay(store: Store) -> None:
    with store.write() as tx:
        with pytest.raises(NothingToReplay, match="is not here"):
            replay(tx, decided(KEPT[0]))
        with pytest.raises(NothingToReplay, match="no decision"):
            replay(tx, replace(decided(KEPT[0]), decision=None))
