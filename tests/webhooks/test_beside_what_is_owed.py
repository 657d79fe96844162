"""A desk with a policy of what is owed and one of goodwill: what is owed first and whole, then what
goodwill gives beyond it."""

from __future__ import annotations

from core.case import Outcome
from core.choice import Choice, Chosen
from core.moment import Moment
from core.money import Money
from core.payout import Payout
from core.replay import replay
from tests.publishing import put_in_force
from tests.webhooks.rig import Rig
from tests.webhooks.test_authority import limits
from tests.webhooks.test_choice import ask

TEAPOT = 2  # of an order of 50.00 EUR


def policies(rig: Rig, owed: str, goodwill: str) -> None:
    moment = Moment(rig.clock.now())
    for basis, give in (("owed", owed), ("goodwill", goodwill)):
        text = (
            f"policy: {basis}-one\nbasis: {basis}\ncurrency: [EUR]\n"
            "facts: {reason: [late_delivery, damaged_item, wrong_item], order.total: money, "
            "history.cases_90_days: count}\n"
            f"give:\n  - {give}\n"
        )
        with rig.store.write() as tx:
            put_in_force(tx, text, moment)
    rig.options(owed="owed-one", policy="goodwill-one")


def given_in(rig: Rig) -> list[tuple[Outcome | None, list[str]]]:
    with rig.store.read() as reader:
        return [
            (case.outcome, [f"{p.basis} {p.remedy} {p.amount}" for p in paid])
            for case in rig.cases(TEAPOT)
            for paid in [reader.find(Payout, case_id=case.id)]
        ]


def test_goodwill_tops_up_what_is_owed(rig: Rig) -> None:
    policies(rig, "{refund: 20% of order.total}", "{store_credit: 50% of order.total}")
    rig.solve(TEAPOT)
    assert given_in(rig) == [
        (Outcome.MADE_GOOD, ["owed refund 10.00 EUR"]),
        (Outcome.MADE_GOOD, ["goodwill store_credit 15.00 EUR"]),
    ]
    first, second = rig.cases(TEAPOT)
    assert second.beside == first.id
    with rig.store.read() as reader:
        assert replay(reader, second).same
    said = [c["body"] for c in rig.comments(TEAPOT) if c["public"]]
    assert len(said) == 2
    assert "what is due is not enough" in said[1]
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert [outcome for outcome, _ in given_in(rig)][2:] == [Outcome.DUPLICATE]


def test_goodwill_that_is_no_more_than_what_is_owed_gives_nothing_and_says_nothing(
    rig: Rig,
) -> None:
    policies(rig, "{refund: 20% of order.total}", "{store_credit: 20% of order.total}")
    rig.solve(TEAPOT)
    assert given_in(rig) == [
        (Outcome.MADE_GOOD, ["owed refund 10.00 EUR"]),
        (Outcome.NOTHING_DUE, []),
    ]
    assert len([c for c in rig.comments(TEAPOT) if not c["public"]]) == 1


def test_an_order_that_is_owed_whole_leaves_nothing_to_refund_beyond(rig: Rig) -> None:
    policies(rig, "{refund: 100% of order.total}", "{refund: 140% of order.total}")
    rig.solve(TEAPOT)
    assert [outcome for outcome, _ in given_in(rig)] == [Outcome.MADE_GOOD, Outcome.NOTHING_DUE]
    assert rig.tasks(rig.case(TEAPOT)) == []


def test_where_nothing_is_owed_goodwill_decides_alone(rig: Rig) -> None:
    policies(
        rig,
        "{when: {reason: wrong_item}, refund: 20% of order.total}",
        "{when: {history.cases_90_days: ..0}, store_credit: 10.00 EUR}",
    )
    rig.solve(TEAPOT)
    assert given_in(rig) == [(Outcome.MADE_GOOD, ["goodwill store_credit 10.00 EUR"])]


def test_what_was_owed_just_now_is_no_history(rig: Rig) -> None:
    policies(
        rig,
        "{refund: 20% of order.total}",
        "{when: {history.cases_90_days: ..0}, store_credit: 12.00 EUR}",
    )
    rig.solve(TEAPOT)
    assert given_in(rig)[1:] == [(Outcome.MADE_GOOD, ["goodwill store_credit 2.00 EUR"])]


def test_limits_of_goodwill_stop_goodwill_only(rig: Rig) -> None:
    policies(rig, "{refund: 20% of order.total}", "{store_credit: 50% of order.total}")
    limits(rig, "roles: {agent: {per_day: 900.00}}\ncustomer: [{days: 30, value: 12.00}]\n")
    rig.solve(TEAPOT)
    assert given_in(rig)[0] == (Outcome.MADE_GOOD, ["owed refund 10.00 EUR"])
    assert rig.tasks(rig.case(TEAPOT)) == ["over_limit"]


def test_in_suggest_mode_both_are_suggested(rig: Rig) -> None:
    policies(rig, "{refund: 20% of order.total}", "{store_credit: 50% of order.total}")
    rig.options(mode="suggest")
    rig.solve(TEAPOT)
    assert [outcome for outcome, _ in given_in(rig)] == [Outcome.SUGGESTED] * 2
    assert rig.refunds() == []


def test_an_agent_gives_what_is_owed_first_and_then_sees_what_goes_beyond(rig: Rig) -> None:
    policies(rig, "{refund: 20% of order.total}", "{store_credit: 50% of order.total}")
    credit = (Chosen(remedy="store_credit", amount=Money(1500, "EUR")),)
    refused = ask(rig, Choice(remedies=credit))
    assert rig.tasks(refused) == ["changed_since_shown"]
    ask(rig, Choice(remedies=(Chosen(remedy="refund", amount=Money(1000, "EUR")),)))
    assert len(rig.cases(TEAPOT)) == 1
    ask(rig, Choice(remedies=credit))
    assert given_in(rig) == [
        (Outcome.MADE_GOOD, ["owed refund 10.00 EUR"]),
        (Outcome.MADE_GOOD, ["goodwill store_credit 15.00 EUR"]),
    ]
