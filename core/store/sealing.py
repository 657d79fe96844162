"""Secrets at rest: AES-256-GCM, bound to the place they stand in.

A sealed text moved to another workspace, table, row or column does not open there, so nobody who
can write the database can make one connection use another's token. Keys come from outside the
database; the first of a ring seals, all of them open, which is how keys are rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import AmendsError

_FORMAT = "v1"
_KEY_FORMAT = "amk1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_DAMAGED = "a key is damaged: take it again, whole, from where it is kept"


class BadKey(AmendsError):
    """A key's text is damaged, or there is none. The message never holds it."""


class SealBroken(AmendsError):
    """A sealed text does not open: changed, moved from another place, or under a key we lack."""


class Place(NamedTuple):
    """Where a sealed text stands."""

    workspace: str
    table: str
    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    secret: bytes = field(repr=False)


def new_key() -> str:
    """A new random key as the text to keep: format, id, key and a check against typing errors."""
    secret = secrets.token_bytes(_KEY_BYTES)
    id = secrets.token_hex(4)
    return ".".join((_KEY_FORMAT, id, _to_text(secret), _check_value(id, secret)))


def read_keys(text: str) -> tuple[Key, ...]:
    """Keys divided by blanks or commas, the sealing one first. Raises `BadKey`."""
    keys = tuple(_read_key(part) for part in text.replace(",", " ").split())
    if not keys:
        raise BadKey(
            "no key is set: make one with `amends keys new` and keep it out of the database"
        )
    if len({key.id for key in keys}) < len(keys):
        raise BadKey("two keys have the same id; remove one")
    return keys


def _read_key(text: str) -> Key:
    parts = text.split(".")
    if len(parts) == 4 and parts[0] == _KEY_FORMAT:
        _, id, encoded, check = parts
        secret = _from_text(encoded)
        if secret is None or len(secret) != _KEY_BYTES:
            raise BadKey(_DAMAGED)
        if hmac.compare_digest(_check_value(id, secret).encode(), check.encode()):
            return Key(id, secret)
    raise BadKey(_DAMAGED)


def _check_value(id: str, secret: bytes) -> str:
    return hmac.new(secret, f"amends key {id}".encode(), hashlib.sha256).hexdigest()[:8]


class Sealer:
    """Seals with the first key, opens with any. Holds keys: never printed, never stored."""

    def __init__(self, keys: Iterable[Key]) -> None:
        ring = tuple(keys)
        if not ring:
            raise BadKey("no key is set: make one with `amends keys new`")
        self._newest = ring[0].id
        self._ciphers = {key.id: AESGCM(key.secret) for key in ring}

    def __repr__(self) -> str:
        return f"Sealer(keys {', '.join(self._ciphers)})"

    def seal(self, plain: str, place: Place) -> str:
        """`v1.<key id>.<nonce, ciphertext and tag in base64>`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self._newest]
        sealed = nonce + cipher.encrypt(nonce, plain.encode(), _bound(self._newest, place))
        return f"{_FORMAT}.{self._newest}.{_to_text(sealed)}"

    def open(self, sealed: str, place: Place) -> str:
        """Raises `SealBroken`."""
        format, key_id, data = _parts(sealed)
        cipher = self._ciphers.get(key_id)
        if format != _FORMAT or cipher is None:
            raise SealBroken(
                f"{_where(place)} is sealed with key {key_id!r}, which is not among ours: "
                "add that key to the setting"
            )
        try:
            nonce, body = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            return cipher.decrypt(nonce, body, _bound(key_id, place)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(
                f"{_where(place)} was changed or moved from another place: enter the secret again"
            ) from None

    def is_old(self, sealed: str) -> bool:
        """Whether it is under another key than new ones are. Raises `SealBroken`."""
        return _parts(sealed)[1] != self._newest

    def renew(self, sealed: str, place: Place) -> str:
        """The same secret under the newest key. Raises `SealBroken`."""
        return self.seal(self.open(sealed, place), place)


def _parts(sealed: str) -> tuple[str, str, bytes]:
    parts = sealed.split(".")
    data = _from_text(parts[2]) if len(parts) == 3 else None
    if data is None or len(parts[1]) > 32 or not parts[1].isalnum():
        raise SealBroken("this is no sealed text of ours: enter the secret again")
    return parts[0], parts[1], data


def _bound(key_id: str, place: Place) -> bytes:
    """A list, because joined names could run into each other."""
    return json.dumps([_FORMAT, key_id, *place], separators=(",", ":")).encode()


def _where(place: Place) -> str:
    return f"{place.table}.{place.column} of {place.row}"


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(text: str) -> bytes | None:
    """None unless it is exactly what `_to_text` makes: no second spelling of the same bytes."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _to_text(data) == text else None
