"""Sign-in of staff: one-time links, and sessions that a browser's cookie names.

Whoever has a link is signed in as its person, once, and only by pressing a button; whoever has no
link asks for one, and then it works only in the browser that asked. Links and cookies are known
here by their SHA-256 only.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from core.errors import AmendsError
from core.moment import Moment
from core.people import Person
from core.record import Record, Table
from core.store import Reader, Tx

#: How long a link from an admin is good, and one that was asked for on the page.
INVITED = timedelta(days=3)
ASKED = timedelta(minutes=30)
#: How long somebody stays signed in at the most, and without coming back.
LASTS = timedelta(days=14)
IDLE = timedelta(days=4)
#: After so long a cookie is exchanged for a new one; the old one still counts for requests that
#: were sent at the same moment.
_RENEWED_AFTER = timedelta(hours=8)
_OVERLAP = timedelta(seconds=30)
_NOTED_EVERY = timedelta(minutes=5)
#: Links of a person that wait to be used, at the most.
_OPEN_LINKS = 5


class NotInvited(AmendsError):
    """The link is unknown, used, too old, or was asked for in another browser."""


class TooManyLinks(AmendsError):
    """Enough links of this person wait to be used."""


class NotSignedIn(AmendsError):
    """Nobody is signed in here (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink(Record):
    """`id` is the SHA-256 of the token in the link. `leads_to` is the path of ours that its person
    wanted; `browser` the hash of the mark of the browser that asked, None where an admin did."""

    TABLE: ClassVar[Table] = Table(name="sign_in_links", index=(("person_id",), ("expires_at",)))

    person_id: str
    leads_to: str
    made_at: datetime
    expires_at: datetime
    browser: str | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(Record):
    """`id` is the SHA-256 of the cookie. `begun_at` is when its person pressed the button, however
    often the cookie was exchanged since (`made_at`)."""

    TABLE: ClassVar[Table] = Table(name="sign_ins", index=(("person_id",), ("expires_at",)))

    person_id: str
    begun_at: datetime
    made_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    exchanged: bool = False


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def invite(
    tx: Tx, person: Person, moment: Moment, *, leads_to: str = "/", browser: str | None = None
) -> str:
    """A new link's token, which is shown this once. With `browser` (its mark) it is one that was
    asked for. Raises `TooManyLinks`, `NotInvited` where the person is not active."""
    if not person.active:
        raise NotInvited(f"{person.name} is not active any more")
    rows = tx.find(SignInLink, person_id=person.id)
    waiting = [row for row in rows if row.used_at is None and row.expires_at > moment.now]
    if browser is not None and len([row for row in waiting if row.browser]) >= _OPEN_LINKS:
        raise TooManyLinks("enough links have been sent; use one of them, or wait half an hour")
    token = secrets.token_urlsafe(32)
    tx.add(
        SignInLink(
            id=hash_of(token),
            person_id=person.id,
            leads_to=leads_to,
            made_at=moment.now,
            expires_at=moment.now + (INVITED if browser is None else ASKED),
            browser=None if browser is None else hash_of(browser),
        )
    )
    return token


def look(reader: Reader, token: str, browser: str | None, now: datetime) -> Person:
    """Whose link this is; nothing changes by looking. Raises `NotInvited`."""
    return _invited(reader, reader.get(SignInLink, hash_of(token)), browser, now)


def redeem(
    tx: Tx, token: str, now: datetime, *, browser: str | None, before: str | None
) -> tuple[str, SignInLink]:
    """Use the link up: the new cookie, and the link. What the browser was signed in as `before`
    ends. Raises `NotInvited`."""
    link = tx.lock(SignInLink, hash_of(token))
    person = _invited(tx, link, browser, now)
    assert link is not None
    tx.put(replace(link, used_at=now))
    if before is not None:
        sign_out(tx, before, now)
    return _begin(tx, person.id, begun_at=now, now=now, expires_at=now + LASTS), link


def _invited(reader: Reader, link: SignInLink | None, browser: str | None, now: datetime) -> Person:
    if link is None or link.used_at is not None or now >= link.expires_at:
        raise NotInvited("this link was used already, or is too old")
    if link.browser is not None and (browser is None or hash_of(browser) != link.browser):
        raise NotInvited("this link works only in the browser in which it was asked for")
    person = reader.get(Person, link.person_id)
    if person is None or not person.active:
        raise NotInvited("whoever this link was for is not active any more")
    return person


def find(reader: Reader, cookie: str, now: datetime) -> tuple[SignIn, Person]:
    """Raises `NotSignedIn`."""
    row = reader.get(SignIn, hash_of(cookie))
    over = row is None or row.ended_at is not None or now >= row.expires_at
    if row is None or over or now - row.used_at >= IDLE:
        raise NotSignedIn("sign in first")
    person = reader.get(Person, row.person_id)
    if person is None or not person.active:
        raise NotSignedIn("sign in first")
    return row, person


def is_stale(row: SignIn, now: datetime) -> bool:
    """Whether its use should be written down (`use`)."""
    return not row.exchanged and now - row.used_at >= _NOTED_EVERY


def use(tx: Tx, cookie: str, now: datetime) -> str | None:
    """It is in use; answers a new cookie where it is time to exchange it."""
    row = tx.lock(SignIn, hash_of(cookie))
    if row is None or row.ended_at is not None or row.exchanged or now >= row.expires_at:
        return None
    if now - row.made_at < _RENEWED_AFTER:
        tx.put(replace(row, used_at=now))
        return None
    over = min(row.expires_at, now + _OVERLAP)
    tx.put(replace(row, used_at=now, exchanged=True, expires_at=over))
    return _begin(tx, row.person_id, begun_at=row.begun_at, now=now, expires_at=row.expires_at)


def sign_out(tx: Tx, cookie: str, now: datetime) -> None:
    """This browser is signed in no more."""
    found = tx.lock(SignIn, hash_of(cookie))
    if found is None:
        return
    # With it ends the cookie that it was exchanged for, or from.
    for row in tx.find(SignIn, person_id=found.person_id, begun_at=found.begun_at):
        if row.ended_at is None:
            tx.put(replace(row, ended_at=now))


def sign_out_everywhere(tx: Tx, person_id: str, now: datetime) -> int:
    """Every browser of a person, and every link that waits; answers how many sessions ended."""
    ended = 0
    for row in tx.find(SignIn, person_id=person_id):
        if row.ended_at is None and row.expires_at > now:
            tx.put(replace(row, ended_at=now))
            ended += 1
    for link in tx.find(SignInLink, person_id=person_id):
        if link.used_at is None:
            tx.put(replace(link, used_at=now))
    return ended


def _begin(
    tx: Tx, person_id: str, *, begun_at: datetime, now: datetime, expires_at: datetime
) -> str:
    cookie = secrets.token_urlsafe(32)
    tx.add(
        SignIn(
            id=hash_of(cookie),
            person_id=person_id,
            begun_at=begun_at,
            made_at=now,
            used_at=now,
            expires_at=expires_at,
        )
    )
    return cookie
