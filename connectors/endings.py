"""What an error says of the money: one answer for every till."""

from __future__ import annotations

from core.ports import Absent, Declined, HostError, HostNotFound, NotSent, Unknown, Unpayable


def before_sending(error: HostError) -> Declined | NotSent:
    """Of `pay`, where the request that moves the money did not go out. Whatever goes wrong after it
    is for whoever sent it to answer: `Unknown`, most of the time."""
    if isinstance(error, Unpayable):
        return Declined("unpayable", str(error))
    if isinstance(error, HostNotFound):
        return Declined("not_found", str(error))
    return NotSent(str(error), error.retry_after)


def while_asking(error: HostError) -> Absent | Unknown:
    """Of `find`. What this till does not pay is surely not there."""
    return Absent() if isinstance(error, Unpayable) else Unknown(str(error))


def while_taking_back(error: HostError) -> Declined | Unknown:
    """Of `reverse`."""
    if isinstance(error, Unpayable):
        return Declined("unpayable", str(error))
    return Unknown(str(error))
