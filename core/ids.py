"""Ids: UUIDv7 as text with a prefix that says what it names, made by us before any call."""

from __future__ import annotations

import secrets
import threading
import uuid

_lock = threading.Lock()
_last = 0


def new_id(prefix: str, now_ms: int) -> str:
    """`prefix_` and a UUIDv7 (RFC 9562, method 3): ordered by time, and within one millisecond.

    `now_ms` is Unix time in milliseconds, handed in because core has no clock of its own.
    """
    global _last
    with _lock:
        stamp = max((now_ms << 12) | secrets.randbits(11), _last + 1)
        _last = stamp
    value = ((stamp >> 12) & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= (stamp & 0xFFF) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return f"{prefix}_{uuid.UUID(int=value)}"
