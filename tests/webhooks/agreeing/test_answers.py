"""Answers that nobody waits for, and the page people see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.webhooks.agreeing.stage import Agrees, Desk, changed, query_of, run_and_give_up
from webhooks.granting import Grants, NotGranted
from webhooks.settings import Settings


@pytest.mark.parametrize("state", ["", "x" * 43, "x" * 5000, "\ud83d\ude00" * 20])
def test_a_wrong_or_missing_state_changes_nothing(desk: Desk, state: str) -> None:
    connection = desk.zendesk()
    value = state.encode("utf-16", "surrogatepass").decode("utf-16")
    person = Agrees(change=lambda url: changed(url, state=value))
    done = run_and_give_up(desk, connection, person)
    assert person.last is not None
    assert person.last.status_code == 400
    assert query_of(person.answer)["code"] not in person.last.text
    assert done.exit_code == 2
    assert "no answer came to" in done.stderr
    assert "within 10 minutes" in done.stderr
    assert desk.pending().state == "waiting"
    assert "access_token" not in desk.settings(connection)


def test_an_answer_counts_once_and_for_its_own_connector(desk: Desk) -> None:
    connection = desk.zendesk()
    person = Agrees()

    def first_elsewhere(url: str) -> str:
        other = url.replace("/connect/zendesk", "/connect/shopify")
        assert requests.get(other, timeout=30).status_code == 400
        assert requests.head(url, timeout=30).status_code == 405
        assert requests.post(url, timeout=30).status_code == 405
        return url

    person.change = first_elsewhere
    assert desk.run("authorise", connection, browser=person).exit_code == 0
    before = desk.settings(connection)
    assert requests.get(person.answer, timeout=30).status_code == 400
    assert desk.settings(connection) == before


def test_ten_at_once_with_one_answer(desk: Desk) -> None:
    connection = desk.zendesk()
    found: list[int] = []

    def crowd(url: str) -> None:
        sent = requests.get(url, allow_redirects=False, timeout=30)
        with ThreadPoolExecutor(10) as pool:
            answers = pool.map(
                lambda _: requests.get(sent.headers["Location"], timeout=30).status_code, range(10)
            )
            found.extend(answers)

    assert desk.run("authorise", connection, browser=crowd).exit_code == 0
    assert sorted(found) == [200] + [400] * 9
    host = desk.running.states["zendesk"]
    assert sum(seen.path == "/oauth/tokens" for seen in host.requests) == 1


def test_an_answer_that_comes_too_late(desk: Desk) -> None:
    connection = desk.zendesk()

    def late(url: str) -> str:
        desk.let_time_pass()
        return url

    person = Agrees(change=late)
    assert desk.run("authorise", connection, browser=person).exit_code == 2
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


def test_beginning_again_ends_what_was_begun_before(desk: Desk) -> None:
    connection = desk.zendesk()
    grants = Grants(desk.of.store, desk.of.hosts, desk.of.sealer, desk.of.clock.now)
    public_url = Settings().public_url
    first = grants.begin(connection, public_url)
    second = grants.begin(connection, public_url)
    with pytest.raises(NotGranted, match="begun again"):
        grants.outcome(first.id)
    person = Agrees()
    person(first.url)
    assert person.last is not None
    assert person.last.status_code == 400
    assert not grants.outcome(second.id)
    person(second.url)
    assert grants.outcome(second.id)
    assert repr(second).count(query_of(second.url)["state"]) == 0


@pytest.mark.parametrize(("lang", "word"), [("en", "Connected"), ("ar", "تم"), ("fa", "وصل شد")])
def test_the_page_speaks_the_readers_language(desk: Desk, lang: str, word: str) -> None:
    person = Agrees(lang=lang)
    assert desk.run("authorise", desk.zendesk(), browser=person).exit_code == 0
    assert person.last is not None
    assert word in person.last.text
    assert f'lang="{lang}"' in person.last.text
    assert person.last.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in person.last.headers["Content-Security-Policy"]
