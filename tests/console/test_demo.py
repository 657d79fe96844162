"""The demo page without a browser: what it says, what its forms do, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from console import demo
from core.errors import AmendsError
from core.money import Money
from tests.console.practice import Practice


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    made = Practice()
    yield made
    made.close()


@pytest.fixture
def client(practice: Practice) -> FlaskClient:
    app = Flask("amends", static_folder=None)
    app.config["TESTING"] = True
    app.register_blueprint(demo.blueprint(practice))
    return app.test_client()


def _text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_list_shows_every_ticket_in_its_own_direction(
    client: FlaskClient, practice: Practice
) -> None:
    page = _text(client, "/")
    for ticket in practice.tickets():
        assert f'id="standing-{ticket.id}"' in page
    assert '<bdi lang="ar" dir="rtl">تأخر وصول الطلب' in page
    assert '<html lang="en" dir="ltr"' in page


def test_one_click_refunds_and_tells_the_whole_story(
    client: FlaskClient, practice: Practice
) -> None:
    answer = client.post("/tickets/1/solve")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?ticket=1")
    practice.echo(practice.case_of("1").id)
    practice.repeated["1"] = 2
    page = _text(client, "/?ticket=1")
    assert "Made good" in page
    assert page.count("12.50\xa0GBP") >= 3  # given, in the shop's books, in our ledger
    assert "Both books agree." in page
    assert "Private note, for the team only" in page
    assert "Reply to the customer" in page
    assert "The shop told us about our own refund. Recognised" in page
    assert "sent the same message 2 more times. Ignored." in page
    assert "Solve this ticket" not in page


def test_a_refund_made_by_hand_stands_beside_ours(client: FlaskClient, practice: Practice) -> None:
    client.post("/tickets/2/solve")
    practice.refund_by_hand("2", Money(300, "GBP"))
    page = _text(client, "/?ticket=2")
    assert "made by hand in the shop" in page
    assert "Both books agree." in page  # about what Amends gave


def test_books_that_differ_are_said_to_differ(client: FlaskClient, practice: Practice) -> None:
    client.post("/tickets/3/solve")
    lost = practice._refunds.pop()
    page = _text(client, "/?ticket=3")
    practice._refunds.append(lost)
    assert "The books differ." in page
    assert "not there" in page


def test_over_the_limit_waits_for_a_manager(client: FlaskClient, practice: Practice) -> None:
    client.post("/tickets/14/solve")
    page = _text(client, "/?ticket=14")
    assert "Approve as manager: <bdi>Mara Lindqvist</bdi>" in page
    assert "Nothing has been paid yet." in page
    case = practice.case_of("14")
    form = {"case": case.id, "person": "person_mara"}
    assert client.post("/tickets/14/approve", data=form).status_code == 303
    page = _text(client, "/?ticket=14")
    assert "Made good" in page
    assert "Approve as manager" not in page
    answer = client.post("/tickets/14/approve", data=form)  # nothing waits any more
    assert answer.status_code == 422
    assert "That did not work" in answer.get_data(as_text=True)


def test_a_ticket_without_a_reason_says_what_to_do(client: FlaskClient, practice: Practice) -> None:
    bare = next(t for t in practice.tickets() if not any("amends_" in tag for tag in t.tags))
    client.post(f"/tickets/{bare.id}/solve")
    page = _text(client, f"/?ticket={bare.id}")
    assert "Needs a person" in page
    assert "The ticket does not say what went wrong" in page
    assert "What to do:" in page


def test_asking_again_answers_only_what_is_new(client: FlaskClient, practice: Practice) -> None:
    solved = client.post("/tickets/4/solve", headers={"HX-Request": "true"})
    body = solved.get_data(as_text=True)
    assert 'hx-trigger="every 1s"' in body  # a click is followed for a while
    assert 'id="row-4" hx-swap-oob="true"' in body
    path = body.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(path).status_code == 204  # nothing new
    old = path.split("until=")[0] + "until=0"
    rested = client.get(old).get_data(as_text=True)
    assert "hx-get=" not in rested  # at rest the page stops asking
    stale = client.get("/tickets/4?seen=other&until=0")
    assert stale.status_code == 200


def test_the_language_is_chosen_once(client: FlaskClient) -> None:
    assert '<html lang="fa" dir="rtl"' in _text(client, "/?lang=fa")
    assert '<html lang="fa" dir="rtl"' in _text(client, "/")  # remembered
    assert '<html lang="fa"' in _text(client, "/?lang=klingon")
    browser = client.application.test_client()
    page = browser.get("/", headers={"Accept-Language": "ar-EG,en;q=0.5"})
    assert '<html lang="ar" dir="rtl"' in page.get_data(as_text=True)


def test_every_answer_carries_the_headers(client: FlaskClient) -> None:
    for path in ("/", "/tickets/none", "/static/amends.css"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(
    client: FlaskClient, practice: Practice, headers: dict[str, str]
) -> None:
    assert client.post("/tickets/5/solve", headers=headers).status_code == 403
    assert next(t for t in practice.tickets() if t.id == "5").status != "solved"


def test_unknown_tickets_are_not_found(client: FlaskClient) -> None:
    assert client.get("/tickets/none").status_code == 404
    assert client.post("/tickets/none/solve").status_code == 404


def test_a_click_that_fails_says_so(client: FlaskClient, practice: Practice) -> None:
    class Down(Practice):
        def __init__(self) -> None:
            self.__dict__.update(vars(practice))

        def solve(self, ticket_id: str) -> None:
            raise AmendsError("the helpdesk does not answer; start the demo again")

    app = Flask("down", static_folder=None)
    app.register_blueprint(demo.blueprint(Down()))
    answer = app.test_client().post("/tickets/6/solve", headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "start the demo again" in answer.get_data(as_text=True)
