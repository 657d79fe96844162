"""Connecting a host: check what was filled in, seal what is secret, install at the host."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from connectors import registry
from core.connection import Connection
from core.errors import AmendsError
from core.moment import Moment
from core.ports import Setting
from core.routing import read_routing
from webhooks.app import Services
from webhooks.hosts import CONNECTED_AT, NoSuchConnection, opened, sealed


class BadSettings(AmendsError):
    """Something is missing or unknown in the settings of a connection."""


def add(
    of: Services,
    connector: str,
    *,
    title: str | None = None,
    values: Mapping[str, str],
    options: Mapping[str, object] | None = None,
    live: bool = False,
) -> Connection:
    """Add a connection, not yet installed at the host. Raises `BadSettings`, `BadOptions`."""
    spec = registry.spec(connector)
    if options:
        read_routing(options)
    moment = Moment(of.clock.now())
    row = Connection(
        id=moment.new("conn"),
        connector=connector,
        title=title or spec.title,
        live=live,
        state="on",
        path_token=secrets.token_urlsafe(24),
        settings={},
        options=dict(options or {}),
        created_at=moment.now,
    )
    row = sealed(row, _checked(values, spec.settings), of.sealer, of.store.workspace_id)
    with of.store.write() as tx:
        tx.add(row)
    return row


def existing(of: Services, connection_id: str) -> Connection:
    """Raises `NoSuchConnection`."""
    with of.store.read() as reader:
        row = reader.get(Connection, connection_id)
    if row is None:
        raise NoSuchConnection(f"there is no connection {connection_id}")
    return row


def install(of: Services, connection_id: str) -> Mapping[str, str]:
    """Create at the host what Amends needs there, and keep what was learned. Raises `HostError`."""
    host = of.hosts.get(connection_id)
    if host.roles.setup is None:
        return {}
    learned = host.roles.setup.install(webhook_url(of, host.connection))
    ours, theirs = of.clock.now(), host.time()
    if theirs is not None and host.roles.desk is not None:
        learned = {**learned, CONNECTED_AT: host.connected_at(ours, theirs).isoformat()}
    _keep(of, connection_id, learned)
    return learned


def set_up_app(of: Services, connection_id: str, app_id: str, installation_id: str) -> None:
    """Have a helpdesk's connection know the pages of the Amends app that is installed there.
    Raises `HostError`, `Malformed`, `NoSuchConnection`."""
    host = of.hosts.get(connection_id)
    if host.roles.panel is None:
        raise NoSuchConnection(f"{host.connection.title} shows no app whose pages it signs")
    _keep(of, connection_id, host.roles.panel.prepare(app_id, installation_id))


def _keep(of: Services, connection_id: str, learned: Mapping[str, str]) -> None:
    """Store settings that the host told us."""
    with of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        if row is None:
            raise NoSuchConnection(f"there is no connection {connection_id}")
        workspace = of.store.workspace_id
        now = opened(row, of.sealer, workspace)
        row = sealed(row, {**now, **learned}, of.sealer, workspace)
        if "case_field" in learned and isinstance(row.options, Mapping):
            row = replace(row, options={**row.options, "case_field": learned["case_field"]})
        tx.put(row)
    of.hosts.forget(connection_id)


def change_options(of: Services, connection_id: str, options: Mapping[str, object]) -> Connection:
    """Set how a desk's tickets are handled. Raises `BadOptions`."""
    with of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        if row is None:
            raise NoSuchConnection(f"there is no connection {connection_id}")
        now = row.options if isinstance(row.options, Mapping) else {}
        after = replace(row, options={**now, **options})
        read_routing(after.options)
        tx.put(after)
    of.hosts.forget(connection_id)
    return after


def webhook_url(of: Services, connection: Connection) -> str:
    return f"{of.settings.public_url}/hooks/{connection.path_token}"


def _checked(values: Mapping[str, str], known: tuple[Setting, ...]) -> dict[str, str]:
    names = {setting.name for setting in known}
    unknown = sorted(set(values) - names)
    if unknown:
        raise BadSettings(f"unknown setting {unknown[0]}; there are: {', '.join(sorted(names))}")
    filled = {s.name: s.default for s in known if s.default is not None} | dict(values)
    # Nothing of what agreeing on the host's page spares: it will be agreed to.
    by_hand = any(filled.get(s.name) for s in known if s.agreeing == "spares")
    asked = [s for s in known if s.required and (by_hand or s.agreeing != "spares")]
    missing = [s.name for s in asked if not filled.get(s.name)]
    if missing:
        raise BadSettings(f"missing setting: {', '.join(missing)}")
    return filled
