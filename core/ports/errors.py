"""What goes wrong at the edge: in what a host sends, and in reads and write-backs."""

from __future__ import annotations

from datetime import timedelta

from core.errors import AmendsError
from core.storable import storable


class Unverified(AmendsError):
    """The request is not proved to come from the host: answered 401, nothing is stored."""


class Malformed(AmendsError):
    """The request is not what the host sends: answered 400, nothing is stored."""


class Ping(AmendsError):
    """The host only tries whether the address answers: answered 200, nothing is stored. It proves
    nothing, so it means nothing else."""


class Unrecognised(AmendsError):
    """A proved delivery of a kind this connector does not understand: kept and shown as such."""


class HostError(AmendsError):
    """A read, or a write-back, that did not work. `retry_after` is what the host asked for."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(storable(message))
        self.retry_after = retry_after


class HostUnavailable(HostError):
    """Down, slow, or asking us to wait. The case waits and says so."""


class HostDenied(HostError):
    """Our access is not valid or lacks a permission: a person must reconnect."""


class HostNotFound(HostError):
    """The thing asked for does not exist at the host (any more)."""


class HostUnclear(HostError):
    """The host answered something we cannot read. Treated as no answer."""


class Unwritable(HostError):
    """The ticket cannot be written to for good (closed, deleted): a task for a person."""


class Unpayable(HostError):
    """This till cannot pay that: a remedy it does not claim, or a currency it does not move."""
