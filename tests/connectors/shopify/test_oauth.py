"""Installing and renewing access, against the stand-in's own sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors.http import Http
from connectors.shopify import connect
from connectors.shopify.oauth import (
    InstallRefused,
    Tokens,
    authorize_url,
    base_address,
    check_callback,
    shop_domain,
)
from core.money import Money
from core.ports import HostDenied, NotSent, Settled
from sandbox.shopify.access import CLIENT_ID, CLIENT_SECRET
from tests.connectors.contract.harness import StoredSettings
from tests.connectors.shopify.harness import Harness

STATE = "n" * 43


@pytest.fixture
def host() -> Iterator[Harness]:
    host = Harness()
    yield host
    host.close()


def _settings(host: Harness, **changes: str) -> StoredSettings:
    plain = {k: v for k, v in host.settings().items() if k != "access_token"}
    return StoredSettings({**plain, **changes})


def _http() -> Http:
    return Http(within=timedelta(seconds=15), allow_private=True)


def _tokens(settings: StoredSettings, *, later: timedelta = timedelta(0)) -> Tokens:
    return Tokens(settings, _http(), lambda: datetime.now(UTC) + later)


def _callback(host: Harness) -> dict[str, str]:
    """What the shop's install page sends the browser back with."""
    asked = authorize_url(host.address, CLIENT_ID, "https://amends.example/back", STATE)
    sent = requests.get(asked, allow_redirects=False, timeout=30)
    return dict(parse_qsl(urlsplit(sent.headers["Location"]).query))


def _code(query: dict[str, str], host: Harness, **changes: object) -> str:
    known = {"client_secret": CLIENT_SECRET, "shop": host.state.domain, "state": STATE}
    return check_callback(query, **{**known, "now": host.now, **changes})  # type: ignore[arg-type]


def test_an_install_ends_in_a_token_that_is_renewed(host: Harness) -> None:
    settings = _settings(host)
    _tokens(settings).exchange(_code(_callback(host), host))
    first = dict(settings.values)
    assert _tokens(settings).current() == first["access_token"]
    assert _tokens(settings, later=timedelta(hours=2)).current() != first["access_token"]
    assert settings.values["refresh_token"] != first["refresh_token"]


@pytest.mark.parametrize(
    "change",
    [{"hmac": ""}, {"hmac": "0" * 64}, {"code": "another-code"}, {"shop": "b.myshopify.com"},
     {"timestamp": "1795341000"}, {"state": "another"}, {"extra": "1"}, {"hmac": "\ud800é"},
     {"extra": "\ud800"}],
)  # fmt: skip
def test_a_changed_callback_is_refused(host: Harness, change: dict[str, str]) -> None:
    query = _callback(host)
    assert _code(query, host)
    with pytest.raises(InstallRefused):
        _code({**query, **change}, host)


def test_a_callback_is_for_one_install_at_one_time(host: Harness) -> None:
    query = _callback(host)
    wrong: list[dict[str, object]] = [
        {"state": "another"}, {"state": ""}, {"client_secret": ""}, {"client_secret": "x"},
        {"shop": "b.myshopify.com"}, {"now": host.now + timedelta(seconds=95)},
        {"now": host.now - timedelta(seconds=95)},
    ]  # fmt: skip
    for one in wrong:
        with pytest.raises(InstallRefused):
            _code(query, host, **one)


@pytest.mark.parametrize(
    "shop", ["", "evil.com", "a.myshopify.com.evil.com", "a.myshopify.com/x", "-a.myshopify.com",
             "a@b.myshopify.com", "a.myshopify.com\n", "é.myshopify.com", "a" * 300]
)  # fmt: skip
def test_a_shop_is_a_shops_domain(shop: str) -> None:
    with pytest.raises(InstallRefused):
        shop_domain(shop)
    with pytest.raises(HostDenied):
        base_address(StoredSettings({"shop": shop}))


def test_an_own_stores_app_gets_its_token_by_its_credentials(host: Harness) -> None:
    settings = _settings(host)
    token = _tokens(settings).current()
    assert settings.values["access_token"] == token
    assert "access_ends_at" in settings.values


def test_somebody_elses_renewal_is_taken(host: Harness) -> None:
    """Two workers find the token ending; the second, let in, sees that it was renewed."""
    settings = _settings(host, access_token="shpat_old", access_ends_at="2020-01-01T00:00:00+00:00")
    settings.values["access_token"] = "shpat_old"
    other = _tokens(settings)
    fresh = other.current()
    before = host.requests()
    assert _tokens(settings).current(rejected="shpat_old") == fresh
    assert host.requests() == before


def test_a_token_that_ended_in_mid_payment_paid_nothing(host: Harness) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    settings = _settings(host, access_token="shpat_gone", access_ends_at=ends)
    till = connect(settings, _http()).till
    assert till is not None
    instruction = host.instruction("refund", Money(1200, "EUR"))
    host.fault("pay", "status", "before", status=401, body={"errors": "[API] Invalid API key"})
    ending = till.pay(instruction)
    assert isinstance(ending, NotSent), ending
    assert ending.retry_after == timedelta(0)
    assert isinstance(till.pay(instruction), Settled)
    assert list(host.paid(instruction)) == [Money(1200, "EUR")]


def test_access_that_cannot_be_renewed_asks_for_a_person(host: Harness) -> None:
    settings = _settings(host, client_secret="wrong")
    with pytest.raises(HostDenied):
        _tokens(settings).current()
    with pytest.raises(HostDenied):
        _tokens(StoredSettings({"shop": "a.myshopify.com"})).current()
