"""What a host sends: proved, then read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.events import Event


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One webhook request as it came: header names in lower case, the body's exact bytes."""

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


class Intake(Protocol):
    def verify(self, request: RawRequest, now: datetime) -> str:
        """Prove the request and answer its dedupe key (unique within the connection, for ever).

        Raises `Unverified` (bad, missing or stale signature), `Malformed` or `Ping`. Looks at
        nothing but the request and the connection's settings: no call goes out.
        """
        ...

    def read(self, request: RawRequest) -> Sequence[Event]:
        """What the delivery means. Pure. Raises `Malformed` or `Unrecognised`."""
        ...
