"""Agreeing on a host's own page, from a terminal: say the address, open it, wait for the answer."""

from __future__ import annotations

import os
import sys
import time

import click

from core.connection import Connection
from webhooks.app import Services
from webhooks.granting import LIFE, Grants

_LOOK_SECONDS = 0.5


def agree(of: Services, row: Connection) -> None:
    """Return once the connection has access. Raises `NotGranted`, or what is not filled in."""
    grants = Grants(of.store, of.hosts, of.sealer, of.clock.now)
    begun = grants.begin(row.id, of.settings.public_url)
    click.echo(f"Agree on this page, within {LIFE.seconds // 60} minutes:\n\n  {begun.url}\n")
    click.echo(f"The answer comes to {begun.callback}, where `amends serve` must be running.")
    if _there_is_a_browser():
        click.launch(begun.url)
    while not grants.outcome(begun.id):
        time.sleep(_LOOK_SECONDS)
    click.echo(f"{row.title}: connected")


def at_a_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _there_is_a_browser() -> bool:
    """One with a window: one in the terminal would take it away from us."""
    windows = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return sys.platform in ("darwin", "win32") or windows
