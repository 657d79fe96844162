"""Canonical JSON: one text for one document, so that hashes mean the same for ever.

Sorted keys, no spaces, Unicode in NFC, whole numbers only (a float raises), UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence


def canonical(document: object) -> bytes:
    """Raises `TypeError` for anything but text, whole numbers, yes/no, None, mappings, lists."""
    return json.dumps(
        _plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def digest(kind: str, version: int, document: object) -> str:
    """SHA-256 in hex over `kind`, `version` and the document."""
    return hashlib.sha256(canonical({"kind": kind, "v": version, "of": document})).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {unicodedata.normalize("NFC", str(key)): _plain(v) for key, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(v) for v in value]
    raise TypeError(f"a stored document cannot hold {type(value).__name__}")
