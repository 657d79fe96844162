"""What the command line says and asks."""

from __future__ import annotations

from dataclasses import replace

from core.connection import Connection
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from tests.webhooks.agreeing.stage import Agrees, Desk
from webhooks.cli import connectors


def test_what_is_not_filled_in_is_said_with_the_redirect_address(desk: Desk) -> None:
    connection = desk.add("zendesk", "subdomain=shop")
    done = desk.run("authorise", connection)
    assert done.exit_code == 2
    assert "client_id" in done.stderr
    assert "/connect/zendesk" in done.stderr
    assert desk.run("authorise", "conn_none").exit_code == 2


def test_a_host_without_such_a_page(desk: Desk) -> None:
    connection = desk.add("stripe", "secret_key=sk_test_x", "address=http://127.0.0.1:1")
    done = desk.run("authorise", connection)
    assert done.exit_code == 2
    assert "has no page to agree on" in done.stderr


def test_tokens_by_hand_are_asked_for_where_nobody_agrees(desk: Desk) -> None:
    desk.monkeypatch.setattr(connectors, "at_a_terminal", lambda: True)
    shop = desk.running.urls["woocommerce"]
    typed = "\n".join(("n", shop, CONSUMER_KEY, CONSUMER_SECRET)) + "\n"
    done = desk.run("add", "woocommerce", typed=typed)
    assert done.exit_code == 0, done.output
    assert CONSUMER_SECRET not in done.output


def test_half_of_a_pair_is_no_access(desk: Desk) -> None:
    done = desk.run(
        "add", "woocommerce", "--set", "address=https://shop.example", "--set", "consumer_key=ck_x",
        "--set", "consumer_secret=",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "missing setting: consumer_secret" in done.stderr


def test_a_lost_connection_is_brought_back(desk: Desk) -> None:
    connection = desk.zendesk()
    with desk.of.store.write() as tx:
        row = tx.lock(Connection, connection)
        assert row is not None
        tx.put(replace(row, state="lost"))
    assert desk.run("authorise", connection, browser=Agrees()).exit_code == 0
    assert desk.run("install", connection).exit_code == 0
