"""Shopify, by installing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from sandbox.shopify.access import CLIENT_SECRET
from sandbox.shopify.oauth import query_hmac
from tests.webhooks.agreeing.stage import Agrees, Desk, changed, query_of, run_and_give_up


def test_shopify_by_installing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = desk.shopify()
    done = desk.run("authorise", connection, browser=Agrees())
    assert done.exit_code == 0, done.output
    learned = desk.settings(connection)
    assert learned["access_token"].startswith("shpat_")
    assert learned["refresh_token"]
    assert learned["access_ends_at"]
    for name in ("access_token", "refresh_token", "client_secret"):
        assert learned[name] not in done.output + caplog.text
    assert desk.run("install", connection).exit_code == 0


def _signed(url: str, **values: str) -> str:
    """An answer changed by somebody who has the app's secret."""
    query = query_of(changed(url, **values))
    query["hmac"] = query_hmac(query, CLIENT_SECRET)
    return f"{url.partition('?')[0]}?{urlencode(query)}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: changed(url, hmac="0" * 64), "not signed by Shopify"),
        (lambda url: changed(url, code="a" * 32), "not signed by Shopify"),
        (lambda url: _signed(url, timestamp=str(int(time.time()) - 95)), "too old"),
        (lambda url: _signed(url, timestamp=str(int(time.time()) + 95)), "too old"),
        (lambda url: _signed(url, shop="other.myshopify.com"), "another shop"),
        (lambda url: _signed(url, code="b" * 32), "does not take back the code"),
    ],
)
def test_an_answer_that_is_not_the_shops(
    desk: Desk, change: Callable[[str], str], said: str
) -> None:
    connection = desk.shopify()
    person = Agrees(change=change)
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 2
    assert said in done.stderr
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


def test_an_answer_85_seconds_old_is_taken(desk: Desk) -> None:
    person = Agrees(change=lambda url: _signed(url, timestamp=str(int(time.time()) - 85)))
    assert desk.run("authorise", desk.shopify(), browser=person).exit_code == 0


def test_the_shops_answer_under_another_state(desk: Desk) -> None:
    connection = desk.shopify()
    person = Agrees(change=lambda url: _signed(url, state="y" * 43))
    assert run_and_give_up(desk, connection, person).exit_code == 2
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)
