"""A real helpdesk, a real shop, and Amends between them, killed on the way: exactly once."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import ledger_check
from core.case import Case, Outcome
from core.connection import Delivery
from core.payout import Payout, PayoutState
from core.policies import publish_pack
from sandbox.faults import Fault
from tests.real import hosts
from tests.real.amends import Amends
from tests.real.proxy import RealHost, in_front_of
from webhooks import connecting
from webhooks.app import Services
from webhooks.demo.journey import at_rest, wait_until
from webhooks.demo.stage import set_up, settings_for

pytestmark = pytest.mark.slow

POLICY = "online-shop"
#: Longer than a call, so that Amends is killed while it waits for the answer.
HELD_SECONDS = 15.0
CALL_SECONDS = 10
#: Past the lease, and past the time in which the shop may still be at work.
LATER = timedelta(seconds=200)
KILLED_AT = {
    "the refund": ("shop", {"operation": "refundOrder"}),
    "the note": ("desk", {"method": "POST", "path": "/api/followups/"}),
}


@dataclass
class Stage:
    of: Services
    amends: Amends
    doors: Mapping[str, RealHost]
    desk_id: str

    def rest(self) -> None:
        """Until nothing is left to do. The helpdesk's page answers when its delivery was kept."""
        time.sleep(0.5)
        wait_until(lambda: at_rest(self.of), "all cases to come to rest")

    def cases(self, ticket: int) -> list[Case]:
        with self.of.store.read() as reader:
            return reader.find(Case, ticket_id=str(ticket))

    def deliveries(self, ticket: int) -> dict[str, list[str]]:
        """What the helpdesk's deliveries about follow-ups were taken to mean, by key."""
        with self.of.store.read() as reader:
            found = reader.find(Delivery, connection_id=self.desk_id, state="done")
        marked = f'"ticket": {ticket},'.encode()
        return {
            one.dedupe_key: [str(kind) for kind in one.kinds or ()]
            for one in found
            if marked in (one.body or b"")
        }


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    settings = settings_for(
        tmp_path, _free_port(), call_seconds=CALL_SECONDS, lease_seconds=4 * CALL_SECONDS
    )
    of = set_up(settings)
    doors = {"desk": RealHost(hosts.helpdesk().url), "shop": RealHost(hosts.shop().url)}
    running = {name: in_front_of(door) for name, door in doors.items()}
    urls = {name: one.urls["real"] for name, one in running.items()}
    amends: Amends | None = None
    try:
        till_id = _connect_shop(of, urls["shop"])
        desk_id = _connect_desk(of, urls["desk"], till_id)
        amends = Amends(settings)
        yield Stage(of, amends, doors, desk_id)
    finally:
        hosts.helpdesk().call()
        hosts.shop().tell("", "")
        if amends is not None:
            amends.stop()
        for one in running.values():
            one.close()
        of.store.close()


def _connect_shop(of: Services, url: str) -> str:
    values = {"address": url, "api_key": hosts.VENDURE_KEY, "settle_methods": "by-hand"}
    till = connecting.add(of, "vendure", values=values)
    learned = connecting.install(of, till.id)
    hosts.shop().tell(learned["webhook_url"], learned["webhook_secret"])
    return till.id


def _connect_desk(of: Services, url: str, till_id: str) -> str:
    """The webhooks are set as the connector's own check says."""
    values = {"address": url, "username": "amends", "password": hosts.HELPDESK_PASSWORD}
    options = {
        "policy": POLICY,
        "mode": "act",
        "reply": "send",
        "reason_field": "reason",
        "tills": [{"connection": till_id}],
    }
    desk = connecting.add(of, "django_helpdesk", values=values, options=options)
    learned = connecting.install(of, desk.id)
    hosts.helpdesk().call(f"{learned['webhook_url']}?secret={learned['webhook_secret']}")
    moment = of.clock.moment()
    with of.store.write() as tx:
        publish_pack(tx, POLICY, effective_from=moment.now.date(), by=None, moment=moment)
    return desk.id


@pytest.mark.parametrize("at", KILLED_AT)
def test_a_ticket_resolved_in_the_helpdesk_is_refunded_in_the_shop_once(
    stage: Stage, at: str
) -> None:
    desk, shop = hosts.helpdesk(), hosts.shop()
    email = f"{at.replace(' ', '-')}@example.com"
    order = shop.order(2400, email=email)
    ticket = desk.open(
        email=email, title="Broken cup", text="It arrived broken.", reason="damaged_item"
    )
    host, match = KILLED_AT[at]
    held = Fault(kind="delay", when="after", seconds=HELD_SECONDS, match=match)
    stage.doors[host].faults.add(held)

    desk.resolve(ticket, "Sorry about that.")
    acted = {
        "the refund": lambda: bool(shop.refunds(order["id"])),
        "the note": lambda: bool(_notes(ticket)),
    }
    wait_until(acted[at], f"{at} to be made")
    stage.amends.kill()
    stage.amends.restart(LATER)
    # What we wrote comes back as deliveries; a note may have told nobody, Amends being killed.
    told = 2 if at == "the refund" else 1
    wait_until(lambda: len(_came_back(stage, ticket)) >= told, "our own words to come back")
    stage.rest()

    _all_is_well(stage, ticket, order["id"])
    # ... and meant nothing.
    assert all(kinds == ["TicketTouched"] for kinds in _came_back(stage, ticket))
    assert list(stage.deliveries(ticket).values()).count(["TicketStatusChanged"]) == 1

    desk.set_by_rest(ticket, status=2)
    desk.resolve(ticket, "And again.")
    stage.rest()
    assert [case.outcome for case in stage.cases(ticket)][1:] in ([], [Outcome.DUPLICATE])
    _all_is_well(stage, ticket, order["id"])


def _all_is_well(stage: Stage, ticket: int, order_id: str) -> None:
    """The shop's books, the ticket and our own ledger say the same."""
    with stage.of.store.read() as reader:
        (payout,) = reader.find(Payout, case_id=stage.cases(ticket)[0].id)
        assert ledger_check.verify(reader).ok
    (refund,) = hosts.shop().refunds(order_id)
    assert (refund["total"], refund["state"]) == (1200, "Settled")
    assert f"[amends:{payout.id}]" in refund["reason"]
    assert (payout.state, payout.host_object) == (PayoutState.SETTLED, refund["id"])
    (note,) = _notes(ticket)
    assert "12.00" in note["comment"]
    replies = [one for one in _said(ticket) if one["public"] and "12.00" in one["comment"]]
    assert len(replies) == 1
    assert "amends:" not in replies[0]["comment"]


def _came_back(stage: Stage, ticket: int) -> list[list[str]]:
    heard = stage.deliveries(ticket)
    ours = [f"followup:{one['id']}" for one in _said(ticket) if "12.00" in one["comment"]]
    return [heard[key] for key in ours if key in heard]


def _said(ticket: int) -> list[Mapping[str, Any]]:
    return [one for one in hosts.helpdesk().follow_ups(ticket) if one["comment"]]


def _notes(ticket: int) -> list[Mapping[str, Any]]:
    return [one for one in _said(ticket) if not one["public"]]


def _free_port() -> int:
    """Of those that the machine hands out to nobody by itself, for Amends comes back to it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
