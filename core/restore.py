"""A restored backup: the hosts know more than our books, so nothing is paid before a sweep.

What was about to be sent may have been sent after the backup was made: it is asked about first. The
sweep finds what else happened since; what carries our mark and is in no book of ours holds up
everything for the same order. What no sweep can see, or nobody can say for which order it was, may
have been given already: for a ticket or an order that was there by then, a person looks first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core import choice as choices
from core import chores, drift, tasks
from core.case import Case, CaseStep, Task
from core.chores import Chore
from core.errors import AmendsError
from core.ledger import HEAD, Entry, Head, id_of
from core.ledger_check import Anchor, BadAnchor, anchor, read_anchor, sent_of
from core.moment import Moment
from core.payout import Attempt, Payout, PayoutState, locked
from core.people import Workspace
from core.policy.decision import read_decision
from core.routing import Routing
from core.store import Reader, Tx

#: Why payouts are halted, as `Workspace.halted_why` says it.
RESTORED = "restored"
#: Why a payout is not sent before a person has looked whether the same was given already.
PERHAPS_GIVEN = "perhaps_given"
#: Hosts say by their own clocks when a ticket or an order came into being.
_CLOCKS_APART = timedelta(hours=1)
_MARK = chores.id_of(RESTORED, "")


class StillRestored(AmendsError):
    """Nobody's word lifts the halt after a restore; sweeping every till does."""


def behind(reader: Reader, line: str) -> bool:
    """Whether the ledger, or what was sent and is not booked yet, lacks something that an anchor's
    line has seen. Raises `BadAnchor`."""
    workspace, seq, hash = read_anchor(line)
    if workspace != reader.workspace_id:
        raise BadAnchor(
            f"the anchor is of workspace {workspace}, not of {reader.workspace_id}: each needs a "
            "file of its own"
        )
    sent = sent_of(line)
    if sent is not None and reader.get(Attempt, sent) is None:
        return True
    if seq == 0:
        return False
    head = reader.get(Head, HEAD)
    entry = reader.get(Entry, id_of(seq))
    return head is None or head.seq < seq or entry is None or entry.hash != hash


def witness(reader: Reader, now: datetime) -> Anchor:
    """What `behind` is to find again: the ledger's head, and the newest sending."""
    newest = reader.find(Attempt, newest_first=True, limit=1)
    head = anchor(reader, at=now)
    return replace(head, sent=newest[0].id) if newest else head


def mark(tx: Tx, moment: Moment) -> int:
    """The database comes from a backup: halt, and ask about all that was about to be sent. Answers
    how many payouts that are. Whatever payouts were halted for before is kept for the lifting."""
    workspace = tx.lock(Workspace, "workspace")
    assert workspace is not None  # made before anything else
    known = tx.get(Chore, _MARK)
    before = workspace.halted_why
    if before == RESTORED:
        before = str(known.said["before"]) if known and known.said.get("before") else None
    tx.put(replace(workspace, halted_why=RESTORED))
    row = Chore(
        id=_MARK, kind=RESTORED, about="", due_at=None, done_at=moment.now,
        result={**(known.said if known else {}), "before": before},
    )  # fmt: skip
    (tx.put if known else tx.add)(row)
    for row in tx.find(Chore, kind="sweep"):
        _swept_before(tx, row, moment.now)
    if not any(task.kind == "halted" for task in tx.find(Task, state="open")):
        tasks.open_task(tx, None, "halted", {"why": RESTORED}, moment)
    unsent = (PayoutState.PLANNED, PayoutState.NOT_SENT)
    asked = 0
    for seen in sorted(tx.find(Payout, state=unsent), key=lambda payout: payout.case_id):
        payout = locked(tx, seen.id)
        if payout is None or payout.state not in unsent:
            continue  # a runner is sending it this very moment
        tx.put(replace(payout, state=PayoutState.UNKNOWN, due_at=moment.now, why=RESTORED))
        tx.wake(Case, payout.case_id, moment.now)
        asked += 1
    return asked


def _swept_before(tx: Tx, row: Chore, now: datetime) -> None:
    """No sweep that has begun stands for what happened since, whatever a clock says: a machine that
    is put back may have an old time, too."""
    done = row.done_at and min(row.done_at, now - timedelta(seconds=1))
    kept = {name: value for name, value in row.said.items() if name != "begun"}
    if (done, kept) != (row.done_at, row.said):
        tx.put(replace(row, done_at=done, result=kept))


def halt(tx: Tx, why: str) -> None:
    """Somebody stops all payouts. After a restore they stay halted for both reasons."""
    workspace = tx.lock(Workspace, "workspace")
    assert workspace is not None  # made before anything else
    if workspace.halted_why == RESTORED:
        marked = tx.get(Chore, _MARK)
        assert marked is not None  # written together with the halt
        tx.put(replace(marked, result={**marked.said, "before": why}))
    else:
        tx.put(replace(workspace, halted_why=why))


def resume(tx: Tx) -> None:
    """Let payouts go on that somebody, or the breaker, stopped. Raises `StillRestored`."""
    workspace = tx.lock(Workspace, "workspace")
    assert workspace is not None
    if workspace.halted_why == RESTORED:
        raise StillRestored(
            "this database comes from a backup, and what the hosts did since is not known yet: run "
            "`amends sweep`; payouts go on by themselves once every till was swept"
        )
    tx.put(replace(workspace, halted_why=None))


def lift(tx: Tx, tills: Collection[str], moment: Moment) -> bool:
    """Let payouts go on where every till was swept since, and nobody has to look at anything of
    which it is not known for which order it was. Answers whether they go on by this."""
    workspace = tx.lock(Workspace, "workspace")
    marked = tx.get(Chore, _MARK)
    if workspace is None or workspace.halted_why != RESTORED or marked is None:
        return False
    since = marked.done_at
    for till in tills:
        swept = tx.get(Chore, chores.id_of("sweep", till))
        if swept is None or swept.done_at is None or since is None or swept.done_at < since:
            return False
    if drift.lost_without_order(tx):
        return False
    before = marked.said.get("before")
    tx.put(replace(workspace, halted_why=str(before) if before else None))
    for task in tx.find(Task, state="open"):
        if task.kind == "halted":
            tx.put(replace(task, state="done", done_at=moment.now, note="swept"))
    return True


def unplaced(tx: Tx) -> None:
    """Something of ours was found of which nobody can say for which order it was."""
    marked = tx.lock(Chore, _MARK)
    if marked is not None:
        tx.put(replace(marked, result={**marked.said, "unplaced": True}))


def has_unplaced(reader: Reader) -> bool:
    """Whether such a thing was found after a restore: it may have been for any order."""
    marked = reader.get(Chore, _MARK)
    return marked is not None and marked.said.get("unplaced") is True


def perhaps_given(reader: Reader, payout: Payout) -> bool:
    """Whether the same may have been given after the backup: the ticket or its order was there
    before the restore, so this harm may have been made good, be it for another ticket; and since
    then nobody said of this payout that it is not at the host."""
    marked = reader.get(Chore, _MARK)
    if marked is None or marked.done_at is None:
        return False
    for step in reader.find(CaseStep, case_id=payout.case_id, newest_first=True):
        data = step.data if isinstance(step.data, Mapping) else {}
        looked = step.what == "absent_by_person" and data.get("payout") == payout.id
        if looked and step.at >= marked.done_at:
            return False
        if step.what == "decided":
            free_from = marked.done_at + _CLOCKS_APART
            since = [data.get("ticket_since"), data.get("order_since")]
            return not all(at and datetime.fromisoformat(str(at)) > free_from for at in since)
    return True


def ways(case: Case, payout: Payout, routing: Routing) -> dict[str, str]:
    """How the case's harm may be made good, and at which till each remedy is paid: as it is about
    to be, and as the policy leaves it to choose."""
    found = {payout.remedy: payout.till_id}
    options = choices.options(read_decision(case.decision)) if case.decision else ()
    for one in (component for option in options for component in option):
        if one.remedy != "apology":
            found.setdefault(one.remedy, routing.remedies.get(one.remedy, case.till_id or ""))
    return found


def is_held(payout: Payout) -> bool:
    """Whether it waits for a person who looks for it at the host."""
    return payout.state is PayoutState.NOT_SENT and payout.why == PERHAPS_GIVEN
