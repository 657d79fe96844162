"""`amends policy backtest`, `export` and `import`: trying a draft, and editing it as a sheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from core.policy.backtest import Report, TicketFile, Tickets, TicketsError, backtest
from core.policy.backtest.findings import approvals, cost, sides, undecided
from core.policy.backtest.html import page
from core.policy.backtest.past_cases import PastCases
from core.policy.sheets import export, take_in
from webhooks.cli import files, show
from webhooks.cli.policy_sources import reader, source
from webhooks.settings import Settings


@click.command("backtest")
@click.argument("file")
@click.option(
    "--tickets",
    type=click.Path(exists=True, dir_okay=False),
    help="CSV or Parquet, a row a ticket; the cases in the database if it is not named",
)
@click.option("--against", help="pack, published policy or file; what was paid if it is not named")
@click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False),
    help="write report.html and report.json there",
)
@click.option("--variant", default="", help="one of several the file holds")
@click.option("--rows", is_flag=True, help="row by row, even where a query could do it")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@click.pass_obj
def backtest_(
    settings: Settings, file: str, tickets: str | None, against: str | None, folder: str | None,
    variant: str, rows: bool, json_: bool,
) -> None:  # fmt: skip
    """Try a policy on past tickets: what it would have cost, and who would have got more."""
    draft = source(settings, file, variant).policy
    other = source(settings, against, "").policy if against else None
    with _tickets(settings, tickets) as past, _bar(past, hidden=json_) as progress:
        report = backtest(draft, past, against=other, progress=progress, rows=rows)
    if folder:
        _write(report, Path(folder))
    if json_:
        show.as_json(report.to_data())
        return
    for line in _said(report):
        click.echo(line)
    if folder:
        click.echo(f"the whole report: {Path(folder) / 'report.html'}")


@click.command("export")
@click.argument("name_or_file")
@click.argument("target", type=click.Path())
@click.option("--variant", default="", help="one of several the file holds")
@click.pass_obj
def export_(settings: Settings, name_or_file: str, target: str, variant: str) -> None:
    """Write the tables of a policy as a workbook (.xlsx) or a folder of CSV files."""
    given = source(settings, name_or_file, variant)
    try:
        names = export(given.text, Path(target))
    except OSError as error:
        raise files.CannotWrite(f"{target} cannot be written: {error.strerror}") from None
    for name in names:
        click.echo(name)


@click.command("import")
@click.argument("name_or_file")
@click.argument("sheets", type=click.Path(exists=True))
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, writable=True),
    help="where to write the policy with the tables of the sheets",
)
@click.pass_obj
def import_(settings: Settings, name_or_file: str, sheets: str, output: str) -> None:
    """Take the tables of a workbook or folder back into the policy they were exported from.

    Everything else of the policy stays as it is written; what comes out passes the same checks.
    """
    given = source(settings, name_or_file, "")
    text = take_in(given.text, Path(sheets))
    files.write(Path(output), text.encode())
    click.echo(f"{output}: written; see `amends policy check {output}`")


COMMANDS = (backtest_, export_, import_)


@contextmanager
def _tickets(settings: Settings, file: str | None) -> Iterator[Tickets]:
    if file is not None:
        yield TicketFile(file)
        return
    with reader(settings) as stored:
        if stored is None:
            raise TicketsError("there is no database yet; name a file with --tickets")
        yield PastCases(stored)


@contextmanager
def _bar(past: Tickets, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; silence elsewhere."""
    if hidden or not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=past.length, label="tickets", file=sys.stderr) as bar:
        yield bar.update


def _write(report: Report, folder: Path) -> None:
    data = json.dumps(report.to_data(), ensure_ascii=False, indent=1)
    files.write(folder / "report.json", (data + "\n").encode())
    files.write(folder / "report.html", page(report).encode())


def _said(report: Report) -> Iterator[str]:
    tally = report.tally
    how = "as a query" if report.engine == "duckdb" else "row by row"
    because = f" ({report.because})" if report.because else ""
    yield f"{tally.tickets:,} tickets, decided {how}{because}"
    for code in sorted({*tally.draft.currencies, *tally.other.currencies}):
        yield cost(report, code)
    if report.against:
        for code in tally.compared_currencies:
            yield f"{code}: {sides(report, code)}"
    yield approvals(report)
    yield undecided(report)
    if report.missing:
        yield f"no column for: {', '.join(report.missing)}"
