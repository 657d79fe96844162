"""The demo page without a browser: what it says, what its forms do, what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from console import demo
from console.demo_world import DemoWorld
from core.errors import AmendsError
from tests.console.stage import Demo


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.close()


@pytest.fixture
def client(stage: Demo) -> FlaskClient:
    return stage.app.test_client()


def _text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_list_shows_every_ticket_in_its_own_direction(client: FlaskClient, stage: Demo) -> None:
    page = _text(client, "/")
    for ticket in stage.world.tickets():
        assert f'id="row-{ticket.id}"' in page
    assert '<bdi lang="ar" dir="rtl">تأخر وصول الطلب' in page
    assert '<html lang="en" dir="ltr"' in page


def test_each_ticket_leads_to_the_helpdesks_own_page(client: FlaskClient, stage: Demo) -> None:
    for language in ("en", "ar"):
        address = f"{stage.hosts['zendesk']}/agent/tickets/3?lang={language}"
        assert f'<a href="{address}">' in _text(client, f"/?ticket=3&lang={language}")
        there = requests.get(address, timeout=30)
        assert there.status_code == 200
        assert f'action="{stage.url}/zendesk/{stage.world.desk_id}/sidebar?' in there.text


def test_one_click_refunds_and_tells_the_whole_story(client: FlaskClient, stage: Demo) -> None:
    answer = client.post("/tickets/1/solve")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?ticket=1")
    page = stage.page("1", "told us about our own refund")
    assert "Made good" in page
    assert page.count("5.20\xa0GBP") >= 3  # given, in the shop's books, in our ledger
    assert "Both books agree." in page
    assert "sent the same message once more. Ignored." in page
    assert "Private note, for the team only" in page
    assert "Reply to the customer" in page
    assert "Solve this ticket" not in page


def test_a_refund_made_by_hand_stands_beside_ours(client: FlaskClient, stage: Demo) -> None:
    client.post("/tickets/2/solve")
    stage.page("2", "Both books agree.")
    stage.control("shopify", "orders/1002/refund", {"amount": "3.00", "note": "sorry"})
    page = stage.page("2", "made by hand in the shop")
    assert "Both books agree." in page  # about what Amends gave


def test_books_that_differ_are_said_to_differ(client: FlaskClient, stage: Demo) -> None:
    client.post("/tickets/3/solve")
    stage.page("3", "Both books agree.")
    world = copy.copy(stage.world)
    world.books = dict  # type: ignore[method-assign]  # a shop that lost its books
    page = _text(_app(world).test_client(), "/?ticket=3")
    assert "The books differ." in page
    assert "not there" in page


def test_over_the_limit_waits_for_a_manager(client: FlaskClient, stage: Demo) -> None:
    client.post("/tickets/16/solve")
    page = stage.page("16", "Approve as manager: <bdi>Sam Okafor</bdi>")
    assert "Nothing has been paid yet." in page
    person = page.split('name="person" value="')[1].split('"')[0]
    form = {"case": stage.case("16").id, "person": person}
    assert client.post("/tickets/16/approve", data=form).status_code == 303
    page = stage.page("16", "Both books agree.")
    assert "Approve as manager" not in page
    answer = client.post("/tickets/16/approve", data=form)  # nothing waits any more
    assert answer.status_code == 422
    assert "That did not work" in answer.get_data(as_text=True)


def test_a_ticket_without_a_reason_says_what_to_do(client: FlaskClient, stage: Demo) -> None:
    client.post("/tickets/10/solve")
    page = stage.page("10", "What to do:")
    assert "Needs a person" in page
    assert "The ticket does not say what went wrong" in page


def test_asking_again_answers_only_what_is_new(client: FlaskClient, stage: Demo) -> None:
    solved = client.post("/tickets/4/solve", headers={"HX-Request": "true"})
    body = solved.get_data(as_text=True)
    assert 'hx-trigger="every 1s"' in body  # a click is followed for a while
    assert 'id="row-4" hx-swap-oob="true"' in body
    stage.page("4", "told us about our own refund")
    late = client.get("/tickets/4?seen=other&until=99999999999").get_data(as_text=True)
    path = late.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(path).status_code == 204  # nothing new
    rested = client.get(path.split("until=")[0] + "until=0").get_data(as_text=True)
    assert "hx-get=" not in rested  # at rest the page stops asking


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
    client: FlaskClient, stage: Demo, headers: dict[str, str]
) -> None:
    assert client.post("/tickets/5/solve", headers=headers).status_code == 403
    assert stage.status("5") != "solved"


def test_unknown_tickets_are_not_found(client: FlaskClient) -> None:
    assert client.get("/tickets/none").status_code == 404
    assert client.post("/tickets/none/solve").status_code == 404


def test_a_click_that_fails_says_so(stage: Demo) -> None:
    def down(ticket_id: str) -> None:
        raise AmendsError("the helpdesk does not answer; start the demo again")

    world = copy.copy(stage.world)
    world.solve = down  # type: ignore[method-assign]
    client = _app(world).test_client()
    for headers in ({"HX-Request": "true"}, {}):
        answer = client.post("/tickets/6/solve", headers=headers)
        assert answer.status_code == 422
        assert "start the demo again" in answer.get_data(as_text=True)


def _app(world: DemoWorld) -> Flask:
    app = Flask("amends", static_folder=None)
    app.register_blueprint(demo.blueprint(world))
    return app
