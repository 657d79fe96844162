"""`amends policy`: the packs and what was published; showing, checking, trying and publishing.

What only reads packs and files opens no database; published policies are looked for where there is
a database already.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Any, TextIO

import click

from core.errors import AmendsError
from core.moment import Moment
from core.policies import PolicyVersion, publish
from core.policy import Policy, PolicyError, all_packs, load, pack_text
from core.policy.check import Finding, check, refuse_errors
from core.policy.explain.printing import kind_name, value_text
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import as_person, opened
from webhooks.cli.policy_answers import answer_to, lines
from webhooks.cli.policy_sources import Source, every, reader, source
from webhooks.settings import Settings


class NotAllowed(AmendsError):
    """The person may not do this."""


@click.group()
def policy() -> None:
    """Policies: what a customer gets, and why."""


@policy.command("list")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@click.pass_obj
def list_(settings: Settings, json_: bool) -> None:
    """The packs that ship with Amends, and what this workspace published."""
    rows: list[dict[str, Any]] = []
    for name in all_packs():
        text, variant = pack_text(name)
        rows.append(_about(Source("pack", name, text, variant).policy) | {"from": "pack"})
    with reader(settings) as stored:
        for version in stored.find(PolicyVersion) if stored is not None else ():
            found = Source("published", version.name, version.text, version.variant).policy
            rows.append(
                _about(found)
                | {"from": "published", "effective_from": version.effective_from.isoformat()}
            )
    if json_:
        show.as_json(rows)
        return
    heads = ("policy", "from", "basis", "currencies", "version", "in force from", "title")
    show.table(
        heads,
        [
            (row["name"], row["from"], row["basis"], ", ".join(row["currencies"]) or None,
             row["version"][:12], row.get("effective_from"), row.get("title"))
            for row in rows
        ],
    )  # fmt: skip


@policy.command("show")
@click.argument("name")
@click.option("--variant", default="", help="one of several a file holds")
@click.option("--text", is_flag=True, help="the policy itself, as it is written")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@click.pass_obj
def show_(settings: Settings, name: str, variant: str, text: bool, json_: bool) -> None:
    """What a pack, a published policy or a file says: its facts, and where it comes from."""
    given = source(settings, name, variant)
    if text:
        click.echo(given.text, nl=not given.text.endswith("\n"))
        return
    found = given.policy
    about = _about(found) | {"from": given.kind, "facts": _facts(found)}
    if json_:
        show.as_json(about)
        return
    for key, value in about.items():
        if key != "facts":
            click.echo(f"{key}: {', '.join(value) if isinstance(value, list) else value}")
    heads = ("fact", "type", "if it is not there")
    show.table(heads, [(f["name"], f["type"], f.get("default")) for f in about["facts"]])


@policy.command("check")
@click.argument("file")
@click.option("--variant", default="", help="only this one of several a file holds")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@click.pass_obj
def check_(settings: Settings, file: str, variant: str, json_: bool) -> None:
    """Look for gaps, overlaps, rows never reached and sums that cannot be meant.

    Ends with 1 if there is an error: such a policy cannot be published.
    """
    findings: list[tuple[str, Finding]] = []
    for one_of in every(settings, file, variant):
        found = _findings(one_of)
        findings += [(one_of.variant or one_of.name, one) for one in found]
    if json_:
        show.as_json([{"policy": name, **one.to_data()} for name, one in findings])
    elif not findings:
        click.echo(f"{file}: nothing to say")
    else:
        for name, one in findings:
            click.echo(f"{name}: {one}")
            click.echo(f"    {one.suggestion}")
    if any(one.severity == "error" for _, one in findings):
        sys.exit(1)


@policy.command("publish")
@click.argument("file_or_pack")
@click.option("--as", "person", required=True, help="e-mail of the admin who publishes it")
@click.option("--from", "first", help="first day it is in force, such as 2026-03-01; today if not")
@click.option("--variant", default="", help="one of several a file holds")
@opened
def publish_(of: Services, file_or_pack: str, person: str, first: str | None, variant: str) -> None:
    """Publish a pack or a file. A published version is never changed; publish the next one."""
    given = source(of.settings, file_or_pack, variant, published=False)
    moment = Moment(of.clock.now())
    today = moment.now.date()
    day = _day(first) if first else today
    if day < today:
        raise NotAllowed(f"{day} is past; a policy takes effect today ({today}) or later")
    with of.store.write() as tx:
        who = as_person(tx, person)
        if "admin" not in who.roles or not who.active:
            raise NotAllowed(f"{who.email} is no admin here; see `amends person role`")
        warnings = refuse_errors(given.policy, today=today)
        version = publish(
            tx, given.text, variant=given.variant, effective_from=day, by=who.id, moment=moment
        )
    for one in warnings:
        click.echo(f"{one}", err=True)
    click.echo(f"{version.name} {version.version_hash[:12]}: published, in force from {day}")


@policy.command("decide")
@click.argument("name_or_file")
@click.option("--facts", "file", type=click.File("r"), required=True,
              help="JSON lines: facts, or objects with `inputs` (- for stdin)")  # fmt: skip
@click.option("--explain", "explained", is_flag=True, help="with the derivation")
@click.option("--language", default=None, help="with --explain: also in these words (en, ar, fa)")
@click.option("--variant", default="", help="one of several a file holds")
@click.pass_obj
def decide_(
    settings: Settings, name_or_file: str, file: TextIO, explained: bool, language: str | None,
    variant: str,
) -> None:  # fmt: skip
    """Decide cases, a JSON object a line, and print the answer to each, a JSON object a line.

    Ends with 2 if a line was no facts, or facts did not fit their types.
    """
    found = source(settings, name_or_file, variant).policy
    failed = False
    for line in lines(file):
        answer, fits = answer_to(found, line, explained, language)
        failed = failed or not fits
        show.as_json(answer)
    if failed:
        sys.exit(2)


def _findings(of: Source) -> list[Finding]:
    """What is found; of a text that is no policy, why not."""
    try:
        policy_ = load(of.text, name=of.name, variant=of.variant)
    except PolicyError as error:
        return [Finding("unreadable", "error", error.message, error.line, error.column,
                        "mend this first; nothing else was checked")]  # fmt: skip
    return check(policy_, today=datetime.now(UTC).date())


def _about(of: Policy) -> dict[str, Any]:
    return {
        "name": of.name, "version": of.version_hash, "basis": of.basis,
        "currencies": list(of.currencies), **dict(of.tree.about),
    }  # fmt: skip


def _facts(of: Policy) -> list[dict[str, Any]]:
    found = []
    for one in of.facts:
        kind = one.type
        shown = ", ".join(map(str, kind.values)) if kind.values else kind_name(kind)
        row: dict[str, Any] = {"name": one.name, "type": f"{shown}{' or null' * kind.nullable}"}
        if one.has_default:
            row["default"] = value_text(one.default, kind, "")
        found.append(row)
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--from takes a day such as 2026-03-01, not {text[:20]}") from None
