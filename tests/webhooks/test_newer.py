"""Processes that still run while `amends db upgrade` changes the tables under them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from benchmarks.instant import delivery
from core import payout
from core.case import Outcome
from core.connection import Delivery
from core.moment import Moment
from core.payout import PayoutState
from core.ports import Ending, Finding, Instruction, Till
from core.store import NewerTables, versions
from core.store.schema import connected
from core.store.sql import SqlStore
from tests.stores import SQL_KINDS, new_postgres
from tests.webhooks.rig import Rig
from webhooks.app import SYSTEM_CLOCK
from webhooks.demo.stage import environment, set_up, settings_for
from webhooks.settings import Settings


@pytest.fixture(params=SQL_KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Of an installation of its own."""
    postgres = request.param == "postgresql"
    given = settings_for(tmp_path, 0).model_copy(update={"log_level": "info"})
    if postgres:
        given = given.model_copy(update={"database_url": new_postgres()})
    set_up(given).store.close()
    return given


@contextmanager
def started(command: str, settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the last line of what it says when it has started."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "webhooks", command],
        env=environment(settings), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("amends:"))
    try:
        yield process, line.strip()
    finally:
        process.kill()
        process.communicate()


def _upgraded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a version that this process now is."""
    with connected(settings.database_url, writes=True) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    monkeypatch.setattr(versions, "KNOWN", versions.KNOWN | {"9999"})


@pytest.mark.slow
def test_a_worker_that_is_too_old_takes_nothing_on_and_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started("worker", settings) as (old, _):
        _upgraded(settings, monkeypatch)
        store = SqlStore(settings.database_url, settings.workspace)
        store.append(delivery(1, Moment(SYSTEM_CLOCK.now())))
        _, said = old.communicate(timeout=60)
        assert old.returncode == 2
    assert "ERROR" in said
    assert said.splitlines()[-1].startswith("amends: a newer version of Amends has changed this")
    with store.read() as reader:
        assert [row.state for row in reader.find(Delivery)] == ["new"]
    taken = store.claim(Delivery, owner="new", now=SYSTEM_CLOCK.now(), length=settings.lease_length)
    assert [lease.fence for lease in taken] == [1], "the old one never had it"
    store.close()


@pytest.mark.slow
def test_a_web_side_that_is_too_old_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started("web", settings) as (_, line):
        url = line.rpartition(" ")[2]
        assert requests.get(f"{url}/readyz", timeout=20).status_code == 200
        _upgraded(settings, monkeypatch)
        assert requests.get(f"{url}/readyz", timeout=20).status_code == 503
        assert requests.get(f"{url}/healthz", timeout=20).status_code == 200


LATE_PARCEL = 1


def test_what_was_being_paid_while_the_tables_changed_is_paid_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old process learns of the payment and cannot write it down; the new one asks the host."""
    known, send = versions.KNOWN, payout.send

    def meanwhile_upgraded(till: Till, order: Instruction) -> Ending | Finding:
        ending = send(till, order)
        monkeypatch.setattr(versions, "KNOWN", frozenset[str]())
        return ending

    monkeypatch.setattr(payout, "send", meanwhile_upgraded)
    with pytest.raises(NewerTables):
        rig.solve(LATE_PARCEL)
    monkeypatch.setattr(payout, "send", send)
    with pytest.raises(NewerTables):
        rig.later(minutes=5)
    (left,) = rig.payouts(rig.case(LATE_PARCEL))
    assert left.state is PayoutState.SENDING
    monkeypatch.setattr(versions, "KNOWN", known)
    rig.later(minutes=5)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1
