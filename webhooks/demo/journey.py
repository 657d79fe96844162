"""`amends demo --once`: every ticket of the demo world is solved, with trouble on the way.

Amends runs as a child process. On the way one delivery is replayed, one echo overtakes the answer
to the call that caused it, one answer is lost after the host acted, and Amends is ended by SIGKILL
after the host acted and before our commit. What is reported of the hosts is read from their own
books.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from core import flow, ledger_check
from core.case import Case, CaseState, CaseStep, Outcome, Writing
from core.connection import Delivery
from core.payout import Payout
from core.store import Reader
from sandbox.world import Ticket, tickets
from webhooks.app import Services
from webhooks.demo.stage import (
    DemoFailed,
    Sandbox,
    Stage,
    connect,
    environment,
    set_up,
    settings_for,
)
from webhooks.demo.world import Host
from webhooks.settings import Settings

PATIENCE_SECONDS = 120.0


class Amends:
    """`amends serve` as a child."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "webhooks", "serve"],
            env=environment(self._settings),
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._ready, "Amends to answer")
        return process

    def _ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self._settings.public_url}/readyz", timeout=2).ok
        return False

    def kill(self) -> None:
        """As if the power had gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        self._process = self._start()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


def run(home: Path, say: Callable[[str], None]) -> dict[str, object]:
    """The whole journey. Answers the report. Raises `DemoFailed`."""
    settings = settings_for(home, _free_port())
    with Sandbox() as sandbox:
        of = set_up(settings)
        try:
            stage = connect(of, sandbox.urls)
            with _running(settings) as amends:
                _travel(of, stage, amends, say)
                _settle_down(of, stage)
            return report(of, stage)
        finally:
            of.store.close()


@contextlib.contextmanager
def _running(settings: Settings) -> Iterator[Amends]:
    amends = Amends(settings)
    try:
        yield amends
    finally:
        amends.stop()


def _travel(of: Services, stage: Stage, amends: Amends, say: Callable[[str], None]) -> None:
    desk, shop = Host(stage.urls["zendesk"]), Host(stage.urls["shopify"])
    refunds = [t for t in tickets() if t["expect"] == "refund" and _from_shop(t)]
    early, lost, fatal, *_ = refunds
    for ticket in tickets():
        say(f"ticket {ticket['id']}: {ticket['subject']}")
        if ticket is early:
            shop.post("webhooks/options", early=True)
        if ticket is lost:
            shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
        if ticket is fatal:
            _die_in_mid_payout(desk, shop, amends, ticket)
            continue
        _act(desk, ticket)
        _wait_at_rest(of)
        if ticket is early:
            shop.post("webhooks/options", early=False)
    _replay(desk)
    time.sleep(flow.SAME_ACT.total_seconds())
    for step in ("reopen", "solve"):
        desk.post(f"tickets/{early['id']}/{step}")
        _wait_at_rest(of)


def _act(desk: Host, ticket: Ticket) -> None:
    for step in ticket.get("steps") or ["solve"]:
        desk.post(f"tickets/{ticket['id']}/{step}")


def _die_in_mid_payout(desk: Host, shop: Host, amends: Amends, ticket: Ticket) -> None:
    """The host acts and holds its answer back; Amends is killed while it waits for it."""
    before = len(_refunds(shop))
    shop.post("faults", kind="delay", when="after", seconds=5, match={"operation": "refundCreate"})
    _act(desk, ticket)
    wait_until(lambda: len(_refunds(shop)) > before, "the shop to act")
    amends.kill()
    amends.restart()


def _replay(desk: Host) -> None:
    """The first delivery of all once more, byte for byte, as hosts do when an answer is late."""
    made = desk.get("webhooks")["deliveries"]
    if made:
        desk.post("webhooks/replay", id=made[0]["id"])
    desk.post("webhooks/idle", timeout_s=10)


def _settle_down(of: Services, stage: Stage) -> None:
    for url in stage.urls.values():
        Host(url).post("webhooks/idle", timeout_s=10)
    _wait_at_rest(of)


def _wait_at_rest(of: Services) -> None:
    """Until nothing is left to do but what waits for a person or for a later day."""
    time.sleep(0.3)
    wait_until(lambda: at_rest(of), "all cases to come to rest")


def at_rest(of: Services) -> bool:
    with of.store.read() as reader:
        if reader.count(Delivery, state="new"):
            return False
        moving = reader.find(Case, state=(CaseState.GATHERING, CaseState.PAYING, CaseState.WRITING))
        waiting = ("host_denied", "host_unavailable")
        if any(case.said not in waiting for case in moving):
            return False
        return not reader.count(Writing, state="planned")


def report(of: Services, stage: Stage) -> dict[str, object]:
    with of.store.read() as reader:
        cases = reader.find(Case)
        verified = ledger_check.verify(reader)
        books = {name: Host(url).get("books") for name, url in stage.urls.items()}
        return {
            "tickets": len(tickets()),
            "payouts": dict(Counter(p.state.value for p in reader.find(Payout))),
            "waiting_approval": sum(c.state is CaseState.WAITING_APPROVAL for c in cases),
            "with_person": sum(c.state is CaseState.WITH_PERSON for c in cases),
            "notes": reader.count(Writing, kind="note", state="done"),
            "replies": reader.count(Writing, kind="reply", state="done"),
            "duplicates_ignored": _ignored(reader, cases, books),
            "ledger": {"balanced": verified.ok, "entries": verified.entries},
            "hosts": {name: _book_of(name, book) for name, book in books.items()},
        }


def _ignored(reader: Reader, cases: list[Case], books: Mapping[str, Any]) -> int:
    """Deliveries that came again, events that told nothing new, cases of a harm already made good,
    echoes of our own refunds."""
    echoes = len(reader.find(CaseStep, what="echo"))
    again = len(reader.find(CaseStep, what=("solved_again", "delivery_again")))
    return echoes + again + sum(c.outcome is Outcome.DUPLICATE for c in cases)


def _book_of(name: str, book: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = {"shopify": ("refunds",), "stripe": ("refunds",)}.get(name, ())
    return {key: book.get(key) for key in wanted} if wanted else _desk_book(book)


def _desk_book(book: Mapping[str, Any]) -> dict[str, int]:
    comments = [c for t in book.get("tickets", []) for c in t.get("comments", [])[1:]]
    return {
        "private_notes": sum(not c.get("public") for c in comments),
        "public_replies": sum(bool(c.get("public")) for c in comments),
    }


def _refunds(shop: Host) -> list[Any]:
    return list(shop.get("books").get("refunds", []))


def _from_shop(ticket: Ticket) -> bool:
    return "till_stripe" not in ticket["tags"]


def wait_until(done: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise DemoFailed(f"waited {seconds:g} s for {what} in vain")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
