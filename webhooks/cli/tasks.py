"""`amends task`: what a person must do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import click

from core import by_hand, tasks
from core.by_hand import NotByHand
from core.case import Case, Task
from core.message import TaskText
from core.message import task as words
from core.moment import Moment
from core.ports import Remedy
from core.store import Tx
from core.tasks import NotOpen
from core.writeback import readable
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import acting, opened


@click.group()
def task() -> None:
    """Tasks: what a person must do, with what is known."""


@task.command("list")
@click.option("--all", "all_", is_flag=True, help="done ones too")
@click.option("--language", default="en", show_default=True)
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def list_(of: Services, all_: bool, language: str, json_: bool) -> None:
    """Oldest first."""
    with of.store.read() as reader:
        found = reader.find(Task) if all_ else reader.find(Task, state="open")
    if json_:
        show.as_json([show.record(row) for row in found])
        return
    names = of.hosts.titles()
    rows = [(t.id, t.case_id, t.opened_at, t.state, _text(t, language, names).title) for t in found]
    show.table(("task", "case", "opened", "state", "what"), rows)


@task.command("show")
@click.argument("task_id")
@click.option("--language", default="en", show_default=True)
@opened
def show_(of: Services, task_id: str, language: str) -> None:
    """What is known and what to do."""
    with of.store.read() as reader:
        found = reader.get(Task, task_id)
    if found is None:
        raise NotOpen(f"there is no task {task_id}")
    text = _text(found, language, of.hosts.titles())
    click.echo(f"{text.title}\n\n{text.body}\n\n{text.todo}")
    if found.case_id:
        click.echo(f"\ncase {found.case_id}")
    for name, value in cast("Mapping[str, object]", found.known).items():
        click.echo(f"  {name}: {value}")


@task.command()
@click.argument("task_id")
@click.option("--as", "person", required=True, help="e-mail of the person who did it")
@click.option("--note", default="", help="what was done")
@click.option("--proof", help="of what you paid by hand: a bank's reference, a receipt's number")
@click.option("--not-paid", help="why what was to be paid by hand is not paid")
@opened
def done(
    of: Services, task_id: str, person: str, note: str, proof: str | None, not_paid: str | None
) -> None:
    """Say that it is done. To have the ticket looked at again, use `amends case retry`.

    What you were asked to pay by hand needs --proof, or --not-paid with the reason.
    """
    if proof is not None and not_paid is not None:
        raise click.UsageError("it was paid (--proof) or not (--not-paid)")
    with of.store.write() as tx:
        who = acting(tx, person)
        moment = Moment(of.clock.now())
        row = tx.get(Task, task_id)
        if row is not None and row.kind == by_hand.KIND:
            _paid_or_not(of, tx, row, who.id, proof, not_paid, moment)
        elif proof is None and not_paid is None:
            tasks.done(tx, task_id, who.id, note, moment)
        else:
            raise NotByHand(f"{task_id} does not ask anybody to pay something by hand")
    click.echo(f"{task_id}: done")


def _paid_or_not(
    of: Services,
    tx: Tx,
    row: Task,
    person_id: str,
    proof: str | None,
    not_paid: str | None,
    moment: Moment,
) -> None:
    payout = by_hand.payout_of(tx, row)
    case = tx.get(Case, payout.case_id)
    assert case is not None  # cases are never deleted
    pays = of.hosts.get(payout.till_id, tx).spec.pays[cast(Remedy, payout.remedy)]
    routing = of.hosts.get(case.desk_id, tx).routing
    end, said = (by_hand.paid, proof) if not_paid is None else (by_hand.not_paid, not_paid)
    end(tx, row.id, person_id, said or "", pays=pays, routing=routing, moment=moment)


def _text(row: Task, language: str, names: Mapping[str, str]) -> TaskText:
    known = {"case": row.case_id, "task": row.id, **cast("Mapping[str, object]", row.known)}
    return words(language, row.kind, readable(known, names))
