"""Attack book F: pages in somebody else's frame, forms of somebody else's page.

What there is of pages today is the demo's; the sidebar, sessions and sign-in have their rows in
`book.py` until they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from console import demo
from console.headers import content_policy
from tests.webhooks.rig import Rig
from webhooks.app import create_app
from webhooks.demo.world import World


@pytest.fixture
def client(rig: Rig) -> FlaskClient:
    return create_app(rig.of, pages=[demo.blueprint(World(rig.of, rig.stage))]).test_client()


def _pages(client: FlaskClient) -> Iterator[str]:
    for rule in client.application.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/healthz", "/readyz")):
            yield re.sub(r"<[^>]*>", "1", rule.rule)


def test_f2_no_page_lets_itself_be_framed(client: FlaskClient) -> None:
    seen = 0
    for path in _pages(client):
        answer = client.get(path)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            policy = answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            seen += 1
    assert seen >= 2


def test_f2_whoever_may_frame_is_named_exactly() -> None:
    policy = content_policy(["https://shop.zendesk.com"])
    assert policy.endswith("frame-ancestors https://shop.zendesk.com")
    assert "*" not in policy


def _forms(client: FlaskClient) -> Iterator[str]:
    for rule in client.application.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/hooks/"):
            yield re.sub(r"<[^>]*>", "16", rule.rule)


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://localhost:81"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("content", ["application/x-www-form-urlencoded", "text/plain"])
def test_f3_forms_of_other_sites_are_refused(
    rig: Rig, client: FlaskClient, headers: dict[str, str], content: str
) -> None:
    """JSON sent as text, too: where it comes from is looked at, not what it says it is."""
    before, posted = rig.ticket(16), 0
    for path in _forms(client):
        answer = client.post(path, data='{"case": "x"}', content_type=content, headers=headers)
        assert answer.status_code in (400, 401, 403, 404), path
        posted += 1
    assert posted >= 2
    assert rig.ticket(16) == before


def test_f4_no_address_is_handed_on_and_no_secret_stands_in_one(
    rig: Rig, client: FlaskClient
) -> None:
    """Sessions come with sign-in (`book.py`); until then no cookie but the language is set."""
    secrets = [row.path_token for row in (rig.connection(rig.stage.desk_id),)]
    for path in _pages(client):
        answer = client.get(path)
        if answer.status_code != 200:
            continue
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert cookie.startswith("lang"), cookie
        text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        assert not any(secret in text for secret in secrets)
