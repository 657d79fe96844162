"""Forged input is refused in one word and never becomes a fault of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors import signing
from core.ports import Malformed, RawRequest, Unverified

KEY, BODY = "whsec-literal==", b'{"a":1}'
MAC = hmac.new(KEY.encode(), BODY, hashlib.sha256).digest()
B64, HEX = base64.b64encode(MAC).decode(), MAC.hex()


def test_right_signatures_pass() -> None:
    signing.check_base64([B64], [KEY], BODY)
    signing.check_hex([HEX], [KEY], BODY)
    signing.check_hex(["0" * 64, HEX], ["old", KEY], BODY)
    signing.check_secret(KEY, ["old", KEY])


@pytest.mark.parametrize(
    "given",
    [
        [],
        [""],
        [HEX.upper()],
        [HEX[:-1]],
        [HEX + "0"],
        ["é" * 64],
        ["\ud800"],
        [" " + HEX],
        [HEX] * 9,
        [hmac.new(KEY.encode(), BODY, hashlib.sha1).hexdigest()],
        [hmac.new(b"", BODY, hashlib.sha256).hexdigest()],
    ],
)
def test_wrong_signatures_are_unverified(given: list[str]) -> None:
    with pytest.raises(Unverified):
        signing.check_hex(given, [KEY], BODY)


@pytest.mark.parametrize("keys", [[], [""], ["", ""]])
def test_no_key_proves_nothing(keys: list[str]) -> None:
    empty = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    with pytest.raises(Unverified):
        signing.check_hex([empty], keys, BODY)
    with pytest.raises(Unverified):
        signing.check_secret("", keys)


def test_base64_must_be_written_as_the_host_writes_it() -> None:
    """The last digit has spare bits: another spelling of the same bytes is not the signature."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = B64[:-2] + digits[digits.index(B64[-2]) ^ 1] + "="
    assert base64.b64decode(other) == MAC
    with pytest.raises(Unverified):
        signing.check_base64([other], [KEY], BODY)


def test_every_comparison_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No early end, so the time taken does not tell which key or signature matched (W9)."""
    made = []
    real = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        made.append(one)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    signing.check_hex([HEX, "0" * 64], [KEY, "other"], BODY)
    assert len(made) == 4


TIMES = ["", "1e9", "+1700000000", "-1700000000", " 1700000000", "1700000000 ", "1700000000\n",
         "١٧٠٠٠٠٠٠٠٠", "１７００００００００", "NaN",
         "Infinity", "1_700_000_000", "1700000000.0", "0",
         "01700000000", "9" * 64, "0x65", "2026-01-08T10:12:07", "2026-01-08 10:12:07Z",
         "2026-01-08T10:12:07z", "2026-01-08T10:12:07.000Z", "2026-01-08T10:12:07+00:00",
         "2026-13-08T10:12:07Z", "2026-02-30T10:12:07Z", "2026-01-08T24:12:07Z",
         "2026-01-08T10:12:60Z", "٢٠٢٦-01-08T10:12:07Z", "2026-01-08T10:12:07Z\n",
         "0000-01-08T10:12:07Z", "20260108T101207Z"]  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
@pytest.mark.parametrize("parse", [signing.iso_instant, signing.unix_instant])
def test_odd_timestamps_are_unverified(parse: Callable[[str], datetime], text: str) -> None:
    with pytest.raises(Unverified):
        parse(text)


def test_timestamps_and_freshness() -> None:
    at = signing.iso_instant("2026-01-08T10:12:07Z")
    assert at == datetime(2026, 1, 8, 10, 12, 7, tzinfo=UTC)
    assert signing.unix_instant("1767867127") == at
    window = timedelta(minutes=5)
    for off in (-300, 0, 300):
        signing.check_fresh(at, at + timedelta(seconds=off), window)
    for off in (-301, 301, 10**9):
        with pytest.raises(Unverified):
            signing.check_fresh(at, at + timedelta(seconds=off), window)


@pytest.mark.parametrize(
    "value", [None, "", "x" * 1025, "x" * 65536, "é", "a\nb", "\x00", "\ud800"]
)
def test_odd_headers_are_unverified(value: str | None) -> None:
    request = RawRequest({} if value is None else {"x-sig": value}, b"")
    with pytest.raises(Unverified):
        signing.header(request, "x-sig")


def test_path_tokens() -> None:
    tokens = {signing.new_path_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(signing.is_path_token, tokens))
    assert not any(map(signing.is_path_token, ["", "a", "../" * 14 + "x", "é" * 43, "a" * 44]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1}x',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":1}',
        b'{"x":{"a":1,"a":2}}',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-32-le"),
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\uDFFF x"}',
        b'{"\\ud800":1}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b"'a'",
        b'{"a":"' + b"x" * 1024 * 1024 + b'"}',
    ],
)
def test_odd_bodies_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        signing.read_json(body)


def test_numbers_are_never_floats() -> None:
    read = signing.read_json(b'{"a":1.10,"b":1e5,"c":-7,"d":12345678901234567890,"e":[0.1]}')
    assert read == {"a": "1.10", "b": "1e5", "c": -7, "d": 12345678901234567890, "e": ["0.1"]}
    assert signing.read_json(b"[" * 32 + b"]" * 32)
    assert signing.read_json('{"ن":"\\ud83d\\ude00 é"}'.encode()) == {"ن": "😀 é"}
