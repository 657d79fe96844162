from collections.abc import Iterator

import pytest

from sandbox import zendesk
from sandbox.host import serve
from sandbox.zendesk.state import TOKEN
from tests.sandbox.caller import Caller

SARA, AGENT = 501, 601


@pytest.fixture
def desk() -> Iterator[Caller]:
    """A Zendesk with one agent, one customer, and tickets 1 (open), 2 (closed), 3 (open)."""
    app = zendesk.create()
    with serve({"zendesk": app}) as running:
        caller = Caller(
            running.urls["zendesk"], running.states["zendesk"], {"Authorization": f"Bearer {TOKEN}"}
        )
        opened = {"requester_id": SARA, "assignee_id": AGENT, "created_at": "2026-11-20T08:00:00Z"}
        caller.control(
            "seed",
            {
                "users": [
                    {"id": SARA, "name": "سارة العتيبي", "email": "sara@mail.example"},
                    {"id": AGENT, "name": "Jo Agent", "email": "jo@shop.example", "role": "agent"},
                ],
                "tickets": [
                    {"id": 1, "subject": "Parcel late", "description": "Where is it?",
                     "status": "open", "tags": ["vip"], **opened},
                    {"id": 2, "subject": "Old", "description": "Long ago", "status": "closed",
                     **opened},
                    {"id": 3, "subject": "Broken", "description": "Broken cup", "status": "open",
                     **opened},
                ],
            },
        )  # fmt: skip
        yield caller
        caller.session.close()
