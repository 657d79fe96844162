"""Each way in which python-freshdesk 1.3.9 would harm us if it were left alone with the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from freshdesk.v2.api import API

from connectors.freshdesk import SPEC, connect
from connectors.http import Http
from core.ports import (
    Desk,
    HostDenied,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Unwritable,
    WriteBack,
)
from tests.connectors.contract.bench import Bench
from tests.connectors.contract.harness import StoredSettings
from tests.connectors.scripted import Asked, Says, Scripted

KEY = "canary-freshdesk-key-Nb5"
NOTE = WriteBack(kind="note", ticket_id="35", marker="[amends:wb_01]", text="Refunded 5.00 EUR")


class Liar:
    """Answers by method and path; settings may be changed."""

    def __init__(self) -> None:
        self.says: dict[str, Says] = {}
        self.host = Scripted(self._answer)
        self.settings = StoredSettings({"api_key": KEY, "address": self.host.address})
        self.http = Http.of(SPEC, self.settings, allow_private=True)
        desk = connect(self.settings, self.http).desk
        assert desk is not None
        self.desk: Desk = desk

    def _answer(self, asked: Asked) -> Says:
        path = asked.path.partition("?")[0].removeprefix("/api/v2/")
        return self.says.get(f"{asked.method} {path}", Says({"message": "no"}, 404))

    def close(self) -> None:
        self.http.close()
        self.host.close()


@pytest.fixture
def liar() -> Iterator[Liar]:
    liar = Liar()
    yield liar
    liar.close()


def ticket(**changes: Any) -> dict[str, Any]:
    return {
        "id": 35,
        "subject": "Broken parcel",
        "description_text": "It arrived broken.",
        "status": 4,
        "priority": 1,
        "source": 1,
        "requester_id": 7,
        "responder_id": None,
        "product_id": None,
        "spam": False,
        "tags": [],
        "custom_fields": {},
        "created_at": "2026-01-08T10:00:00Z",
        "updated_at": "2026-01-08T10:12:07Z",
        "requester": {"id": 7, "name": "Leyla", "email": "leyla@example.org"},
        **changes,
    }


def test_the_library_alone_has_no_time_limit_and_takes_only_its_own_domains() -> None:
    """What we close; if a later version closes it itself, this says so."""
    with pytest.raises(AttributeError):
        API("help.acme.example", "key")
    sent: list[dict[str, Any]] = []

    class Silent(requests.Session):
        def get(self, url: Any, **given: Any) -> Any:
            sent.append(given)
            raise requests.ConnectionError

    library = API("acme.freshdesk.com", "key")
    library._session = Silent()
    with pytest.raises(requests.ConnectionError):
        library.tickets.get_ticket(1)
    assert "timeout" not in sent[0]


def test_a_host_that_never_answers_ends_in_time(bench: Bench) -> None:
    bench.harness.fault("read", "timeout", "before", times=None)  # for a minute
    began = time.monotonic()
    with bench.http.attempt(timedelta(seconds=2)), pytest.raises(HostUnavailable):
        bench.desk.ticket("35")
    assert time.monotonic() - began < 30


def test_the_wait_of_a_429_is_read_from_its_header(liar: Liar) -> None:
    liar.says["GET tickets/35"] = Says({"message": "slow down"}, 429, {"Retry-After": "57"})
    with pytest.raises(HostUnavailable) as caught:
        liar.desk.ticket("35")
    assert caught.value.retry_after == timedelta(seconds=57)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_500_is_no_absence_and_no_answer(liar: Liar, status: int) -> None:
    liar.says["POST tickets/35/notes"] = Says(b"oops", status)
    with pytest.raises(HostUnavailable):
        liar.desk.write_back(NOTE)
    assert len(liar.host.seen) == 1, "a write is never sent again"


@pytest.mark.parametrize("source", [0, 101, 999, None])
def test_custom_sources_do_not_crash(liar: Liar, source: int | None) -> None:
    liar.says["GET tickets/35"] = Says(ticket(source=source))
    assert liar.desk.ticket("35").channel == (str(source) if source else None)


@pytest.mark.parametrize(
    ("status", "setting", "meant"),
    [
        (2, "", "open"), (3, "", "pending"), (4, "", "solved"), (5, "", "solved"),
        (5, "4", "closed"), (7, "", "pending"), (7, "4,7", "solved"), (4, "7", "open"),
        (4, "nonsense", "solved"),
    ],
)  # fmt: skip
def test_statuses_by_number(liar: Liar, status: int, setting: str, meant: str) -> None:
    liar.settings.values["solved_statuses"] = setting
    liar.says["GET tickets/35"] = Says(ticket(status=status))
    assert liar.desk.ticket("35").status == meant


@pytest.mark.parametrize("change", [{"deleted": True}, {"spam": True}])
def test_deleted_and_spam_are_gone(liar: Liar, change: dict[str, bool]) -> None:
    liar.says["GET tickets/35"] = Says(ticket(**change))
    assert liar.desk.ticket("35").status == "deleted"


@pytest.mark.parametrize("odd", ["../agents/1", "35?x=1", "", "-1", "٣٥", "9" * 30])
def test_ids_are_numbers_before_anything_goes_out(liar: Liar, odd: str) -> None:
    with pytest.raises(HostNotFound):
        liar.desk.ticket(odd)
    assert liar.host.seen == []


def test_nothing_is_printed(liar: Liar, capsys: pytest.CaptureFixture[str]) -> None:
    liar.says["GET tickets/35"] = Says(ticket())
    liar.desk.ticket("35")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b'"x"', b"null", b'{"id":35}', b'{"id":35,"id":36}', b"<html>", b'{"a":NaN}',
        b'{"_to_timestamp":1,"created_at":"x"}', b'{"created_at":null,"updated_at":null}',
    ],
)  # fmt: skip
def test_unreadable_answers_are_unclear(liar: Liar, body: bytes) -> None:
    liar.says["GET tickets/35"] = Says(body)
    with pytest.raises(HostUnclear):
        liar.desk.ticket("35")


def test_the_key_is_read_afresh_and_without_one_nothing_goes_out(liar: Liar) -> None:
    liar.says["GET tickets/35"] = Says(ticket())
    liar.desk.ticket("35")
    first = liar.host.seen[0].headers["authorization"]
    liar.settings.values["api_key"] = "another"
    liar.desk.ticket("35")
    assert liar.host.seen[-1].headers["authorization"] != first
    liar.settings.values["api_key"] = ""
    before = len(liar.host.seen)
    with pytest.raises(HostDenied):
        liar.desk.ticket("35")
    assert len(liar.host.seen) == before


@pytest.mark.parametrize(
    "domain", ["", "evil.example", "freshdesk.com.evil.example", "a.freshdesk.com@evil.example"]
)
def test_only_domains_of_freshdesk(liar: Liar, domain: str) -> None:
    """The library is content with any text that has freshdesk.com in it."""
    del liar.settings.values["address"]
    liar.settings.values["domain"] = domain
    with pytest.raises(HostDenied):
        liar.desk.ticket("35")
    assert liar.host.seen == []


def test_a_no_names_the_fields_and_not_their_values(liar: Liar) -> None:
    error = {"field": "cf_amends_case", "message": "secret words", "code": "missing_field"}
    liar.says["POST tickets/35/notes"] = Says({"description": "x", "errors": [error]}, 400)
    with pytest.raises(Unwritable) as caught:
        liar.desk.write_back(NOTE)
    assert "cf_amends_case (missing_field)" in str(caught.value)
    assert "secret words" not in str(caught.value)
