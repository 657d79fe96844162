"""What a person does on these pages: ends a task, says yes or no."""

from __future__ import annotations

from collections.abc import Mapping

from console.staff import seeing
from console.staff.seeing import Sight
from console.staff.world import StaffWorld
from core import approval, by_hand, tasks
from core.approval import NotWaiting
from core.errors import AmendsError
from core.moment import Moment
from core.storable import storable

_LONGEST_NOTE = 1_000


class NotThere(AmendsError):
    """There is no such thing, or not for this person."""


class BadForm(AmendsError):
    """Something is missing in the form, or too long; the message says what to write."""


def end_task(world: StaffWorld, sight: Sight, task_id: str, form: Mapping[str, str]) -> None:
    """Raises `NotThere`, `BadForm`, `core.tasks.NotOpen`, `core.by_hand.NotByHand`."""
    note = _note(form)
    with world.store.read() as reader:
        task = seeing.task_of(reader, sight, task_id)
    if task is None:
        raise NotThere(task_id)
    if task.kind == by_hand.KIND:
        if not sight.everything:
            raise BadForm("an approver, an admin or finance says what was paid by hand")
        if form.get("end") == "not_paid":
            world.pay_by_hand(task.id, sight.person, why=note)
        else:
            world.pay_by_hand(task.id, sight.person, proof=note)
        return
    with world.store.write() as tx:
        if seeing.task_of(tx, sight, task_id) is None:
            raise NotThere(task_id)
        tasks.done(tx, task_id, sight.person.id, note, Moment(world.now()))


def decide(world: StaffWorld, sight: Sight, case_id: str, form: Mapping[str, str]) -> None:
    """A yes or a no to exactly the offer that was shown. Raises `NotThere`, `BadForm`,
    `core.approval.MayNotApprove`, `core.approval.NotWaiting`."""
    answer = form.get("answer")
    if answer not in ("agree", "refuse"):
        raise BadForm("say yes or no with one of the two buttons")
    note = _note(form, needed=answer == "refuse")
    moment = Moment(world.now())
    with world.store.write() as tx:
        if seeing.case_of(tx, sight, case_id) is None:
            raise NotThere(case_id)
        rows = approval.asked(tx, case_id)
        if rows and rows[0].offer_id != form.get("offer"):
            raise NotWaiting("what is asked for has changed since you looked; look again")
        approval.decide(
            tx,
            case_id,
            sight.person,
            agree=answer == "agree",
            note=note or None,
            moment=moment,
        )


def _note(form: Mapping[str, str], *, needed: bool = True) -> str:
    note = storable(form.get("note", "")).strip()
    if needed and not note:
        raise BadForm("write a few words: somebody will want to know why")
    if len(note) > _LONGEST_NOTE:
        raise BadForm(f"write at most {_LONGEST_NOTE} letters")
    return note
