"""`amends manifest`: the apps that helpdesks want uploaded, filled in and checked."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from core.errors import AmendsError
from webhooks import connecting
from webhooks.app import Services
from webhooks.cli import files
from webhooks.cli.opening import opened
from webhooks.manifests import Finding, app_of, names, package

_HELPDESK = click.argument("helpdesk", type=click.Choice(names()))


@click.group()
def manifest() -> None:
    """The Amends app as a helpdesk wants it uploaded."""


@manifest.command()
@_HELPDESK
@click.option("--connection", "connection_id", required=True, help="whom the app is for")
@click.option("--out", type=click.Path(path_type=Path), help="the file to write")
@opened
def build(of: Services, helpdesk: str, connection_id: str, out: Path | None) -> None:
    """Fill in this installation's address and pack the app. The same every time."""
    app = app_of(helpdesk)
    row = connecting.existing(of, connection_id)
    made = app.build(of, row)
    found = app.check(made)
    _show(found)
    if _refused(found):
        raise AmendsError("nothing was written: the helpdesk would refuse this app")
    out = out or Path(f"amends-{helpdesk}.zip")
    files.write(out, made.zipped())
    click.echo(f"{out}\n{app.after(row)}")


@manifest.command()
@_HELPDESK
@click.argument("app", type=click.Path(exists=True, path_type=Path))
def check(helpdesk: str, app: Path) -> None:
    """Apply the helpdesk's own rules to a packed app or its folder, offline."""
    found = app_of(helpdesk).check(package.read(app))
    _show(found)
    if _refused(found):
        sys.exit(1)
    click.echo(f"{app}: nothing that {helpdesk} would refuse")


def _refused(found: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in found)


def _show(found: list[Finding]) -> None:
    for finding in found:
        click.echo(f"{finding.level}: {finding.where}: {finding.what}", err=True)
