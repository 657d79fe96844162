"""`amends person`: staff, the accounts that are theirs, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

import click

from core.errors import AmendsError
from core.moment import Moment
from core.people import ROLES, Delegation, Person, PersonIdentity
from core.store import AlreadyExists
from webhooks.app import Services
from webhooks.cli import show
from webhooks.cli.opening import as_person, opened

#: What a mail can be sent to: no more is asked of it, and nothing that ends a line is in it.
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}")


class NoAddress(AmendsError):
    """This is no e-mail address."""


class Taken(AmendsError):
    """The address or the account belongs to somebody already."""


@click.group()
def person() -> None:
    """People: one each, however many accounts they have."""


@person.command()
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), default=("agent",))
@opened
def add(of: Services, email: str, name: str, roles: Sequence[str]) -> None:
    """Add a person. Link an account before they may approve."""
    if not _ADDRESS.fullmatch(email.strip()):
        raise NoAddress(f"{email[:80]!r} is no e-mail address; write one such as sara@example.com")
    moment = Moment(of.clock.now())
    row = Person(
        id=moment.new("per"),
        name=name,
        email=email.strip().lower(),
        roles=sorted(set(roles)),
        created_at=moment.now,
    )
    try:
        with of.store.write() as tx:
            tx.add(row)
    except AlreadyExists:
        raise Taken(f"{row.email} is somebody's already; see `amends person list`") from None
    click.echo(row.id)


@person.command()
@click.argument("email")
@click.option("--helpdesk", help="their agent id in the helpdesk")
@click.option("--connection", default="", help="the helpdesk's connection, for --helpdesk")
@click.option("--sign-in", "sign_in", help="their subject in your single sign-on")
@opened
def link(
    of: Services, email: str, helpdesk: str | None, connection: str, sign_in: str | None
) -> None:
    """Say that an account is this person's. One account is one person's, for ever one."""
    kind, value = ("helpdesk", helpdesk) if helpdesk else ("sso", sign_in)
    if not value or (helpdesk and not connection):
        raise click.UsageError("give --helpdesk with --connection, or --sign-in")
    moment = Moment(of.clock.now())
    try:
        with of.store.write() as tx:
            who = as_person(tx, email)
            tx.add(
                PersonIdentity(
                    id=moment.new("acc"),
                    person_id=who.id,
                    kind=kind,
                    connection_id=connection if helpdesk else "",
                    value=value,
                    linked_at=moment.now,
                )
            )
    except AlreadyExists:
        raise Taken(f"that account is linked to somebody already: {value}") from None
    click.echo(f"{email}: linked")


@person.command()
@click.argument("email")
@click.argument("roles", nargs=-1, type=click.Choice(ROLES), required=True)
@opened
def role(of: Services, email: str, roles: Sequence[str]) -> None:
    """Set what a person may do (replaces what they could do before)."""
    with of.store.write() as tx:
        who = as_person(tx, email)
        tx.put(replace(who, roles=sorted(set(roles))))
    click.echo(f"{email}: {', '.join(sorted(set(roles)))}")


@person.command()
@click.argument("email")
@click.option("--to", "to", required=True, help="e-mail of whoever stands in")
@click.option("--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--until", "last", required=True, type=click.DateTime(["%Y-%m-%d"]))
@opened
def delegate(of: Services, email: str, to: str, first: datetime, last: datetime) -> None:
    """Name who may approve in a person's place, out of their limits, from a day to a day."""
    moment = Moment(of.clock.now())
    with of.store.write() as tx:
        who, other = as_person(tx, email), as_person(tx, to)
        if who.id == other.id or last < first:
            raise click.UsageError("name another person, and a first day before the last")
        tx.add(
            Delegation(
                id=moment.new("dele"),
                person_id=who.id,
                delegate_id=other.id,
                first_day=first.date(),
                last_day=last.date(),
                made_at=moment.now,
            )
        )
    click.echo(f"{to} stands in for {email} from {first.date()} until {last.date()}")


@person.command("undelegate")
@click.argument("email")
@opened
def undelegate(of: Services, email: str) -> None:
    """Nobody stands in for this person any more."""
    with of.store.write() as tx:
        rows = tx.find(Delegation, person_id=as_person(tx, email).id)
        for row in rows:
            tx.put(replace(row, ended=True))
    click.echo(f"{email}: nobody stands in")


@person.command("list")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def list_(of: Services, json_: bool) -> None:
    """Everybody, with their accounts."""
    with of.store.read() as reader:
        people = reader.find(Person)
        accounts = reader.find(PersonIdentity)
    if json_:
        show.as_json([show.record(row) for row in people])
        return
    linked = {
        p.id: [f"{a.kind} {a.value}" for a in accounts if a.person_id == p.id] for p in people
    }
    rows = [
        (
            p.email,
            p.name,
            ", ".join(cast("Sequence[str]", p.roles)) if p.active else "(left)",
            ", ".join(linked[p.id]) or None,
        )
        for p in people
    ]
    show.table(("e-mail", "name", "roles", "accounts"), rows)
