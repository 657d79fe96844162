"""`amends policy draft`, `publish` and `replay`: what is in force, who put it there, and the proof
that an old decision stands."""

from __future__ import annotations

import sys
from datetime import date

import click

from core.case import Case
from core.errors import AmendsError
from core.moment import Moment
from core.policies import draft, drafts, publish, publish_pack
from core.policy import all_packs, load
from core.policy.check import check
from core.replay import replay
from core.store import Reader
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import as_person, opened
from webhooks.cli.policy_sources import source


class NothingToPublish(AmendsError):
    """What was named is neither a pack nor a draft."""


class NoSuchCase(AmendsError):
    """No case has this id."""


@click.command("draft")
@click.argument("file")
@click.option("--as", "person", required=True, help="e-mail of the admin who wrote it")
@click.option("--variant", default="", help="one of several a file holds")
@opened
def draft_(of: Services, file: str, person: str, variant: str) -> None:
    """Keep a file for another admin to read and publish; its author cannot."""
    given = source(of.settings, file, variant, stored=False)
    moment = Moment(of.clock.now())
    with of.store.write() as tx:
        who = as_person(tx, person)
        made = draft(tx, given.text, variant=given.variant, by=who, moment=moment)
    _warn(made.text, made.variant, moment.now.date())
    click.echo(f"{made.name} {made.version_hash[:12]}: kept as {made.id}")
    click.echo(f"another admin: amends policy publish {made.id} --as ...")


@click.command("publish")
@click.argument("pack_or_draft")
@click.option("--as", "person", required=True, help="e-mail of the admin who publishes it")
@click.option("--from", "first", help="first day it is in force, such as 2026-03-01; today if not")
@opened
def publish_(of: Services, pack_or_draft: str, person: str, first: str | None) -> None:
    """Publish a pack as it ships, or a draft that another admin wrote.

    A published version is never changed; publish the next one.
    """
    moment = Moment(of.clock.now())
    day = _day(first) if first else moment.now.date()
    with of.store.write() as tx:
        who = as_person(tx, person)
        if pack_or_draft.startswith("draft_"):
            version = publish(tx, pack_or_draft, effective_from=day, by=who, moment=moment)
        elif pack_or_draft in all_packs():
            version = publish_pack(tx, pack_or_draft, effective_from=day, by=who, moment=moment)
        else:
            raise NothingToPublish(_what_instead(tx, pack_or_draft))
    _warn(version.text, version.variant, moment.now.date())
    click.echo(f"{version.name} {version.version_hash[:12]}: published, in force from {day}")


@click.command("replay")
@click.argument("case_id")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def replay_(of: Services, case_id: str, json_: bool) -> None:
    """Decide an old case again, from the facts and the policy that were kept.

    Ends with 1 if the answer is not the same to the byte.
    """
    with of.store.read() as reader:
        case = reader.get(Case, case_id)
        if case is None:
            raise NoSuchCase(f"there is no case {case_id[:60]}; see `amends case list`")
        found = replay(reader, case)
    version = found.version
    if json_:
        show.as_json(
            {"case": case.id, "policy": version.name, "policy_hash": version.version_hash,
             "same": found.same, "kept": found.kept.decode(), "again": found.again.decode()}
        )  # fmt: skip
    else:
        click.echo(f"{version.name} {version.version_hash[:12]}, published {version.published_at}")
        click.echo(f"kept:  {found.kept.decode()}")
        click.echo(f"again: {found.again.decode()}")
        click.echo("the same, byte for byte" if found.same else "NOT the same")
    if not found.same:
        sys.exit(1)


def _what_instead(reader: Reader, name: str) -> str:
    """A draft is named by its id, so that what was read is what is published."""
    known = [one.id for one in drafts(reader) if one.name == name]
    if known:
        return f"read a draft of {name} and name it: {', '.join(known)}"
    return (
        f"{name[:80]!r} is no pack and no draft; a file is kept with `amends policy draft`, and "
        "another admin publishes it"
    )


def _warn(text: str, variant: str, today: date) -> None:
    for one in check(load(text, variant=variant), today=today):
        click.echo(f"{one}", err=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--from takes a day such as 2026-03-01, not {text[:20]}") from None
