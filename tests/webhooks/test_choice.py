"""What an agent chooses, and what a customer chooses by a link, from the ticket to the shop's own
books."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core import choice as choices
from core import link as links
from core.authority import Reservation
from core.case import Case, CaseState, Harm, Outcome, Writing
from core.choice import APOLOGY, CannotGive, Choice, Chosen
from core.letter import Letter
from core.link import ChoiceLink, ChosenAlready, LinkOver, LinkUnknown
from core.moment import Moment
from core.money import Money
from core.offer import Offer, parts_of
from core.people import Person, PersonIdentity
from tests.webhooks.rig import Rig
from tests.webhooks.test_authority import agree, limits

TEAPOT = 2
TWO = "{choice: [{refund: 10.00 EUR}, {store_credit: 15.00 EUR}]}"
RANGE = "{refund: up to 12.00 EUR}"


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def agent(rig: Rig) -> tuple[str, Person]:
    with rig.store.read() as reader:
        for person in reader.find(Person):
            if person.roles == ["agent"]:
                own = reader.find(PersonIdentity, person_id=person.id, kind="helpdesk")
                return own[0].value, person
    raise AssertionError("no agent")


def ask(rig: Rig, choice: Choice, letter: str | None = None, ticket: int = TEAPOT) -> Case:
    agent_id, person = agent(rig)
    routing = rig.of.hosts.get(rig.stage.desk_id).routing
    with rig.store.write() as tx:
        choices.ask_for(
            tx,
            rig.stage.desk_id,
            str(ticket),
            agent_id=agent_id,
            person=person,
            choice=choice,
            letter=letter,
            tone=None,
            routing=routing,
            moment=Moment(rig.clock.now()),
        )
    rig.settle()
    return rig.case(ticket)


def token_in(rig: Rig, ticket: int = TEAPOT) -> str:
    (said,) = [c["body"] for c in rig.comments(ticket) if c["public"]]
    found = re.search(r"/choose/([\w-]+)", said)
    assert found, said
    return found[1]


def choose(rig: Rig, token: str, position: int) -> None:
    with rig.store.write() as tx:
        link = links.find_link(tx, token)
        links.choose(tx, token, links.offers_of(tx, link)[position].id, Moment(rig.clock.now()))


def test_an_agent_picks_a_sum_within_the_range_on_an_unsolved_ticket(rig: Rig) -> None:
    rig.policy(RANGE, "EUR")
    case = ask(rig, Choice(remedies=(Chosen(remedy="refund", amount=eur(712)),)))
    assert case.outcome is Outcome.MADE_GOOD
    assert [refund["amount"] for refund in rig.refunds()] == ["7.12"]


@pytest.mark.parametrize("minor", [0, 1201])
def test_a_sum_outside_the_range_is_not_given(rig: Rig, minor: int) -> None:
    rig.policy(RANGE, "EUR")
    case = ask(rig, Choice(remedies=(Chosen(remedy="refund", amount=eur(minor)),)))
    assert rig.tasks(case) == ["changed_since_shown"]
    assert rig.refunds() == []


def test_a_sum_left_to_the_agent_waits_for_one(rig: Rig) -> None:
    rig.policy(RANGE, "EUR")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["agent_decides"]
    case = ask(rig, Choice(remedies=(Chosen(remedy="refund", amount=eur(300)),)))
    assert case.outcome is Outcome.MADE_GOOD
    assert [refund["amount"] for refund in rig.refunds()] == ["3.00"]


def test_another_remedy_than_the_policy_gives_is_not_given(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    case = ask(rig, Choice(remedies=(Chosen(remedy="store_credit", amount=eur(1000)),)))
    assert rig.tasks(case) == ["changed_since_shown"]


def test_an_apology_alone_is_goodwill_and_sends_what_was_written(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    case = ask(rig, Choice(remedies=APOLOGY), letter="I am sorry, Lena. This was us.")
    assert case.outcome is Outcome.MADE_GOOD
    assert rig.refunds() == []
    (said,) = [c["body"] for c in rig.comments(TEAPOT) if c["public"]]
    assert "I am sorry, Lena. This was us." in said


def test_solving_it_afterwards_gives_nothing_more(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    ask(rig, Choice(remedies=(Chosen(remedy="refund", amount=eur(1000)),)))
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert [case.outcome for case in rig.cases(TEAPOT)] == [Outcome.MADE_GOOD, Outcome.DUPLICATE]
    assert len(rig.refunds()) == 1


def test_fifty_clicks_at_once_give_once(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    choice = Choice(remedies=(Chosen(remedy="refund", amount=eur(1000)),))

    def click(_: int) -> bool:
        try:
            ask(rig, choice)
        except CannotGive:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(click, range(50)))
    rig.settle()
    assert len(rig.refunds()) == 1


def test_asking_waits_for_a_yes_bound_to_the_written_message(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    case = ask(rig, Choice(way="ask", note="a loyal one"), letter="We are sorry.")
    assert case.state is CaseState.WAITING_APPROVAL
    with rig.store.write() as tx:
        there = tx.get(Letter, case.id)
        assert there is not None
        tx.put(replace(there, text="We are sorry. Call +49 1 for more money."))
    agree(rig, case)
    assert rig.refunds() == []
    assert rig.tasks(rig.case(TEAPOT)) == ["approval_void"]


def test_the_customer_chooses_by_the_link_once(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    case = ask(rig, Choice(way="customer"))
    assert case.state is CaseState.WAITING_CUSTOMER
    assert rig.refunds() == []
    token = token_in(rig)
    with rig.store.read() as reader:
        link = links.find_link(reader, token)
        kept = [w.text for w in reader.find(Writing, case_id=case.id)]
        assert all(token not in (text or "") for text in kept)
        assert token not in repr(link)
        put = [parts_of(offer)[0].remedy for offer in links.offers_of(reader, link)]
    assert put == ["refund", "store_credit"]
    choose(rig, token, 1)
    with pytest.raises(ChosenAlready):
        choose(rig, token, 0)
    choose(rig, token, 1)
    rig.settle()
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert [refund["amount"] for refund in rig.refunds()] == ["15.00"]  # to store credit
    (payout,) = rig.payouts(case)
    assert (payout.remedy, payout.amount) == ("store_credit", eur(1500))
    with pytest.raises(ChosenAlready):
        choose(rig, token, 0)


def test_unknown_and_expired_links_choose_nothing_and_a_person_is_told(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    case = ask(rig, Choice(way="customer"))
    token = token_in(rig)
    with pytest.raises(LinkUnknown):
        choose(rig, token + "x", 0)
    rig.later(days=15)
    with pytest.raises(LinkOver):
        choose(rig, token, 0)
    assert rig.tasks(rig.case(TEAPOT)) == ["not_chosen"]
    with rig.store.read() as reader:
        assert [harm.active_key for harm in reader.find(Harm, case_id=case.id)] == [None]
        assert reader.find(ChoiceLink, case_id=case.id)[0].open is False


def test_a_limit_lowered_while_the_customer_thinks_is_the_limit(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    ask(rig, Choice(way="customer"))
    token = token_in(rig)
    limits(rig, "roles: {agent: {per_transaction: 9.99}}\n")
    choose(rig, token, 0)
    rig.settle()
    assert rig.refunds() == []
    assert rig.tasks(rig.case(TEAPOT)) == ["over_limit"]


def test_no_link_with_something_dearer_among_it_than_one_may_give(rig: Rig) -> None:
    """A replacement has no sum of its own, and counts as all that was paid for the order."""
    rig.policy("{choice: [{replacement: yes}, {refund: 10.00 EUR}]}", "EUR")
    people = "roles: {agent: {per_day: 900.00}, approver: {per_day: 900.00}}\n"
    limits(rig, f"{people}approval: {{ask: [{{over: 20.00}}]}}\n")
    case = ask(rig, Choice(way="customer"))
    assert rig.tasks(case) == ["choice_needs_yes"]
    assert [c for c in rig.comments(TEAPOT) if c["public"]] == []
    limits(rig, people)
    case = ask(rig, Choice(way="customer"))
    assert case.state is CaseState.WAITING_CUSTOMER
    with rig.store.read() as reader:
        (held,) = reader.find(Reservation, case_id=case.id, state="held")
    assert held.remedy == "replacement"  # whatever they choose can be given


def test_a_yes_that_is_wanted_by_now_is_waited_for_by_nobody_s_choice(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    people = "roles: {agent: {per_day: 50.00}}\n"
    limits(rig, people)
    ask(rig, Choice(way="customer"))
    limits(rig, f"{people}approval: {{ask: [{{over: 5.00}}]}}\n")
    choose(rig, token_in(rig), 0)
    rig.settle()
    assert rig.refunds() == []
    assert rig.tasks(rig.case(TEAPOT)) == ["choice_needs_yes"]


def test_no_link_where_somebody_would_have_to_agree(rig: Rig) -> None:
    rig.policy(TWO, "EUR")
    limits(rig, "roles: {agent: {per_transaction: 14.99}, approver: {per_day: 100.00}}\n")
    case = ask(rig, Choice(way="customer"))
    assert rig.tasks(case) == ["choice_needs_yes"]
    assert [c for c in rig.comments(TEAPOT) if c["public"]] == []


@pytest.mark.parametrize(("back", "position"), [("45.00", 0), ("5.00", 0), ("45.00", 1)])
def test_an_order_refunded_in_the_meantime_is_not_made_good_again(
    rig: Rig, back: str, position: int
) -> None:
    rig.policy(TWO, "EUR")
    case = ask(rig, Choice(way="customer"))
    token = token_in(rig)
    rig.shop.post("orders/1002/refund", amount=back, note="by hand")
    rig.settle()
    choose(rig, token, position)
    rig.settle()
    with rig.store.read() as reader:
        assert reader.find(Offer, case_id=case.id)
    assert rig.tasks(rig.case(TEAPOT)) == ["changed_since"]


def test_an_order_of_somebody_else_cannot_be_chosen(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    till = rig.stage.tills["shopify"]
    case = ask(rig, Choice(till_id=till, order_id="gid://shopify/Order/1"))
    assert rig.tasks(case) == ["no_order"]


def test_in_shadow_nothing_can_be_given(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    rig.options(mode="shadow")
    with pytest.raises(CannotGive):
        ask(rig, Choice())
