"""Attack book M6, T2, F2, F4, I1 and I9 on the customer's page and the pages of staff.

The whole of it stands in tests/console/choice and tests/console/staff; here is each attack by its
number, as somebody would try it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from core.case import Case
from tests.console.choice.sending import TEAPOT, link_of, offers, send
from tests.console.staff.signing import MANAGER, Staff, person
from tests.webhooks.rig import Rig
from webhooks.app import create_app

SCRATCHED_TABLES = 16  # above what may be given without a yes


def test_m6_a_remedy_chosen_in_two_tabs_and_fifty_times_is_given_once(rig: Rig) -> None:
    token, app = send(rig), create_app(rig.of)
    ids = offers(rig)

    def choose(number: int) -> int:
        form = {"link": token, "option": ids[number % 2]}
        return app.test_client().post(f"/choose/{token}", data=form).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(choose, range(50))) == {303, 409}
    rig.settle()
    assert len(rig.refunds()) + len(rig.shop.get("books")["cards"]) == 1


def test_m6_what_was_not_offered_is_not_given(rig: Rig) -> None:
    token, client = send(rig), create_app(rig.of).test_client()
    form = {"link": token, "option": "offer_1", "remedy": "refund", "amount": "5000.00"}
    assert client.post(f"/choose/{token}", data=form).status_code == 422
    sent = {**form, "option": offers(rig)[0]}
    assert client.post(f"/choose/{token}", data=sent).status_code == 303
    rig.settle()
    assert [refund["amount"] for refund in rig.refunds()] == ["10.00"]


def test_f4_a_link_that_a_scanner_opens_first_is_still_the_customers(rig: Rig) -> None:
    token, client = send(rig), create_app(rig.of).test_client()
    for method in ("HEAD", "GET", "GET", "OPTIONS"):
        answer = client.open(f"/choose/{token}?option={offers(rig)[0]}", method=method)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert link_of(rig, rig.case(TEAPOT)).chosen is None


def test_f2_neither_page_can_be_framed(rig: Rig) -> None:
    app = create_app(rig.of)
    pages = [
        app.test_client().get(f"/choose/{send(rig)}"),
        app.test_client().get("/choose/nothing"),
        Staff(rig, MANAGER, app).client.get("/console/approvals"),
    ]
    for page in pages:
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_t2_names_on_the_customers_page_are_only_names(rig: Rig) -> None:
    token = send(rig)
    evil = "</p><script>alert(1)</script>{{731*977}}\r\nSet-Cookie: a=b"
    rig.options(sign_off=evil)
    with rig.store.write() as tx:
        (case,) = tx.find(Case, ticket_id=str(TEAPOT))
        tx.put(replace(case, order_name=evil))
    answer = create_app(rig.of).test_client().get(f"/choose/{token}")
    page = answer.get_data(as_text=True)
    assert "<script>alert" not in page
    assert str(731 * 977) not in page
    assert "Set-Cookie" not in answer.headers


def test_i1_a_case_of_somebody_else_is_not_there(rig: Rig) -> None:
    rig.solve(SCRATCHED_TABLES)
    case = rig.case(SCRATCHED_TABLES)
    other = Staff(rig, person(rig, "other@shop.example", ["agent"], "7001").email)
    assert other.status(f"/console/cases/{case.id}") == 404
    assert case.id not in other.get("/console/cases")


def test_i9_a_yes_is_never_said_by_a_link_alone(rig: Rig) -> None:
    rig.solve(SCRATCHED_TABLES)
    case, app = rig.case(SCRATCHED_TABLES), create_app(rig.of)
    manager = Staff(rig, MANAGER, app)
    decide = f"/console/cases/{case.id}/decide"
    for query in ("", "?answer=agree", f"?answer=agree&offer=x&case={case.id}"):
        manager.client.get(f"/console/cases/{case.id}{query}")
        assert manager.client.get(f"{decide}{query}").status_code == 405
    assert manager.client.post(decide, data={"answer": "agree"}).status_code == 403  # no mark
    assert app.test_client().post(decide, data={"answer": "agree"}).status_code == 401
    rig.settle()
    assert rig.case(SCRATCHED_TABLES) == case
    assert rig.refunds() == []
