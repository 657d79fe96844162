"""The sweep: our books compared with a host's, both ways.

A record of the host is one of our payouts (by its id there, or by our marker), or somebody else's
doing; a payout of ours is among the host's records, or asked about one by one. What the comparison
cannot explain is put to a person; nothing is believed here that the host has not said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from core import drift, flow, restore, tasks
from core.case import Case, Customer, Task
from core.connection import HostPayout
from core.moment import Moment
from core.payout import GONE, Payout, PayoutState, locked
from core.ports import HostRecord
from core.record import replace
from core.store import AlreadyExists, Reader, Tx

#: A refund may fail so long after it was made, and hosts list it by the day it was made.
LOOK_BACK = timedelta(days=35)
#: What is not older than this must be among what the host lists, however its clock goes.
LISTED_BACK = timedelta(days=34)
#: What the host never lists is asked about one by one each time until it is so old,
ASK_BACK = timedelta(days=3)
#: and once more when it is so old: a request a night for each of a month would be too many.
ASK_AGAIN = timedelta(days=30)
#: What was settled just now may not be listed yet.
TOO_FRESH = timedelta(minutes=5)
_PAGE = 500
_MARKER = re.compile(r"\[amends:([^\]\s]{1,80})\]")

#: Nothing is known at the host, or it is being done right now.
_UNSENT = frozenset({PayoutState.PLANNED, PayoutState.NOT_SENT})
_OPEN = frozenset({PayoutState.UNKNOWN, PayoutState.PENDING})
_BUSY = frozenset({PayoutState.SENDING, PayoutState.REVERSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing the books do not agree on, and what became of it.

    kind: by_hand (made at the host without us), forgotten (ours, from after a backup), twice (a
    second one with our marker), perhaps_ours (a payout of that order is under way), found (we did
    not know that it arrived), failed_later, missing, differs, unheard (a solved ticket).
    end: mended, task (a person has it), shown (counted and shown), later (looked at again).
    """

    kind: str
    end: str
    host_object: str | None = None
    payout: str | None = None
    case: str | None = None
    order: str | None = None
    amount: str | None = None
    at_host: str | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a sweep of one connection came to. `swept`: the host was asked whole; otherwise `why`.
    `unlisted`: what this host does not list, so that nothing made there by hand can be seen.
    `heard_to`: the helpdesk's own time up to which its solved tickets are known."""

    connection: str
    title: str
    since: datetime
    at: datetime
    swept: bool
    why: str | None = None
    unlisted: str | None = None
    seen: int = 0
    asked: int = 0
    unclear: int = 0
    differences: Sequence[Difference] = ()
    heard_to: datetime | None = None

    def doc(self) -> dict[str, object]:
        return {
            **asdict(self),
            "since": self.since.isoformat(),
            "at": self.at.isoformat(),
            "heard_to": self.heard_to.isoformat() if self.heard_to else None,
            "differences": [asdict(one) for one in self.differences],
        }


def read_report(doc: Mapping[str, Any]) -> Report:
    """The inverse of `Report.doc`."""
    known = [name for name in ("since", "at", "heard_to") if doc[name] is not None]
    times = {name: datetime.fromisoformat(doc[name]) for name in known}
    differences = [Difference(**one) for one in doc["differences"]]
    return Report(**{**doc, **times, "differences": differences})


# ------------------------------------------------------------------- their records in our books


def compare(tx: Tx, till_id: str, record: HostRecord, moment: Moment) -> Difference | Payout | None:
    """What a host's record is to us: nothing new, a difference, or a payout of ours about which
    the host is to be asked."""
    ours = _ours(tx, till_id, record)
    if ours is None:
        return not_ours(tx, till_id, record, moment)
    if ours.host_object not in (None, record.host_object):
        return twice(tx, ours, record, moment)
    if ours.state in _BUSY or ours.state is PayoutState.REVERSED:
        return None
    if ours.state in _UNSENT:
        return arrived(tx, ours, record.host_object, moment)
    if ours.state in _OPEN:
        # From here on it is asked about by this name: not to be found is no absence any more.
        tx.put(replace(ours, host_object=record.host_object))
        return tx.get(Payout, ours.id)
    if ours.state in GONE:
        return _paid_after_all(tx, ours, record, moment) if record.ending == "settled" else None
    same = record.amount is None or record.amount == ours.amount
    return None if same and record.ending != "failed" else ours


def arrived(tx: Tx, ours: Payout, host_object: str, moment: Moment) -> Payout:
    """We took it for not there, and the host tells of it: asked about before it is sent again."""
    after = replace(
        ours,
        state=PayoutState.UNKNOWN,
        host_object=host_object,
        due_at=moment.now,
        why="seen at the host",
    )
    tx.put(after)
    return after


def _ours(tx: Tx, till_id: str, record: HostRecord) -> Payout | None:
    known = tx.find(Payout, till_id=till_id, host_object=record.host_object, limit=1)
    if known:
        return known[0]
    marked = locked(tx, _marked(record) or "")
    return marked if marked is not None and marked.till_id == till_id else None


def _marked(record: HostRecord) -> str | None:
    found = _MARKER.search(record.marker or "")
    return found[1] if found else None


def not_ours(
    tx: Tx, till_id: str, record: HostRecord, moment: Moment, *, waits: bool = True
) -> Difference | None:
    """Made at the host without us: counted in the limits, and shown. Where a case of ours is about
    the same order, a person looks whether the customer has it twice. `waits`: what may be a payout
    that is under way is looked at again later."""
    seen = tx.find(HostPayout, connection_id=till_id, host_object=record.host_object, limit=1)
    if seen:
        _learned(tx, seen[0], record)
        return None
    orders = tx.find(Payout, till_id=till_id, order_id=record.order_id) if record.order_id else []
    marker = _marked(record)
    if waits and marker is None and any(p.state in _BUSY | _OPEN | _UNSENT for p in orders):
        return _difference("perhaps_ours", "later", record)
    found = _drift(till_id, record, marker, moment)
    if not _is_new(tx, found):
        return None
    if marker is not None:
        tasks.open_task(tx, None, "forgotten_payout", drift.known(found), moment)
        if found.order_id is None:
            restore.unplaced(tx)
        return _difference("forgotten", "task", record, payout=marker)
    if record.ending == "failed":
        return None
    given = [payout for payout in orders if payout.state not in GONE]
    if not given:
        return _difference("by_hand", "shown", record)
    case = tx.get(Case, given[-1].case_id)
    assert case is not None  # cases are never deleted
    tasks.open_task(tx, case, "paid_by_hand", drift.known(found), moment)
    return _difference("by_hand", "task", record, case=case.id)


def _is_new(tx: Tx, found: HostPayout) -> bool:
    """Kept, unless a message or another sweep tells of it at this very moment."""
    try:
        tx.add(found)
    except AlreadyExists:
        return False
    return True


def _learned(tx: Tx, seen: HostPayout, record: HostRecord) -> None:
    """Its ending may change; and a message may have told of it without its amount."""
    after = replace(seen, ending=record.ending)
    if seen.amount_minor is None and record.amount is not None:
        minor, currency = record.amount.minor, record.amount.currency
        after = replace(after, amount_minor=minor, currency=currency)
    if after != seen:
        tx.put(after)


def _drift(till_id: str, record: HostRecord, marker: str | None, moment: Moment) -> HostPayout:
    amount = record.amount
    return HostPayout(
        id=moment.new("host"),
        connection_id=till_id,
        host_object=record.host_object,
        order_id=record.order_id,
        amount_minor=amount.minor if amount else None,
        currency=amount.currency if amount else None,
        ending=record.ending,
        seen_at=moment.now,
        marker=marker,
    )


def twice(tx: Tx, ours: Payout, record: HostRecord, moment: Moment) -> Difference | None:
    """A second thing carries our marker: counted as well, and a person looks at it now."""
    if tx.find(HostPayout, connection_id=ours.till_id, host_object=record.host_object, limit=1):
        return None
    if not _is_new(tx, _drift(ours.till_id, record, None, moment)):
        return None
    why = f"{record.host_object} carries the mark of a payout that {ours.host_object} settled"
    case_id = _put_to_person(tx, ours, why, moment)
    return _difference("twice", "task", record, payout=ours.id, case=case_id)


def _paid_after_all(tx: Tx, ours: Payout, record: HostRecord, moment: Moment) -> Difference:
    """We hold it for refused or failed, and the host says that it is paid: a person is told once
    how to end it. Until then each sweep shows it."""
    case, kind = tx.get(Case, ours.case_id), "paid_after_all"
    assert case is not None  # cases are never deleted
    told = any(
        task.kind == kind and isinstance(task.known, Mapping) and task.known["payout"] == ours.id
        for task in tx.find(Task, case_id=case.id)
    )
    if not told:
        known = {**flow.payout_doc(ours), "host_object": record.host_object}
        tasks.open_task(tx, case, kind, known, moment)
    end = "shown" if told else "task"
    return _difference("differs", end, record, payout=ours.id, case=case.id)


def _put_to_person(tx: Tx, ours: Payout, why: str, moment: Moment) -> str:
    case = tx.get(Case, ours.case_id)
    assert case is not None
    known = {**flow.payout_doc(ours), "why": why}
    tasks.open_task(tx, case, "differs_at_host", known, moment)
    return case.id


def _difference(
    kind: str, end: str, record: HostRecord, *, payout: str | None = None, case: str | None = None
) -> Difference:
    return Difference(
        kind=kind,
        end=end,
        host_object=record.host_object,
        payout=payout,
        case=case,
        order=record.order_id,
        amount=str(record.amount) if record.amount else None,
        at_host=record.ending,
    )


# ------------------------------------------------------------------------- our payouts at theirs


def unlisted(
    reader: Reader,
    report: Report,
    seen: Collection[str],
    lists: Callable[[str], bool],
    last: str | None = None,
) -> Iterator[Payout]:
    """Our payouts about which this till's list says nothing, though it `lists` that remedy or they
    are to be asked about all the same: the newest first, from the one before `last` on."""
    while True:
        page = reader.find(
            Payout, till_id=report.connection, newest_first=True, after=last, limit=_PAGE
        )
        for payout in page:
            if payout.created_at < report.since - LISTED_BACK:
                return
            fresh = report.at - payout.changed_at < TOO_FRESH
            due = payout.state is PayoutState.SETTLED or payout.state in _OPEN
            if not due or fresh or payout.host_object in seen:
                continue
            wanted = lists(payout.remedy) or _its_turn(payout, report)
            if wanted and not _erased(reader, payout):
                yield payout
        if len(page) < _PAGE:
            return
        last = page[-1].id


def _its_turn(payout: Payout, report: Report) -> bool:
    """Of what no list shows: it is new, or has become a month old since the last sweep."""
    if payout.created_at >= report.since - ASK_BACK:
        return True
    return report.since <= payout.created_at + ASK_AGAIN < report.at


def _erased(reader: Reader, payout: Payout) -> bool:
    """Its customer was erased: whom to ask about is not known any more."""
    customer = reader.get(Customer, payout.customer_id) if payout.customer_id else None
    return customer is not None and customer.erased_at is not None


def outcome(before: Payout, after: Payout) -> Difference | None:
    """What asking about a payout has shown."""
    if after.state is PayoutState.FAILED:
        kind, end = "failed_later", "task"
    elif before.state is not PayoutState.SETTLED and after.state is PayoutState.SETTLED:
        kind, end = "found", "mended"
    elif before.state in _OPEN and after.state in GONE:
        kind, end = "failed_later", "task"
    elif after.state is PayoutState.SETTLED and after.why == "missing":
        kind, end = "missing", "task"
    elif after.state is PayoutState.SETTLED and (after.why or "").startswith("differs"):
        kind, end = "differs", "task"
    else:
        return None
    return Difference(
        kind=kind,
        end=end,
        host_object=after.host_object,
        payout=after.id,
        case=after.case_id,
        order=after.order_id,
        amount=str(after.amount) if after.amount else None,
        at_host=after.why,
    )
