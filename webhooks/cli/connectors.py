"""`amends connector`: which hosts Amends can work with, and the connections to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import click

from connectors import registry
from core.connection import Connection
from core.errors import AmendsError
from core.ports import HostError, Setting, Spec
from webhooks import connecting
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.agreeing import agree, at_a_terminal
from webhooks.cli.files import TEXT_FILE
from webhooks.cli.opening import opened
from webhooks.granting import by_agreeing, callback_address


@click.group()
def connector() -> None:
    """Connectors and connections."""


@connector.command("list")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
def list_(json_: bool) -> None:
    """The connectors that are installed, and what each can do."""
    specs = registry.specs().values()
    if json_:
        show.as_json([describe(spec) for spec in specs])
        return
    rows = [
        (s.name, s.title, ", ".join(s.writes) or None, ", ".join(s.pays) or None, s.signature)
        for s in specs
    ]
    show.table(("connector", "title", "writes", "pays", "deliveries are proved by"), rows)
    for name, why in registry.problems().items():
        click.echo(f"problem: {name} cannot be loaded: {why}", err=True)


@connector.command()
@click.argument("name")
@click.option("--title", help="what people call it; the host's name if left out")
@click.option("--set", "pairs", multiple=True, help="a setting, as name=value")
@click.option("--options", type=TEXT_FILE, help="a JSON file: how its tickets are handled")
@click.option("--live", is_flag=True, help="real customers and real money")
@click.option("--no-install", is_flag=True, help="create nothing at the host yet")
@opened
def add(
    of: Services,
    name: str,
    title: str | None,
    pairs: Sequence[str],
    options: str | None,
    live: bool,
    no_install: bool,
) -> None:
    """Connect a host. Asks for what --set leaves out; secrets are not shown."""
    spec = registry.spec(name)
    given = dict(_pair(pair) for pair in pairs)
    agreeing = not no_install and _wants_to_agree(of, spec, given)
    for setting in spec.settings:
        if setting.name not in given and setting.default is None and _asked(setting, agreeing):
            asked = click.prompt(setting.title, hide_input=setting.secret)
            given[setting.name] = str(asked)
    handled = _options(options) if options is not None else None
    row = connecting.add(of, name, title=title, values=given, options=handled, live=live)
    click.echo(f"{row.id}: {row.title}")
    click.echo(f"deliveries go to {connecting.webhook_url(of, row)}")
    if agreeing:
        agree(of, row)
    if not no_install:
        _install(of, row)


def _wants_to_agree(of: Services, spec: Spec, given: Mapping[str, str]) -> bool:
    """On the host's own page, instead of filling in tokens. Only somebody at a terminal can."""
    if not by_agreeing(spec.name) or not at_a_terminal():
        return False
    if any(s.name in given for s in spec.settings if s.agreeing == "spares"):
        return False
    if not click.confirm(f"Agree on {spec.title}'s own page, with no token to fill in?", True):
        return False
    address = callback_address(of.settings.public_url, spec.name)
    if any(s.agreeing == "needs" for s in spec.settings):
        click.echo(f"The redirect address that {spec.title} wants to know: {address}")
    return True


def _asked(setting: Setting, agreeing: bool) -> bool:
    """Whether a setting that was not given is asked for."""
    if agreeing and setting.agreeing is not None:
        return setting.agreeing == "needs"
    return setting.required


@connector.command()
@click.argument("connection_id")
@opened
def authorise(of: Services, connection_id: str) -> None:
    """Give access by agreeing on the host's own page; also when it was lost."""
    agree(of, connecting.existing(of, connection_id))
    click.echo(f"If it was never installed: amends connector install {connection_id}")


@connector.command("connections")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def connections(of: Services, json_: bool) -> None:
    """The connections of this workspace."""
    with of.store.read() as reader:
        rows = reader.find(Connection)
    if json_:
        hidden = ("sealed", "path_token")
        show.as_json([{k: v for k, v in show.record(r).items() if k not in hidden} for r in rows])
        return
    show.table(
        ("connection", "connector", "title", "state", "money"),
        [(r.id, r.connector, r.title, r.state, "live" if r.live else "test") for r in rows],
    )


@connector.command()
@click.argument("connection_id")
@opened
def install(of: Services, connection_id: str) -> None:
    """Create at the host what Amends needs there. Running it again changes nothing."""
    _install(of, of.hosts.get(connection_id).connection)


@connector.command()
@click.argument("connection_id")
@click.argument("options", type=TEXT_FILE)
@opened
def options(of: Services, connection_id: str, options: str) -> None:
    """Set how a helpdesk's tickets are handled, from a JSON file (- for standard input)."""
    connecting.change_options(of, connection_id, _options(options))
    click.echo(f"{connection_id}: set")


@connector.command("app")
@click.argument("connection_id")
@click.option("--app-id", required=True, help="the number of the Amends app in the helpdesk")
@click.option("--installation-id", required=True, help="the number of its installation")
@opened
def app_(of: Services, connection_id: str, app_id: str, installation_id: str) -> None:
    """Fetch the key that signs the pages of the Amends app, once it is installed at the host."""
    connecting.set_up_app(of, connection_id, app_id, installation_id)
    click.echo(f"{connection_id}: agents who open a ticket see Amends beside it")


def describe(spec: Spec) -> dict[str, object]:
    """A connector's abilities as JSON."""
    return {
        "name": spec.name,
        "title": spec.title,
        "hears": list(spec.hears),
        "writes": list(spec.writes),
        "pays": {
            remedy: {
                "currencies": sorted(pays.currencies) if pays.currencies is not None else None,
                "partial": pays.partial,
                "retry": pays.retry,
                "reversible": pays.reversible,
            }
            for remedy, pays in spec.pays.items()
        },
        "signature": spec.signature,
        "quality": {
            name: {"state": state, "why": why} for name, (state, why) in spec.quality.items()
        },
    }


def _install(of: Services, row: Connection) -> None:
    try:
        learned = connecting.install(of, row.id)
    except HostError as error:
        raise AmendsError(
            f"{row.title} is kept, but nothing could be created there: {error}. "
            f"When that is mended: amends connector install {row.id}"
        ) from None
    click.echo(f"{row.title}: installed" if learned else f"{row.title}: nothing to install")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set takes name=value, not {text}")
    return name, value


def _options(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise AmendsError(f"the options are not JSON: {error}") from None
    if not isinstance(found, dict):
        raise AmendsError("the options are one JSON object")
    return found
