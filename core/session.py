"""Short sessions of the sidebar: a token that a page holds in memory, known here by its hash only.

Whoever a helpdesk vouched for gets one for its own connection; it is no cookie, ends by itself, and
can be ended at once. Signed pages are taken once: their tokens are remembered until they expire.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.record import Record, Table
from core.store import AlreadyExists, Reader, Tx

#: An agent's shift, about; whoever opens the ticket again gets a new one.
LASTS = timedelta(hours=8)
#: How long an unused session stays good.
IDLE = timedelta(hours=1)
#: Use is written down at most this often.
_NOTED_EVERY = timedelta(minutes=5)


class NoSession(AmendsError):
    """The session is unknown, over or ended: open the ticket again."""


class UsedBefore(AmendsError):
    """This signed page was opened before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Record):
    """`id` is the SHA-256 of the token, in hex. `agent_id` is the helpdesk's own id of the agent;
    `origin` the page that may frame or call us (`https://acme.zendesk.com`)."""

    TABLE: ClassVar[Table] = Table(name="sidebar_sessions", index=(("connection_id", "agent_id"),))

    connection_id: str
    agent_id: str
    origin: str
    begun_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedToken(Record):
    """`id` is the SHA-256 of a signed token that was taken, kept until it expires."""

    TABLE: ClassVar[Table] = Table(name="used_tokens", index=(("expires_at",),))

    expires_at: datetime


def begin(tx: Tx, connection_id: str, agent_id: str, origin: str, moment: Moment) -> str:
    """A new session; answers its token, which is shown this once."""
    token = secrets.token_urlsafe(32)
    tx.add(
        Session(
            id=_hash(token),
            connection_id=connection_id,
            agent_id=agent_id,
            origin=origin,
            begun_at=moment.now,
            used_at=moment.now,
            expires_at=moment.now + LASTS,
        )
    )
    return token


def find(reader: Reader, token: str, now: datetime) -> Session:
    """Raises `NoSession`."""
    found = reader.get(Session, _hash(token))
    over = found is None or found.ended_at is not None or now >= found.expires_at
    if found is None or over or now - found.used_at >= IDLE:
        raise NoSession("this page has been open for too long; open the ticket again")
    return found


def is_stale(session: Session, now: datetime) -> bool:
    """Whether its use should be written down (`use`)."""
    return now - session.used_at >= _NOTED_EVERY


def use(tx: Tx, session: Session, now: datetime) -> None:
    """It is in use: the time it may stand idle starts again."""
    locked = tx.lock(Session, session.id)
    if locked is not None and locked.ended_at is None:
        tx.put(replace(locked, used_at=now))


def end(tx: Tx, session: Session, now: datetime) -> None:
    tx.put(replace(session, ended_at=now))


def end_all(tx: Tx, person_id: str, now: datetime) -> int:
    """All of a person's, in every helpdesk; answers how many."""
    rows = [
        row
        for account in tx.find(PersonIdentity, person_id=person_id, kind="helpdesk")
        for row in tx.find(Session, connection_id=account.connection_id, agent_id=account.value)
        if row.ended_at is None and row.expires_at > now
    ]
    for row in rows:
        end(tx, row, now)
    return len(rows)


def person_of(reader: Reader, session: Session) -> Person | None:
    """Who this agent is; None: no active person is linked to that helpdesk account."""
    rows = reader.find(
        PersonIdentity,
        kind="helpdesk",
        connection_id=session.connection_id,
        value=session.agent_id,
        limit=1,
    )
    person = reader.get(Person, rows[0].person_id) if rows else None
    return person if person is not None and person.active else None


def take_once(tx: Tx, signed: str, expires_at: datetime) -> None:
    """Raises `UsedBefore` where this signed token was taken before."""
    id = _hash(signed)
    if tx.get(UsedToken, id) is not None:
        raise UsedBefore("this page was opened before; open the ticket again")
    try:
        tx.add(UsedToken(id=id, expires_at=expires_at))
    except AlreadyExists:
        raise UsedBefore("this page was opened before; open the ticket again") from None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
