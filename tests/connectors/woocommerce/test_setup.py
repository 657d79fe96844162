"""The webhook, the check by a dry write, and the hand-over of keys."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from connectors.signing import new_path_token as new_state
from connectors.woocommerce.handover import BadAddress, authorize_url, keys_of
from core.ports import Malformed, Ping, RawRequest, Setup, Unverified
from tests.connectors.contract.bench import Bench

URL = "http://127.0.0.1:9/hooks/abc"


def _setup(bench: Bench) -> Setup:
    assert bench.roles.setup is not None
    return bench.roles.setup


def test_installing_twice_changes_nothing(bench: Bench) -> None:
    learned = _setup(bench).install(URL)
    assert len(learned["webhook_secret"]) >= 43
    bench.settings.values.update(learned)
    assert "webhook_secret" not in _setup(bench).install(URL)
    (webhook,) = bench.harness.state.webhooks.values()
    assert webhook["topic"] == "order.updated"
    assert [check.ok for check in _setup(bench).check()] == [True, True, True]


@pytest.mark.parametrize("trouble", ["disabled", "moved", "secret lost"])
def test_a_webhook_that_is_of_no_use_is_replaced(bench: Bench, trouble: str) -> None:
    bench.settings.values.update(_setup(bench).install(URL))
    (webhook,) = bench.harness.state.webhooks.values()
    if trouble == "disabled":
        webhook["status"] = "disabled"
        assert not _setup(bench).check()[1].ok
    if trouble == "secret lost":
        bench.settings.values["webhook_secret"] = ""
        assert not _setup(bench).check()[1].ok
    url = URL + "d" if trouble == "moved" else URL
    learned = _setup(bench).install(url)
    assert learned["webhook_secret"]
    (made,) = bench.harness.state.webhooks.values()
    assert made["id"] != webhook["id"]
    assert made["delivery_url"] == url


def test_others_webhooks_stay(bench: Bench) -> None:
    theirs = {"id": 77, "name": "ERP", "topic": "order.updated", "delivery_url": URL}
    bench.harness.state.webhooks[77] = {**theirs, "status": "active"}
    _setup(bench).install(URL)
    _setup(bench).remove()
    assert list(bench.harness.state.webhooks) == [77]


def test_a_key_that_may_only_read_is_seen_without_writing(bench: Bench) -> None:
    bench.settings.values.update(_setup(bench).install(URL))
    assert _setup(bench).check()[0].ok
    for key in bench.harness.state.keys.values():
        key.permissions = "read"
    assert not _setup(bench).check()[0].ok
    bench.settings.values["consumer_secret"] = "cs_wrong"
    (only,) = _setup(bench).check()
    assert not only.ok


def test_the_ping_is_no_proof_of_anything(bench: Bench) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(Ping):
        bench.intake.verify(RawRequest(form, b"webhook_id=12"), bench.harness.now)
    for body in (b"webhook_id=12&order=1", b"webhook_id=", b"webhook_id=x", b"webhook_id=1\n"):
        with pytest.raises(Unverified):
            bench.intake.verify(RawRequest(form, body), bench.harness.now)


def test_a_replay_under_another_number_is_the_same_delivery(bench: Bench) -> None:
    """Neither the webhook's number nor the delivery id is signed (attack book W6)."""
    request = bench.harness.delivery()
    other = {"x-wc-webhook-id": "13", "x-wc-webhook-delivery-id": "ff"}
    again = RawRequest({**request.headers, **other}, request.body)
    now = bench.harness.now
    assert bench.intake.verify(again, now) == bench.intake.verify(request, now)


# ------------------------------------------------------------------------------ keys handed over


def _post(state: str, **changes: object) -> bytes:
    given = {
        "key_id": 1,
        "user_id": state,
        "consumer_key": "ck_" + "a" * 40,
        "consumer_secret": "cs_" + "b" * 40,
        "key_permissions": "read_write",
    }
    return json.dumps({**given, **changes}).encode()


def test_the_owner_is_sent_to_the_shops_own_page() -> None:
    state = new_state()
    url = authorize_url(
        "https://shop.example/blog/",
        state=state,
        callback_url="https://amends.example/keys",
        return_url="https://amends.example/back?x=1",
    )
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("shop.example", "/blog/wc-auth/v1/authorize")
    assert parse_qs(parts.query) == {
        "app_name": ["Amends"],
        "scope": ["read_write"],
        "user_id": [state],
        "return_url": ["https://amends.example/back?x=1"],
        "callback_url": ["https://amends.example/keys"],
    }


@pytest.mark.parametrize(
    ("shop", "callback"),
    [
        ("javascript:alert(1)", "https://amends.example/keys"),
        ("https://a@b.example", "https://amends.example/keys"),
        ("https://shop.example", "http://amends.example/keys"),
    ],
)
def test_addresses_that_cannot_be(shop: str, callback: str) -> None:
    with pytest.raises(BadAddress):
        authorize_url(shop, state=new_state(), callback_url=callback, return_url="https://x/")


def test_keys_belong_to_the_one_who_began() -> None:
    state = new_state()
    keys = keys_of(_post(state), state=state)
    assert keys == {"consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40}
    for other in (new_state(), "", state[:-1]):
        with pytest.raises(Unverified):
            keys_of(_post(state), state=other)
    with pytest.raises(Unverified):
        keys_of(_post("", user_id=""), state="")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"key_permissions": "read"}, Unverified),
        ({"consumer_key": "ck_short"}, Malformed),
        ({"consumer_secret": None}, Malformed),
        ({"consumer_key": "ck_" + "a" * 40 + "\n"}, Malformed),
    ],
)
def test_keys_of_another_form_are_refused(
    change: dict[str, object], error: type[Exception]
) -> None:
    state = new_state()
    with pytest.raises(error):
        keys_of(_post(state, **change), state=state)


@pytest.mark.parametrize("body", [b"", b"[]", b"x" * 5000, b'{"user_id":1,"user_id":2}'])
def test_nonsense_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        keys_of(body, state=new_state())


def test_handed_over_by_a_shop(bench: Bench) -> None:
    """Through the stand-in's own page; only the address keys are sent to is a local one."""
    came: list[bytes] = []

    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    state, ours = new_state(), "https://amends.example/keys"
    url = authorize_url(
        bench.harness.address, state=state, callback_url=ours, return_url="https://amends.example/"
    )
    with HTTPServer(("127.0.0.1", 0), Callback) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        here = f"http://127.0.0.1:{server.server_port}/keys"
        answer = requests.get(
            url.replace(quote(ours, safe=""), quote(here, safe="")),
            allow_redirects=False,
            timeout=30,
        )
        server.shutdown()
        thread.join()
    assert answer.headers["Location"].startswith("https://amends.example/?success=1")
    bench.settings.values.update(keys_of(came[0], state=state))
    assert _setup(bench).install(URL)
