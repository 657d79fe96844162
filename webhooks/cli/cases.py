"""`amends case`: what Amends is making good, and the yes or no some of it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import click

from core import approval, flow, followup, interventions
from core.approval import Approval
from core.case import Case, CaseState, CaseStep, Task, Writing
from core.errors import AmendsError
from core.message import step
from core.moment import Moment
from core.payout import Payout
from core.record import Record
from core.store import Reader, Tx
from core.writeback import readable
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import acting, as_person, opened


class NoSuchCase(AmendsError):
    """There is no case of that id."""


@click.group()
def case() -> None:
    """Cases: one harm each, being made good."""


@case.command("list")
@click.option("--state", type=click.Choice([s.value for s in CaseState]), help="only these")
@click.option("--ticket", help="only of this ticket")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def list_(of: Services, state: str | None, ticket: str | None, limit: int, json_: bool) -> None:
    """Newest first."""
    equals: dict[str, Any] = {"state": state} if state else {}
    if ticket:
        equals["ticket_id"] = ticket
    with of.store.read() as reader:
        cases = reader.find(Case, newest_first=True, limit=limit, **equals)
        waiting = {a.case_id: a for a in reader.find(Approval, state="waiting")}
    if json_:
        show.as_json([show.record(c) for c in cases])
        return
    rows = [
        (c.id, c.ticket_id, c.state, c.outcome or c.said, c.reason, c.order_name,
         "a yes" if c.id in waiting else None, c.changed_at)
        for c in cases
    ]  # fmt: skip
    heads = ("case", "ticket", "state", "why", "reason", "order", "waits for", "changed")
    show.table(heads, rows)


@case.command("show")
@click.argument("case_id")
@click.option("--language", default="en", show_default=True)
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def show_(of: Services, case_id: str, language: str, json_: bool) -> None:
    """What happened, step by step, and what is to be done."""
    with of.store.read() as reader:
        found = _case(reader, case_id)
        steps = reader.find(CaseStep, case_id=case_id)
        payouts = reader.find(Payout, case_id=case_id)
        tasks = reader.find(Task, case_id=case_id)
        writings = reader.find(Writing, case_id=case_id)
        said_after = followup.of_case(reader, case_id)
    if json_:
        parts: dict[str, Sequence[Record]] = {
            "steps": steps,
            "payouts": payouts,
            "tasks": tasks,
            "writings": writings,
            "follow_ups": said_after,
        }
        rows = {name: [show.record(row) for row in of_kind] for name, of_kind in parts.items()}
        show.as_json({**show.record(found), **rows})
        return
    click.echo(f"{found.id}  ticket {found.ticket_id}  {found.state}  {found.said or ''}")
    if found.decision:
        click.echo(f"policy {found.policy} {(found.policy_hash or '')[:12]}")
    names = of.hosts.titles()
    for line in steps:
        said = readable(cast("Mapping[str, object]", line.data), names)
        click.echo(f"  {line.at:%Y-%m-%d %H:%M:%S}  {step(language, line.what, said)}")
    for payout in payouts:
        click.echo(
            f"  {payout.id}  {payout.remedy}  {payout.amount}  {payout.state}  "
            f"{payout.host_object or ''}"
        )
    for task in tasks:
        click.echo(f"  {task.id}  task {task.kind}  {task.state}")
    for answer in said_after:
        click.echo(
            f"  {answer.answered_at:%Y-%m-%d %H:%M:%S}  the customer's answer to the survey: "
            f"{answer.verdict} ({answer.score:+d} of 100)"
        )


@case.command()
@click.argument("case_id")
@click.option("--as", "person", required=True, help="e-mail of the person who agrees")
@click.option("--note", help="why")
@opened
def approve(of: Services, case_id: str, person: str, note: str | None) -> None:
    """Agree to what waits on this case; it is paid as it was asked, or not at all."""
    _decide(of, case_id, person, note, agree=True)


@case.command()
@click.argument("case_id")
@click.option("--as", "person", required=True, help="e-mail of the person who refuses")
@click.option("--note", help="why")
@opened
def refuse(of: Services, case_id: str, person: str, note: str | None) -> None:
    """Say no to what waits on this case."""
    _decide(of, case_id, person, note, agree=False)


@case.command()
@click.argument("case_id")
@opened
def retry(of: Services, case_id: str) -> None:
    """Look at the ticket again, for a case with which nothing was paid yet."""
    with of.store.write() as tx:
        found = _locked(tx, case_id)
        if not flow.may_look_again(tx, found):
            raise AmendsError(f"{case_id} does not wait for a person, or something was paid")
        flow.look_again(tx, found, Moment(of.clock.now()))
    click.echo(f"{case_id}: will be looked at again")


@case.command()
@click.argument("case_id")
@click.option("--as", "person", required=True, help="e-mail of the person who closes it")
@click.option("--note", required=True, help="why")
@opened
def close(of: Services, case_id: str, person: str, note: str) -> None:
    """End a case that waits for a person, or of which nothing is under way at a host. What it gave
    stands; what was not sent is not given."""
    with of.store.write() as tx:
        found = _locked(tx, case_id)
        who = acting(tx, person)
        if not flow.may_close(tx, found):
            raise AmendsError(
                f"{case_id} waits for nobody, or a payout of it may be under way at a host"
            )
        routing = of.hosts.get(found.desk_id, tx).routing
        flow.close(tx, found, who.id, note, routing, Moment(of.clock.now()))
    click.echo(f"{case_id}: closed")


@case.command()
@click.argument("case_id")
@click.option("--as", "person", required=True, help="e-mail of the person who decides")
@click.option("--note", required=True, help="why more is given for the same thing")
@opened
def override(of: Services, case_id: str, person: str, note: str) -> None:
    """Let a case go on that was stopped because the harm was made good already."""
    with of.store.write() as tx:
        who = as_person(tx, person)
        interventions.override(tx, case_id, who, note, Moment(of.clock.now()))
    click.echo(f"{case_id}: will be looked at again")


def _decide(of: Services, case_id: str, email: str, note: str | None, *, agree: bool) -> None:
    with of.store.write() as tx:
        _case(tx, case_id)
        person = as_person(tx, email)
        decided = approval.decide(
            tx, case_id, person, agree=agree, note=note, moment=Moment(of.clock.now())
        )
    click.echo(f"{case_id}: {decided.state}")


def _locked(tx: Tx, case_id: str) -> Case:
    """So that what is looked at is what is changed: a runner may be at work on it."""
    tx.lock(Case, case_id)
    return _case(tx, case_id)


def _case(reader: Reader, case_id: str) -> Case:
    found = reader.get(Case, case_id)
    if found is None:
        raise NoSuchCase(f"there is no case {case_id}")
    return found
