"""The customer's page against real hosts: what it shows, that it acts once, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from console.choice import drawn
from console.choice.world import ChosenBefore
from core import erasure
from core import link as links
from core.case import Case, CaseState, CaseStep, Outcome
from core.link import ChoiceLink
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.store.sql import SqlStore
from tests.console.choice.sending import (
    BRAND,
    CARAFE,
    TEAPOT,
    TRAY,
    link_of,
    offers,
    send,
    token_of,
)
from tests.stores import new_url
from tests.webhooks.rig import Rig, rigged
from webhooks.app import create_app
from webhooks.choice import SHOWN_FOR, LinkChoices

REFUND, GIFT_CARD, CREDIT, COUPON = range(4)


class Customer:
    """Somebody with a link, in a browser without script and without cookies."""

    def __init__(self, rig: Rig, token: str, app: Flask | None = None) -> None:
        self.client: FlaskClient = (app or create_app(rig.of)).test_client(use_cookies=False)
        self.path = f"/choose/{token}"

    def see(self, query: str = "") -> str:
        answer = self.client.get(self.path + query)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def choose(self, option: str, **headers: str) -> int:
        link = self.path.rpartition("/")[2]
        answer = self.client.post(self.path, data={"link": link, "option": option}, headers=headers)
        self.last = answer.get_data(as_text=True)
        return answer.status_code


@pytest.fixture
def sent(rig: Rig) -> Customer:
    return Customer(rig, send(rig))


# -------------------------------------------------------------------------------- the whole way


def test_what_was_chosen_is_given_and_shown(rig: Rig, sent: Customer) -> None:
    page = sent.see()
    assert page.count('type="radio"') == 4
    for worth in ("10.00\xa0EUR", "15.00\xa0EUR", "12.00\xa0EUR"):
        assert worth in page
    assert sent.choose(offers(rig)[REFUND]) == 303
    assert "We are preparing this for you." in sent.see()
    rig.settle()
    assert [refund["amount"] for refund in rig.refunds()] == ["10.00"]
    page = sent.see()
    assert "It is done. Thank you." in page
    assert "We have refunded 10.00\xa0EUR" in page
    assert 'type="radio"' not in page
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD


def test_the_link_in_the_reply_leads_there(rig: Rig) -> None:
    send(rig)
    (said,) = [c["body"] for c in rig.comments(TEAPOT) if c["public"]]
    found = re.search(r"https?://\S+/choose/\S+", said)
    assert found, said
    path = found[0].removeprefix(rig.of.settings.public_url)
    assert create_app(rig.of).test_client().get(path).status_code == 200


def test_a_gift_card_is_shown_with_its_code_once_the_shop_has_it(rig: Rig, sent: Customer) -> None:
    sent.choose(offers(rig)[GIFT_CARD])
    assert 'class="gift"' not in sent.see()
    assert sent.client.get(f"{sent.path}/0.svg").status_code == 404
    rig.settle()
    (card,) = rig.shop.get("books")["cards"]
    page = sent.see()
    (code,) = re.findall(r'data-copy="(\w{16})"', page)
    assert card["code"].lower() == code
    assert "— " not in page  # it is drawn by the style sheet, for nobody to read aloud
    assert "Jo, Hearth &amp; Table" in page
    picture = sent.client.get(f"{sent.path}/0.svg")
    assert (picture.mimetype, picture.get_data()) == ("image/svg+xml", drawn(code))
    assert code.encode() not in picture.get_data()
    assert b"style" not in picture.get_data()
    assert sent.client.get(f"{sent.path}/1.svg").status_code == 404


def test_what_a_person_has_to_look_at_is_said_without_alarm(rig: Rig, sent: Customer) -> None:
    rig.shop.post("orders/1002/refund", amount="50.00", note="settled by phone")
    rig.settle()
    sent.choose(offers(rig)[REFUND])
    rig.settle()
    assert rig.case(TEAPOT).state is CaseState.WITH_PERSON
    assert "One of us is looking into it." in sent.see()
    assert rig.refunds() == []


def test_an_answer_that_is_lost_is_said_to_take_longer(rig: Rig, sent: Customer) -> None:
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    sent.choose(offers(rig)[REFUND])
    rig.settle()
    assert rig.payouts(rig.case(TEAPOT))[0].state is PayoutState.UNKNOWN
    assert "You will get it, and only once" in sent.see()
    rig.later(minutes=2)
    assert "It is done." in sent.see()
    assert len(rig.refunds()) == 1


def test_a_code_that_was_taken_back_is_shown_no_more(rig: Rig, sent: Customer) -> None:
    sent.choose(offers(rig)[GIFT_CARD])
    rig.settle()
    (payout,) = rig.payouts(rig.case(TEAPOT))
    for state in (PayoutState.REVERSING, PayoutState.REVERSED, PayoutState.FAILED):
        with rig.store.write() as tx:
            tx.put(replace(payout, state=state))
        page = sent.see()
        assert 'class="gift"' not in page
        assert "data-copy" not in page
        assert sent.client.get(f"{sent.path}/0.svg").status_code == 404


# ----------------------------------------------------------------------------------------- once


def test_fifty_choosings_at_once_give_one_thing(rig: Rig, sent: Customer) -> None:
    ids = offers(rig)
    app = create_app(rig.of)
    token = sent.path.rpartition("/")[2]

    def click(number: int) -> int:
        return Customer(rig, token, app).choose(ids[number % 4])

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(click, range(50)))
    assert set(answers) == {303, 409}
    assert answers.count(303) in (12, 13)  # those that asked for the same as the first
    rig.settle()
    rig.later(minutes=5)
    books = rig.shop.get("books")
    # A credit is given by a refund onto the customer's account: it stands in both books.
    credits = [e for account in books["accounts"] for e in account["entries"]]
    beside = [e for e in credits if e["event"] != "ORDER_REFUND"]
    given = [*rig.refunds(), *books["cards"], *books["discounts"], *beside]
    assert len(given) == 1
    assert len(credits) <= 1
    assert rig.steps(rig.case(TEAPOT)).count("customer_chose") == 1


def test_a_second_click_and_a_second_tab_change_nothing(rig: Rig, sent: Customer) -> None:
    first, second = offers(rig)[REFUND], offers(rig)[CREDIT]
    assert sent.choose(first) == 303
    assert sent.choose(first) == 303
    assert sent.choose(second) == 409
    assert "What you chose first stays" in sent.last
    rig.settle()
    assert sent.choose(second) == 409
    assert sent.choose(first) == 303
    rig.settle()
    assert len(rig.refunds()) == 1
    assert rig.steps(rig.case(TEAPOT)).count("customer_chose") == 1


def test_going_back_shows_no_form_again(rig: Rig, sent: Customer) -> None:
    before = sent.client.get(sent.path)
    assert before.headers["Cache-Control"] == "no-store"
    sent.choose(offers(rig)[REFUND])
    assert "<form" not in sent.see()


def test_looking_changes_nothing_whoever_looks(rig: Rig, sent: Customer) -> None:
    before = _everything(rig)
    scanner = {"User-Agent": "mail-scanner", "Sec-Fetch-Site": "none"}
    for path in ("", "/live", "/live?seen=x", "/0.svg", f"?option={offers(rig)[0]}&link=x"):
        for method in ("GET", "HEAD", "OPTIONS"):
            sent.client.open(sent.path + path, method=method, headers=scanner)
    for method in ("PUT", "PATCH", "DELETE"):
        assert sent.client.open(sent.path, method=method).status_code == 405
    rig.settle()
    assert _everything(rig) == before


def _everything(rig: Rig) -> Sequence[object]:
    with rig.store.read() as reader:
        kinds = (Case, CaseStep, ChoiceLink, Payout)
        return [reader.find(kind) for kind in kinds]


# ------------------------------------------------------------------------------------ no oracle


def test_links_that_lead_nowhere_look_alike(rig: Rig) -> None:
    token = send(rig)
    app = create_app(rig.of)
    case, link = rig.case(TEAPOT), link_of(rig, rig.case(TEAPOT))
    unknown = _answer(app, "A" * 32)
    assert _answer(app, "x") == _answer(app, "A" * 5_000) == unknown
    assert _answer(app, token) != unknown

    def put(**changes: Any) -> tuple[int, str]:
        with rig.store.write() as tx:
            tx.put(replace(link, **changes))
        return _answer(app, token)

    assert put(open=False) == unknown
    assert put(expires_at=rig.clock.now()) == unknown
    long_ago = rig.clock.now() - SHOWN_FOR
    assert put(chosen=offers(rig)[0], chosen_at=long_ago) == unknown
    assert put() != unknown
    with rig.store.write() as tx:
        tx.put(replace(case, state=CaseState.CLOSED, outcome=Outcome.DISMISSED))
    assert _answer(app, token) == unknown


def test_after_its_time_nothing_can_be_chosen(rig: Rig, sent: Customer) -> None:
    ids = offers(rig)
    rig.later(days=15)
    assert sent.choose(ids[REFUND]) == 404
    rig.settle()
    assert rig.refunds() == []
    assert "not_chosen" in rig.tasks(rig.case(TEAPOT))


def test_of_somebody_who_was_erased_nothing_is_shown(rig: Rig, sent: Customer) -> None:
    sent.choose(offers(rig)[GIFT_CARD])
    rig.settle()
    customer = rig.case(TEAPOT).customer_id
    assert customer is not None
    with rig.store.write() as tx:
        erasure.erase(tx, customer, Moment(rig.clock.now()))
    assert sent.client.get(sent.path).status_code == 404
    assert sent.client.get(f"{sent.path}/0.svg").status_code == 404


def test_another_workspaces_link_is_unknown(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    mine, other = SqlStore(url, "ws_mine"), SqlStore(url, "ws_other")
    with rigged(mine) as rig:
        token = send(rig)
        there = create_app(replace(rig.of, store=other))
        assert _answer(there, token) == _answer(there, "A" * 32)
        assert _answer(create_app(rig.of), token)[0] == 200
    mine.close()
    other.close()


def _answer(app: Flask, token: str) -> tuple[int, str]:
    answer = app.test_client().get(f"/choose/{token}")
    return answer.status_code, answer.get_data(as_text=True)


# ------------------------------------------------------------------------------- forms of others


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_form_is_refused(rig: Rig, sent: Customer, site: str) -> None:
    assert sent.choose(offers(rig)[REFUND], **{"Sec-Fetch-Site": site}) == 403
    assert link_of(rig, rig.case(TEAPOT)).chosen is None


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_form_is_taken_whatever_the_browser_says_of_itself(
    rig: Rig, sent: Customer, headers: dict[str, str]
) -> None:
    assert sent.choose(offers(rig)[REFUND], **headers) == 303


def test_a_form_that_does_not_know_the_link_is_refused(rig: Rig, sent: Customer) -> None:
    option = offers(rig)[REFUND]
    bodies: list[dict[str, Any]] = [
        {"data": {"option": option}},
        {"data": {"option": option, "link": "A" * 32}},
        {"data": {"option": option, "link": "\ufffdé"}},
        {"json": {"option": option, "link": sent.path.rpartition("/")[2]}},
        {
            "data": json.dumps({"option": option, "link": sent.path.rpartition("/")[2]}),
            "content_type": "text/plain",
        },
    ]
    for body in bodies:
        assert sent.client.post(sent.path, **body).status_code == 403
    assert link_of(rig, rig.case(TEAPOT)).chosen is None


def test_only_what_is_offered_can_be_chosen(rig: Rig, sent: Customer) -> None:
    mine = offers(rig)
    for option in ("", "x" * 10_000, "\x00", f"{mine[0]} ", mine[0].upper()):
        assert sent.choose(option) == 422
        assert "Nothing was chosen yet." in sent.last
    assert link_of(rig, rig.case(TEAPOT)).chosen is None


def test_the_offer_of_another_customer_cannot_be_chosen(rig: Rig) -> None:
    first = Customer(rig, send(rig))
    send(rig, "{choice: [{refund: 1.00 SAR}, {store_credit: 2.00 SAR}]}", TRAY, "SAR")
    assert first.choose(offers(rig, TRAY)[0]) == 422
    assert link_of(rig, rig.case(TEAPOT)).chosen is None
    assert link_of(rig, rig.case(TRAY)).chosen is None


# --------------------------------------------------------------------------- headers, words, pace


def test_every_answer_keeps_to_itself(rig: Rig, sent: Customer) -> None:
    paths = (
        sent.path,
        f"{sent.path}?lang=ar",
        f"{sent.path}/live",
        "/choose/x",
        "/choose/x?lang=fa",
    )
    for path in paths:
        headers = sent.client.get(path).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("ticket", "currency", "language", "direction", "sum_"),
    [
        (TRAY, "SAR", "ar", "rtl", "1.00\xa0ريال"),
        (CARAFE, "EUR, AED, SAR, USD, GBP", "fa", "rtl", "۱٫۰۰"),
    ],
)
def test_the_page_is_in_the_customers_language_and_can_be_switched(
    rig: Rig, ticket: int, currency: str, language: str, direction: str, sum_: str
) -> None:
    first = currency.split(",")[0]
    give = f"{{choice: [{{refund: 1.00 {first}}}, {{store_credit: 2.00 {first}}}]}}"
    customer = Customer(rig, send(rig, give, ticket, first))
    page = customer.see()
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert sum_ in page
    english = customer.see("?lang=en")
    assert '<html lang="en" dir="ltr">' in english
    assert f"1.00\xa0{first}" in english
    answer = customer.client.get(customer.path, headers={"Cookie": "amends_language=en"})
    assert f'<html lang="{language}"' in answer.get_data(as_text=True)


def test_the_page_is_the_brands_and_holds_nothing_of_ours(rig: Rig, sent: Customer) -> None:
    page = sent.see()
    assert "Hearth &amp; Table" in page
    assert "Amends" not in page
    css = sent.client.get(f"/brand/{BRAND['colour'][1:]}.css")
    assert css.get_data(as_text=True) == ":root { --brand: #7a1f3d; --on-brand: #ffffff; }\n"
    for bad in ("7A1F3D", "fff", "7a1f3d;}", "..%2f", "gggggg"):
        assert sent.client.get(f"/brand/{bad}.css").status_code == 404


def test_words_of_others_are_only_words(rig: Rig) -> None:
    evil = '<script>alert(1)</script>{{731*977}}"\u202e'
    token = send(rig)
    rig.options(brand={"name": evil, "colour": "#7a1f3d"}, sign_off=evil)
    with rig.store.write() as tx:
        (case,) = tx.find(Case, ticket_id=str(TEAPOT))
        tx.put(replace(case, order_name=evil, reason=evil))
    page = Customer(rig, token).see()
    assert "<script>alert" not in page
    assert "731*977" in page
    assert str(731 * 977) not in page


def test_a_link_that_is_asked_for_too_often_is_asked_to_wait(rig: Rig, sent: Customer) -> None:
    statuses = [sent.client.get(sent.path).status_code for _ in range(245)]
    assert (statuses[0], statuses[-1]) == (200, 429)
    slow = sent.client.get(sent.path)
    assert slow.headers["Retry-After"] == "30"
    assert "One moment, please" in slow.get_data(as_text=True)
    rig.clock.ahead += (SHOWN_FOR / 90) / 24  # an hour
    assert sent.client.get(sent.path).status_code == 200


def test_a_desk_that_is_off_does_not_break_the_link(rig: Rig, sent: Customer) -> None:
    row = rig.connection(rig.stage.desk_id)
    with rig.store.write() as tx:
        tx.put(replace(row, state="lost"))
    rig.of.hosts.forget(row.id)
    assert 'type="radio"' in sent.see()


def test_the_service_says_that_something_else_was_chosen(rig: Rig) -> None:
    token = send(rig)
    told: list[int] = []
    choices = LinkChoices(
        rig.store, rig.of.hosts, rig.of.sealer, rig.of.clock, lambda: told.append(1)
    )
    choices.choose(token, offers(rig)[REFUND])
    with pytest.raises(ChosenBefore):
        choices.choose(token, offers(rig)[CREDIT])
    assert told == [1]


def test_the_token_is_kept_sealed_and_hashed_only(rig: Rig) -> None:
    token = send(rig)
    case = rig.case(TEAPOT)
    assert token == token_of(rig, case)
    kept = link_of(rig, case)
    assert token not in repr(kept)
    with rig.store.read() as reader:
        assert links.find_link(reader, token).id == kept.id
        assert token not in repr([reader.find(kind) for kind in (Case, CaseStep)])
