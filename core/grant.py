"""Access that a person gives a helpdesk's app to act as them: one-use codes, short tokens.

A yes on our page is a row, and everything that comes of it hangs on that row: the code, the tokens
that it was exchanged for, and those that came of these. Whatever is used a second time ends it,
because then two have it. Codes and tokens are known here by their SHA-256 only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.record import Record, Table
from core.signin import hash_of
from core.store import Reader, Tx

CODE_LASTS = timedelta(seconds=60)
ACCESS_LASTS = timedelta(minutes=30)
#: How long a refresh token is good, unused.
REFRESH_LASTS = timedelta(days=60)
#: A client whose answer was lost, or that asked from two tabs at once, asks again within this; the
#: same token later is somebody else's copy.
_ASKED_TWICE = timedelta(seconds=10)


class NoAccess(AmendsError):
    """The token is unknown, over, ended, or of somebody who may not act any more."""


class OtherAccount(AmendsError):
    """The person has no account, or not this one, in the helpdesk; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppGrant(Record):
    """One yes. `id` is the SHA-256 of its code, which is good until `code_until` and once
    (`code_used_at`); `challenge` that of the code's PKCE verifier (S256), if it has one."""

    TABLE: ClassVar[Table] = Table(name="app_grants", index=(("person_id",),))

    connection_id: str
    person_id: str
    redirect_uri: str
    challenge: str | None
    made_at: datetime
    code_until: datetime
    code_used_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppToken(Record):
    """`id` is the SHA-256 of the token; `kind` is access or refresh. `used_at` is when a refresh
    token was exchanged."""

    TABLE: ClassVar[Table] = Table(name="app_tokens", index=(("grant_id",), ("expires_at",)))

    kind: str
    grant_id: str
    expires_at: datetime
    used_at: datetime | None = None


def agree(
    tx: Tx,
    person: Person,
    connection_id: str,
    redirect_uri: str,
    challenge: str | None,
    moment: Moment,
) -> str:
    """The person said yes; answers the code, which is shown this once."""
    code = secrets.token_urlsafe(32)
    tx.add(
        AppGrant(
            id=hash_of(code),
            connection_id=connection_id,
            person_id=person.id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            made_at=moment.now,
            code_until=moment.now + CODE_LASTS,
        )
    )
    return code


def take_code(tx: Tx, code: str, connection_id: str, now: datetime) -> AppGrant | None:
    """Use a code up, whatever comes of it then. None: it is no good; where it was used before,
    what came of it is ended."""
    grant = tx.lock(AppGrant, hash_of(code))
    if grant is None or grant.connection_id != connection_id:
        return None
    if grant.code_used_at is not None:
        end(tx, grant, now)
        return None
    taken = replace(grant, code_used_at=now)
    tx.put(taken)
    return taken if now < grant.code_until and _holds(tx, taken) else None


def take_refresh(tx: Tx, token: str, connection_id: str, now: datetime) -> AppGrant | None:
    """Use a refresh token up; answers what it hangs on. None: it is no good; where it was used
    before, and not just now, everything that came of the same yes is ended."""
    row = tx.get(AppToken, hash_of(token))
    grant = tx.lock(AppGrant, row.grant_id) if row else None
    if grant is None or grant.connection_id != connection_id or not _holds(tx, grant):
        return None
    row = tx.lock(AppToken, hash_of(token))
    if row is None or row.kind != "refresh" or now >= row.expires_at:
        return None
    if row.used_at is None:
        tx.put(replace(row, used_at=now))
    elif now - row.used_at > _ASKED_TWICE:
        end(tx, grant, now)
        return None
    return grant


def keep(tx: Tx, grant: AppGrant, access: str, refresh: str, now: datetime) -> None:
    """Remember the tokens that are handed out."""
    for kind, token, lasts in (
        ("access", access, ACCESS_LASTS),
        ("refresh", refresh, REFRESH_LASTS),
    ):
        tx.add(AppToken(id=hash_of(token), kind=kind, grant_id=grant.id, expires_at=now + lasts))


def find_access(reader: Reader, token: str, connection_id: str, now: datetime) -> Person:
    """Whose access token this is. Raises `NoAccess`."""
    row = reader.get(AppToken, hash_of(token))
    grant = reader.get(AppGrant, row.grant_id) if row else None
    good = row is not None and row.kind == "access" and now < row.expires_at
    if not good or grant is None or grant.connection_id != connection_id or grant.ended_at:
        raise NoAccess("give the app access again")
    person = reader.get(Person, grant.person_id)
    if person is None or not person.active:
        raise NoAccess("give the app access again")
    return person


def grant_of(reader: Reader, token: str) -> AppGrant | None:
    """What a token, of either kind and in whatever state, hangs on."""
    row = reader.get(AppToken, hash_of(token))
    return reader.get(AppGrant, row.grant_id) if row else None


def accounts_of(reader: Reader, person: Person, connection_id: str) -> Sequence[str]:
    """The person's own ids in that helpdesk."""
    rows = reader.find(
        PersonIdentity, person_id=person.id, kind="helpdesk", connection_id=connection_id
    )
    return [row.value for row in rows]


def account_of(reader: Reader, person: Person, connection_id: str, said: str) -> str:
    """Their id in the helpdesk: what their browser `said` only chooses among those that are
    theirs. Raises `OtherAccount`."""
    theirs = accounts_of(reader, person, connection_id)
    if not theirs:
        raise OtherAccount(
            f"{person.email} has no account in this helpdesk here; ask your admin for "
            f"`amends person link {person.email} --helpdesk AGENT_ID --connection {connection_id}`"
        )
    if said not in theirs:
        raise OtherAccount(
            f"the app has access as {person.email}, who is somebody else in this helpdesk; "
            "take its access away and give it again as yourself"
        )
    return said


def end(tx: Tx, grant: AppGrant, now: datetime) -> None:
    """Nothing that came of this yes works any more."""
    locked = tx.lock(AppGrant, grant.id)
    if locked is not None and locked.ended_at is None:
        tx.put(replace(locked, ended_at=now))


def end_all(tx: Tx, person_id: str, now: datetime) -> int:
    """No app has access as this person any more; answers how many had."""
    rows = [row for row in tx.find(AppGrant, person_id=person_id) if row.ended_at is None]
    for row in rows:
        end(tx, row, now)
    return len(rows)


def _holds(reader: Reader, grant: AppGrant) -> bool:
    person = reader.get(Person, grant.person_id)
    return grant.ended_at is None and person is not None and person.active
