"""`amends doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import click

from connectors import registry
from core.clocks import TOLERANCE
from core.connection import Connection
from core.errors import AmendsError
from core.people import PersonIdentity, Workspace
from core.policies import in_force
from core.ports import Check
from core.routing import BadOptions, read_routing
from core.store import Reader, StoreUnavailable, schema, waking
from webhooks import keys
from webhooks.app import Services, services
from webhooks.cli import show
from webhooks.engine.watch import apart, told
from webhooks.settings import Settings


@click.command()
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@click.option("--offline", is_flag=True, help="ask no host")
@click.pass_obj
def doctor(settings: Settings, json_: bool, offline: bool) -> None:
    """Look at settings, database and connections. Exit 1 if something needs doing."""
    checks = list(_checks(settings, offline))
    if json_:
        show.as_json([{"ok": c.ok, "what": c.what, "todo": c.todo} for c in checks])
    else:
        for check in checks:
            click.echo(f"{'ok ' if check.ok else 'NOT'}  {check.what}")
            if check.todo:
                click.echo(f"     -> {check.todo}")
    if not all(check.ok for check in checks):
        raise SystemExit(1)


def _checks(settings: Settings, offline: bool) -> Iterator[Check]:
    try:
        keys.sealer(settings)
        yield Check(ok=True, what="the sealing keys can be read")
    except AmendsError as error:
        yield Check(ok=False, what="the sealing keys can be read", todo=str(error))
        return
    base = _database(settings)
    yield base
    if not base.ok:
        return
    yield _waking(settings)
    yield _address(settings)
    for name, why in registry.problems().items():
        yield Check(ok=False, what=f"connector {name}", todo=why)
    of = services(settings)
    try:
        yield _clock(of)
        with of.store.read() as reader:
            yield from _workspace(reader)
            rows = reader.find(Connection)
        for row in rows:
            yield from _connection(of, row, offline)
    finally:
        of.store.close()


def _database(settings: Settings) -> Check:
    what = "the database has our tables, and its ledger is guarded"
    try:
        state = schema.check(settings.database_url)
    except StoreUnavailable as error:
        return Check(ok=False, what=what, todo=f"{error}; then run `amends db upgrade`")
    return Check(ok=state.ok, what=what, todo="" if state.ok else "run `amends db upgrade`")


def _waking(settings: Settings) -> Check:
    ok = waking.passes(settings.database_url, settings.workspace)
    todo = (
        "a pooler takes their connections away: let it lend them for a session, or connect to "
        f"PostgreSQL itself; until then they look every {settings.poll_seconds:g} s"
    )
    return Check(ok=ok, what="workers hear at once of new work", todo="" if ok else todo)


def _address(settings: Settings) -> Check:
    public = settings.public_url.startswith("https://")
    todo = "set AMENDS_PUBLIC_URL to the https address hosts reach this server by"
    ok = public or settings.allow_private_hosts
    return Check(ok=ok, what=f"hosts reach us at {settings.public_url}", todo="" if ok else todo)


def _clock(of: Services) -> Check:
    by = apart(of.store, of.clock)
    todo = f"{told(by)}: keep both by a time server; nothing is worked on here until both are right"
    ok = abs(by) <= TOLERANCE
    return Check(ok=ok, what="our clock and the database's agree", todo="" if ok else todo)


def _workspace(reader: Reader) -> Iterator[Check]:
    workspace = reader.get(Workspace, "workspace")
    halted = workspace.halted_why if workspace else None
    yield Check(
        ok=halted is None, what="payouts are not halted", todo=f"halted: {halted}" if halted else ""
    )
    some = reader.count(PersonIdentity) > 0
    todo = "add one with `amends person add`, then `amends person link`"
    yield Check(ok=some, what="somebody can approve", todo="" if some else todo)


def _connection(of: Services, row: Connection, offline: bool) -> Iterator[Check]:
    name = f"{row.title} ({row.id})"
    if row.state == "off":
        yield Check(ok=False, what=f"{name} is connected", todo="it is switched off")
        return
    if row.state == "lost":
        todo = (
            f"its host denied us: `amends connector authorise {row.id}`, or give the account the "
            "permissions it lacks"
        )
        yield Check(ok=False, what=f"{name} lets us in", todo=todo)
    host = of.hosts.get(row.id)
    if host.roles.desk is not None:
        yield _routing(of, row, name)
    if host.roles.setup is not None and not offline:
        for check in host.roles.setup.check():
            yield Check(ok=check.ok, what=f"{name}: {check.what}", todo=check.todo)


def _routing(of: Services, row: Connection, name: str) -> Check:
    what = f"{name}: its options can be used"
    try:
        routing = read_routing(row.options)
    except BadOptions as error:
        return Check(ok=False, what=what, todo=f"{error}; set them with `amends connector options`")
    with of.store.read() as reader:
        policy = in_force(reader, routing.policy, of.clock.now().date())
        missing = [
            t.connection_id for t in routing.tills if not reader.get(Connection, t.connection_id)
        ]
    if policy is None:
        todo = f"publish one with `amends policy publish`; {routing.policy} is not in force"
        return Check(ok=False, what=what, todo=todo)
    if missing:
        return Check(ok=False, what=what, todo=f"there is no connection {missing[0]} to pay from")
    return Check(ok=True, what=what)
