"""`amends connector test` and `reveal`: what an admin sees of a connection, good or bad."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from core.store.sealing import new_key
from sandbox import freshdesk, woocommerce
from sandbox.freshdesk.state import API_KEY
from sandbox.host import Running, serve
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from webhooks.app import create_app, services
from webhooks.cli import main
from webhooks.settings import Settings


@dataclass
class Typed:
    """The command line over an installation of its own, with its web side running."""

    running: Running

    def run(self, *args: str) -> Result:
        return CliRunner().invoke(main, ["connector", *args])

    def add(self, name: str, *pairs: str) -> str:
        given = [part for pair in pairs for part in ("--set", pair)]
        done = self.run("add", name, *given)
        assert done.exit_code == 0, done.output
        return done.output.partition(":")[0]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENDS_DATABASE_URL", f"sqlite:///{tmp_path}/a.sqlite3")
    monkeypatch.setenv("AMENDS_KEYS", new_key())
    monkeypatch.setenv("AMENDS_ALLOW_PRIVATE_HOSTS", "1")
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    of = services(Settings())
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("AMENDS_PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
    apps = {"freshdesk": freshdesk.create(), "woocommerce": woocommerce.create()}
    try:
        with serve(apps) as running:
            yield Typed(running)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        of.store.close()


def _shop(typed: Typed, secret: str = CONSUMER_SECRET) -> tuple[str, ...]:
    return (
        f"address={typed.running.urls['woocommerce']}",
        f"consumer_key={CONSUMER_KEY}",
        f"consumer_secret={secret}",
        "currency=EUR",
    )


def test_a_shop_that_works(typed: Typed) -> None:
    connection = typed.add("woocommerce", *_shop(typed))
    done = typed.run("test", connection)
    assert done.exit_code == 0, done.output
    assert "FAIL" not in done.output
    for what in ("read and write", "webhook on orders", "payouts of the last hour", "reach Amends"):
        assert what in done.output
    assert CONSUMER_SECRET not in done.output


def test_what_is_wrong_is_said_and_fails(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = typed.add("woocommerce", *_shop(typed))
    monkeypatch.setenv("AMENDS_PUBLIC_URL", "http://127.0.0.1:9")
    done = typed.run("test", connection)
    assert done.exit_code == 2
    assert "FAIL  webhooks reach Amends" in done.output
    shop = typed.running.states["woocommerce"]
    assert isinstance(shop, woocommerce.Shop)
    shop.keys.clear()
    done = typed.run("test", connection)
    assert done.exit_code == 2
    assert "FAIL  the shop can be asked" in done.output


def test_a_desk_tells_what_to_paste_and_its_secret_is_shown_on_asking_only(typed: Typed) -> None:
    address = typed.running.urls["freshdesk"]
    connection = typed.add(
        "freshdesk", "domain=shop.freshdesk.com", f"address={address}", f"api_key={API_KEY}"
    )
    done = typed.run("test", connection)
    assert done.exit_code == 0, done.output
    assert "/hooks/" in done.output
    shown = typed.run("reveal", connection, "webhook_secret")
    secret = shown.output.strip()
    assert len(secret) >= 43
    assert secret not in done.output
    assert typed.run("reveal", connection, "nothing").exit_code == 2
