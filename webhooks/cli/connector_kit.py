"""`amends connector new | docs | test | reveal`: writing a connector, and trying a connection."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template

import click

from connectors import registry
from connectors.http import Answer, Http
from core.connection import Delivery
from core.errors import AmendsError
from core.ports import Check, HostError
from webhooks import connecting
from webhooks.app import Services
from webhooks.cli.connector_page import merged
from webhooks.cli.opening import opened
from webhooks.hosts import Host
from webhooks.hosts import opened as settings_of

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
_IMPORTS = re.compile(r"(?:^from (?!__future__).*[^(\n]\n)+", re.MULTILINE)
_PAYLOAD_SECRET = "the-secret-of-this-sample"  # noqa: S105 - of a sample, and says so


class CannotWrite(AmendsError):
    """The connector's name cannot be used, or something is there already."""


@click.command()
@click.argument("name")
@click.option("--title", help="what people call the host; the name if left out")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def new(name: str, title: str | None, folder: Path) -> None:
    """Write a connector to fill in: into this project, or as a package of its own elsewhere.

    It passes the part of the contract suite about SPEC and webhooks, and fails the rest with words
    on what to do.
    """
    if _NAME.fullmatch(name) is None:
        raise CannotWrite("a connector's name is small letters, digits and _, such as my_desk")
    if name in registry.specs():
        raise CannotWrite(f"there is a connector {name} already")
    inside = (folder / "connectors" / "registry.py").is_file()
    package = f"connectors.{name}" if inside else f"amends_{name}"
    shown = title or name.replace("_", " ").title()
    words = {
        "name": name,
        "package": package,
        "title": shown,
        "header": name.replace("_", "-"),
        "Class": "".join(part.title() for part in name.split("_")),
    }
    places = _inside(folder, name) if inside else _outside(folder, package)
    texts = {place: _filled(source, words) for source, place in places.items()}
    payloads = folder / "tests/payloads" / name if inside else folder / package / "payloads"
    texts |= _payload(payloads, name)
    there = [str(place) for place in texts if place.exists()]
    if there:
        raise CannotWrite(f"{there[0]} is there already; nothing was written")
    if inside:
        texts[folder / "tests/connectors" / name / "__init__.py"] = ""
    for place, text in texts.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        click.echo(place)
    click.echo(_next_steps(name, inside=inside))


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="docs/connectors",
    show_default=True,
)
@click.option("--check", is_flag=True, help="write nothing; fail where a page is not up to date")
def docs(folder: Path, check: bool) -> None:
    """Bring the tables of the connectors' pages up to date with their SPECs."""
    stale = []
    for name, spec in registry.specs().items():
        page = folder / f"{name}.md"
        if not page.is_file():
            continue
        now = page.read_text("utf-8")
        wanted = merged(now, spec)
        if now != wanted:
            stale.append(page)
            if not check:
                page.write_text(wanted, "utf-8")
    for page in stale:
        click.echo(f"{page}: {'not up to date' if check else 'written'}")
    if stale and check:
        raise AmendsError("run: amends connector docs")


@click.command("test")
@click.argument("connection_id")
@opened
def test_(of: Services, connection_id: str) -> None:
    """Try a connection: permissions, a read, and the way webhooks come in. Changes nothing."""
    host = of.hosts.get(connection_id)
    failed = False
    for check in _tried(of, host):
        failed |= not check.ok
        click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.what}")
        if check.todo:
            click.echo(f"      {check.todo}")
    if failed:
        raise AmendsError(f"{host.connection.title} is not ready; see above")


@click.command()
@click.argument("connection_id")
@click.argument("setting")
@opened
def reveal(of: Services, connection_id: str, setting: str) -> None:
    """Print one secret setting, to paste it at a host that cannot be told by API."""
    row = of.hosts.get(connection_id).connection
    value = settings_of(row, of.sealer, of.store.workspace_id).get(setting)
    if not value:
        raise AmendsError(f"{row.title} has no {setting}")
    click.echo(value)


COMMANDS = (new, docs, test_, reveal)


# ------------------------------------------------------------------------------ writing a new one


def _inside(folder: Path, name: str) -> dict[str, Path]:
    ours = folder / "connectors" / name
    return {
        **{f"{part}.py.txt": ours / f"{part}.py" for part in _PARTS},
        "harness.py.txt": folder / "tests/connectors" / name / "harness.py",
        "page.md.txt": folder / "docs/connectors" / f"{name}.md",
    }


def _outside(folder: Path, package: str) -> dict[str, Path]:
    theirs = folder / package
    return {
        **{f"{part}.py.txt": theirs / f"{part}.py" for part in (*_PARTS, "harness")},
        "page.md.txt": theirs / "README.md",
        "pyproject.toml.txt": folder / "pyproject.toml",
    }


_PARTS = ("__init__", "intake", "desk", "till")


def _filled(source: str, words: dict[str, str]) -> str:
    text = (files("webhooks.cli") / "connector_template" / source).read_text("utf-8")
    text = Template(text).substitute(words)
    # Where its own modules stand among the imports depends on the package's name.
    return _IMPORTS.sub(lambda block: "".join(sorted(block[0].splitlines(True))), text)


def _payload(folder: Path, name: str) -> dict[Path, str]:
    """One delivery as the example intake proves it, and what it means."""
    body = '{"event":"ticket.status","ticket_id":42}'
    mac = hmac.new(_PAYLOAD_SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    head = f"POST /hooks/{name} HTTP/1.1\nHost: amends.example\nContent-Type: application/json\n"
    wanted = {
        "settings": {"webhook_secret": _PAYLOAD_SECRET},
        "now": "2026-01-08T10:12:07+00:00",
        "key": hashlib.sha256(body.encode()).hexdigest(),
        "events": [{"event": "TicketStatusChanged", "ticket_id": "42"}],
    }
    return {
        folder / "solved.http": f"{head}X-{name.replace('_', '-')}-Signature: {mac}\n\n{body}\n",
        folder / "solved.json": json.dumps(wanted, indent=2) + "\n",
    }


def _next_steps(name: str, *, inside: bool) -> str:
    if inside:
        run = f"pytest tests/connectors/contract -k {name}"
    else:
        run = (
            f"pip install -e . here, then in a checkout of Amends: AMENDS_CONTRACT_FOR={name} "
            "pytest tests/connectors/contract"
        )
    return f"Next: {run}. Each failure says what is missing (docs/connectors/writing-one.md)."


# ---------------------------------------------------------------------------- trying a connection


def _tried(of: Services, host: Host) -> Iterator[Check]:
    roles, since = host.roles, of.clock.now() - timedelta(hours=1)
    if roles.setup is not None:
        yield from roles.setup.check()
    if roles.desk is not None:
        desk = roles.desk
        yield _read("tickets changed in the last hour", lambda: list(islice(desk.recent(since), 1)))
    if roles.till is not None:
        till = roles.till
        yield _read("payouts of the last hour", lambda: list(islice(till.recent(since), 1)))
    if roles.intake is not None:
        yield _reachable(of, host)
        yield _heard(of, host)


def _read(what: str, ask: Callable[[], object]) -> Check:
    try:
        ask()
    except HostError as error:
        return Check(ok=False, what=f"reading {what}", todo=str(error))
    return Check(ok=True, what=f"reading {what}")


def _reachable(of: Services, host: Host) -> Check:
    """A request nobody signed, sent to our own public address: what comes back must be our no."""
    what = f"webhooks reach Amends at {of.settings.public_url}"
    http = Http(within=timedelta(seconds=10), allow_private=True)
    try:
        url = connecting.webhook_url(of, host.connection)
        answer = http.send("POST", url, data=b"{}", judge=range(400, 600))
    finally:
        http.close()
    if isinstance(answer, Answer) and answer.status == 401:
        return Check(ok=True, what=what)
    said = f"it answered {answer.status}" if isinstance(answer, Answer) else answer.why
    todo = f"{said}; start `amends serve`, and set AMENDS_PUBLIC_URL to where hosts reach it"
    return Check(ok=False, what=what, todo=todo)


def _heard(of: Services, host: Host) -> Check:
    with of.store.read() as reader:
        rows = reader.find(Delivery, connection_id=host.connection.id, newest_first=True, limit=1)
    if rows:
        return Check(ok=True, what=f"last delivery {rows[0].received_at:%Y-%m-%d %H:%M}")
    return Check(
        ok=True, what="no delivery has come yet", todo="solve a test ticket, or change a test order"
    )
