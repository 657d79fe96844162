"""Connecting by agreeing on the host's own page: the command line waits, a browser goes through the
stand-in's sign-in, and the web side takes the answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import click
import pytest
import requests
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from core.connection import Connection, PendingGrant
from core.store.sealing import new_key
from sandbox import shopify, woocommerce, zendesk
from sandbox.host import Running, serve
from sandbox.shopify.access import CLIENT_ID, CLIENT_SECRET
from sandbox.shopify.oauth import query_hmac
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from sandbox.zendesk.state import CLIENT_ID as ZENDESK_CLIENT
from sandbox.zendesk.state import CLIENT_SECRET as ZENDESK_SECRET
from webhooks import connecting
from webhooks.app import Services, create_app, services
from webhooks.cli import agreeing, connectors, main
from webhooks.granting import Grants, NotGranted
from webhooks.hosts import Hosts, opened, sealed
from webhooks.settings import Settings

Browser = Callable[[str], None]


@dataclass
class Desk:
    """An installation with its web side running, and the hosts it is to be connected to."""

    of: Services
    running: Running
    monkeypatch: pytest.MonkeyPatch

    def run(self, *args: str, browser: Browser | None = None, typed: str = "") -> Result:
        """A command. With a browser, the page it opens is gone to meanwhile."""
        threads: list[threading.Thread] = []

        def launch(url: str) -> int:
            assert browser is not None
            threads.append(threading.Thread(target=go, args=(browser, url)))
            threads[0].start()
            return 0

        def go(browser: Browser, url: str) -> None:
            try:
                browser(url)
            except BaseException:
                self.let_time_pass()
                raise

        with self.monkeypatch.context() as patch:
            patch.setattr(click, "launch", launch)
            if browser is None:
                patch.delenv("DISPLAY")
            done = CliRunner().invoke(main, ["connector", *args], input=typed)
        for thread in threads:
            thread.join()
        return done

    def add(self, name: str, *pairs: str) -> str:
        given = [part for pair in pairs for part in ("--set", pair)]
        done = self.run("add", name, "--no-install", *given)
        assert done.exit_code == 0, done.output
        return done.output.partition(":")[0]

    def settings(self, connection_id: str) -> dict[str, str]:
        with self.of.store.read() as reader:
            row = reader.get(Connection, connection_id)
        assert row is not None
        return opened(row, self.of.sealer, self.of.store.workspace_id)

    def pending(self) -> PendingGrant:
        with self.of.store.read() as reader:
            return reader.find(PendingGrant, newest_first=True, limit=1)[0]

    def let_time_pass(self) -> None:
        """What is waited for is so no longer."""
        row = self.pending()
        if row.state == "waiting":
            with self.of.store.write() as tx:
                tx.put(replace(row, expires_at=row.created_at))

    def zendesk(self) -> str:
        address = self.running.urls["zendesk"]
        return self.add(
            "zendesk",
            "subdomain=shop",
            f"address={address}",
            f"client_id={ZENDESK_CLIENT}",
            f"client_secret={ZENDESK_SECRET}",
        )

    def woocommerce(self) -> str:
        """Without keys, which the command line only leaves out where it goes on to get them."""
        values = {"address": self.running.urls["woocommerce"]}
        return connecting.add(self.of, "woocommerce", values=values).id

    def shopify(self) -> str:
        shop = self.running.states["shopify"]
        assert isinstance(shop, shopify.Shop)
        return self.add(
            "shopify",
            f"shop={shop.domain}",
            f"address={self.running.urls['shopify']}",
            f"client_id={CLIENT_ID}",
            f"client_secret={CLIENT_SECRET}",
        )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENDS_DATABASE_URL", f"sqlite:///{tmp_path}/a.sqlite3")
    monkeypatch.setenv("AMENDS_KEYS", new_key())
    monkeypatch.setenv("AMENDS_ALLOW_PRIVATE_HOSTS", "1")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(agreeing, "_LOOK_SECONDS", 0.02)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no part of a real installation
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    of = services(Settings())
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("AMENDS_PUBLIC_URL", f"http://127.0.0.1:{server.server_port}")
    apps = {
        "zendesk": zendesk.create(),
        "shopify": shopify.create(),
        "woocommerce": woocommerce.create(),
    }
    try:
        with serve(apps) as running:
            yield Desk(of, running, monkeypatch)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        of.store.close()


@dataclass
class Agrees:
    """A person who agrees. `change` may tamper with the answer on its way to us."""

    change: Callable[[str], str] = str
    lang: str = "en"
    last: requests.Response | None = None
    answer: str = ""

    def __call__(self, url: str) -> None:
        sent = requests.get(url, allow_redirects=False, timeout=10)
        self.answer = self.change(sent.headers["Location"])
        self.last = requests.get(self.answer, headers={"Accept-Language": self.lang}, timeout=10)


def changed(url: str, **values: str) -> str:
    query = dict(parse_qsl(urlsplit(url).query)) | values
    return f"{url.partition('?')[0]}?{urlencode(query)}"


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


# --------------------------------------------------------------------------------------- zendesk


def test_zendesk_by_code_and_pkce(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = desk.zendesk()
    person = Agrees()
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 0, done.output
    assert "Zendesk: connected" in done.output
    learned = desk.settings(connection)
    assert learned["access_token"]
    assert learned["refresh_token"]
    assert learned["client_secret"] == ZENDESK_SECRET, "what was filled in stays"
    assert 1700 < int(learned["access_expires_at"]) - time.time() <= 1800
    assert person.last is not None
    assert person.last.status_code == 200
    assert urlsplit(person.last.url).query == "", "neither code nor state stays in the browser"
    row = desk.pending()
    assert (row.state, row.sealed) == ("done", None)
    code = query_of(person.answer)["code"]
    seen = done.output + caplog.text + person.last.text + repr(row)
    for secret in (learned["access_token"], learned["refresh_token"], ZENDESK_SECRET, code):
        assert secret not in seen
    state = query_of(person.answer)["state"]
    assert state not in caplog.text + person.last.text + repr(row)
    assert desk.run("install", connection).exit_code == 0


@pytest.mark.parametrize("how", ["ended at the host", "about to end"])
def test_after_half_an_hour_one_renews_for_all(desk: Desk, how: str) -> None:
    connection = desk.zendesk()
    assert desk.run("authorise", connection, browser=Agrees()).exit_code == 0
    first = desk.settings(connection)
    host = desk.running.states["zendesk"]
    user = {"id": 7, "name": "Ada", "email": "ada@shop.example", "role": "end-user"}
    ticket = {"id": 35, "subject": "Late", "description": "Late.", "requester_id": 7}
    host.seed({"users": [user], "tickets": [ticket]})
    if how == "ended at the host":
        host.clock.advance(1801)
    else:
        fresh = {**first, "access_expires_at": str(int(time.time()) + 5)}
        _store(desk, connection, fresh)
    host.requests.clear()
    processes = [
        Hosts(desk.of.store, desk.of.sealer, allow_private=True, call_within=timedelta(seconds=9))
        for _ in range(2)
    ]
    start = threading.Barrier(2)

    def read(hosts: Hosts) -> str:
        start.wait()
        return hosts.get(connection).desk.ticket("35").id

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, processes)) == ["35", "35"]
    assert sum(seen.path == "/oauth/tokens" for seen in host.requests) == 1
    after = desk.settings(connection)
    assert after["access_token"] != first["access_token"]
    assert after["refresh_token"] != first["refresh_token"]
    assert after["client_id"] == ZENDESK_CLIENT
    assert after["address"] == desk.running.urls["zendesk"]


def _store(desk: Desk, connection_id: str, values: dict[str, str]) -> None:
    with desk.of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        assert row is not None
        tx.put(sealed(row, values, desk.of.sealer, desk.of.store.workspace_id))


def test_a_code_that_zendesk_does_not_take_back(desk: Desk) -> None:
    """`invalid_grant`: said in a sentence, and the connection has what it had before."""
    connection = desk.zendesk()
    person = Agrees(change=lambda url: changed(url, code="another-code"))
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 2
    assert "good once, for two minutes" in done.stderr
    assert "(invalid_grant)" in done.stderr
    assert f"amends connector authorise {connection}" in done.stderr
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


def test_somebody_who_does_not_agree(desk: Desk) -> None:
    connection = desk.zendesk()

    def refuse(url: str) -> str:
        answer = {"error": "access_denied", "state": query_of(url)["state"]}
        return f"{url.partition('?')[0]}?{urlencode(answer)}"

    done = desk.run("authorise", connection, browser=Agrees(change=refuse))
    assert done.exit_code == 2
    assert "nobody agreed" in done.stderr


def test_an_intercepted_code_is_of_no_use_in_another_asking(desk: Desk) -> None:
    """The code of one asking under the state of another: the verifier does not fit (PKCE)."""
    connection = desk.zendesk()
    stolen = Agrees(change=lambda url: changed(url, state="x" * 43))
    _run_and_give_up(desk, connection, stolen)
    code = query_of(stolen.answer)["code"]
    mixed = Agrees(change=lambda url: changed(url, code=code))
    done = desk.run("authorise", connection, browser=mixed)
    assert done.exit_code == 2
    assert "access_token" not in desk.settings(connection)


# -------------------------------------------------------------------------- answers not waited for


def _run_and_give_up(desk: Desk, connection: str, browser: Agrees) -> Result:
    """Nothing acceptable comes; the time it may take is then over."""

    def then_late(url: str) -> None:
        browser(url)
        desk.let_time_pass()

    return desk.run("authorise", connection, browser=then_late)


@pytest.mark.parametrize("state", ["", "x" * 43, "x" * 5000, "\ud83d\ude00" * 20])
def test_a_wrong_or_missing_state_changes_nothing(desk: Desk, state: str) -> None:
    connection = desk.zendesk()
    value = state.encode("utf-16", "surrogatepass").decode("utf-16")
    person = Agrees(change=lambda url: changed(url, state=value))
    done = _run_and_give_up(desk, connection, person)
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
        assert requests.get(other, timeout=10).status_code == 400
        assert requests.head(url, timeout=10).status_code == 405
        assert requests.post(url, timeout=10).status_code == 405
        return url

    person.change = first_elsewhere
    assert desk.run("authorise", connection, browser=person).exit_code == 0
    before = desk.settings(connection)
    assert requests.get(person.answer, timeout=10).status_code == 400
    assert desk.settings(connection) == before


def test_ten_at_once_with_one_answer(desk: Desk) -> None:
    connection = desk.zendesk()
    found: list[int] = []

    def crowd(url: str) -> None:
        sent = requests.get(url, allow_redirects=False, timeout=10)
        with ThreadPoolExecutor(10) as pool:
            answers = pool.map(
                lambda _: requests.get(sent.headers["Location"], timeout=10).status_code, range(10)
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


# --------------------------------------------------------------------------------------- shopify


def test_shopify_by_installing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = desk.shopify()
    done = desk.run("authorise", connection, browser=Agrees())
    assert done.exit_code == 0, done.output
    learned = desk.settings(connection)
    assert learned["access_token"].startswith("shpat_")
    assert learned["refresh_token"]
    assert learned["access_ends_at"]
    for name in ("access_token", "refresh_token", "client_secret"):
        assert learned[name] not in done.output + caplog.text
    assert desk.run("install", connection).exit_code == 0


def _signed(url: str, **values: str) -> str:
    """An answer changed by somebody who has the app's secret."""
    query = query_of(changed(url, **values))
    query["hmac"] = query_hmac(query, CLIENT_SECRET)
    return f"{url.partition('?')[0]}?{urlencode(query)}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: changed(url, hmac="0" * 64), "not signed by Shopify"),
        (lambda url: changed(url, code="a" * 32), "not signed by Shopify"),
        (lambda url: _signed(url, timestamp=str(int(time.time()) - 95)), "too old"),
        (lambda url: _signed(url, timestamp=str(int(time.time()) + 95)), "too old"),
        (lambda url: _signed(url, shop="other.myshopify.com"), "another shop"),
        (lambda url: _signed(url, code="b" * 32), "does not take back the code"),
    ],
)
def test_an_answer_that_is_not_the_shops(
    desk: Desk, change: Callable[[str], str], said: str
) -> None:
    connection = desk.shopify()
    person = Agrees(change=change)
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 2
    assert said in done.stderr
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


def test_an_answer_85_seconds_old_is_taken(desk: Desk) -> None:
    person = Agrees(change=lambda url: _signed(url, timestamp=str(int(time.time()) - 85)))
    assert desk.run("authorise", desk.shopify(), browser=person).exit_code == 0


def test_the_shops_answer_under_another_state(desk: Desk) -> None:
    connection = desk.shopify()
    person = Agrees(change=lambda url: _signed(url, state="y" * 43))
    assert _run_and_give_up(desk, connection, person).exit_code == 2
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


# ----------------------------------------------------------------------------------- woocommerce


def test_woocommerce_hands_its_keys_over(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """From `add` itself, at a terminal: no key is asked for."""
    caplog.set_level(logging.DEBUG)
    desk.monkeypatch.setattr(connectors, "at_a_terminal", lambda: True)
    pages: list[requests.Response] = []

    def owner(url: str) -> None:
        pages.append(requests.get(url, timeout=10))

    shop = desk.running.urls["woocommerce"]
    done = desk.run("add", "woocommerce", browser=owner, typed=f"y\n{shop}\n")
    assert done.exit_code == 0, done.output
    assert "WooCommerce: connected" in done.output
    assert "WooCommerce: installed" in done.output
    connection = next(line for line in done.output.splitlines() if "conn_" in line)
    connection = connection[connection.index("conn_") :].partition(":")[0]
    learned = desk.settings(connection)
    assert learned["consumer_key"].startswith("ck_")
    for name in ("consumer_key", "consumer_secret"):
        assert learned[name] not in done.output + caplog.text + pages[0].text
    assert "Connected" in pages[0].text
    assert "/connected/grant_" in pages[0].url


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user_id": "z" * 43}, "signature"),
        ({"key_permissions": "read"}, "read and write"),
        ({"consumer_key": "nonsense"}, "not of the form"),
    ],
)
def test_keys_that_are_not_believed(desk: Desk, change: dict[str, str], said: str) -> None:
    connection = desk.woocommerce()
    codes: list[int] = []

    def forger(url: str) -> None:
        asked = query_of(url)
        keys = {
            "key_id": 1,
            "user_id": asked["user_id"],
            "consumer_key": "ck_" + "a" * 40,
            "consumer_secret": "cs_" + "b" * 40,
            "key_permissions": "read_write",
        }
        sent = requests.post(asked["callback_url"], json={**keys, **change}, timeout=10)
        codes.append(sent.status_code)

    done = desk.run("authorise", connection, browser=forger)
    assert done.exit_code == 2
    assert said in done.stderr
    assert codes == [400]
    assert "consumer_key" not in desk.settings(connection)


def test_a_hand_over_is_good_once(desk: Desk) -> None:
    connection = desk.woocommerce()
    asked: dict[str, str] = {}

    def owner(url: str) -> None:
        asked.update(query_of(url))
        requests.get(url, timeout=10)

    assert desk.run("authorise", connection, browser=owner).exit_code == 0
    keys = desk.settings(connection)
    forged = {"user_id": asked["user_id"], "consumer_key": "ck_" + "a" * 40}
    again = requests.post(asked["callback_url"], json=forged, timeout=10)
    large = requests.post(asked["callback_url"], data=b"x" * 20_000, timeout=10)
    assert (again.status_code, large.status_code) == (400, 413)
    assert desk.settings(connection) == keys


# -------------------------------------------------------------------------------- the command line


def test_what_is_not_filled_in_is_said_with_the_redirect_address(desk: Desk) -> None:
    connection = desk.add("zendesk", "subdomain=shop")
    done = desk.run("authorise", connection)
    assert done.exit_code == 2
    assert "client_id" in done.stderr
    assert "/connect/zendesk" in done.stderr
    assert desk.run("authorise", "conn_none").exit_code == 2


def test_a_host_without_such_a_page(desk: Desk) -> None:
    connection = desk.add("stripe", "secret_key=sk_test_x", "address=http://127.0.0.1:1")
    done = desk.run("authorise", connection)
    assert done.exit_code == 2
    assert "has no page to agree on" in done.stderr


def test_tokens_by_hand_are_asked_for_where_nobody_agrees(desk: Desk) -> None:
    desk.monkeypatch.setattr(connectors, "at_a_terminal", lambda: True)
    shop = desk.running.urls["woocommerce"]
    typed = "\n".join(("n", shop, CONSUMER_KEY, CONSUMER_SECRET)) + "\n"
    done = desk.run("add", "woocommerce", typed=typed)
    assert done.exit_code == 0, done.output
    assert CONSUMER_SECRET not in done.output


def test_half_of_a_pair_is_no_access(desk: Desk) -> None:
    done = desk.run(
        "add", "woocommerce", "--set", "address=https://shop.example", "--set", "consumer_key=ck_x",
        "--set", "consumer_secret=",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "missing setting: consumer_secret" in done.stderr


def test_a_lost_connection_is_brought_back(desk: Desk) -> None:
    connection = desk.zendesk()
    with desk.of.store.write() as tx:
        row = tx.lock(Connection, connection)
        assert row is not None
        tx.put(replace(row, state="lost"))
    assert desk.run("authorise", connection, browser=Agrees()).exit_code == 0
    assert desk.run("install", connection).exit_code == 0
