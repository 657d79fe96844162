"""`amends keys`, `amends db`, `amends ledger`: what keeps the installation's books safe."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import click

from core import journal, ledger_check
from core import ledger as books
from core.connection import Connection
from core.errors import AmendsError
from core.link import ChoiceLink
from core.money import Money
from core.payout import Payout
from core.record import Record
from core.store import copying, schema
from core.store.sealing import Place, Sealer, new_key
from webhooks import keys as key_file
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.files import TEXT_FILE
from webhooks.cli.opening import opened
from webhooks.hosts import opened as settings_of
from webhooks.hosts import sealed
from webhooks.settings import Settings

R = TypeVar("R", bound=Record)


class KeysInTheWay(AmendsError):
    """A key file is there already; replacing it would lose what it sealed."""


@click.group()
def keys() -> None:
    """The keys that seal tokens and secrets at rest."""


@keys.command()
@click.pass_obj
def new(settings: Settings) -> None:
    """Make the key file. Keep a copy apart from the database's backups: without it, every
    connection has to be made again."""
    if settings.key_file.exists():
        raise KeysInTheWay(
            f"{settings.key_file} is there already; to change keys, use `keys rotate`"
        )
    key_file.write(settings.key_file, [new_key()])
    click.echo(f"{settings.key_file}: made")


@keys.command()
@click.pass_obj
@opened
def rotate(of: Services, settings: Settings) -> None:
    """Seal everything under a new key. May be run again if it was interrupted."""
    if settings.keys is not None:
        raise KeysInTheWay("the keys come from AMENDS_KEYS; rotate them in a key file instead")
    key_file.write(settings.key_file, [new_key(), *key_file.text(settings).split()])
    sealer, workspace = key_file.sealer(settings), settings.workspace
    with of.store.read() as reader:
        ids = [row.id for row in reader.find(Connection)]
    for id in ids:
        with of.store.write() as tx:
            row = tx.lock(Connection, id)
            if row is not None and row.sealed is not None:
                tx.put(sealed(row, settings_of(row, sealer, workspace), sealer, workspace))
    codes = _renew(of, sealer, Payout, "sealed_code")
    links = _renew(of, sealer, ChoiceLink, "sealed_token")
    click.echo(
        f"{len(ids)} connections, {codes} codes and {links} links sealed under the new key;"
        " restart what is running"
    )


def _renew(of: Services, sealer: Sealer, kind: type[R], column: str) -> int:
    """What stands sealed in one column of all rows of a kind; answers how many were renewed."""
    done, after = 0, None
    while True:
        with of.store.read() as reader:
            page = reader.find(kind, after=after, limit=500)
        for found in page:
            text = getattr(found, column)
            if not text or not sealer.is_old(text):
                continue
            place = Place(of.store.workspace_id, kind.TABLE.name, found.id, column)
            with of.store.write() as tx:
                row = tx.lock(kind, found.id)
                if row is not None and getattr(row, column):
                    renewed = sealer.renew(getattr(row, column), place)
                    tx.put(replace(row, **{column: renewed}))
            done += 1
        if len(page) < 500:
            return done
        after = page[-1].id


@click.group()
def db() -> None:
    """The database."""


@db.command()
@click.pass_obj
def upgrade(settings: Settings) -> None:
    """Make or renew the tables."""
    schema.upgrade(settings.database_url)
    click.echo("the tables are up to date")


@db.command()
@click.option("--to", "target", required=True, help="where to: sqlite:///... or postgresql://...")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@click.pass_obj
def copy(settings: Settings, target: str, json_: bool) -> None:
    """Copy everything into an empty database, and halt payouts in this one. Stop Amends first."""
    done = copying.copy(settings.database_url, target)
    if json_:
        show.as_json({"rows": dict(done.rows), "entries": dict(done.entries)})
        return
    click.echo(f"{sum(done.rows.values())} rows of {len(done.rows)} tables copied and compared")
    for workspace, entries in sorted(done.entries.items()):
        click.echo(f"{workspace}: {entries} ledger entries verified in the copy")
    click.echo("payouts are halted in the old database; set AMENDS_DATABASE_URL to the new one")


@click.group()
def ledger() -> None:
    """The ledger: every movement of money, for ever."""


@ledger.command()
@click.option("--anchor", type=TEXT_FILE, help="a file written by `ledger anchor`")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def verify(of: Services, anchor: str | None, json_: bool) -> None:
    """Check every entry, the chain, closed months, and that nothing can be changed. Exit 1 if
    something is off."""
    with of.store.read() as reader:
        found = ledger_check.verify(reader, anchor.strip() if anchor is not None else None)
        months = journal.changed(reader) if found.ok else []
    guards = schema.check(of.settings.database_url).missing_triggers
    wrong = [f"entry {found.seq}: {found.problem}"] if found.problem else []
    wrong += [f"{month} is not as it was closed" for month in months]
    problems = [*wrong, *(f"the guard {name} is missing" for name in guards)]
    ok = not problems
    if json_:
        show.as_json({"ok": ok, "entries": found.entries, "problems": problems})
    else:
        for problem in problems:
            click.echo(f"problem: {problem}")
        click.echo(f"{found.entries} entries, {'all in order' if ok else 'NOT in order'}")
    if not ok:
        raise SystemExit(1)


@ledger.command("anchor")
@opened
def anchor_(of: Services) -> None:
    """Print the head of the chain. Keep it where the database's operator cannot change it."""
    with of.store.read() as reader:
        click.echo(ledger_check.anchor(reader, at=of.clock.now()).line())


@ledger.command()
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def balance(of: Services, json_: bool) -> None:
    """What each account holds, by currency."""
    with of.store.read() as reader:
        found = books.balances(reader)
    rows = [(account, Money(minor, cur)) for (account, cur), minor in sorted(found.items())]
    if json_:
        show.as_json([{"account": account, "amount": str(money)} for account, money in rows])
        return
    show.table(("account", "amount"), rows)
