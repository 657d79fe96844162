"""`amends limits`: how much may be given, what is left of it, and stopping and starting payouts."""

from __future__ import annotations

from dataclasses import asdict

import click

from core import authority, fx, limits_kept, restore
from core.limits import POLICY
from core.moment import Moment
from core.people import Workspace
from core.store import Reader, Tx
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.files import TEXT_FILE
from webhooks.cli.opening import as_person, opened


@click.group()
def limits() -> None:
    """Limits, budgets, who must agree, and the breaker."""


@limits.command("show")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def show_(of: Services, json_: bool) -> None:
    """The limits in force, as they were written."""
    with of.store.read() as reader:
        found = limits_kept.newest(reader)
        halted = _workspace(reader).halted_why
    if json_:
        show.as_json({"limits": show.record(found) if found else None, "halted": halted})
        return
    if halted:
        click.echo(f"# payouts are stopped: {halted}")
    if found is None:
        click.echo("# no limits are set: policies alone say when somebody must agree")
        return
    click.echo(f"# version {found.number}, set {found.set_at:%Y-%m-%d %H:%M} UTC")
    click.echo(found.text.rstrip())


@limits.command("set")
@click.argument("file", type=TEXT_FILE)
@click.option("--as", "person", required=True, help="e-mail of the admin who sets them")
@opened
def set_(of: Services, file: str, person: str) -> None:
    """Put limits in force at once, from a YAML or JSON file (- for standard input)."""
    with of.store.write() as tx:
        who = _admin(tx, person)
        made = authority.set_limits(tx, file, by=who, moment=Moment(of.clock.now()))
    click.echo(f"version {made.number} is in force")


@limits.command()
@click.option("--as", "person", help="e-mail of a person; the policy by itself if left out")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def left(of: Services, person: str | None, json_: bool) -> None:
    """What a person may still give today, this week, this month."""
    with of.store.read() as reader:
        who = as_person(reader, person) if person else None
        found = authority.left(reader, who, of.clock.now())
    if json_:
        show.as_json([{**asdict(row), "limit": _shown(row.limit), "left": _shown(row.left)}
                      for row in found or ()])  # fmt: skip
        return
    if found is None:
        click.echo("no limits are set: policies alone say when somebody must agree")
    elif not found:
        click.echo(f"{person or POLICY}: the limits give no authority; somebody else must agree")
    else:
        rows = [(row.window, row.reason, row.limit, row.left) for row in found]
        show.table(("window", "reason", "limit", "left"), rows)


@limits.command()
@click.argument("file", type=TEXT_FILE)
@click.option("--as", "person", required=True, help="e-mail of the admin who imports them")
@opened
def rates(of: Services, file: str, person: str) -> None:
    """Import exchange rates from a CSV file with the columns date,from,to,rate."""
    now = of.clock.now()
    with of.store.write() as tx:
        _admin(tx, person)  # a rate says how much a limit lets through
        count = fx.keep(tx, fx.read_rates(file, today=authority.today(tx, now), now=now))
    click.echo(f"{count} rates imported")


@limits.command()
@click.option("--as", "person", required=True, help="e-mail of the admin who stops them")
@click.option("--note", required=True, help="why")
@opened
def halt(of: Services, person: str, note: str) -> None:
    """Stop all payouts at once. What is due waits, and goes on after `resume`."""
    with of.store.write() as tx:
        _admin(tx, person)
        restore.halt(tx, note)
    click.echo("payouts are stopped")


@limits.command()
@click.option("--as", "person", required=True, help="e-mail of the admin who starts them again")
@opened
def resume(of: Services, person: str) -> None:
    """Let payouts go on after they were stopped by hand or by the breaker."""
    with of.store.write() as tx:
        _admin(tx, person)
        restore.resume(tx)
    click.echo("payouts go on")


def _admin(tx: Tx, email: str) -> str:
    return authority.check_admin(as_person(tx, email)).id


def _workspace(reader: Reader) -> Workspace:
    row = reader.get(Workspace, "workspace")
    assert row is not None  # made when the installation is opened
    return row


def _shown(value: object) -> object:
    return value if isinstance(value, int) else str(value)
