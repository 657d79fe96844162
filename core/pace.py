"""How fast a host may be called: one bucket for each connection, kept in the database.

The host's own figures fill the bucket (headers, or a cost in the body), and every process takes
small shares out of it before it calls, so that all of them together stay below the limit. A tenth
is left to the people who use the same account. A call that must wait is told how long; nobody
sleeps here.

Hosts count in two ways: so many calls in a window, all of which come back when it ends, or points
that come back steadily. https://developer.zendesk.com/api-reference/introduction/rate-limits/ and
https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from core.errors import AmendsError
from core.record import Record, Table
from core.store import AlreadyExists, Store, Tx

log = logging.getLogger(__name__)

#: One part in so many of a limit is taken as a share at once, and one part is left to people.
SHARES = 20
SPARED = 10
#: A share is no larger than this part of what is left, so that something is left for late comers.
_OF_LEFT = 4
#: How old what a process knows of the bucket may be, and how long it may keep a share unused where
#: no window's end ends it.
FRESH = timedelta(seconds=1)
SHARE_LIFE = timedelta(seconds=5)
#: Ends of one window are told with whole seconds by some hosts.
_SAME_WINDOW = timedelta(seconds=1)
#: A share that was let out into a window without a word of the host's is asked after so long again.
_UNSURE = timedelta(seconds=1)
_SECOND = 1_000_000  # microseconds
_MOST = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace(Record):
    """The bucket of a connection, whose id it has. `left` of `most` could be taken at `seen_at`.

    All of it comes back at `refills_at`, or, where `per_second` is above zero, steadily. `most` is
    zero for a host that tells no figures. Nothing goes out before `shut_until`. `sure`: the host
    has said something of this window; until then a single share of it is let out.
    """

    TABLE: ClassVar[Table] = Table(name="paces")

    most: int
    left: int
    per_second: int
    seen_at: datetime
    refills_at: datetime | None = None
    shut_until: datetime | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a host has just said of its limit; zeros where it says nothing.

    resets_in: until the window ends, where told; `window` is its whole length. shut_for: it
    refuses everything for so long.
    """

    most: int = 0
    left: int = 0
    per_second: int = 0
    resets_in: timedelta | None = None
    window: timedelta = timedelta(minutes=1)
    shut_for: timedelta | None = None

    def __post_init__(self) -> None:
        figures = (self.most, self.left, self.per_second)
        if not all(0 <= figure <= _MOST for figure in figures):
            raise ValueError("a limit is a number from zero to a thousand million")


def refilled(pace: Pace, now: datetime) -> Pace:
    """What has come back by now."""
    if pace.per_second:
        passed = max(timedelta(0), now - pace.seen_at)
        gained = passed // timedelta(microseconds=1) * pace.per_second // _SECOND
        at = pace.seen_at + timedelta(microseconds=gained * _SECOND // pace.per_second)
        return replace(pace, left=min(pace.most, pace.left + gained), seen_at=at)
    if pace.refills_at is not None and pace.refills_at <= now:
        # What ends at some hosts is only the time of the oldest call: they say how much came back.
        left = min(pace.most, _spared(pace) + max(1, pace.most // SHARES))
        return replace(pace, left=left, seen_at=now, refills_at=now + _UNSURE, sure=False)
    return pace


def heard(pace: Pace, reading: Reading, at: datetime) -> Pace:
    """The bucket by what the host said at `at`.

    Within a window a host's figure only lowers ours: shares that were taken and not used yet are
    not in it. It raises ours where it shows that a new window began.
    """
    if reading.shut_for is not None:
        shut = at + reading.shut_for
        pace = replace(pace, shut_until=max(shut, pace.shut_until or shut))
    if not reading.most:
        return pace
    pace = refilled(pace, at)
    left = min(reading.left, reading.most)
    if reading.per_second:
        slack = pace.left + reading.most // SHARES if pace.most else left
        known = replace(pace, left=min(left, slack), seen_at=max(at, pace.seen_at))
        return replace(known, most=reading.most, per_second=reading.per_second, refills_at=None)
    return _in_window(replace(pace, most=reading.most, per_second=0), reading, left, at, pace.most)


def _in_window(pace: Pace, reading: Reading, left: int, at: datetime, before: int) -> Pace:
    if before and at < pace.seen_at:
        return pace  # said of a window that is over
    told = reading.resets_in
    ends = at + (reading.window if told is None else told)
    if before != pace.most or not pace.sure or pace.refills_at is None:
        return replace(pace, left=left, refills_at=ends, sure=True)
    later = told is not None and ends > pace.refills_at + _SAME_WINDOW
    began_early = told is None and left > pace.left + pace.most // 2
    if later or began_early:
        return replace(pace, left=left, seen_at=at, refills_at=ends)
    # The host knows better when it ends.
    ends = pace.refills_at if told is None else min(ends, pace.refills_at)
    return replace(pace, left=min(left, pace.left), refills_at=ends)


def wait_for(pace: Pace, cost: int, now: datetime) -> timedelta | None:
    """How long until `cost` can be taken; None for now."""
    shut = pace.shut_until
    if shut is not None and shut > now:
        return shut - now
    pace = refilled(pace, now)
    short = min(cost + _spared(pace), pace.most) - pace.left
    if not pace.most or short <= 0:
        return None
    if pace.per_second:
        return timedelta(microseconds=short * _SECOND // pace.per_second + 1)
    return max(_SAME_WINDOW / 10, (pace.refills_at or now) - now)


def take(pace: Pace, cost: int, now: datetime) -> tuple[Pace, int]:
    """A share of at least `cost`, where `wait_for` says nothing."""
    pace = refilled(pace, now)
    share = min(pace.most // SHARES, (pace.left - _spared(pace)) // _OF_LEFT)
    taken = max(cost, share)
    return replace(pace, left=max(0, pace.left - taken)), taken


def _spared(pace: Pace) -> int:
    return pace.most // SPARED


class Pacer:
    """One connection's bucket as a process uses it. Safe to share among threads.

    `now` is the machine's own time, which the processes of an installation share.
    """

    def __init__(self, store: Store, connection_id: str, now: Callable[[], datetime]) -> None:
        self._store, self._id, self._now = store, connection_id, now
        self._lock = threading.Lock()
        self._known: Pace | None = None
        self._looked_at: datetime | None = None
        self._share, self._share_until = 0, now()
        self._said: tuple[Reading, datetime] | None = None

    def ask(self, cost: int = 1) -> timedelta | None:
        """Before a call: None to go, else how long to come back after. Where the database does not
        answer the call may go: what it is for cannot be kept then anyhow."""
        with self._lock:
            try:
                return self._ask(cost, self._now())
            except AmendsError as error:
                log.warning("the pace of %s cannot be looked up: %s", self._id, error)
                return None

    def tell(self, reading: Reading) -> None:
        """After a call. Written down with the next share, or at once where the others have to know:
        the first figures, and a host that shuts."""
        with self._lock:
            now = self._now()
            with suppress(AmendsError):
                if self._must_be_known(reading, now):
                    with self._store.write() as tx:
                        self._keep(tx, heard(self._row(tx, now), reading, now), now)
                    return
            self._said = (reading, now)
            if reading.most:  # others use the account too: no share is worth more than what is left
                self._share = max(0, min(self._share, reading.left - reading.most // SPARED))

    def _ask(self, cost: int, now: datetime) -> timedelta | None:
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at < FRESH:
            with self._store.read() as reader:
                self._known = reader.get(Pace, self._id)
            self._looked_at = now
        known = self._known
        if known is None:
            return None
        shut = known.shut_until
        if shut is not None and shut > now:
            return shut - now
        if not known.most:
            return None
        if self._share >= cost and now < self._share_until:
            self._share -= cost
            return None
        wait = wait_for(self._with_said(known), cost, now)
        return wait if wait is not None else self._take_share(cost, now)

    def _take_share(self, cost: int, now: datetime) -> timedelta | None:
        with self._store.write() as tx:
            row = self._with_said(self._row(tx, now))
            wait = wait_for(row, cost, now)
            taken = 0
            if wait is None:
                row, taken = take(row, cost, now)
            self._keep(tx, row, now)
        self._said = None
        if wait is None:
            self._share = taken - cost
            self._share_until = row.refills_at or now + SHARE_LIFE
        return wait

    def _with_said(self, pace: Pace) -> Pace:
        return heard(pace, *self._said) if self._said else pace

    def _must_be_known(self, reading: Reading, now: datetime) -> bool:
        known = self._known
        if reading.shut_for is not None:
            shut = known.shut_until if known else None
            return shut is None or shut < now + reading.shut_for - FRESH
        return reading.most > 0 and (known is None or not known.most)

    def _row(self, tx: Tx, now: datetime) -> Pace:
        """The bucket, locked; an empty one of an unknown host where there is none yet."""
        row = tx.lock(Pace, self._id)
        if row is None:
            row = Pace(id=self._id, most=0, left=0, per_second=0, seen_at=now)
            try:
                tx.add(row)
            except AlreadyExists:  # another process was first
                row = tx.lock(Pace, self._id) or row
        return row

    def _keep(self, tx: Tx, pace: Pace, now: datetime) -> None:
        tx.put(pace)
        self._known, self._looked_at = pace, now
