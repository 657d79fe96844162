"""What hosts say of their limits, and that nobody runs into them: many processes, one bucket."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from requests.structures import CaseInsensitiveDict

from connectors import registry
from connectors.http import Http, NotOurTurn
from connectors.pacing import reading
from core.pace import Pacer, Reading
from core.ports import HostUnavailable, NotSent, Rate
from core.store import Store
from core.store.memory import MemoryStore
from core.store.sql import SqlStore
from tests.connectors.contract.harness import StoredSettings, harness_of
from tests.connectors.rawhost import always, answer, raw_host
from tests.stores import SQL_KINDS, new_url, new_workspace

ROOT = Path(__file__).parents[2]
S = timedelta(seconds=1)
ZENDESK = {"RateLimit-Limit": "700", "RateLimit-Remaining": "12", "RateLimit-Reset": "17"}


def said(name: str, status: int, **headers: str) -> Reading | None:
    rate = registry.spec(name).rate
    assert rate is not None
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return reading(rate, status, CaseInsensitiveDict(named))


def test_zendesk_tells_all_of_it() -> None:
    rate = registry.spec("zendesk").rate
    assert rate is not None
    found = reading(rate, 200, CaseInsensitiveDict(ZENDESK))
    assert found == Reading(most=700, left=12, resets_in=17 * S)


def test_a_429_about_one_ticket_does_not_stop_the_account() -> None:
    rate = registry.spec("zendesk").rate
    assert rate is not None
    narrow = CaseInsensitiveDict({**ZENDESK, "Retry-After": "500"})
    found = reading(rate, 429, narrow)
    assert found is not None
    assert found.shut_for is None
    whole = CaseInsensitiveDict({**narrow, "RateLimit-Remaining": "0"})
    found = reading(rate, 429, whole)
    assert found is not None
    assert found.shut_for == 500 * S


def test_freshdesk_tells_no_end() -> None:
    found = said("freshdesk", 200, X_RateLimit_Total="400", X_RateLimit_Remaining="399")
    assert found == Reading(most=400, left=399)


def test_stripe_names_what_was_met() -> None:
    assert said("stripe", 200) is None
    locked = said("stripe", 429)
    assert locked is None, "an object that is locked says nothing of the account"
    assert said("stripe", 429, Stripe_Rate_Limited_Reason="endpoint-rate") is None
    found = said("stripe", 429, Stripe_Rate_Limited_Reason="global-rate")
    assert found is not None
    assert found.shut_for == S


def test_what_stands_before_a_shop_says_429() -> None:
    found = said("woocommerce", 429, Retry_After="7")
    assert found is not None
    assert (found.most, found.shut_for) == (0, 7 * S)


@pytest.mark.parametrize("odd", ["", "-1", "1e3", "٣", "12.5", "9" * 30, "many"])
def test_odd_figures_are_none(odd: str) -> None:
    assert said("freshdesk", 200, X_RateLimit_Total=odd, X_RateLimit_Remaining="1") is None


# ------------------------------------------------------------------------------ on the way out


@pytest.fixture
def paced() -> Iterator[tuple[Http, Pacer, list[bytes], str]]:
    """A host whose answers say nothing of limits, and a bucket to fill by hand."""
    pacer = Pacer(MemoryStore("ws"), "conn", _now)
    spec = replace(registry.spec("zendesk"), rate=Rate(), calls_within=50 * S)
    with raw_host(always(answer())) as host:
        http = Http.of(spec, StoredSettings({}), allow_private=True, pacer=pacer)
        yield http, pacer, host.requests, f"{host.url}/x"
        http.close()


def test_a_write_that_must_wait_is_not_sent(
    paced: tuple[Http, Pacer, list[bytes], str],
) -> None:
    http, pacer, requests, url = paced
    told = _now()
    pacer.tell(Reading(shut_for=30 * S))
    ending = http.send("POST", url, json={})
    assert isinstance(ending, NotSent)
    assert ending.retry_after is not None
    assert ending.retry_after <= 30 * S < ending.retry_after + (_now() - told) + S
    assert requests == []


def test_a_read_that_must_wait_long_does_not_hold_its_thread(
    paced: tuple[Http, Pacer, list[bytes], str],
) -> None:
    http, pacer, requests, url = paced
    told = _now()
    pacer.tell(Reading(shut_for=30 * S))
    with pytest.raises(NotOurTurn) as refused:
        http.get_json(url)
    spent = _now() - told
    assert spent < 20 * S
    assert refused.value.retry_after is not None
    assert refused.value.retry_after + spent > 29 * S
    assert requests == []


def test_a_read_waits_a_moment_for_its_turn(
    paced: tuple[Http, Pacer, list[bytes], str],
) -> None:
    http, pacer, requests, url = paced
    pacer.tell(Reading(shut_for=S / 2))
    assert http.get_json(url) == {}
    assert len(requests) == 1


def test_libraries_are_held_back_as_well() -> None:
    """zenpy, python-freshdesk and stripe go through the same door, and say how long to wait."""
    for name in ("freshdesk", "stripe", "zendesk"):
        harness, pacer = harness_of(name)(), Pacer(MemoryStore("ws"), "conn", _now)
        http = Http.of(
            registry.spec(name), StoredSettings(harness.settings()),
            allow_private=True, pacer=pacer,
        )  # fmt: skip
        try:
            roles = registry.connect(name, StoredSettings(harness.settings()), http)
            before, told = harness.requests(), _now()
            pacer.tell(Reading(shut_for=30 * S))
            with pytest.raises(HostUnavailable) as refused:
                roles.desk.ticket("35") if roles.desk else roles.till.order("ch_1")  # type: ignore[union-attr]
            assert refused.value.retry_after is not None
            assert refused.value.retry_after + (_now() - told) > 29 * S
            assert harness.requests() == before
        finally:
            http.close()
            harness.close()


def _now() -> datetime:
    return datetime.now(UTC)


# --------------------------------------------------------------------------- several processes

_CALLS, _THREADS, _LIMIT, _WINDOW_S = 16, 4, 30, 3.0


def read_tickets(store: Store, settings: dict[str, str]) -> None:
    """What one process of the test does: so many reads in so many threads, each put off as told."""
    http = Http.of(
        registry.spec("zendesk"),
        StoredSettings(settings),
        allow_private=True,
        pacer=Pacer(store, "conn", _now),
    )
    desk = registry.connect("zendesk", StoredSettings(settings), http).desk
    assert desk is not None

    def read() -> None:
        for _ in range(_CALLS // _THREADS):
            while True:
                try:
                    desk.ticket("35")
                    break
                except HostUnavailable as error:
                    time.sleep((error.retry_after or S).total_seconds())

    threads = [threading.Thread(target=read) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    http.close()


@pytest.mark.parametrize("kind", SQL_KINDS)
def test_processes_together_keep_below_a_small_limit(kind: str, tmp_path: Path) -> None:
    """Three processes want 48 reads at a host that takes 30 in three seconds: they take turns."""
    harness = harness_of("zendesk")()
    harness.state.limits = replace(harness.state.limits, account=_LIMIT, window_s=_WINDOW_S)
    url, workspace, settings = new_url(kind, tmp_path), new_workspace(), harness.settings()
    script = (
        "from core.store.sql import SqlStore\n"
        "from tests.connectors.test_pacing import read_tickets\n"
        f"read_tickets(SqlStore({url!r}, {workspace!r}), {settings!r})\n"
    )
    store = SqlStore(url, workspace)
    try:
        Pacer(store, "conn", _now).tell(Reading(most=_LIMIT, left=_LIMIT, resets_in=S))
        running = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(3)]
        ends = [process.wait(60) for process in running]
        statuses = [seen.status for seen in harness.state.requests]
    finally:
        store.close()
        harness.close()
    assert ends == [0, 0, 0]
    assert statuses.count(200) == 3 * _CALLS
    assert statuses.count(429) <= 3, f"a storm: {statuses}"
