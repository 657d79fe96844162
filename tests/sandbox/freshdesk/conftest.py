from collections.abc import Iterator

import pytest

from sandbox import freshdesk
from sandbox.freshdesk.state import API_KEY
from sandbox.host import serve
from tests.sandbox.caller import Caller

SHIRIN, AGENT = 701, 801


@pytest.fixture
def desk() -> Iterator[Caller]:
    """A Freshdesk with one agent, one customer, and two open tickets."""
    app = freshdesk.create()
    with serve({"freshdesk": app}) as running:
        caller = Caller(running.urls["freshdesk"], running.states["freshdesk"], {})
        caller.session.auth = (API_KEY, "X")
        opened = {"requester_id": SHIRIN, "assignee_id": AGENT, "tags": ["vip"]}
        caller.control(
            "seed",
            {
                "users": [
                    {"id": SHIRIN, "name": "شیرین احمدی", "email": "shirin@mail.example",
                     "locale": "fa"},
                    {"id": AGENT, "name": "Jo", "email": "jo@shop.example", "role": "agent"},
                ],
                "tickets": [
                    {"id": 1, "subject": 'The "tin"', "description": "Open tin", **opened},
                    {"id": 2, "subject": "Late", "description": "Too late", **opened},
                ],
            },
        )  # fmt: skip
        yield caller
        caller.session.close()
