"""Approval: a second person's yes, bound to the exact payload.

The matrix in the limits says who must agree and how many; each of them is a row. All of them have
to say yes before anything is released, one no ends it, and whoever agrees needs the authority for
the sum themselves, or acts for somebody who has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, cast

from core import authority, notices
from core.authority import Bound, Wish
from core.authority.counting import Counting
from core.case import Case
from core.errors import AmendsError
from core.likeness import mailbox
from core.limits import APPROVERS, Limits, Need, roles_of
from core.limits_kept import in_force
from core.moment import Moment
from core.money import Money
from core.offer import Offer, parts_of, payload_hash
from core.people import Delegation, Person, PersonIdentity
from core.record import Doc, Record, Table, replace
from core.store import Reader, Tx

LASTS = timedelta(days=7)
MAY_APPROVE = frozenset(APPROVERS)


class MayNotApprove(AmendsError):
    """This person may not decide this; the message says why and who may."""


class NotWaiting(AmendsError):
    """There is nothing to decide any more: decided, expired, or changed since it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Record):
    """One yes that is needed. `state`: waiting, granted, refused, expired, void (something
    changed). `why` is the code of what asked for it; `roles` are those that may give it.
    `requested_by` is a person's id, or None where a policy acted by itself. `decided_for` is whose
    authority a delegate used. `remind_at`: when to tell people again.
    """

    TABLE: ClassVar[Table] = Table(name="approvals", index=(("case_id",), ("state",)))

    case_id: str
    offer_id: str
    payload_hash: str
    state: str
    asked_at: datetime
    expires_at: datetime
    why: str
    roles: Doc = APPROVERS
    remind_at: datetime | None = None
    requested_by: str | None = None
    decided_by: str | None = None
    decided_for: str | None = None
    decided_at: datetime | None = None
    note: str | None = None

    @property
    def bearer(self) -> str | None:
        """Whose authority the yes used."""
        return self.decided_for or self.decided_by


# --------------------------------------------------------------------------------------- asking


def needed(of: Counting, spent: Money | None) -> Need | None:
    """Who must agree by the matrix: its first row that fits. A customer whose spending is not
    known counts as one who has spent much. Raises `core.authority.Binds`."""
    for row in of.limits.matrix:
        if row.reasons and of.wish.case.reason not in row.reasons:
            continue
        wished = of.wished(row.over)
        if not any(minor > row.over[code] for code, minor in wished.items()):
            continue
        if row.spent_over is not None and spent is not None:
            totals = of.scale.totals([spent], row.spent_over)
            if not any(minor > row.spent_over[code] for code, minor in totals.items()):
                continue
        return row.need
    return None


def request(
    tx: Tx,
    case: Case,
    offer: Offer,
    why: str,
    moment: Moment,
    *,
    need: Need | None = None,
) -> list[Approval]:
    """Ask for as many yeses as are needed."""
    need = need or Need()
    found = in_force(tx)
    limits = found[1] if found else None
    lasts = limits.approval_lasts if limits else LASTS
    rows = []
    for _ in range(need.people):
        row = Approval(
            id=moment.new("appr"),
            case_id=case.id,
            offer_id=offer.id,
            payload_hash=offer.payload_hash,
            state="waiting",
            asked_at=moment.now,
            expires_at=moment.now + lasts,
            why=why,
            roles=list(need.roles),
            remind_at=_remind_at(limits, moment.now),
            requested_by=case.requested_by,
        )
        tx.add(row)
        rows.append(row)
    notices.tell(tx, "approval", rows[0].id, case.id, moment)
    return rows


def remind(tx: Tx, waiting: Sequence[Approval], moment: Moment) -> None:
    """Tell whoever may agree once more, and set when to do so again."""
    found = in_force(tx)
    again = _remind_at(found[1] if found else None, moment.now)
    for row in waiting:
        tx.put(replace(row, remind_at=again))
    notices.tell(tx, "reminder", waiting[0].id, waiting[0].case_id, moment)
    moment.log(tx, waiting[0].case_id, "approval_reminded")


def _remind_at(limits: Limits | None, now: datetime) -> datetime | None:
    every = limits.remind_every if limits else None
    return now + every if every else None


def asked(reader: Reader, case_id: str) -> list[Approval]:
    """The yeses that the case's newest request needs."""
    rows = reader.find(Approval, case_id=case_id, newest_first=True)
    return [row for row in reversed(rows) if row.offer_id == rows[0].offer_id]


def able(
    reader: Reader,
    of: Wish,
    approval: Approval,
    moment: Moment,
    among: Sequence[Person] | None = None,
    rows: Sequence[Approval] = (),
) -> list[Person]:
    """Who could say this yes now, beside those who said theirs in `rows`: everybody, or only
    `among` these."""
    found = []
    for person in reader.find(Person) if among is None else among:
        try:
            _as_whom(reader, of, approval, rows, person, moment)
        except MayNotApprove:
            continue
        found.append(person)
    return found


def different(people: Sequence[Person]) -> int:
    """How many these are: two accounts of one mailbox are one person."""
    return len({mailbox(person.email) for person in people})


# ------------------------------------------------------------------------------------- deciding


def decide(
    tx: Tx, case_id: str, person: Person, *, agree: bool, note: str | None, moment: Moment
) -> Approval:
    """A person's yes or no to what waits on this case. The case is woken and acts on it.

    Raises `MayNotApprove` or `NotWaiting`; nothing changes then. A payload that is not the one that
    was asked about makes the approval void.
    """
    case = tx.lock(Case, case_id)
    rows = asked(tx, case_id)
    waiting = [row for row in rows if row.state == "waiting"]
    approval = tx.lock(Approval, waiting[0].id) if waiting else None
    if approval is None or case is None or approval.state != "waiting":
        raise NotWaiting(f"nothing waits for a yes on {case_id}")
    offer = tx.get(Offer, approval.offer_id)
    assert offer is not None  # offers are never deleted
    of = authority.wish_held(tx, case, offer.basis, parts_of(offer))
    bearer = _as_whom(tx, of, approval, rows, tx.get(Person, person.id) or person, moment)
    if moment.now >= approval.expires_at:
        return _end(tx, approval, "expired", None, None, None, moment)
    if payload_hash(tx, case, parts_of(offer)) != approval.payload_hash:
        return _end(tx, approval, "void", None, None, None, moment)
    tx.put(replace(case, tries=0))  # acted on at once, whatever went wrong before
    state = "granted" if agree else "refused"
    return _end(tx, approval, state, person, bearer, note, moment)


def still_good(
    reader: Reader, case: Case, granted: Sequence[Approval], offer: Offer, moment: Moment
) -> bool:
    """Whether every yes would be given again now: to the same payload, by people who still may.
    Their limits are looked at apart from this."""
    if any(payload_hash(reader, case, parts_of(offer)) != row.payload_hash for row in granted):
        return False
    for row in granted:
        decider = reader.get(Person, row.decided_by or "")
        bearer = reader.get(Person, row.bearer or "")
        if decider is None or bearer is None:
            return False
        lent = [decider.id, *(other.id for other in _stands_in_for(reader, decider, moment))]
        try:
            check_second_person(reader, case, decider)
            check_second_person(reader, case, bearer)
            _check_role(row, bearer)
        except MayNotApprove:
            return False
        if bearer.id not in lent:
            return False
    return sum(len(_mailboxes(reader, [row])) for row in granted) == len(
        _mailboxes(reader, granted)
    )


def void(tx: Tx, rows: Sequence[Approval]) -> None:
    for row in rows:
        if row.state in ("waiting", "granted"):
            tx.put(replace(row, state="void"))


# ------------------------------------------------------------------------------- who may decide


def _as_whom(
    reader: Reader,
    of: Wish,
    approval: Approval,
    rows: Sequence[Approval],
    person: Person,
    moment: Moment,
) -> Person:
    """Whose authority this person would use: their own, or that of whoever they stand in for.
    Raises `MayNotApprove` with the reason that is theirs."""
    check_second_person(reader, of.case, person)
    agreed = _mailboxes(reader, [row for row in rows if row.state == "granted"])
    refusal: MayNotApprove | None = None
    for candidate in (person, *_stands_in_for(reader, person, moment)):
        try:
            if candidate.id != person.id:
                check_second_person(reader, of.case, candidate)
            _check_role(approval, candidate)
            _check_limits(reader, of, candidate, moment)
            if agreed & {mailbox(candidate.email), mailbox(person.email)}:
                raise MayNotApprove(f"{candidate.name} has agreed already; another person must")
            return candidate
        except MayNotApprove as no:
            refusal = refusal or no
    assert refusal is not None
    raise refusal


def _mailboxes(reader: Reader, rows: Sequence[Approval]) -> set[str]:
    """Of whoever said these yeses, and of those they stood in for: two accounts of one mailbox are
    one person."""
    ids = {id for row in rows for id in (row.decided_by, row.bearer) if id is not None}
    people = [reader.get(Person, id) for id in sorted(ids)]
    return {mailbox(person.email) for person in people if person is not None}


def check_second_person(reader: Reader, case: Case, person: Person) -> None:
    """That this is a human being of ours, provably another than whoever asked for or changed the
    case's offer, by whatever account. Raises `MayNotApprove`."""
    if not person.active:
        raise MayNotApprove(f"{person.name} is not active any more; somebody else must decide")
    if "ai_agent" in roles_of(person):
        raise MayNotApprove(f"{person.name} is an AI agent; a person must decide")
    accounts = reader.find(PersonIdentity, person_id=person.id)
    if not accounts:
        raise MayNotApprove(
            f"{person.name} is not linked to any sign-in; link one with `amends person link`"
        )
    offers = reader.find(Offer, case_id=case.id)
    makers = {case.requested_by, *(offer.made_by for offer in offers)} - {None}
    if person.id in makers:
        raise MayNotApprove(f"{person.name} asked for this; somebody else must decide")
    for id in makers:
        maker = reader.get(Person, cast(str, id))
        if maker is not None and mailbox(maker.email) == mailbox(person.email):
            raise MayNotApprove(
                f"{person.email} leads to the mailbox of whoever asked for this; somebody else "
                f"must decide"
            )
    own = {i.value for i in accounts if (i.kind, i.connection_id) == ("helpdesk", case.desk_id)}
    if case.asked_by is not None and case.asked_by in own:
        raise MayNotApprove(f"{person.name} asked for this; somebody else must decide")
    if case.requested_by is None and case.asked_by is not None and not own:
        # Who solved the ticket is not linked to a person: it must be provably somebody else.
        raise MayNotApprove(
            f"the agent who solved the ticket is not linked to a person; link them, or link "
            f"{person.name}'s own helpdesk account, with `amends person link`"
        )


def _check_role(approval: Approval, person: Person) -> None:
    roles = cast("Sequence[str]", approval.roles)
    if not person.active or not roles_of(person) & set(roles):
        raise MayNotApprove(
            f"{person.name} is not an approver of this; {_either(roles)} must decide"
        )


def _check_limits(reader: Reader, of: Wish, person: Person, moment: Moment) -> None:
    bound = authority.short(reader, of, person, moment)
    if bound is not None:
        raise MayNotApprove(f"{person.name} cannot give this: {_in_words(bound)}")


def _stands_in_for(reader: Reader, person: Person, moment: Moment) -> Iterator[Person]:
    today = authority.today(reader, moment.now)
    for row in reader.find(Delegation, delegate_id=person.id):
        if row.holds(today):
            other = reader.get(Person, row.person_id)
            if other is not None:
                yield other


def _either(roles: Sequence[str]) -> str:
    shown = [("an " if role[0] in "aeiou" else "a ") + role for role in sorted(roles)]
    return " or ".join(shown)


def _in_words(bound: Bound) -> str:
    """For the command line's answer, in English."""
    if bound.name == "no_authority":
        return "the limits give them no authority; see `amends limits left`"
    what = f" ({bound.what})" if bound.what else ""
    limit = f" of {bound.limit}, of which {bound.left} is left" if bound.limit is not None else ""
    return f"their limit {bound.name.removeprefix('person_')}{what}{limit}"


def _end(
    tx: Tx,
    approval: Approval,
    state: str,
    by: Person | None,
    bearer: Person | None,
    note: str | None,
    moment: Moment,
) -> Approval:
    lent = by is not None and bearer is not None and bearer.id != by.id
    after = replace(
        approval,
        state=state,
        decided_by=by.id if by else None,
        decided_for=bearer.id if lent and bearer else None,
        decided_at=moment.now,
        note=note,
        remind_at=None,
    )
    tx.put(after)
    moment.log(tx, approval.case_id, f"approval_{state}", {"by": by.id if by else None})
    tx.wake(Case, approval.case_id, moment.now)
    return after
