"""`amends policy`: the packs, what was published and what waits for it; showing, checking, trying.

What only reads packs and files opens no database; published policies are looked for where there is
a database already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from core.people import Person
from core.policies import PolicyVersion, drafts
from core.policy import Policy, PolicyError, all_packs, load, pack_text
from core.policy.check import Finding, check
from core.policy.explain.printing import kind_name, value_text
from core.store import Reader
from webhooks.cli import show
from webhooks.cli.policy_answers import answer_to, lines
from webhooks.cli.policy_publishing import draft_, publish_, replay_
from webhooks.cli.policy_sources import Source, every, reader, source
from webhooks.settings import Settings


@click.group()
def policy() -> None:
    """Policies: what a customer gets, and why."""


policy.add_command(draft_)
policy.add_command(publish_)
policy.add_command(replay_)


@policy.command("list")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@click.pass_obj
def list_(settings: Settings, json_: bool) -> None:
    """The packs that ship with Amends, what this workspace published, and drafts that wait."""
    rows: list[dict[str, Any]] = []
    for name in all_packs():
        text, variant = pack_text(name)
        rows.append(_about(Source("pack", name, text, variant).policy) | {"from": "pack"})
    with reader(settings) as stored:
        if stored is not None:
            rows += _stored(stored)
    if json_:
        show.as_json(rows)
        return
    heads = ("policy", "from", "basis", "currencies", "version", "in force from", "written by",
             "published by", "title")  # fmt: skip
    show.table(
        heads,
        [
            (row["name"], row.get("id", row["from"]), row["basis"],
             ", ".join(row["currencies"]) or None, row["version"][:12], row.get("effective_from"),
             row.get("author"), row.get("published_by"), row.get("title"))
            for row in rows
        ],
    )  # fmt: skip


def _stored(of: Reader) -> Iterator[dict[str, Any]]:
    """What was published, oldest first, then the drafts that wait."""
    for one in of.find(PolicyVersion):
        yield _about(Source("published", one.name, one.text, one.variant).policy) | {
            "from": "published", "effective_from": one.effective_from.isoformat(),
            "published_at": one.published_at.isoformat(), "author": _name(of, one.author),
            "published_by": _name(of, one.published_by),
        }  # fmt: skip
    for draft in drafts(of):
        yield _about(Source("draft", draft.name, draft.text, draft.variant).policy) | {
            "from": "draft", "id": draft.id, "author": _name(of, draft.author),
        }  # fmt: skip


def _name(of: Reader, id: str | None) -> str | None:
    person = of.get(Person, id) if id else None
    return person.name if person else None


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


@policy.command("decide")
@click.argument("name_or_file")
@click.option("--facts", "file", type=click.File("r", encoding="utf-8"), required=True,
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
