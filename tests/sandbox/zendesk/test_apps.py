"""Apps beside a ticket: what may be installed, what a page signs and may do, the library."""

import base64
import io
import json
import re
import zipfile
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.sandbox.caller import Caller
from tests.sandbox.zendesk.conftest import AGENT

URL = "https://amends.example/zendesk/one/sidebar"
MANIFEST: dict[str, Any] = {
    "name": "Amends",
    "signedUrls": True,
    "location": {"support": {"ticket_sidebar": {"url": URL, "flexible": True}}},
}


def _zip(manifest: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    return out.getvalue()


def _install(desk: Caller, packed: bytes) -> requests.Response:
    return requests.post(f"{desk.url}/_sandbox/apps", data=packed, timeout=30)


def _page(desk: Caller, query: str = "") -> str:
    answer = requests.get(f"{desk.url}/agent/tickets/1{query}", timeout=30)
    assert answer.status_code == 200
    return answer.text


def _told(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', page)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def _claims(token: str) -> dict[str, Any]:
    text = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return claims


def _token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_page_is_signed_for_its_agent_and_its_installation(desk: Caller) -> None:
    made = _install(desk, _zip(MANIFEST)).json()
    page = _page(desk)
    assert f'action="{URL}?origin=' in page
    token = _token(page)
    claims = _claims(token)
    assert claims["aud"] == f"{desk.url}/api/v2/apps/installations/{made['installation_id']}.json"
    assert claims["sub"] == f"{desk.url}/api/v2/users/{AGENT}.json"
    assert claims["iss"] == desk.url.removeprefix("http://")
    assert 0 < claims["exp"] - claims["iat"] <= 60
    pem = desk.call("GET", f"/api/v2/apps/{made['app_id']}/public_key.pem").content
    key = load_pem_public_key(pem)
    assert isinstance(key, RSAPublicKey)
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    key.verify(raw, text.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_no_two_pages_are_signed_alike(desk: Caller) -> None:
    _install(desk, _zip(MANIFEST))
    assert _token(_page(desk)) != _token(_page(desk))


def test_installing_again_replaces(desk: Caller) -> None:
    for _ in range(2):
        _install(desk, _zip(MANIFEST))
    assert _page(desk).count("<iframe") == 1


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://amends.example/x", 422),
        ("http://127.0.0.1:8410/x", 200),
        ("http://localhost:8410/x", 200),
        (URL, 200),
    ],
)
def test_a_page_elsewhere_must_be_https(desk: Caller, url: str, status: int) -> None:
    place = {"support": {"ticket_sidebar": url}}
    assert _install(desk, _zip({**MANIFEST, "location": place})).status_code == status


@pytest.mark.parametrize("packed", [b"", b"PK", _zip([]), _zip({"name": "x"})])
def test_what_is_no_app_is_refused(desk: Caller, packed: bytes) -> None:
    assert _install(desk, packed).status_code == 422


def test_only_signed_apps_are_shown(desk: Caller) -> None:
    assert _install(desk, _zip({**MANIFEST, "signedUrls": False})).status_code == 422


def test_an_agent_acts_in_their_own_name(desk: Caller) -> None:
    told = _told(_page(desk, "?lang=ar&theme=dark"))
    assert (told["agent"]["id"], told["agent"]["locale"], told["theme"]) == (AGENT, "ar", "dark")
    change = {"ticket": {"comment": {"body": "Sorry", "public": False}}}
    headers = {"Authorization": f"Bearer {told['token']}"}
    url = f"{desk.url}/api/v2/tickets/1.json"
    answer = requests.put(url, json=change, headers=headers, timeout=30)
    assert answer.status_code == 200
    comments = desk.get("/api/v2/tickets/1/comments")["comments"]
    assert (comments[-1]["author_id"], comments[-1]["public"]) == (AGENT, False)


def test_a_customer_cannot_work_there(desk: Caller) -> None:
    assert _told(_page(desk, "?as=501"))["agent"]["role"] != "end-user"


def test_a_ticket_that_is_not_there(desk: Caller) -> None:
    assert requests.get(f"{desk.url}/agent/tickets/99", timeout=30).status_code == 404


def test_the_library_is_where_apps_look_for_it(desk: Caller) -> None:
    answer = requests.get(f"{desk.url}/zaf_sdk.min.js", timeout=30)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "ZAFClient" in answer.text
