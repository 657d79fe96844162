"""Who may see what. Every look-up of a case or a task goes through here, so that what somebody may
not see is, for them, not there.

Approvers, admins and finance see the whole workspace, and so does who stands in for one of them
today; an agent sees what they asked for; somebody without a role sees nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.authority import today
from core.case import Case, Task
from core.limits import roles_of
from core.people import Delegation, Person, PersonIdentity
from core.store import Reader

_EVERYTHING = frozenset({"approver", "admin", "finance"})
#: Cases and tasks on one page.
PAGE = 50
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Sight:
    """What this person sees. `accounts` are theirs at helpdesks: (connection, id there)."""

    person: Person
    everything: bool
    accounts: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def of_case(self, case: Case) -> bool:
        own = self.person.id in (case.requested_by, case.overridden_by)
        return self.everything or own or (case.desk_id, case.asked_by) in self.accounts


def sight_of(reader: Reader, person: Person, now: datetime) -> Sight | None:
    """None: these pages are not for them."""
    if roles_of(person) & _EVERYTHING or _stands_in(reader, person, now):
        return Sight(person, everything=True)
    if "agent" not in roles_of(person):
        return None
    rows = reader.find(PersonIdentity, person_id=person.id, kind="helpdesk")
    return Sight(person, False, frozenset((row.connection_id, row.value) for row in rows))


def _stands_in(reader: Reader, person: Person, now: datetime) -> bool:
    day = today(reader, now)
    for row in reader.find(Delegation, delegate_id=person.id):
        other = reader.get(Person, row.person_id) if row.holds(day) else None
        if other is not None and other.active and roles_of(other) & _EVERYTHING:
            return True
    return False


def case_of(reader: Reader, sight: Sight, case_id: str) -> Case | None:
    """None: there is none of this id, or none for these eyes."""
    found = reader.get(Case, case_id)
    return found if found is not None and sight.of_case(found) else None


def task_of(reader: Reader, sight: Sight, task_id: str) -> Task | None:
    found = reader.get(Task, task_id)
    return found if found is not None and _sees_task(reader, sight, found) else None


def open_tasks(reader: Reader, sight: Sight, after: str | None) -> list[Task]:
    """Oldest first, one more than fits on a page."""
    if sight.everything:
        return reader.find(Task, state="open", after=after, limit=PAGE + 1)
    found: list[Task] = []
    while len(found) <= PAGE:
        rows = reader.find(Task, state="open", after=after, limit=_AT_ONCE)
        about = tuple({row.case_id for row in rows if row.case_id})
        mine = {case.id for case in reader.find(Case, id=about) if sight.of_case(case)}
        found += [row for row in rows if row.case_id in mine]
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1].id
    return found[: PAGE + 1]


def cases(
    reader: Reader, sight: Sight, state: str | None, wanted: str | None, after: str | None
) -> list[Case]:
    """Newest first, one more than fits on a page. `wanted` is a ticket's id, an order's name or id,
    or a case's id, as it is."""
    equals: dict[str, object] = {"state": state} if state else {}
    found: list[Case] = []
    for named in _named(wanted) if wanted else [{}]:
        found += (
            reader.find(Case, newest_first=True, after=after, limit=PAGE + 1, **{**equals, **named})
            if sight.everything
            else _own_cases(reader, sight, {**equals, **named}, after)
        )
    return _newest(found)


def _named(wanted: str) -> list[dict[str, object]]:
    """The ways in which what somebody typed may name a case."""
    bare = wanted.lstrip("#")
    return [{"ticket_id": bare}, {"order_name": (bare, f"#{bare}")}, {"order_id": wanted},
            {"id": wanted}]  # fmt: skip


def _own_cases(
    reader: Reader, sight: Sight, equals: dict[str, object], after: str | None
) -> list[Case]:
    """What this agent asked for, by the query itself."""
    limits: dict[str, object] = {**equals}
    rows = reader.find(
        Case, newest_first=True, after=after, limit=PAGE + 1,
        **{**limits, "requested_by": sight.person.id},
    )  # fmt: skip
    for desk_id, account in sorted(sight.accounts):
        own = {**limits, "desk_id": desk_id, "asked_by": account}
        rows += reader.find(Case, newest_first=True, after=after, limit=PAGE + 1, **own)
    return _newest(rows)


def _newest(rows: Sequence[Case]) -> list[Case]:
    by_id = {row.id: row for row in rows}
    return [by_id[id] for id in sorted(by_id, reverse=True)][: PAGE + 1]


def _sees_task(reader: Reader, sight: Sight, task: Task) -> bool:
    if sight.everything or task.case_id is None:
        return sight.everything
    return case_of(reader, sight, task.case_id) is not None
