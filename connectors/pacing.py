"""What a host's answers say of waiting: `Retry-After`, and readings of the connection's bucket
(`core.pace`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.pace import Pacer, Reading
from core.ports import Rate

WAIT_MAX = timedelta(hours=1)
#: How long a host is left alone that refuses and does not say how long.
UNTOLD = timedelta(seconds=1)
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_FIGURE = re.compile(r"[0-9]{1,9}", re.ASCII)


def retry_after(value: str | None, now: datetime | None = None) -> timedelta | None:
    """A `Retry-After` header as a wait between nothing and an hour; None where it is nonsense."""
    if value is None or len(value) > 40:
        return None
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=int(value)), WAIT_MAX)
    try:
        wait = parsedate_to_datetime(value) - (now or datetime.now(UTC))
    except (TypeError, ValueError, OverflowError):
        return None
    return max(timedelta(0), min(wait, WAIT_MAX))


class Gauge:
    """Between a connection's way out and its bucket."""

    def __init__(self, rate: Rate, pacer: Pacer) -> None:
        self._rate, self._pacer = rate, pacer

    def ask(self) -> timedelta | None:
        """None: the call may go. Else how long to come back after."""
        return self._pacer.ask(self._rate.cost)

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """`headers` answer to any spelling of their names."""
        found = reading(self._rate, status, headers)
        if found is not None:
            self._pacer.tell(found)

    def tell(self, found: Reading) -> None:
        """For hosts that say it in the body."""
        self._pacer.tell(found)


def reading(rate: Rate, status: int, headers: Mapping[str, str]) -> Reading | None:
    """None where the answer says nothing of the connection's limit."""
    most, left = _figure(headers, rate.most), _figure(headers, rate.left)
    resets = _figure(headers, rate.resets)
    if most is None or left is None:
        most, left = 0, 0
    shut_for = None
    if status == 429 and _is_whole(rate, headers, left):
        shut_for = retry_after(headers.get("retry-after")) or UNTOLD
    if not most and shut_for is None:
        return None
    return Reading(
        most=most,
        left=left,
        resets_in=shut_for if resets is None else timedelta(seconds=min(resets, 3600)),
        window=rate.window,
        shut_for=shut_for,
    )


def _is_whole(rate: Rate, headers: Mapping[str, str], left: int) -> bool:
    """Whether a 429 is about the account and not about one ticket, one kind of call, one lock."""
    if rate.blames:
        return headers.get(rate.blames, "").lower() in rate.whole
    return left == 0


def _figure(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "") if name else ""
    return int(value) if _FIGURE.fullmatch(value) else None
