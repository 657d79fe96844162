"""Installing, checking, and the plugin in the real shop, heard by the real intake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.events import RefundRecorded
from core.money import Money
from core.ports import RawRequest, Settled
from tests.connectors.contract.bench import Bench
from tests.connectors.vendure.harness import SECRET


def _failed(bench: Bench) -> list[str]:
    assert bench.roles.setup is not None
    return [check.what for check in bench.roles.setup.check() if not check.ok]


def test_installing_makes_a_secret_once(bench: Bench) -> None:
    setup = bench.roles.setup
    assert setup is not None
    del bench.settings.values["webhook_secret"]
    learned = setup.install("https://amends.example/hooks/x")
    bench.settings.values.update(learned)
    assert len(learned["webhook_secret"]) >= 43
    again = setup.install("https://amends.example/hooks/x")
    assert again == {"webhook_url": "https://amends.example/hooks/x"}


def test_the_check_passes_and_leaves_nothing_behind(bench: Bench) -> None:
    assert _failed(bench) == []
    shown = repr(bench.roles.setup.check()) if bench.roles.setup else ""
    assert bench.leaked(shown) == []
    assert bench.harness.shop.promotions("") == []


def test_the_check_names_what_a_key_may_not_do(bench: Bench) -> None:
    bench.settings.values["api_key"] = "amends:of-nobody"
    del bench.settings.values["webhook_secret"]
    assert len(_failed(bench)) == 6


@pytest.mark.slow
def test_the_plugin_tells_of_a_refund_and_is_believed(bench: Bench) -> None:
    with _listening() as (url, heard):
        bench.harness.shop.tell(url, SECRET)
        made = bench.harness.instruction("refund", Money(1200, "EUR"))
        ending = bench.till.pay(made)
        assert isinstance(ending, Settled)
        while len(heard) < 2:  # it was made, and it was settled
            assert heard.wait(), "the shop did not call"
    bench.harness.shop.tell("", "")
    keys = {bench.intake.verify(request, bench.harness.now) for request in heard}
    assert len(keys) == len(heard)
    events = [event for request in heard for event in bench.intake.read(request)]
    assert all(isinstance(event, RefundRecorded) for event in events)
    seen = {(e.host_object, e.order_id, e.marker) for e in events if isinstance(e, RefundRecorded)}
    assert seen == {(ending.receipt.host_object, made.order_id, made.payout_id)}
    endings = {event.ending for event in events if isinstance(event, RefundRecorded)}
    assert endings == {"pending", "settled"}


class Heard(list[RawRequest]):
    def __init__(self) -> None:
        super().__init__()
        self._more = threading.Semaphore(0)

    def take(self, request: RawRequest) -> None:
        self.append(request)
        self._more.release()

    def wait(self) -> bool:
        return self._more.acquire(timeout=30)


@contextmanager
def _listening() -> Iterator[tuple[str, Heard]]:
    heard = Heard()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.take(RawRequest({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
