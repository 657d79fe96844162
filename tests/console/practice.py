"""A world for the demo page: the sandbox's real Zendesk, the in-memory store, and the flow's own
functions moving cases along. Only the shop's answer is made up here, because no shop is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import requests

from console.demo_world import DemoComment, DemoTicket, HostRefund
from core import approval, flow, payout, writeback
from core.approval import Approval
from core.case import Case, CaseTicket, Writing
from core.connection import Connection
from core.facts import Subject, Trouble
from core.moment import Moment
from core.money import Money
from core.offer import Part
from core.payout import Payout
from core.people import Person, PersonIdentity, Workspace
from core.ports import Buyer, Order, Pays, Receipt, Settled
from core.routing import Routing, TillChoice
from core.store.memory import MemoryStore
from core.terms import Terms
from sandbox import world, zendesk
from sandbox.host import Running, serve
from sandbox.zendesk.state import TOKEN

DESK, TILL = "conn_desk", "conn_till"
ROUTING = Routing(
    policy="starter", mode="act", reply="send", sign_off="Nora, Linden & Loom",
    reasons={"amends_late_delivery": "late_delivery", "amends_damaged_item": "damaged_item",
             "amends_wrong_item": "wrong_item"},
    tills=(TillChoice(TILL),),
)  # fmt: skip
_PAYS = Pays(retry="key")
#: Above this many minor units a second person has to agree.
_LIMIT_MINOR = 15_000


class Practice:
    """`pace` is the pause between two steps of a case, in seconds; with 0 all is done at once."""

    def __init__(self, pace: float = 0) -> None:
        self._pace = pace
        self._running: Running = serve({"zendesk": zendesk.create()})
        self._url = self._running.urls["zendesk"]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._refunds: list[HostRefund] = []
        self.repeated: dict[str, int] = {}
        self.store = MemoryStore("main")
        self.desk_id = DESK
        world.load({"zendesk": self._url})
        self._furnish()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._running.close()

    # -------------------------------------------------------------------- what the page asks for

    def tickets(self) -> Sequence[DemoTicket]:
        books = requests.get(f"{self._url}/_sandbox/books", timeout=5).json()
        people = {user["id"]: user for user in books["users"]}
        return [_ticket(ticket, people) for ticket in books["tickets"]]

    def solve(self, ticket_id: str) -> None:
        self._agent(ticket_id, "solve")
        self._go(lambda: self._work(ticket_id))

    def approve(self, case_id: str, person_id: str) -> None:
        with self.store.write() as tx:
            person = tx.get(Person, person_id)
            assert person is not None
            approval.decide(tx, case_id, person, agree=True, note=None, moment=_now())
        self._go(lambda: self._release(case_id))

    def books(self) -> Mapping[str, Sequence[HostRefund]]:
        return {"Shopify": list(self._refunds)}

    def repeats(self, ticket_id: str) -> int:
        return self.repeated.get(ticket_id, 0)

    # --------------------------------------------------------------------------- what happens

    def refund_by_hand(self, ticket_id: str, amount: Money) -> None:
        """Somebody refunds the ticket's order in the shop, past Amends."""
        order = f"gid://shopify/Order/{ticket_id}"
        self._refunds.append(
            HostRefund(host_object="gid://shopify/Refund/9", order_id=order, amount=amount)
        )

    def echo(self, case_id: str) -> None:
        with self.store.write() as tx:
            _now().log(tx, case_id, "echo", {"host_object": "gid://shopify/Refund/1", "till": TILL})

    def case_of(self, ticket_id: str) -> Case:
        with self.store.read() as reader:
            return reader.find(Case, ticket_id=ticket_id)[-1]

    def made_good(self, ticket_id: str) -> bool:
        with self.store.read() as reader:
            return reader.count(Case, ticket_id=ticket_id, outcome="made_good") > 0

    def _go(self, work: Callable[[], None]) -> None:
        if not self._pace:
            work()
            return
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _pause(self) -> None:
        self._stop.wait(self._pace)

    def _work(self, ticket_id: str) -> None:
        self._pause()
        with self.store.write() as tx:
            moment = _now()
            case = flow.on_solved(
                tx,
                DESK,
                ticket_id,
                actor_id=str(world.AGENT_ID),
                received_at=moment.now,
                routing=ROUTING,
                moment=moment,
            )
            assert case is not None
            tx.add(case)
            link = {"case_id": case.id, "desk_id": DESK, "ticket_id": ticket_id}
            tx.add(CaseTicket(id=moment.new("link"), **link))
            moment.log(tx, case.id, "opened", {"desk": DESK, "ticket": ticket_id})
        self._pause()
        told = next(t for t in self.tickets() if t.id == ticket_id)
        reason = next((ROUTING.reasons[t] for t in told.tags if t in ROUTING.reasons), None)
        with self.store.write() as tx:
            if reason is None:
                trouble = Trouble("no_reason", {"tags": sorted(ROUTING.reasons)})
                flow.on_trouble(tx, case, trouble, _now())
            else:
                flow.on_terms(tx, case, ROUTING, _terms(told, reason), _now())
        self._carry_on(case.id)

    def _release(self, case_id: str) -> None:
        self._pause()
        with self.store.write() as tx:
            case, yes = tx.get(Case, case_id), tx.find(Approval, case_id=case_id)[-1]
            assert case is not None
            flow.on_release(tx, case, ROUTING, yes, None, _now())
        self._carry_on(case_id)

    def _carry_on(self, case_id: str) -> None:
        """Pay and write until the case rests."""
        with self.store.read() as reader:
            unpaid = [p for p in reader.find(Payout, case_id=case_id) if payout.may_send(p)]
        for one in unpaid:
            self._pay(one)
        with self.store.read() as reader:
            planned = reader.find(Writing, case_id=case_id, state="planned")
        for writing in planned:
            self._pause()
            self._write(writing)

    def _pay(self, one: Payout) -> None:
        with self.store.write() as tx:
            one, _ = payout.begin(
                tx, one, pays=_PAYS, calls_within=timedelta(seconds=15), moment=_now()
            )
        self._pause()
        assert one.amount is not None
        assert one.order_id is not None
        refund = f"gid://shopify/Refund/{len(self._refunds) + 1}"
        self._refunds.append(
            HostRefund(host_object=refund, order_id=one.order_id, amount=one.amount)
        )
        settled = Settled(Receipt(host_object=refund, amount=one.amount, order_id=one.order_id))
        with self.store.write() as tx:
            case = tx.get(Case, one.case_id)
            assert case is not None
            flow.on_payout(tx, case, one, settled, pays=_PAYS, routing=ROUTING, moment=_now())

    def _write(self, writing: Writing) -> None:
        case = self.case_of(writing.ticket_id)
        told = next(t for t in self.tickets() if t.id == writing.ticket_id)
        names = {DESK: "Zendesk", TILL: "Shopify"}
        said = writeback.compose(case, writing, ROUTING, names=names, customer=told.requester)
        changes: dict[str, object] = {"tags": [*told.tags, *said.tags]}
        if said.text:
            changes = {"comment": {"body": said.text, "public": said.kind == "reply"}}
        answer = requests.put(
            f"{self._url}/api/v2/tickets/{writing.ticket_id}.json",
            json={"ticket": changes},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=5,
        )
        assert answer.ok, answer.text
        with self.store.write() as tx:
            writeback.written(tx, writing, said.text, "1")

    def _agent(self, ticket_id: str, action: str) -> None:
        path = f"{self._url}/_sandbox/tickets/{ticket_id}/{action}"
        requests.post(path, json={}, timeout=5).raise_for_status()

    def _furnish(self) -> None:
        moment = _now()
        with self.store.write() as tx:
            tx.add(Workspace(id="workspace", name="Linden & Loom", zone="Europe/Berlin",
                             first_weekday=0, created_at=moment.now))  # fmt: skip
            for id, connector, title in (
                (DESK, "zendesk", "Zendesk"),
                (TILL, "shopify", "Shopify"),
            ):
                tx.add(Connection(id=id, connector=connector, title=title, live=False, state="on",
                                  path_token=id, settings={}, options={},
                                  created_at=moment.now))  # fmt: skip
            for id, name, role, agent in (
                ("person_jo", world.AGENT["name"], "agent", str(world.AGENT_ID)),
                ("person_mara", "Mara Lindqvist", "approver", "9002"),
            ):
                tx.add(Person(id=id, name=str(name), email=f"{id}@shop.example", roles=[role],
                              created_at=moment.now))  # fmt: skip
                tx.add(PersonIdentity(id=f"ident_{id}", person_id=id, kind="helpdesk",
                                      connection_id=DESK, value=agent,
                                      linked_at=moment.now))  # fmt: skip


def _now() -> Moment:
    return Moment(datetime.now(UTC))


def _ticket(ticket: Mapping[str, object], people: Mapping[int, Mapping[str, str]]) -> DemoTicket:
    comments = ticket["comments"]
    assert isinstance(comments, list)
    requester = people[ticket["requester_id"]]  # type: ignore[index]
    return DemoTicket(
        id=str(ticket["id"]),
        subject=str(ticket["subject"]),
        requester=requester["name"],
        language=requester["locale"],
        status=str(ticket["status"]),
        tags=ticket["tags"],  # type: ignore[arg-type]
        message=comments[0]["body"],
        comments=[
            DemoComment(author=people[c["author_id"]]["name"], text=c["body"], public=c["public"])
            for c in comments[1:]
        ],
    )


def _terms(ticket: DemoTicket, reason: str) -> Terms:
    """What the policy would say: a tenth of a price that grows with the ticket's number."""
    currency = {"ar": "SAR", "fa": "EUR"}.get(ticket.language[:2], "GBP")
    amount = Money(1_250 * int(ticket.id), currency)
    total = Money(amount.minor * 10, currency)
    day = datetime.now(UTC)
    order = Order(id=f"gid://shopify/Order/{ticket.id}", name=f"#100{ticket.id}",
                  buyer_id=f"buyer_{ticket.id}", total=total, paid=total,
                  refunded=Money.zero(currency), refundable=total, created_at=day)  # fmt: skip
    buyer = Buyer(id=f"buyer_{ticket.id}", orders_count=2, spent=total)
    part = Part(remedy="refund", till_id=TILL, amount=amount, order_id=order.id,
                buyer_id=buyer.id, text=reason)  # fmt: skip
    summary = {"order": order.name, "reason": reason, "outcome": "offer", "rule": "late",
               "why": "10 % of the order", "policy": "starter", "policy_version": "ab12cd34ef56",
               "basis": "goodwill", "given": [part.doc()],
               "needs_yes": amount.minor > _LIMIT_MINOR}  # fmt: skip
    terms = Terms(
        subject=Subject(till_id=TILL, buyer=buyer, order=order), reason=reason,
        language=ticket.language[:2], requested_by="person_jo", today=day.date(), facts={},
        decision={"rule": "late", "reason": "10 % of the order"}, policy_name="starter",
        policy_hash="ab12cd34ef56" * 5, basis="goodwill", parts=[part], ask=False, summary=summary,
    )  # fmt: skip
    return replace(terms, ask=amount.minor > _LIMIT_MINOR)
