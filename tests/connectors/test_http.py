"""Reads are patient and bounded; a write goes out once, and what came of it is told apart."""

from __future__ import annotations

import logging
import select
import socket
import time
import traceback
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.http import Answer, Http, answered
from connectors.pacing import retry_after
from connectors.wire import NoAnswer, Unreached
from core.ports import (
    HostDenied,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Unknown,
)
from tests.connectors.rawhost import always, answer, raw_host

CANARY = "canary-8f2e/secret+value"


@pytest.fixture
def http() -> Http:
    return Http(within=timedelta(seconds=15), allow_private=True, secrets=lambda: [CANARY])


def _dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# ------------------------------------------------------------------------------------------ writes


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"oops", "500 Internal Server Error"),
        answer(b"{}", "503 Service Unavailable", Retry_After="1"),
        answer(b"{}", "408 Request Timeout"),
        answer(b"", "302 Found", Location="http://127.0.0.1:9/x"),
        answer(b"<html>hello</html>"),
        answer(b"<html>blocked</html>", "403 Forbidden"),
        answer(b'{"a":NaN}'),
        answer(b'{"a":1,"a":2}'),
        answer(b"[]"),
        answer(b'{"a":' * 100 + b"1" + b"}" * 100),
        answer(b'{"a":' + b"9" * 5000 + b"}"),
        answer(b'{"a":1}', Content_Length="700"),
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_a_write_with_an_unusable_answer_is_unknown_and_sent_once(http: Http, reply: bytes) -> None:
    def script(_: bytes, sock: socket.socket) -> bool:
        sock.sendall(reply)
        sock.shutdown(socket.SHUT_RDWR)
        return False

    with raw_host(script) as host:
        sent = http.send("POST", host.url + "/pay", json={"a": 1})
        assert isinstance(sent, Unknown), sent
        time.sleep(0.1)
        assert len(host.requests) == 1


def test_a_write_nobody_could_receive_is_not_sent(http: Http) -> None:
    for url in (
        f"http://127.0.0.1:{_dead_port()}/pay",
        "http://no-such-host.invalid/pay",
        "http://[bad/pay",
        "not an address",
    ):
        assert isinstance(http.send("POST", url, json={}), NotSent)
    bad_header = http.send("POST", "http://127.0.0.1:9/", headers={"X": "a\r\nb: c"})
    assert isinstance(bad_header, NotSent)


def test_a_write_told_to_wait_is_not_sent_and_says_how_long(http: Http) -> None:
    with raw_host(always(answer(b"{}", "429 Too Many Requests", Retry_After="7"))) as host:
        sent = http.send("POST", host.url + "/pay")
        assert isinstance(sent, NotSent)
        assert sent.retry_after == timedelta(seconds=7)
        assert len(host.requests) == 1


def test_a_no_is_an_answer_and_statuses_can_be_judged(http: Http) -> None:
    with raw_host(always(answer(b'{"error":"too much"}', "422 Unprocessable"))) as host:
        sent = http.send("POST", host.url + "/pay")
        assert isinstance(sent, Answer)
        assert (sent.status, sent.json()) == (422, {"error": "too much"})
    with raw_host(always(answer(b'{"code":"invalid"}', "500 Oops"))) as host:
        sent = http.send("POST", host.url + "/pay", judge={500})
        assert isinstance(sent, Answer)


def test_an_empty_204_is_a_yes(http: Http) -> None:
    with raw_host(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as host:
        assert answered(http.send("DELETE", host.url + "/x")).json() == {}


@pytest.mark.parametrize("where", ["head", "body", "silence", "nothing"])
def test_a_host_that_goes_on_for_ever_ends_at_the_deadline(where: str) -> None:
    """A slow drip, and none. Time is counted by the host, a tenth of a second at a time: that the
    machine stood still for some of it counts for nothing."""
    ticks: list[None] = []
    drips = {"head": 100, "body": 100, "silence": 12, "nothing": 0}[where]

    def script(_: bytes, sock: socket.socket) -> bool:
        if where == "body":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while len(ticks) < 100 and not select.select([sock], [], [], 0.1)[0]:  # until it hangs up
            ticks.append(None)
            if len(ticks) <= drips:
                sock.sendall(b"x")
        return False

    http = Http(within=timedelta(seconds=1.5), allow_private=True)
    with raw_host(script) as host:
        assert isinstance(http.send("POST", host.url + "/pay"), Unknown)
        assert len(ticks) < 22


def test_time_that_is_over_before_writing_means_not_sent(http: Http) -> None:
    with raw_host(always(answer())) as host, http.attempt(timedelta(0)):
        assert isinstance(http.send("POST", host.url + "/pay"), NotSent)
        assert host.requests == []


# ------------------------------------------------------------------------------------------- reads


def test_reads_wait_as_told_and_come_back(http: Http) -> None:
    replies = [
        answer(b"{}", "429 Too Many Requests", Retry_After="0"),
        answer(b"{}", "503 Service Unavailable"),
        answer(b'{"total":12.50,"n":3}'),
    ]

    def script(_: bytes, sock: socket.socket) -> bool:
        sock.sendall(replies.pop(0))
        return True

    with raw_host(script) as host:
        assert http.get_json(host.url + "/x") == {"total": "12.50", "n": 3}
        assert len(host.requests) == 3


def test_reads_give_up_inside_their_time(http: Http) -> None:
    with raw_host(always(answer(b"{}", "503 Nope", Retry_After="600"))) as host:
        started = time.monotonic()
        with pytest.raises(HostUnavailable) as caught:
            http.get_json(host.url + "/x")
        assert caught.value.retry_after == timedelta(minutes=10)
        assert time.monotonic() - started < 10
        assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 No", HostDenied),
        ("403 No", HostDenied),
        ("404 No", HostNotFound),
        ("410 Gone", HostNotFound),
        ("302 Found", HostUnclear),
        ("418 Teapot", HostUnclear),
        ("200 OK", HostUnclear),
    ],
)
def test_what_a_status_means_for_a_read(http: Http, status: str, error: type[Exception]) -> None:
    reply = answer(b"<html>", status, Location="http://127.0.0.1:9/")
    with raw_host(always(reply)) as host:
        with pytest.raises(error):
            http.get_json(host.url + "/x")
        assert len(host.requests) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_answers_are_bounded(packed: bool) -> None:
    http = Http(within=timedelta(seconds=15), allow_private=True, size_max=1_000_000)
    body = b'{"a":"' + b"x" * 50_000_000 + b'"}'
    reply = answer(zlib.compress(body), Content_Encoding="deflate") if packed else answer(body)
    with raw_host(always(reply)) as host:
        sent = http.send("POST", host.url + "/x")
        assert isinstance(sent, Unknown)
        assert "larger than" in sent.why


def test_connections_are_reused(http: Http) -> None:
    with raw_host(always(answer())) as host:
        for _ in range(5):
            http.get_json(host.url + "/x")
        assert host.connections == 1


def test_cookies_are_not_kept(http: Http) -> None:
    with raw_host(always(answer(b"{}", Set_Cookie="id=1; Path=/"))) as host:
        http.get_json(host.url + "/x")
        http.get_json(host.url + "/x")
        assert b"cookie" not in host.requests[1].lower()


# --------------------------------------------------------------------------------- library session


def test_the_session_for_libraries_is_as_careful(http: Http) -> None:
    redirect = answer(b"", "302 Found", Location="http://127.0.0.1:9/x")
    with raw_host(always(redirect)) as host:
        session = http.session
        seen = session.put(host.url + "/x", timeout=None, allow_redirects=True, json={})
        assert seen.status_code == 302
        assert len(host.requests) == 1
    with raw_host(lambda *_: False) as host:
        with http.attempt() as attempt, pytest.raises(NoAnswer):
            http.session.put(host.url + "/x", json={})
        assert attempt.written
        assert len(host.requests) == 1
    with http.attempt() as attempt, pytest.raises(Unreached):
        http.session.put(f"http://127.0.0.1:{_dead_port()}/x", json={})
    assert not attempt.written


def test_nothing_of_the_machine_is_used(
    http: Http, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{_dead_port()}")
    with raw_host(always(answer())) as host:
        assert http.get_json(host.url + "/x") == {}
        assert b"authorization" not in host.requests[0].lower()


# ----------------------------------------------------------------------------------------- secrets


def test_secrets_are_in_no_text(http: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"/{CANARY}/v1?token={CANARY}"
    headers = {"Authorization": f"Bearer {CANARY}"}
    texts = [repr(http), repr(http.session.auth)]
    with raw_host(lambda *_: False) as host:
        texts.append(repr(http.send("POST", host.url + url, headers=headers)))
        for call in (http.session.get, http.get_json):
            try:
                call(host.url + url, headers=headers)
            except Exception:
                texts.append(traceback.format_exc())
    texts.append(http.redact(f"your key {CANARY} is not valid"))
    for text in (*texts, caplog.text):
        assert "canary" not in text
    assert "token=" not in caplog.text
    assert "POST 127.0.0.1/{}/{}/v1" in caplog.text


# ------------------------------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0),
        ("30", 30),
        ("999999", 3600),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("Sun, 22 Nov 2099 09:00:00 GMT", 3600),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("9" * 50, None),
    ],
)
def test_retry_after(value: str | None, wait: int | None) -> None:
    meant = retry_after(value, datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC))
    assert meant == (None if wait is None else timedelta(seconds=wait))
