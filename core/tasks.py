"""Tasks: what a person must do, with what is known and a way to do it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from core import notices
from core.case import Case, Task
from core.errors import AmendsError
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.record import Doc, replace
from core.store import Reader, Tx


class NotOpen(AmendsError):
    """The task does not exist or was done already."""


class StillInDoubt(AmendsError):
    """Nobody has said yet whether the payout that the task is about was paid."""


def open_task(tx: Tx, case: Case | None, kind: str, known: Doc, moment: Moment) -> Task:
    """Open a task, or answer the one of this kind that is open for the case already (for the same
    payout, where it is about one)."""
    if case is not None:
        for task in tx.find(Task, case_id=case.id, state="open"):
            if task.kind == kind and _payout(task.known) == _payout(known):
                return task
    task = Task(
        id=moment.new("task"),
        case_id=case.id if case else None,
        kind=kind,
        state="open",
        opened_at=moment.now,
        known=known,
    )
    tx.add(task)
    notices.tell(tx, "task", task.id, task.case_id, moment)
    if case is not None:
        moment.log(tx, case.id, "task_opened", {"task": task.id, "kind": kind})
    return task


def _payout(known: Doc) -> object:
    return known.get("payout") if isinstance(known, Mapping) else None


def close_tasks(
    tx: Tx, case: Case, note: str, now: datetime, *, kinds: Collection[str] | None = None
) -> None:
    """What the open tasks of a case asked for (of these kinds) has happened by itself."""
    for task in tx.find(Task, case_id=case.id, state="open"):
        if kinds is None or task.kind in kinds:
            _close(tx, task, note, now)


def close_about(tx: Tx, case: Case, payout_id: str, note: str, now: datetime) -> None:
    """What the case's open tasks asked for about this payout has happened."""
    for task in tx.find(Task, case_id=case.id, state="open"):
        if _payout(task.known) == payout_id:
            _close(tx, task, note, now)


def _close(tx: Tx, task: Task, note: str, now: datetime) -> None:
    tx.put(replace(task, state="done", done_at=now, note=note))


def done(tx: Tx, task_id: str, person_id: str, note: str, moment: Moment) -> Task:
    """A person did it. Raises `NotOpen`, `StillInDoubt`."""
    task = tx.lock(Task, task_id)
    if task is None or task.state != "open":
        raise NotOpen(f"there is no open task {task_id}")
    if task.kind == "unknown_outcome":
        _check_known(tx, task)
    after = replace(task, state="done", done_at=moment.now, done_by=person_id, note=note)
    tx.put(after)
    if task.case_id:
        moment.log(tx, task.case_id, "task_done", {"task": task.id, "kind": task.kind})
    return after


def _check_known(reader: Reader, task: Task) -> None:
    """A payout in doubt that nobody has a task about would be forgotten."""
    about = _payout(task.known)
    payout = reader.get(Payout, about) if isinstance(about, str) else None
    if payout is not None and payout.state is PayoutState.UNKNOWN:
        raise StillInDoubt(
            f"nobody knows yet whether {payout.id} was paid: an approver says so with `amends "
            "payout settle`, or `amends payout absent` where the host cannot be asked"
        )
