"""An insider who tries everything, against the rules that nobody gives more than they may.

The machine plays staff and the attacker on the real flow; the model below keeps its own account of
who gave how much, from what the flow paid, and knows the limits only as the test wrote them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.approval import Approval, MayNotApprove, NotWaiting
from core.case import Case, CaseState
from core.likeness import mailbox
from core.offer import Offer
from core.payout import Payout
from core.people import Delegation, Person, PersonIdentity
from core.store.memory import MemoryStore
from tests.core.authority.bench import Bench

#: What each role may give at once and in a day, in cents.
LIMITS = {"agent": (5000, 12000), "approver": (30000, 60000), "ai_agent": (1500, 4000)}
LOWERED = {"agent": (2000, 3000), "approver": (8000, 20000), "ai_agent": (1000, 1500)}
CASES = st.integers(0, 30)
STAFF = ["eve", "eve2", "jo", "sam", "ann", "ann2", "bot"]
MEANWHILE = ["nothing", "edit", "lower", "role", "leave", "one"]
AMOUNTS = st.sampled_from([1, 1001, 1501, 1999, 4999, 5000, 5001, 8001, 20000, 29999, 30000, 30001])


def text(limits: dict[str, tuple[int, int]]) -> str:
    rows = [
        f"  {role}: {{per_transaction: {once // 100}.{once % 100:02d}, "
        f"per_day: {day // 100}.{day % 100:02d}}}\n"
        for role, (once, day) in limits.items()
    ]
    ask = "approval: {ask: [{over: 250.00, people: 2}]}\n"
    own = "people: {bot@shop.example: {per_transaction: 900.00, per_week: 9000.00}}\n"
    return "roles:\n" + "".join(rows) + own + "budgets: {all: {value: 2000.00}}\n" + ask


class Insider(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.bench = Bench(MemoryStore("ws"))
        self.limits = LIMITS
        self.bench.limits(text(LIMITS))
        names = {
            "eve": ("agent", "eve.x@gmail.com"),
            "eve2": ("approver", "evex+2@googlemail.com"),
            "jo": ("agent", "jo@shop.example"),
            "sam": ("approver", "sam@shop.example"),
            "ann": ("approver", "ann@shop.example"),
            "ann2": ("approver", "ann+2@shop.example"),
            "bot": ("ai_agent approver", "bot@shop.example"),
        }
        self.people = {
            name: self.bench.person(name, *roles.split(), email=email)
            for name, (roles, email) in names.items()
        }
        self.cases: list[Case] = []
        self.seen: set[str] = set()
        self.given: dict[tuple[str, str], int] = {}  # (whose, day) -> cents
        self.tampered: set[str] = set()
        self.asked: dict[str, object] = {}  # what was asked for, of those that were tampered with

    def _person(self, name: str) -> Person:
        with self.bench.store.read() as reader:
            row = reader.get(Person, self.people[name].id)
        assert row is not None
        return row

    # ------------------------------------------------------------------------------ moves

    @rule(
        who=st.sampled_from(["eve", "jo", "sam", "eve2", "bot"]), minor=AMOUNTS, parts=st.booleans()
    )
    def ask(self, who: str, minor: int, parts: bool) -> None:
        bench, order = self.bench, self.bench.order()
        halves = [minor // 2, minor - minor // 2] if parts and minor > 1 else [minor]
        asked = [bench.part(f"{h // 100}.{h % 100:02d} EUR", order) for h in halves]
        case = bench.ask(
            "1000.00 EUR", by=self._person(who), buyer=bench.id("b"), order=order, parts=asked
        )
        self.cases.append(case)
        self._account(case)

    @precondition(lambda self: self._waiting())
    @rule(number=CASES, who=st.sampled_from(STAFF))
    def agree(self, number: int, who: str) -> None:
        waiting = self._waiting()
        self.agree_to(waiting[number % len(waiting)], who)

    @precondition(lambda self: self._waiting())
    @rule(number=CASES)
    def run(self, number: int) -> None:
        waiting = self._waiting()
        self._account(self.bench.step(waiting[number % len(waiting)]))

    @precondition(lambda self: self._waiting())
    @rule(number=CASES, order=st.permutations(STAFF), meanwhile=st.sampled_from(MEANWHILE))
    def all_agree_and_then(self, number: int, order: list[str], meanwhile: str) -> None:
        """Whoever can says yes; before it is released, something else happens."""
        waiting = self._waiting()
        case = waiting[number % len(waiting)]
        for who in order:
            self.agree_to(case, who)
        if meanwhile == "edit":
            self.edit(number, 4999)
        elif meanwhile == "lower":
            self.set_limits(LOWERED)
        elif meanwhile == "role":
            self.bench.change(self.people["sam"], roles=["agent"])
        elif meanwhile == "leave":
            for name in ("ann", "ann2", "jo"):
                self.bench.change(self.people[name], active=False)
        elif meanwhile == "one":
            self.bench.change(self.people["sam"], email="ann+sam@shop.example")
        self._account(self.bench.step(case))

    def agree_to(self, case: Case, who: str) -> None:
        with suppress(MayNotApprove, NotWaiting):
            self.bench.decide(case, self._person(who))

    def _waiting(self) -> list[Case]:
        cases = [self.bench.case(case.id) for case in self.cases]
        return [case for case in cases if case.state is CaseState.WAITING_APPROVAL]

    @precondition(lambda self: self._waiting())
    @rule(number=CASES, minor=AMOUNTS)
    def edit(self, number: int, minor: int) -> None:
        """Behind everybody's back, in the database."""
        waiting = self._waiting()
        case = waiting[number % len(waiting)]
        with self.bench.store.write() as tx:
            offer = tx.find(Offer, case_id=case.id)[-1]
            first = dict(cast("list[dict[str, object]]", offer.parts)[0])
            if first["minor"] != minor:
                tx.put(replace(offer, parts=[{**first, "minor": minor}]))
                self.asked.setdefault(case.id, offer.parts)
                self.tampered.add(case.id)
            after = tx.get(Offer, offer.id)
            if after is not None and after.parts == self.asked.get(case.id):
                self.tampered.discard(case.id)  # as it was: that is no other offer

    @rule()
    def back_to_normal(self) -> None:
        self.set_limits(LIMITS)
        for name in ("sam", "ann", "ann2"):
            self.bench.change(self.people[name], roles=["approver"], active=True)
        self.bench.change(self.people["jo"], active=True)
        self.bench.change(self.people["sam"], email="sam@shop.example")

    @rule(who=st.sampled_from(["eve", "jo", "sam", "ann"]), role=st.sampled_from(sorted(LIMITS)))
    def change_role(self, who: str, role: str) -> None:
        self.bench.change(self.people[who], roles=[role])

    @rule(who=st.sampled_from(["sam", "ann", "ann2", "jo"]), active=st.booleans())
    def leave_or_come_back(self, who: str, active: bool) -> None:
        self.bench.change(self.people[who], active=active)

    @rule(which=st.sampled_from([LIMITS, LOWERED]))
    def set_limits(self, which: dict[str, tuple[int, int]]) -> None:
        if which is not self.limits:
            self.limits = which
            self.bench.limits(text(which))

    @rule(
        who=st.sampled_from(["sam", "ann", "ann2", "eve"]),
        to=st.sampled_from(["eve", "jo", "eve2", "bot", "ann2"]),
    )
    def delegate(self, who: str, to: str) -> None:
        if who == to:
            return
        day = self.bench.now.date()
        with self.bench.store.write() as tx:
            tx.add(
                Delegation(
                    id=self.bench.id("dele"), person_id=self.people[who].id,
                    delegate_id=self.people[to].id, first_day=day, last_day=day,
                    made_at=self.bench.now,
                )
            )  # fmt: skip

    @rule()
    def take_over_an_account(self) -> None:
        """Eve's helpdesk account is said to be her second person's."""
        with self.bench.store.write() as tx:
            (account,) = tx.find(PersonIdentity, value="agent-eve")
            tx.put(replace(account, person_id=self.people["eve2"].id))

    @rule(hours=st.sampled_from([1, 9, 24]))
    def wait(self, hours: int) -> None:
        self.bench.later(hours=hours)

    # ------------------------------------------------------------------------------ the rules

    def _account(self, case: Case) -> None:
        """Money that is on its way by now: whose was it, and could they?"""
        with self.bench.store.read() as reader:
            payouts = reader.find(Payout, case_id=case.id)
            rows = reader.find(Approval, case_id=case.id)
        if not payouts or case.id in self.seen:
            return
        self.seen.add(case.id)
        assert case.id not in self.tampered
        total = sum(payout.amount_minor or 0 for payout in payouts)
        assert case.requested_by is not None
        asker = self._by_id(case.requested_by)
        if total > 25000:
            assert len(rows) == 2
        bearer = asker
        for row in rows:
            assert row.state == "granted"
            decider, lender = self._by_id(row.decided_by or ""), self._by_id(row.bearer or "")
            for person in (decider, lender):
                assert mailbox(person.email) != mailbox(asker.email)
                assert person.active
                assert "ai_agent" not in person.roles
            assert "approver" in lender.roles
            assert total <= self.limits["approver"][0]
            bearer = lender
        if rows:
            seen = [self._mailboxes(row) for row in rows]
            assert len(set().union(*seen)) == sum(map(len, seen))
            bearer = self._by_id(max(rows, key=lambda r: (r.decided_at or r.asked_at, r.id)).bearer
                                 or "")  # fmt: skip
        roles = cast("list[str]", bearer.roles)
        once, day = self.limits["ai_agent" if "ai_agent" in roles else roles[-1]]
        key = (bearer.id, self.bench.now.date().isoformat())
        self.given[key] = self.given.get(key, 0) + total
        assert total <= once
        assert self.given[key] <= day

    def _mailboxes(self, row: Approval) -> set[str]:
        ids = (row.decided_by or "", row.bearer or "")
        return {mailbox(self._by_id(id).email) for id in ids}

    def _by_id(self, id: str) -> Person:
        with self.bench.store.read() as reader:
            row = reader.get(Person, id)
        assert row is not None
        return row

    @invariant()
    def the_budget_holds_and_counters_agree(self) -> None:
        if not hasattr(self, "bench"):
            return
        held = self.bench.held()
        assert sum(row.amount_minor or 0 for row in held) <= 200000
        taken: dict[str, int] = {}
        for row in held:
            for id, amount in cast("dict[str, int]", row.charges).items():
                taken[id] = taken.get(id, 0) + amount
        counters = self.bench.counters()  # people's are made anew after limits were changed
        assert counters == {id: taken.get(id, 0) for id in counters}
        assert all(id in counters for id in taken if id.startswith("budget|"))


TestInsider = Insider.TestCase
TestInsider.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
