"""`desk`: an installation with its web side running, and hosts to connect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from core.store.sealing import new_key
from sandbox import shopify, woocommerce, zendesk
from sandbox.host import serve
from tests.webhooks.agreeing.stage import Desk
from webhooks.app import create_app, services
from webhooks.cli import agreeing, main
from webhooks.settings import Settings


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENDS_DATABASE_URL", f"sqlite:///{tmp_path}/a.sqlite3")
    monkeypatch.setenv("AMENDS_KEYS", new_key())
    monkeypatch.setenv("AMENDS_ALLOW_PRIVATE_HOSTS", "1")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(agreeing, "_LOOK_SECONDS", 0.02)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no part of a real installation
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    of = services(Settings())
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("AMENDS_PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
    apps = {
        "zendesk": zendesk.create(),
        "shopify": shopify.create(),
        "woocommerce": woocommerce.create(),
    }
    try:
        with serve(apps) as running:
            yield Desk(of, running, monkeypatch)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        of.store.close()
