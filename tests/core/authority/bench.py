"""A workspace with people and limits, and cases that ask for money: core alone, on any store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from core import approval, authority, flow, fx, harm
from core.approval import Approval
from core.authority import Counter, Reservation
from core.case import Case, CaseState, CaseTicket, Task
from core.facts import Subject
from core.moment import Moment
from core.money import Money, parse_money
from core.offer import Part
from core.payout import Payout
from core.people import Person, PersonIdentity, Workspace
from core.ports import Buyer, Ending, Order, Pays, Receipt, Remedy, Settled
from core.routing import Routing
from core.store import AlreadyExists, Store, StoreUnavailable, Tx
from core.terms import Terms

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)  # a Wednesday
TILL, DESK = "conn_till", "conn_desk"
ROUTING = Routing(policy="tried", mode="act")


def money(text: str) -> Money:
    amount, currency = text.split()
    return parse_money(amount, currency)


class Bench:
    """Time is the test's. Ids are in the order of making, whatever the time."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.made = store, START, 0
        with store.write() as tx:
            tx.add(
                Workspace(id="workspace", name="w", zone="UTC", first_weekday=0, created_at=START)
            )

    def id(self, prefix: str, ms: int = 0) -> str:
        self.made += 1
        return f"{prefix}_{self.made:012d}"

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.id)

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    # ------------------------------------------------------------------------------ setting up

    def limits(self, text: str) -> None:
        with self.store.write() as tx:
            text = f"limits: 1\ncurrency: EUR\n{text}"
            authority.set_limits(tx, text, by=None, moment=self.moment)

    def rates(self, *rows: str) -> None:
        text = "date,from,to,rate\n" + "\n".join(rows)
        with self.store.write() as tx:
            fx.keep(tx, fx.read_rates(text, today=self.now.date(), now=self.now))

    def person(self, name: str, *roles: str, email: str | None = None) -> Person:
        row = Person(
            id=f"per_{name}",
            name=name,
            email=email or f"{name}@shop.example",
            roles=sorted(roles),
            created_at=self.now,
        )
        account = PersonIdentity(
            id=f"acc_{name}",
            person_id=row.id,
            kind="helpdesk",
            connection_id=DESK,
            value=f"agent-{name}",
            linked_at=self.now,
        )
        with self.store.write() as tx:
            tx.add(row)
            tx.add(account)
        return row

    def change(self, person: Person, **changes: object) -> None:
        with self.store.write() as tx:
            row = tx.lock(Person, person.id)
            assert row is not None
            tx.put(replace(row, **changes))  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------ asking

    def ask(
        self,
        amount: str,
        *,
        by: Person | None = None,
        buyer: str = "b1",
        order: Order | None = None,
        reason: str = "damaged_item",
        basis: str = "goodwill",
        remedy: str = "refund",
        parts: Sequence[Part] | None = None,
        ask: bool = False,
        mark: str | None = None,
        on_account: bool = False,
        spent: str | None = None,
        case: Case | None = None,
    ) -> Case:
        """A decided case on its way through the flow; answers it as it stands then."""
        order = order or self.order(amount)
        found = case or self._case()
        terms = Terms(
            subject=Subject(
                till_id=TILL,
                buyer=Buyer(id=buyer, orders_count=1, spent=money(spent) if spent else None),
                order=order,
            ),
            reason=reason,
            language=None,
            requested_by=found.overridden_by or (by.id if by else None),
            today=self.now.date(),
            facts={},
            decision={},
            policy_name="tried",
            policy_hash="f" * 64,
            basis=basis,
            parts=parts or [self.part(amount, order, remedy)],
            ask=ask,
            mark=mark,
            on_account=on_account,
            summary={},
            ticket_since=self.now,
        )
        with self.store.write() as tx:
            row = tx.lock(Case, found.id) if case else None
            if row is None:
                tx.add(found)
                tx.add(self._ticket(found))
                row = found
            flow.on_terms(tx, row, ROUTING, terms, self.moment)
        return self.case(found.id)

    def order(self, paid: str = "1000.00 EUR", *, refunded: str | None = None) -> Order:
        total = money(paid)
        back = money(refunded) if refunded else Money.zero(total.currency)
        id = self.id("order")
        return Order(
            id=id, name=f"#{id[-6:]}", buyer_id="b1", total=total, paid=total, refunded=back,
            refundable=total - back, created_at=START,
        )  # fmt: skip

    def part(self, amount: str, order: Order | None, remedy: str = "refund") -> Part:
        return Part(
            remedy=cast(Remedy, remedy),
            till_id=TILL,
            amount=money(amount),
            order_id=order.id if order else None,
            buyer_id="b1",
        )

    def _case(self) -> Case:
        id = self.id("case")
        return Case(
            id=id, state=CaseState.GATHERING, desk_id=DESK, ticket_id=id, opened_at=self.now,
            looked_at=self.now, changed_at=self.now, due_at=None, open_key=f"{DESK}|{id}",
            mode="act",
        )  # fmt: skip

    def _ticket(self, case: Case) -> CaseTicket:
        return CaseTicket(
            id=self.id("link"), case_id=case.id, desk_id=DESK, ticket_id=case.ticket_id
        )

    # ------------------------------------------------------------------------------ deciding

    def decide(self, case: Case, person: Person, *, agree: bool = True) -> Approval:
        with self.store.write() as tx:
            return approval.decide(tx, case.id, person, agree=agree, note=None, moment=self.moment)

    def step(self, case: Case, order: Order | None = None) -> Case:
        """What the runner does for a case that waits for a yes."""
        with self.store.write() as tx:
            action = flow.next_action(flow.load(tx, case.id), self.now)
            row = tx.lock(Case, case.id)
            assert row is not None
            if isinstance(action, flow.Release):
                flow.on_release(tx, row, ROUTING, order, self.moment)
            elif isinstance(action, flow.Settle):
                flow.on_settled_approval(tx, row, action.approval, self.moment)
            elif isinstance(action, flow.Remind):
                approval.remind(tx, action.approvals, self.moment)
        return self.case(case.id)

    def settle(self, case: Case, ending: Ending | None = None) -> Case:
        """Its payouts have ended well, or as is said."""
        for payout in self.payouts(case):
            receipt = Receipt(
                host_object=f"re_{payout.id}", amount=payout.amount, order_id=payout.order_id
            )
            ended = ending or Settled(receipt)
            with self.store.write() as tx:
                row = tx.lock(Case, case.id)
                assert row is not None
                flow.on_payout(
                    tx, row, payout, ended, pays=Pays(retry="find"), routing=ROUTING,
                    moment=self.moment,
                )  # fmt: skip
        return self.case(case.id)

    # ------------------------------------------------------------------------------ looking

    def case(self, id: str) -> Case:
        with self.store.read() as reader:
            row = reader.get(Case, id)
        assert row is not None
        return row

    def case_in(self, tx: Tx, case: Case) -> Case:
        row = tx.lock(Case, case.id)
        assert row is not None
        return row

    def payouts(self, case: Case) -> list[Payout]:
        with self.store.read() as reader:
            return reader.find(Payout, case_id=case.id)

    def task(self, case: Case, kind: str) -> dict[str, object]:
        """What is known of the open task of this kind."""
        with self.store.read() as reader:
            (row,) = [t for t in reader.find(Task, case_id=case.id, state="open") if t.kind == kind]
        return cast("dict[str, object]", row.known)

    def held(self, state: str = "held") -> list[Reservation]:
        with self.store.read() as reader:
            return [row for row in reader.find(Reservation) if row.state == state]

    def counters(self) -> dict[str, int]:
        with self.store.read() as reader:
            return {row.id: row.total for row in reader.find(Counter)}

    def left(self, person: Person | None) -> dict[str, str]:
        with self.store.read() as reader:
            rows = authority.left(reader, person, self.now) or []
        return {
            " ".join(filter(None, (row.window, row.reason, _unit(row.limit)))): str(row.left)
            for row in rows
        }


def _unit(limit: Money | int) -> str:
    return "count" if isinstance(limit, int) else limit.currency


def plan(
    tx: Tx, store: Store, bearer: str, number: str, amount: str, currency: str,
    mark: str | None = None, paid: str | None = None,
) -> bool:  # fmt: skip
    """One reservation as a door would make it, for races: whether it was given. `paid`: for one
    order of so much, whoever asks; else each has an order of their own."""
    moment = Moment(datetime.now(UTC))
    wanted = parse_money(amount, currency)
    total = parse_money(paid, currency) if paid else wanted
    order = Order(
        id="o" if paid else f"o{number}", name=f"#{number}", buyer_id="b", total=total, paid=total,
        refunded=Money.zero(currency), refundable=total, created_at=START,
    )  # fmt: skip
    case = Case(
        id=f"case_{number}", state=CaseState.PAYING, desk_id=DESK, ticket_id=number,
        opened_at=START, looked_at=START, changed_at=START, due_at=None, open_key=None, mode="act",
        reason="damaged_item", till_id=TILL,
    )  # fmt: skip
    subject = Subject(
        till_id=TILL, buyer=Buyer(id=f"b{number}", orders_count=1, spent=None), order=order
    )
    customers = harm.lock_customers(tx, subject, mark, moment)
    part = Part(remedy="refund", till_id=TILL, amount=wanted, order_id=order.id)
    wish = authority.wish_for(case, "goodwill", [part], order, customers)
    return not isinstance(
        authority.reserve(tx, wish, bearer=bearer, moment=moment), authority.Bound
    )


def race(store: Store, bearer: str, prefix: str, times: int, amount: str = "1.00") -> int:
    """Reserve again and again; answers how often it was given."""
    given, done = 0, 0
    while done < times:
        try:
            with store.write() as tx:
                got = plan(tx, store, bearer, f"{prefix}-{done}", amount, "EUR")
        except (AlreadyExists, StoreUnavailable):
            continue  # the customer was made by somebody else just now, or the machine is slow
        given += got
        done += 1
    return given
