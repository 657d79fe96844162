"""`amends manifest allow`: where a helpdesk serves our app from."""

from __future__ import annotations

import click

from core.connection import Connection
from core.errors import AmendsError
from webhooks.app import Services
from webhooks.cli.opening import opened
from webhooks.hosts import NoSuchConnection, sealed
from webhooks.hosts import opened as settings_of
from webhooks.sidebar.cors import SETTING, origins_of, read_origin


class NotServed(AmendsError):
    """Apps of this helpdesk are not served from an address of their own."""


@click.command()
@click.argument("connection_id")
@click.argument("origin")
@click.option("--remove", is_flag=True, help="it may ask no more")
@opened
def allow(of: Services, connection_id: str, origin: str, remove: bool) -> None:
    """Let the app's page, served from ORIGIN (https://name), ask for the sidebar."""
    origin = read_origin(origin, private=of.settings.allow_private_hosts)
    workspace = of.store.workspace_id
    with of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        if row is None:
            raise NoSuchConnection(f"there is no connection {connection_id}")
        if row.connector != "freshdesk":
            raise NotServed(f"the app of {row.title} is served by Amends itself")
        known = [one for one in origins_of(row) if one != origin]
        wanted = known if remove else [*known, origin]
        values = {**settings_of(row, of.sealer, workspace), SETTING: ",".join(wanted)}
        tx.put(sealed(row, values, of.sealer, workspace))
    of.hosts.forget(connection_id)
    click.echo("\n".join(wanted) if wanted else f"{row.title}: from nowhere")
