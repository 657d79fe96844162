"""What a click in the sidebar gives: what was shown, once, within what the policy leaves open."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import limits_kept
from core.case import CaseState, Outcome
from core.moment import Moment
from core.payout import PayoutState
from tests.publishing import put_in_force
from tests.webhooks.rig import Rig
from tests.webhooks.sidebar.panels import CHOICES, MANAGER, Agent

TABLECLOTH = 1  # late, 52.00 GBP
TEAPOT = 2  # damaged, 50.00 EUR
TABLES = 16  # damaged, 1,890.00 EUR: above what may be given without a yes
APRON_OR_PAN = 18  # two orders, none named
VASE_ORDER = 1021


@pytest.fixture
def agent(rig: Rig) -> Agent:
    return Agent(rig)


@pytest.fixture
def choices(rig: Rig) -> None:
    with rig.store.write() as tx:
        put_in_force(tx, CHOICES, Moment(rig.clock.now()))
    rig.options(policy="choices")


@pytest.fixture
def gift(rig: Rig) -> None:
    """The teapot's owner gets a gift card."""
    rig.policy("{gift_card: 10.00 EUR}", currency="EUR")


def test_one_click_gives_what_the_button_says_and_tells_how_it_went(rig: Rig, agent: Agent) -> None:
    assert "Refund 5.20\xa0GBP</button>" in agent.look(TABLECLOTH)
    answer = agent.press(TABLECLOTH, "give")
    assert answer.status_code == 200
    assert "every 1s" in answer.get_data(as_text=True)
    rig.settle()
    said = agent.get(TABLECLOTH, "/live").get_data(as_text=True)
    assert "Made good" in said
    assert "Shopify confirmed at" in said
    assert "The customer was answered on the ticket" in said
    assert [r["amount"] for r in rig.refunds()] == ["5.20"]
    (payout,) = rig.payouts(rig.case(TABLECLOTH))
    assert payout.state is PayoutState.SETTLED
    assert len([c for c in rig.comments(TABLECLOTH) if c["public"]]) == 1


def test_whoever_asks_why_not_more_is_told_all_of_it(rig: Rig, agent: Agent) -> None:
    told = agent.client.post(
        f"/sidebar/tickets/{TABLECLOTH}/preview?part=why",
        headers=agent.headers,
        data=agent.form(TABLECLOTH, "give"),
    ).get_data(as_text=True)
    assert "The cap of 35.00\xa0GBP (cap) does not bind." in told
    assert "With days_late at 7 days: Refund 10.40\xa0GBP." in told


def test_a_second_click_gives_nothing_more(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give")
    assert agent.post(TABLECLOTH, "give", form).status_code == 200
    again = agent.post(TABLECLOTH, "give", form)
    assert again.status_code == 422
    assert "somebody is at work on this ticket" in again.get_data(as_text=True)
    rig.settle()
    late = agent.post(TABLECLOTH, "give", form)
    assert late.status_code == 422
    rig.settle()
    assert len(rig.cases(TABLECLOTH)) == 1
    assert len(rig.refunds()) == 1


def test_twenty_clicks_at_once_give_once(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give")
    others = [Agent(rig, app=agent.client.application) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda a: a.post(TABLECLOTH, "give", form).status_code, others))
    assert sorted(codes) == [200] + [422] * 7
    rig.settle()
    assert len(rig.refunds()) == 1


def test_what_changed_since_it_was_shown_is_not_given(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give")
    rig.policy("{refund: 50% of order.total}")
    answer = agent.post(TABLECLOTH, "give", form)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Something changed since you looked, so nothing was given." in body
    assert "Refund 26.00\xa0GBP</button>" in body
    assert rig.cases(TABLECLOTH) == []
    assert agent.post(TABLECLOTH, "give", agent.form(TABLECLOTH, "give", body)).status_code == 200


def test_the_same_sum_by_another_policy_is_not_what_was_shown(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give")
    without = {name: value for name, value in form.items() if name != "shown"}
    assert agent.post(TABLECLOTH, "give", without).status_code == 409
    rig.policy("{refund: 10% of order.total}")
    assert agent.post(TABLECLOTH, "give", form).status_code == 409
    assert rig.cases(TABLECLOTH) == []


@pytest.mark.parametrize("given", ["20.80", "2.60", "7.80"])
def test_a_sum_within_the_range_is_given_exactly(
    rig: Rig, agent: Agent, choices: None, given: str
) -> None:
    form = agent.form(TABLECLOTH, "give")
    step = {"2.60": "0", "20.80": "9999"}.get(given, str((780 - 260) // 10))
    moved = agent.client.post(
        f"/sidebar/tickets/{TABLECLOTH}/preview?part=sum",
        headers=agent.headers,
        data={**form, "slide0": step},
    ).get_data(as_text=True)
    assert f"Refund {given}\xa0GBP" in moved
    assert f"{given} GBP" in moved.replace("\xa0", " ")  # in the message as well
    shown = re.search(r'name="shown" value="([0-9a-f]+)"', moved)
    minor = re.search(r'name="minor0" value="(\d+)"', moved)
    assert shown
    assert minor
    form |= {"shown": shown[1], "minor0": minor[1]}
    assert agent.post(TABLECLOTH, "give", form).status_code == 200
    rig.settle()
    assert [r["amount"] for r in rig.refunds()] == [given]


@pytest.mark.parametrize("minor", ["2081", "259", "0", "999999999999", "-1", "1e3", "٢٦٠", ""])
def test_a_sum_outside_the_range_is_refused(
    rig: Rig, agent: Agent, choices: None, minor: str
) -> None:
    form = agent.form(TABLECLOTH, "give")
    shown = agent.post(TABLECLOTH, "give", {**form, "minor0": minor, "shown": "0" * 64})
    assert shown.status_code == 409
    answer = agent.post(TABLECLOTH, "give", {**form, "minor0": minor})
    if minor in ("2081", "259", "0", "999999999999"):
        assert answer.status_code == 409
        assert rig.cases(TABLECLOTH) == []
    else:  # that is no sum: nothing was picked, and the least is given as shown
        rig.settle()
        assert [r["amount"] for r in rig.refunds()] == ["2.60"]


def test_fields_that_are_nobodys_to_set_change_nothing(rig: Rig, agent: Agent) -> None:
    more = {
        "approved_by": "per_x", "amount": "9999.00", "limit": "0", "tenant_id": "other",
        "status": "settled", "minor1": "5", "remedy": "gift_card", "way": "give",
        "case": "case_x", "person": "per_x", "currency": "KWD", "policy": "x",
    }  # fmt: skip
    assert agent.press(TABLECLOTH, "give", **more).status_code == 200
    rig.settle()
    assert [(r["amount"], r["currency"]) for r in rig.refunds()] == [("5.20", "GBP")]
    case = rig.case(TABLECLOTH)
    assert case.requested_by == rig.person("jo.marsh@shop.example").id


def test_another_option_of_the_policy_is_given(rig: Rig, agent: Agent, choices: None) -> None:
    form = agent.form(TEAPOT, "give") | {"option": "2"}
    answer = agent.client.post(
        f"/sidebar/tickets/{TEAPOT}/preview?part=option", headers=agent.headers, data=form
    ).get_data(as_text=True)
    assert "Give a gift card for 17.50\xa0EUR</button>" in answer
    assert "{code}" in agent.form(TEAPOT, "give", answer)["letter"]
    assert agent.post(TEAPOT, "give", agent.form(TEAPOT, "give", answer)).status_code == 200
    rig.settle()
    (payout,) = rig.payouts(rig.case(TEAPOT))
    assert (payout.remedy, payout.state) == ("gift_card", PayoutState.SETTLED)
    assert rig.refunds() == []


def test_an_apology_alone_pays_nothing(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give") | {"option": "apology"}
    shown = agent.client.post(
        f"/sidebar/tickets/{TABLECLOTH}/preview?part=option", headers=agent.headers, data=form
    ).get_data(as_text=True)
    assert agent.post(TABLECLOTH, "give", agent.form(TABLECLOTH, "give", shown)).status_code == 200
    rig.settle()
    assert rig.refunds() == []
    assert rig.case(TABLECLOTH).outcome is Outcome.MADE_GOOD
    (reply,) = [c for c in rig.comments(TABLECLOTH) if c["public"]]
    assert "refunded" not in reply["body"]


# ------------------------------------------------------------------------------- reason and order


def test_the_reason_can_be_changed_among_the_workspaces_own(rig: Rig, agent: Agent) -> None:
    changed = agent.client.post(
        f"/sidebar/tickets/{TABLECLOTH}/preview?part=who",
        headers=agent.headers,
        data=agent.form(TABLECLOTH, "give") | {"reason": "damaged_item"},
    )
    body = changed.get_data(as_text=True)
    assert "Refund 26.00\xa0GBP</button>" in body
    assert "arrived damaged" in body
    assert agent.post(TABLECLOTH, "give", agent.form(TABLECLOTH, "give", body)).status_code == 200
    rig.settle()
    assert rig.case(TABLECLOTH).reason == "damaged_item"
    assert [r["amount"] for r in rig.refunds()] == ["26.00"]


def test_a_reason_of_nobodys_is_not_taken(rig: Rig, agent: Agent) -> None:
    assert "Refund 5.20" in agent.look(TABLECLOTH, reason="because_i_say_so")


def test_words_of_the_ticket_suggest_a_reason_and_say_that_they_do(rig: Rig, agent: Agent) -> None:
    rig.options(reasons={"other_tag": "late_delivery", "tag": "damaged_item"})
    assert "Choose what went wrong; the offer follows." in agent.look(TABLECLOTH)
    rig.options(
        reasons={"other_tag": "late_delivery", "tag": "damaged_item"},
        reason_words={"late_delivery": ["days late"], "damaged_item": ["broken"]},
    )
    body = agent.look(TABLECLOTH)
    assert "Suggested by words in the ticket." in body
    assert "Refund 5.20\xa0GBP</button>" in body


def test_the_order_is_chosen_where_the_ticket_does_not_name_it(rig: Rig, agent: Agent) -> None:
    body = agent.look(APRON_OR_PAN)
    assert "Choose which order this is about" in body
    pan = re.search(r'value="([^"]+/1020)"', body)
    assert pan
    chosen = agent.look(APRON_OR_PAN, order=pan[1])
    assert "</button>" in chosen
    assert (
        agent.post(APRON_OR_PAN, "give", agent.form(APRON_OR_PAN, "give", chosen)).status_code
        == 200
    )
    rig.settle()
    assert str(rig.case(APRON_OR_PAN).order_id).endswith("/1020")


def test_an_order_of_somebody_else_cannot_be_chosen(rig: Rig, agent: Agent) -> None:
    till = rig.stage.tills["shopify"]
    body = agent.look(TABLECLOTH, order=f"{till} gid://shopify/Order/{VASE_ORDER}")
    assert 'id="give"' not in body
    form = agent.form(TABLECLOTH, "give") | {"order": f"{till} gid://shopify/Order/{VASE_ORDER}"}
    assert agent.post(TABLECLOTH, "give", form).status_code == 409


# ------------------------------------------------------------------------------------ the message


def test_the_message_is_sent_as_it_was_edited(rig: Rig, agent: Agent, gift: None) -> None:
    mine = "Dear Grace,\r\n\r\nWe are sorry. Your card: {code}\r\n{{7*7}} <b>Jo</b>"
    assert agent.press(TEAPOT, "give", letter=mine).status_code == 200
    rig.settle()
    (reply,) = [c for c in rig.comments(TEAPOT) if c["public"]]
    assert "Dear Grace" in reply["body"]
    assert "{code}" not in reply["body"]
    assert re.search(r"Your card: [a-z0-9]{16}", reply["body"])
    assert "49" not in reply["body"].replace(reply["body"].split("card: ")[1][:16], "")


def test_a_code_left_out_of_the_message_comes_at_its_end(
    rig: Rig, agent: Agent, gift: None
) -> None:
    assert agent.press(TEAPOT, "give", letter="Sorry, Grace.").status_code == 200
    rig.settle()
    (reply,) = [c for c in rig.comments(TEAPOT) if c["public"]]
    assert re.search(r"Sorry, Grace\.\s.*\b[a-z0-9]{16}\b", reply["body"], re.DOTALL)


def test_another_tone_is_shown_and_sent(rig: Rig, agent: Agent) -> None:
    form = agent.form(TABLECLOTH, "give") | {"tone": "formal"}
    shown = agent.client.post(
        f"/sidebar/tickets/{TABLECLOTH}/preview?part=tone", headers=agent.headers, data=form
    ).get_data(as_text=True)
    form = agent.form(TABLECLOTH, "give", shown)
    assert form["letter"].startswith("Dear Emma Whitfield,")
    assert agent.post(TABLECLOTH, "give", form).status_code == 200
    rig.settle()
    (reply,) = [c for c in rig.comments(TABLECLOTH) if c["public"]]
    assert "Dear Emma Whitfield," in reply["body"]


def test_edited_words_survive_another_choice_and_can_be_taken_back(
    rig: Rig, agent: Agent, choices: None
) -> None:
    form = agent.form(TEAPOT, "give") | {"letter": "My own words.", "option": "1"}
    path = f"/sidebar/tickets/{TEAPOT}/preview?part=option"
    kept = agent.client.post(path, headers=agent.headers, data=form).get_data(as_text=True)
    assert agent.form(TEAPOT, "give", kept)["letter"] == "My own words."
    assert "You changed the words." in kept
    del form["letter"]
    ours = agent.client.post(path, headers=agent.headers, data=form).get_data(as_text=True)
    assert "Hello" in agent.form(TEAPOT, "give", ours)["letter"]


def test_too_long_a_message_is_refused_and_nothing_given(rig: Rig, agent: Agent) -> None:
    assert agent.press(TABLECLOTH, "give", letter="x" * 10_001).status_code == 422
    assert agent.press(TABLECLOTH, "give", letter="x" * 70_000).status_code == 413
    assert rig.cases(TABLECLOTH) == []


def test_the_customer_is_sent_a_link_to_choose_by(rig: Rig, agent: Agent, choices: None) -> None:
    form = agent.form(TEAPOT, "give")
    answer = agent.post(TEAPOT, "choose", form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    rig.settle()
    assert rig.case(TEAPOT).state is CaseState.WAITING_CUSTOMER
    assert "The customer is choosing" in agent.get(TEAPOT, "/live").get_data(as_text=True)
    (reply,) = [c for c in rig.comments(TEAPOT) if c["public"]]
    assert "/choose/" in reply["body"]
    assert rig.refunds() == []


# ------------------------------------------------------------------------------ somebody else's yes


def test_an_approver_says_yes_in_their_own_sidebar(rig: Rig, agent: Agent) -> None:
    body = agent.look(TABLES)
    assert "Ask Sam Okafor to approve" in body.replace("\u2068", "").replace("\u2069", "")
    assert agent.press(TABLES, "ask", note="She is a <b>regular</b>").status_code == 200
    rig.settle()
    assert rig.case(TABLES).state is CaseState.WAITING_APPROVAL
    mine = agent.look(TABLES)
    assert "approve" in mine
    assert "/approve" not in mine
    manager = Agent(rig, MANAGER)
    shown = manager.look(TABLES)
    assert "She is a &lt;b&gt;regular&lt;/b&gt;" in shown
    assert "Approve: Refund 100.00\xa0EUR" in shown
    form = manager.form(TABLES, "approve", shown)
    assert agent.post(TABLES, "approve", form).status_code == 403
    assert rig.refunds() == []
    assert manager.post(TABLES, "approve", form | {"payload": "0" * 64}).status_code == 409
    assert manager.post(TABLES, "approve", form | {"note": "yes"}).status_code == 200
    assert manager.post(TABLES, "approve", form).status_code in (403, 409)
    rig.settle()
    assert [r["amount"] for r in rig.refunds()] == ["100.00"]


def test_an_approver_says_no(rig: Rig, agent: Agent) -> None:
    agent.press(TABLES, "ask")
    rig.settle()
    manager = Agent(rig, MANAGER)
    form = manager.form(TABLES, "approve")
    assert manager.post(TABLES, "refuse", form | {"note": "too much"}).status_code == 200
    rig.settle()
    assert rig.case(TABLES).outcome is Outcome.REFUSED
    assert "Somebody said no to this" in agent.look(TABLES)
    assert rig.refunds() == []


def test_a_gift_card_is_taken_back_by_a_second_person(rig: Rig, agent: Agent, gift: None) -> None:
    assert agent.press(TEAPOT, "give").status_code == 200
    rig.settle()
    mine = agent.look(TEAPOT)
    assert "can be taken back by somebody who may approve" in mine
    assert "/undo" not in mine
    manager = Agent(rig, MANAGER)
    form = manager.form(TEAPOT, "undo")
    assert agent.post(TEAPOT, "undo", form | {"note": "oops"}).status_code == 403
    assert manager.post(TEAPOT, "undo", form | {"note": " "}).status_code == 422
    assert manager.post(TEAPOT, "undo", form | {"note": "wrong customer"}).status_code == 200
    rig.settle()
    (payout,) = rig.payouts(rig.case(TEAPOT))
    assert payout.state is PayoutState.REVERSED
    assert "Taken back" in manager.look(TEAPOT)


def test_more_for_the_same_harm_takes_a_reason_and_an_approver(rig: Rig, agent: Agent) -> None:
    agent.press(TABLECLOTH, "give")
    rig.settle()
    body = agent.look(TABLECLOTH)
    assert 'id="give"' not in body
    more = agent.look(TABLECLOTH, more="1")
    assert "Why should more be given?" in more
    form = agent.form(TABLECLOTH, "ask", more)
    assert agent.post(TABLECLOTH, "give", form).status_code == 422
    assert agent.post(TABLECLOTH, "ask", form | {"note": " "}).status_code == 422
    assert agent.post(TABLECLOTH, "ask", form | {"note": "It broke again"}).status_code == 200
    rig.settle()
    assert len(rig.refunds()) == 1
    assert "/override" not in agent.look(TABLECLOTH)
    manager = Agent(rig, MANAGER)
    shown = manager.look(TABLECLOTH)
    assert "It broke again" in shown
    let = manager.form(TABLECLOTH, "override", shown)
    assert agent.post(TABLECLOTH, "override", let | {"note": "x"}).status_code == 403
    assert manager.post(TABLECLOTH, "override", let | {"note": "fair enough"}).status_code == 200
    rig.settle()
    case = rig.case(TABLECLOTH)
    assert case.overridden_by == rig.person("manager@shop.example").id


def test_the_same_harm_on_another_ticket_warns_before_anything_is_asked(
    rig: Rig, agent: Agent
) -> None:
    agent.press(TABLECLOTH, "give")
    rig.settle()
    twin = _another_ticket(rig)
    body = agent.look(twin)
    assert "Already made good on" in body
    assert "Refund 5.20\xa0GBP" in body
    assert f'hx-post="/sidebar/tickets/{twin}/give"' not in body


def test_a_task_of_the_ticket_is_done_in_the_sidebar(rig: Rig, agent: Agent) -> None:
    rig.solve(10)
    body = agent.look(10)
    assert "The ticket does not say what went wrong" in body
    form = agent.form(10, "task", body)
    assert agent.post(10, "task", form | {"note": "asked back"}).status_code == 200
    assert rig.tasks(rig.case(10)) == []
    assert agent.post(10, "task", form).status_code == 409


def test_what_the_shop_cannot_pay_is_told_with_the_other_choices(
    rig: Rig, agent: Agent, choices: None
) -> None:
    """A gift card in dollars, of a shop that sells in euros."""
    assert agent.press(3, "give").status_code == 200
    rig.settle()
    body = agent.look(3)
    assert "The host cannot pay this" in body
    assert "the shop sells in EUR" in body
    form = agent.form(3, "give", body) | {"option": "apology"}
    again = agent.client.post(
        "/sidebar/tickets/3/preview?part=option", headers=agent.headers, data=form
    ).get_data(as_text=True)
    assert agent.post(3, "give", agent.form(3, "give", again)).status_code == 200
    rig.settle()
    assert rig.case(3).outcome is Outcome.MADE_GOOD
    assert len(rig.cases(3)) == 1


def test_limits_are_shown_and_decide_who_is_asked(rig: Rig, agent: Agent) -> None:
    text = (
        "limits: 1\ncurrency: EUR\nroles:\n  agent: {per_day: {GBP: 6.00, EUR: 6.00}}\n"
        "  approver: {per_day: {GBP: 900.00, EUR: 900.00}}\n"
    )
    with rig.store.write() as tx:
        limits_kept.store(tx, text, by=None, moment=Moment(rig.clock.now()))
    body = agent.look(TABLECLOTH)
    assert "You have left: 6.00\xa0GBP today" in body
    assert "Refund 5.20\xa0GBP</button>" in body
    agent.press(TABLECLOTH, "give")
    rig.settle()
    body = agent.look(4)  # 48.00 SAR, which nobody has an exchange rate for
    assert "no exchange rate that is young enough" in body
    assert "</form>" in body
    assert agent.post(4, "give", agent.form(4, "preview", body)).status_code in (200, 409, 422)
    rig.settle()
    assert len(rig.refunds()) == 1
    assert "You have left: 0.80\xa0GBP today" in agent.look(19)  # 2.50 GBP: by somebody else's yes
    assert "Ask Sam Okafor" in agent.look(19).replace("\u2068", "")


def _another_ticket(rig: Rig) -> int:
    """The same customer writes again about the same order."""
    ticket = {
        "id": 900, "subject": "Again: #1001", "description": "It was late.", "status": "open",
        "tags": ["amends_late_delivery"], "requester_id": 7001, "assignee_id": 9001,
        "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    rig.desk.post("seed", users=[], tickets=[ticket])
    return 900


def test_what_is_owed_comes_first_and_goodwill_is_seen_after_it(rig: Rig, agent: Agent) -> None:
    owed = (
        "policy: law\nbasis: owed\ncurrency: [GBP, EUR]\n"
        "facts: {reason: [late_delivery, damaged_item, wrong_item], order.total: money}\n"
        "give:\n  - {when: {reason: late_delivery}, refund: 5% of order.total, reason: by_law}\n"
    )
    with rig.store.write() as tx:
        put_in_force(tx, owed, Moment(rig.clock.now()))
    rig.options(owed="law")
    body = agent.look(TABLECLOTH)
    assert '<p class="kind owed">Owed' in body
    assert "Refund 2.60\xa0GBP</button>" in body
    assert "Apology" not in body  # what is owed is not apologised away
    assert agent.press(TABLECLOTH, "give").status_code == 200
    rig.settle()
    beyond = agent.look(TABLECLOTH)
    assert "Made good" in beyond
    assert '<p class="kind">Goodwill' in beyond
    assert "Refund 2.60\xa0GBP</button>" in beyond  # 10 % of goodwill, less the 5 % that were owed
    assert agent.press(TABLECLOTH, "give").status_code == 200
    rig.settle()
    assert [r["amount"] for r in rig.refunds()] == ["2.60", "2.60"]
    assert 'id="give"' not in agent.look(TABLECLOTH)
