"""WooCommerce, by the hand-over of keys."""

from __future__ import annotations

import logging

import pytest
import requests

from tests.webhooks.agreeing.stage import Desk, query_of
from webhooks.cli import connectors


def test_woocommerce_hands_its_keys_over(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """From `add` itself, at a terminal: no key is asked for."""
    caplog.set_level(logging.DEBUG)
    desk.monkeypatch.setattr(connectors, "at_a_terminal", lambda: True)
    pages: list[requests.Response] = []

    def owner(url: str) -> None:
        pages.append(requests.get(url, timeout=30))

    shop = desk.running.urls["woocommerce"]
    done = desk.run("add", "woocommerce", browser=owner, typed=f"y\n{shop}\n")
    assert done.exit_code == 0, done.output
    assert "WooCommerce: connected" in done.output
    assert "WooCommerce: installed" in done.output
    connection = next(line for line in done.output.splitlines() if "conn_" in line)
    connection = connection[connection.index("conn_") :].partition(":")[0]
    learned = desk.settings(connection)
    assert learned["consumer_key"].startswith("ck_")
    for name in ("consumer_key", "consumer_secret"):
        assert learned[name] not in done.output + caplog.text + pages[0].text
    assert "Connected" in pages[0].text
    assert "/connected/grant_" in pages[0].url


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user_id": "z" * 43}, "signature"),
        ({"key_permissions": "read"}, "read and write"),
        ({"consumer_key": "nonsense"}, "not of the form"),
    ],
)
def test_keys_that_are_not_believed(desk: Desk, change: dict[str, str], said: str) -> None:
    connection = desk.woocommerce()
    codes: list[int] = []

    def forger(url: str) -> None:
        asked = query_of(url)
        keys = {
            "key_id": 1,
            "user_id": asked["user_id"],
            "consumer_key": "ck_" + "a" * 40,
            "consumer_secret": "cs_" + "b" * 40,
            "key_permissions": "read_write",
        }
        sent = requests.post(asked["callback_url"], json={**keys, **change}, timeout=30)
        codes.append(sent.status_code)

    done = desk.run("authorise", connection, browser=forger)
    assert done.exit_code == 2
    assert said in done.stderr
    assert codes == [400]
    assert "consumer_key" not in desk.settings(connection)


def test_a_hand_over_is_good_once(desk: Desk) -> None:
    connection = desk.woocommerce()
    asked: dict[str, str] = {}

    def owner(url: str) -> None:
        asked.update(query_of(url))
        requests.get(url, timeout=30)

    assert desk.run("authorise", connection, browser=owner).exit_code == 0
    keys = desk.settings(connection)
    forged = {"user_id": asked["user_id"], "consumer_key": "ck_" + "a" * 40}
    again = requests.post(asked["callback_url"], json=forged, timeout=30)
    large = requests.post(asked["callback_url"], data=b"x" * 20_000, timeout=30)
    assert (again.status_code, large.status_code) == (400, 413)
    assert desk.settings(connection) == keys
