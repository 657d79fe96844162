"""An installation to connect, a command line that waits, and a person with a browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import click
import pytest
import requests
from click.testing import CliRunner, Result

from core.connection import Connection, PendingGrant
from sandbox import shopify
from sandbox.host import Running
from sandbox.shopify.access import CLIENT_ID, CLIENT_SECRET
from sandbox.zendesk.state import CLIENT_ID as ZENDESK_CLIENT
from sandbox.zendesk.state import CLIENT_SECRET as ZENDESK_SECRET
from webhooks import connecting
from webhooks.app import Services
from webhooks.cli import main
from webhooks.hosts import opened

Browser = Callable[[str], None]


@dataclass
class Desk:
    """An installation with its web side running, and the hosts it is to be connected to."""

    of: Services
    running: Running
    monkeypatch: pytest.MonkeyPatch

    def run(self, *args: str, browser: Browser | None = None, typed: str = "") -> Result:
        """A command. With a browser, the page it opens is gone to meanwhile."""
        threads: list[threading.Thread] = []

        def launch(url: str) -> int:
            assert browser is not None
            threads.append(threading.Thread(target=go, args=(browser, url)))
            threads[0].start()
            return 0

        def go(browser: Browser, url: str) -> None:
            try:
                browser(url)
            except BaseException:
                self.let_time_pass()
                raise

        with self.monkeypatch.context() as patch:
            patch.setattr(click, "launch", launch)
            if browser is None:
                patch.delenv("DISPLAY")
            done = CliRunner().invoke(main, ["connector", *args], input=typed)
        for thread in threads:
            thread.join()
        return done

    def add(self, name: str, *pairs: str) -> str:
        given = [part for pair in pairs for part in ("--set", pair)]
        done = self.run("add", name, "--no-install", *given)
        assert done.exit_code == 0, done.output
        return done.output.partition(":")[0]

    def settings(self, connection_id: str) -> dict[str, str]:
        with self.of.store.read() as reader:
            row = reader.get(Connection, connection_id)
        assert row is not None
        return opened(row, self.of.sealer, self.of.store.workspace_id)

    def pending(self) -> PendingGrant:
        with self.of.store.read() as reader:
            return reader.find(PendingGrant, newest_first=True, limit=1)[0]

    def let_time_pass(self) -> None:
        """What is waited for is so no longer."""
        row = self.pending()
        if row.state == "waiting":
            with self.of.store.write() as tx:
                tx.put(replace(row, expires_at=row.created_at))

    def zendesk(self) -> str:
        address = self.running.urls["zendesk"]
        return self.add(
            "zendesk",
            "subdomain=shop",
            f"address={address}",
            f"client_id={ZENDESK_CLIENT}",
            f"client_secret={ZENDESK_SECRET}",
        )

    def woocommerce(self) -> str:
        """Without keys, which the command line only leaves out where it goes on to get them."""
        values = {"address": self.running.urls["woocommerce"]}
        return connecting.add(self.of, "woocommerce", values=values).id

    def shopify(self) -> str:
        shop = self.running.states["shopify"]
        assert isinstance(shop, shopify.Shop)
        return self.add(
            "shopify",
            f"shop={shop.domain}",
            f"address={self.running.urls['shopify']}",
            f"client_id={CLIENT_ID}",
            f"client_secret={CLIENT_SECRET}",
        )


@dataclass
class Agrees:
    """A person who agrees. `change` may tamper with the answer on its way to us."""

    change: Callable[[str], str] = str
    lang: str = "en"
    last: requests.Response | None = None
    answer: str = ""

    def __call__(self, url: str) -> None:
        sent = requests.get(url, allow_redirects=False, timeout=30)
        self.answer = self.change(sent.headers["Location"])
        self.last = requests.get(self.answer, headers={"Accept-Language": self.lang}, timeout=30)


def changed(url: str, **values: str) -> str:
    query = dict(parse_qsl(urlsplit(url).query)) | values
    return f"{url.partition('?')[0]}?{urlencode(query)}"


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def run_and_give_up(desk: Desk, connection: str, browser: Agrees) -> Result:
    """Nothing acceptable comes; the time it may take is then over."""

    def then_late(url: str) -> None:
        browser(url)
        desk.let_time_pass()

    return desk.run("authorise", connection, browser=then_late)
