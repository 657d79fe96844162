"""`amends workspace`: whose days, weeks and months these are."""

from __future__ import annotations

import calendar
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from core import authority
from core.errors import AmendsError
from core.moment import Moment
from core.people import Workspace
from core.store import Reader
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import as_person, opened

_DAYS = tuple(name.lower() for name in calendar.day_name)  # Monday first


class NoSuchZone(AmendsError):
    """There is no time zone of that name."""


@click.group()
def workspace() -> None:
    """The workspace's own time zone, and the day its weeks begin on."""


@workspace.command("show")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def show_(of: Services, json_: bool) -> None:
    """In which zone days are counted, for limits, budgets and the journal."""
    with of.store.read() as reader:
        row = _row(reader)
    begins = _DAYS[row.first_weekday]
    if json_:
        show.as_json({"name": row.name, "zone": row.zone, "week_begins": begins})
    else:
        click.echo(f"{row.name}: {row.zone}, weeks begin on {begins}")


@workspace.command("set")
@click.option("--zone", help="such as Europe/Berlin")
@click.option("--week-begins", type=click.Choice(_DAYS))
@click.option("--as", "person", required=True, help="e-mail of the admin who sets it")
@opened
def set_(of: Services, zone: str | None, week_begins: str | None, person: str) -> None:
    """Set them at once. Months that are closed stay as they were closed."""
    if zone is not None:
        _check(zone)
    with of.store.write() as tx:
        authority.check_admin(as_person(tx, person))
        row = tx.lock(Workspace, "workspace") or _row(tx)
        begins = row.first_weekday if week_begins is None else _DAYS.index(week_begins)
        after = replace(row, zone=zone or row.zone, first_weekday=begins)
        authority.set_calendar(tx, after, Moment(of.clock.now()))
    click.echo(f"{zone or row.zone}, weeks begin on {_DAYS[begins]}")


def _check(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NoSuchZone(
            f"there is no time zone {zone!r}; write one such as Europe/Berlin"
        ) from None


def _row(reader: Reader) -> Workspace:
    row = reader.get(Workspace, "workspace")
    assert row is not None  # made when the installation is opened
    return row
