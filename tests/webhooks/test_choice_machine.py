"""Whatever agents, customers, approvers and the shop do to one ticket, in whatever order: the harm
is made good once, the shop's own books agree with ours, and nothing is left hanging."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from core import approval, flow
from core import choice as choices
from core import link as links
from core.case import Case, CaseState, Task
from core.choice import APOLOGY, CannotGive, Choice, Chosen, Way
from core.errors import AmendsError
from core.link import ChoiceLink
from core.moment import Moment
from core.money import Money, parse_money
from core.payout import Payout, PayoutState
from core.store.memory import MemoryStore
from tests.webhooks.rig import rigged
from tests.webhooks.test_authority import limits
from tests.webhooks.test_choice import TEAPOT, agent
from webhooks.demo.stage import MANAGER

OPTIONS = (
    None,
    APOLOGY,
    (Chosen(remedy="refund", amount=Money(1000, "EUR")),),
    (Chosen(remedy="store_credit", amount=Money(1500, "EUR")),),
    (Chosen(remedy="refund", amount=Money(1001, "EUR")),),
)
_numbers = count()


class OneTicket(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.end = ExitStack()
        self.rig = self.end.enter_context(rigged(MemoryStore(f"machine-{next(_numbers)}")))
        self.rig.policy("{choice: [{refund: 10.00 EUR}, {store_credit: 15.00 EUR}]}", "EUR")

    # ------------------------------------------------------------------------------ people

    @rule(option=st.sampled_from(OPTIONS), way=st.sampled_from(["give", "ask", "customer"]))
    def an_agent_asks(self, option: tuple[Chosen, ...] | None, way: Way) -> None:
        agent_id, person = agent(self.rig)
        routing = self.rig.of.hosts.get(self.rig.stage.desk_id).routing
        with suppress(CannotGive), self.rig.store.write() as tx:
            choices.ask_for(
                tx,
                self.rig.stage.desk_id,
                str(TEAPOT),
                agent_id=agent_id,
                person=person,
                choice=Choice(remedies=option, way=way),
                letter=None,
                tone=None,
                routing=routing,
                moment=self.moment(),
            )

    @rule(position=st.integers(0, 1))
    def the_customer_chooses(self, position: int) -> None:
        with self.rig.store.read() as reader:
            sent = reader.find(ChoiceLink)
        for link in sent:
            with suppress(AmendsError), self.rig.store.write() as tx:
                links.choose(tx, self.token(link), str(link.offers[position]), self.moment())  # type: ignore[index]

    @rule(agree=st.booleans())
    def a_manager_answers(self, agree: bool) -> None:
        manager = self.rig.person(MANAGER)
        for case in self.cases():
            with suppress(AmendsError), self.rig.store.write() as tx:
                approval.decide(tx, case.id, manager, agree=agree, note=None, moment=self.moment())

    @rule()
    def the_ticket_is_solved(self) -> None:
        with suppress(AmendsError):
            self.rig.desk.post(f"tickets/{TEAPOT}/solve")

    @rule()
    def the_ticket_is_opened_again(self) -> None:
        with suppress(AmendsError):
            self.rig.desk.post(f"tickets/{TEAPOT}/reopen")

    @rule()
    def somebody_refunds_by_hand(self) -> None:
        with suppress(AmendsError):
            self.rig.shop.post("orders/1002/refund", amount="12.00", note="called in")

    @rule(most=st.sampled_from(["9.99", "100.00"]))
    def an_admin_changes_a_limit(self, most: str) -> None:
        limits(
            self.rig, f"roles: {{agent: {{per_transaction: {most}}}, approver: {{per_day: 900}}}}\n"
        )

    @rule()
    def a_person_closes_what_waits(self) -> None:
        manager = self.rig.person(MANAGER)
        for case in self.cases():
            if case.state is CaseState.WITH_PERSON:
                with self.rig.store.write() as tx:
                    locked = tx.lock(Case, case.id)
                    assert locked is not None
                    if flow.may_look_again(tx, locked):
                        routing = self.rig.of.hosts.get(locked.desk_id, tx).routing
                        flow.close(tx, locked, manager.id, "enough", routing, self.moment())

    @rule(minutes=st.sampled_from([0, 1, 60, 60 * 24 * 15]))
    def time_passes(self, minutes: int) -> None:
        self.rig.later(minutes=minutes)

    # ---------------------------------------------------------------------------- in the end

    def teardown(self) -> None:
        try:
            self.rig.settle()
            for _ in range(3):
                self.rig.later(days=15)
            self.check()
        finally:
            self.end.close()

    def check(self) -> None:
        cases = self.cases()
        with self.rig.store.read() as reader:
            paid = [p for p in reader.find(Payout) if p.state is PayoutState.SETTLED]
            open_tasks = {task.case_id for task in reader.find(Task, state="open")}
        assert len(paid) <= 1, [(p.remedy, str(p.amount)) for p in paid]
        assert len(self.rig.refunds()) == len(paid)
        shop = [parse_money(refund["amount"], refund["currency"]) for refund in self.rig.refunds()]
        assert shop == [p.amount for p in paid]
        for case in cases:
            if case.state is CaseState.WITH_PERSON:
                assert case.id in open_tasks, case
            else:
                assert case.state is CaseState.CLOSED, case

    # ------------------------------------------------------------------------------- looking

    def moment(self) -> Moment:
        return Moment(self.rig.clock.now())

    def cases(self) -> list[Case]:
        with self.rig.store.read() as reader:
            return reader.find(Case, ticket_id=str(TEAPOT))

    def token(self, link: ChoiceLink) -> str:
        return links.token_of(self.rig.of.sealer, self.rig.store.workspace_id, link)


def test_one_ticket_whatever_happens() -> None:
    run_state_machine_as_test(
        OneTicket,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
