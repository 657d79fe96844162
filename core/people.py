"""Staff: one id a person, many identities; and what a role may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from core.record import Doc, Record, Table

ROLES = ("agent", "approver", "admin", "finance", "ai_agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Record):
    """`roles` are of `ROLES`. `email` is in lower case."""

    TABLE: ClassVar[Table] = Table(name="people", unique=(("email",),))

    name: str
    email: str
    roles: Doc
    created_at: datetime
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonIdentity(Record):
    """A helpdesk agent, a sign-in or a token, as one person. `connection_id` is empty where the
    identity is not of a connection."""

    TABLE: ClassVar[Table] = Table(
        name="person_identities",
        unique=(("kind", "connection_id", "value"),),
        index=(("person_id",),),
    )

    person_id: str
    kind: str  # helpdesk | sso | token
    connection_id: str
    value: str
    linked_at: datetime
    linked_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation(Record):
    """From the first to the last day, `delegate_id` may agree to what `person_id` may agree to,
    out of that person's authority. It is not handed on."""

    TABLE: ClassVar[Table] = Table(name="delegations", index=(("delegate_id",), ("person_id",)))

    person_id: str
    delegate_id: str
    first_day: date
    last_day: date
    made_at: datetime
    ended: bool = False

    def holds(self, day: date) -> bool:
        return not self.ended and self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace(Record):
    """The one row of a workspace's own settings. `halted_why` stops all payouts (the breaker, or a
    restored backup that has not been swept)."""

    TABLE: ClassVar[Table] = Table(name="workspaces")

    name: str
    zone: str
    first_weekday: int
    created_at: datetime
    halted_why: str | None = None
