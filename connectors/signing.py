"""Proving that a webhook request comes from its host: what every intake needs, once.

Whatever a header holds (nothing, 64 kB, other scripts' digits, a thousand signatures), the answer
is `Unverified` and never another exception: forged input must not become a fault of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.strict import Json, NotJson
from connectors.strict import read_json as _read_json
from core.ports import Malformed, RawRequest, Unverified

HEADER_MAX = 1024
SIGNATURES_MAX = 8
BODY_MAX = 1024 * 1024

_PRINTABLE = re.compile(r"[\x20-\x7e]+", re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_UNIX = re.compile(r"[1-9][0-9]{8,10}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def header(request: RawRequest, name: str, *, length_max: int = HEADER_MAX) -> str:
    """The value of a header that must be there. `name` in lower case. Raises `Unverified`."""
    value = request.headers.get(name)
    if value is None:
        raise Unverified(f"the request has no {name} header")
    if len(value) > length_max:
        raise Unverified(f"the {name} header is longer than {length_max} characters")
    if _PRINTABLE.fullmatch(value) is None:
        raise Unverified(f"the {name} header is empty or not plain ASCII")
    return value


def check_base64(given: Sequence[str], keys: Iterable[str], message: bytes) -> None:
    """One of the signatures given must be the base64 HMAC-SHA256 of `message` under one of `keys`
    (two while a secret is being changed). Raises `Unverified`."""
    _check(given, [base64.b64encode(mac).decode() for mac in _macs(keys, message)])


def check_hex(given: Sequence[str], keys: Iterable[str], message: bytes) -> None:
    """As `check_base64`, in lower-case hexadecimal."""
    _check(given, [mac.hex() for mac in _macs(keys, message)])


def check_secret(given: str, keys: Iterable[str]) -> None:
    """For hosts that cannot sign: the header itself must be the secret. Raises `Unverified`."""
    _check([given], [key for key in keys if key])


def _macs(keys: Iterable[str], message: bytes) -> list[bytes]:
    # An empty secret would make a signature anybody can compute.
    return [hmac.digest(key.encode(), message, hashlib.sha256) for key in keys if key]


def _check(given: Sequence[str], wanted: Sequence[str]) -> None:
    if not wanted:
        raise Unverified("this connection has no signing secret; install it again")
    if len(given) > SIGNATURES_MAX:
        raise Unverified(f"the request carries more than {SIGNATURES_MAX} signatures")
    matched = False
    for one in given:
        for other in wanted:
            # No early end: the time taken says nothing about which matched.
            matched |= hmac.compare_digest(
                one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
            )
    if not matched:
        raise Unverified("the signature does not match the body")


def iso_instant(text: str) -> datetime:
    """Exactly `YYYY-MM-DDTHH:MM:SSZ`, ASCII. Raises `Unverified`."""
    if _ISO.fullmatch(text) is None:
        raise Unverified("the timestamp is not of the form YYYY-MM-DDTHH:MM:SSZ")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Unverified("the timestamp is not a real date and time") from None


def unix_instant(text: str) -> datetime:
    """Whole seconds since 1970 in ASCII digits, no sign, no exponent. Raises `Unverified`."""
    if _UNIX.fullmatch(text) is None:
        raise Unverified("the timestamp is not a plain number of seconds")
    return datetime.fromtimestamp(int(text), UTC)


def check_fresh(at: datetime, now: datetime, window: timedelta) -> None:
    """Neither older nor further in the future than `window`. Raises `Unverified`."""
    if abs(now - at) > window:
        raise Unverified(f"the timestamp is more than {int(window.total_seconds())} seconds off")


def new_path_token() -> str:
    """A connection's unguessable part of its webhook address: 256 bits."""
    return secrets.token_urlsafe(32)


def is_path_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def read_json(body: bytes, *, size_max: int = BODY_MAX, depth_max: int = 32) -> Json:
    """A delivery's body, strictly read (see `connectors.strict`). Raises `Malformed`."""
    try:
        return _read_json(body, size_max=size_max, depth_max=depth_max)
    except NotJson as problem:
        raise Malformed(f"the body cannot be read as JSON: {problem}") from None
