"""The whole demo in one test: the sandbox's hosts in a process of their own, Amends with its runner
on SQLite, and the page, listening on a free port so that the hosts' webhooks arrive."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from werkzeug.serving import make_server

from console import demo
from core.case import Case
from webhooks.app import create_app, make_runner
from webhooks.demo.panel import install_app
from webhooks.demo.stage import Sandbox, connect, set_up, settings_for
from webhooks.demo.world import World

PATIENCE_S = 30.0


class Demo:
    def __init__(self, home: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._sandbox = Sandbox()
        self.hosts = self._sandbox.urls
        self._of = set_up(settings_for(home, port, call_seconds=15, lease_seconds=47))
        stage = connect(self._of, self.hosts)
        install_app(self._of, stage)
        self.world = World(self._of, stage)
        self._runner = make_runner(self._of)
        self.app: Flask = create_app(self._of, self._runner, [demo.blueprint(self.world)])
        self._server = make_server(
            "127.0.0.1", port, self.app, threaded=True, fd=self._listening.fileno()
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self._runner.start()

    def close(self) -> None:
        self._runner.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._listening.close()
        self._of.store.close()
        self._sandbox.__exit__()

    def control(self, host: str, path: str, body: dict[str, Any]) -> None:
        """Ask something of a stand-in, such as a fault or a refund made by hand."""
        url = f"{self.hosts[host]}/_sandbox/{path}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    def hold(self, host: str, **match: str) -> None:
        """The next such request is not answered before `let_go`. Until then there is all the time
        to see that it is under way."""
        self.control(host, "faults", {"kind": "delay", "match": match, "seconds": 60})

    def let_go(self, host: str) -> None:
        requests.delete(f"{self.hosts[host]}/_sandbox/faults", timeout=30).raise_for_status()

    def until(self, holds: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.05)

    def status(self, ticket_id: str) -> str:
        return next(t.status for t in self.world.tickets() if t.id == ticket_id)

    def case(self, ticket_id: str) -> Case:
        with self.world.store.read() as reader:
            return reader.find(Case, ticket_id=ticket_id)[-1]

    def made_good(self, ticket_id: str) -> bool:
        with self.world.store.read() as reader:
            return reader.count(Case, ticket_id=ticket_id, outcome="made_good") > 0

    def page(self, ticket_id: str, awaited: str) -> str:
        """The ticket's page, as soon as it is at rest and says what is awaited."""
        client = self.app.test_client()
        end = time.monotonic() + PATIENCE_S
        while True:
            page = client.get(f"/?ticket={ticket_id}").get_data(as_text=True)
            if awaited in page and "hx-get=" not in page:
                return page
            assert time.monotonic() < end, f"{awaited!r} is not said by {page}"
            time.sleep(0.1)
