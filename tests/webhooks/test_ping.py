"""A host's first word: WooCommerce tries a new address with an unsigned form and wants a 200."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from werkzeug.serving import make_server

from core.connection import Delivery
from core.store.sealing import Sealer, new_key, read_keys
from sandbox import woocommerce
from sandbox.host import Running, serve
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from tests.stores import open_store
from webhooks import connecting
from webhooks.app import SYSTEM_CLOCK, Services, create_app, ensure_workspace
from webhooks.hosts import Hosts
from webhooks.settings import Settings


class Joined:
    """Amends' web side and a WooCommerce shop that is connected to it."""

    def __init__(self, of: Services, running: Running) -> None:
        self.of, self.running = of, running
        self.shop = shop = running.urls["woocommerce"]
        values = {
            "address": shop,
            "consumer_key": CONSUMER_KEY,
            "consumer_secret": CONSUMER_SECRET,
            "currency": "EUR",
        }
        self.row = connecting.add(of, "woocommerce", values=values)

    def kept(self) -> list[Delivery]:
        requests.post(f"{self.shop}/_sandbox/webhooks/idle", json={}, timeout=30)
        with self.of.store.read() as reader:
            return reader.find(Delivery)

    def answers(self) -> list[int | None]:
        log = self.running.states["woocommerce"].hooks.log
        return [attempt.status for sent in log for attempt in sent.attempts]


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Joined]:
    store = open_store("memory", tmp_path)
    settings = Settings(workspace=store.workspace_id, allow_private_hosts=True)
    sealer = Sealer(read_keys(new_key()))
    hosts = Hosts(store, sealer, allow_private=True, call_within=timedelta(seconds=15))
    of = Services(settings, store, sealer, hosts, SYSTEM_CLOCK)
    ensure_workspace(store, "test", of.clock)
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    settings.public_url = f"http://127.0.0.1:{server.server_port}"
    try:
        with serve({"woocommerce": woocommerce.create()}) as running:
            yield Joined(of, running)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        store.close()


def test_the_ping_of_an_installation_is_answered_and_not_kept(joined: Joined) -> None:
    connecting.install(joined.of, joined.row.id)
    assert joined.kept() == []
    assert joined.answers() == [200]


def test_what_looks_like_a_ping_and_is_not_proves_nothing(joined: Joined) -> None:
    url = connecting.webhook_url(joined.of, joined.row)
    for body in ("webhook_id=1&a=b", "webhook_id=", "webhook_id=1\n", '{"webhook_id":1}', ""):
        assert requests.post(url, data=body, timeout=30).status_code == 401
    headers = {"X-WC-Webhook-Signature": "x"}
    assert requests.post(url, "webhook_id=1", headers=headers, timeout=30).status_code == 401
    assert joined.kept() == []


def test_after_the_ping_signed_news_is_kept_once(joined: Joined) -> None:
    connecting.install(joined.of, joined.row.id)
    order = {"id": 1, "email": "a@mail.example", "currency": "EUR", "total": "9.00"}
    control = f"{joined.shop}/_sandbox"
    requests.post(f"{control}/seed", json={"orders": [order]}, timeout=30).raise_for_status()
    by_hand = {"amount": "4.00", "note": "sorry"}
    asked = requests.post(f"{control}/orders/1/refund", json=by_hand, timeout=30)
    asked.raise_for_status()
    (kept,) = joined.kept()
    assert kept.dedupe_key.startswith("order.updated:")
