"""The sandbox hosts as the demo page needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from console.demo_world import DemoComment, DemoTicket, HostRefund
from core import approval
from core.errors import AmendsError
from core.moment import Moment
from core.money import Money, parse_money
from core.people import Person
from core.store import Store
from webhooks.app import Services
from webhooks.demo.panel import ticket_page
from webhooks.demo.stage import Stage

_ANSWER_SECONDS = 15


class Host:
    """A sandbox host's control API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str) -> Any:
        return self._checked("GET", path, None)

    def post(self, path: str, **data: object) -> Any:
        return self._checked("POST", path, data)

    def _checked(self, method: str, path: str, data: object) -> Any:
        try:
            answer = requests.request(
                method, f"{self._url}/_sandbox/{path}", json=data, timeout=_ANSWER_SECONDS
            )
            answer.raise_for_status()
        except requests.RequestException as error:
            raise AmendsError(f"the sandbox did not do it: {error}") from None
        return answer.json()


class World:
    """Implements `console.demo_world.DemoWorld` over the stage."""

    def __init__(self, of: Services, stage: Stage) -> None:
        self._of, self._stage = of, stage
        self._desk = Host(stage.urls["zendesk"])

    @property
    def store(self) -> Store:
        return self._of.store

    @property
    def desk_id(self) -> str:
        return self._stage.desk_id

    def tickets(self) -> Sequence[DemoTicket]:
        users = {user["id"]: user for user in self._desk.get("books")["users"]}
        return [_ticket(raw, users) for raw in self._desk.get("books")["tickets"]]

    def page_of(self, ticket_id: str, language: str) -> str:
        return f"{ticket_page(self._stage, ticket_id)}?lang={language}"

    def solve(self, ticket_id: str) -> None:
        self._desk.post(f"tickets/{ticket_id}/solve")

    def approve(self, case_id: str, person_id: str) -> None:
        with self.store.write() as tx:
            person = tx.get(Person, person_id)
            if person is None:
                raise AmendsError("nobody of that name is known here")
            moment = Moment(self._of.clock.now())
            approval.decide(tx, case_id, person, agree=True, note=None, moment=moment)

    def books(self) -> Mapping[str, Sequence[HostRefund]]:
        shop = Host(self._stage.urls["shopify"]).get("books")["refunds"]
        stripe = Host(self._stage.urls["stripe"]).get("books")["refunds"]
        return {"Shopify": [_shop_refund(r) for r in shop], "Stripe": [_stripe(r) for r in stripe]}


def _ticket(raw: Mapping[str, Any], users: Mapping[int, Any]) -> DemoTicket:
    first, *rest = raw["comments"]
    requester = users[raw["requester_id"]]
    return DemoTicket(
        id=str(raw["id"]),
        subject=raw["subject"],
        requester=requester["name"],
        language=requester["locale"],
        status=raw["status"],
        tags=raw["tags"],
        message=first["body"],
        comments=[
            DemoComment(author=users[c["author_id"]]["name"], text=c["body"], public=c["public"])
            for c in rest
        ],
    )


def _shop_refund(raw: Mapping[str, Any]) -> HostRefund:
    amount = parse_money(raw["amount"], raw["currency"])
    return HostRefund(
        host_object=f"gid://shopify/Refund/{raw['id']}",
        order_id=f"gid://shopify/Order/{raw['order_id']}",
        amount=amount,
    )


def _stripe(raw: Mapping[str, Any]) -> HostRefund:
    amount = Money(raw["amount"], raw["currency"].upper())
    return HostRefund(host_object=raw["id"], order_id=raw["payment_intent"], amount=amount)
