"""A Zendesk connection whose app is set up, and what its Zendesk would post to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.test import TestResponse

from sandbox.zendesk.api_more import app_key
from sandbox.zendesk.state import ZendeskState
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from tests.webhooks.sidebar.forge import rs256
from webhooks import connecting
from webhooks.app import create_app

APP, INSTALLATION, AGENT = 4711, 42, 9001

Claims = dict[str, Any]


class Entry:
    """A connection whose app is set up, and what its Zendesk would post."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        state = rig.running.states["zendesk"]
        assert isinstance(state, ZendeskState)
        self.key: rsa.RSAPrivateKey = app_key(state, APP)
        self.origin = rig.stage.urls["zendesk"]
        self.desk_id = rig.stage.desk_id
        connecting.set_up_app(rig.of, self.desk_id, str(APP), str(INSTALLATION))
        self.app = create_app(rig.of)

    def claims(self, **changed: Any) -> Claims:
        now = int(self.rig.clock.now().timestamp())
        claims = {
            "iss": self.origin.removeprefix("http://"),
            "aud": f"{self.origin}/api/v2/apps/installations/{INSTALLATION}.json",
            "sub": f"{self.origin}/api/v2/users/{AGENT}.json",
            "iat": now,
            "exp": now + 60,
            "qsh": "a" * 64,
            "context": {"product": "support", "location": "ticket_sidebar"},
        }
        return {k: v for k, v in (claims | changed).items() if v is not None}

    def token(self, **changed: Any) -> str:
        # No two pages are signed alike: whoever forges two in one second must not meet a replay.
        self.serial = getattr(self, "serial", 0) + 1
        return rs256(self.key, self.claims(serial=self.serial, **changed))

    def post(
        self,
        token: str,
        *,
        origin: str | None = None,
        connection: str | None = None,
        **headers: str,
    ) -> TestResponse:
        return self.app.test_client().post(
            f"/zendesk/{connection or self.desk_id}/sidebar",
            query_string={"origin": self.origin if origin is None else origin, "app_guid": "g1"},
            data={"token": token},
            headers=headers,
        )


def policy_of(answer: TestResponse) -> dict[str, str]:
    """The page's Content-Security-Policy by directive."""
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


@contextmanager
def entered(home: Path) -> Iterator[Entry]:
    store = open_store("sqlite", home)
    try:
        with rigged(store) as rig:
            yield Entry(rig)
    finally:
        store.close()
