"""The demo page and its sandbox: what a host says no to becomes a sentence, not a traceback."""

from __future__ import annotations

import pytest
import requests
import responses

from core.errors import AmendsError
from webhooks.demo.world import Host

URL = "http://127.0.0.1:1"


@responses.activate
def test_an_answer_is_handed_on() -> None:
    responses.get(f"{URL}/_sandbox/books", json={"tickets": []})
    assert Host(URL).get("books") == {"tickets": []}


@responses.activate
@pytest.mark.parametrize("body", [{"status": 500}, {"body": requests.ConnectionError("gone")}])
def test_a_host_that_fails_is_said_in_a_sentence(body: dict[str, object]) -> None:
    responses.post(f"{URL}/_sandbox/tickets/1/solve", **body)
    with pytest.raises(AmendsError, match="the sandbox did not do it"):
        Host(URL).post("tickets/1/solve")
