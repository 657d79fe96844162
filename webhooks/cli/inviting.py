"""`amends person invite`, `sign-out`, `deactivate`: links to sign in by, and the end of every
sign-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click

from console.signin import link_address
from core import grant, session, signin
from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.store import Reader, Tx
from webhooks.app import Services
from webhooks.cli.opening import as_person, opened
from webhooks.signin import sender


class NotLinked(AmendsError):
    """The person has no account in that helpdesk here."""


@click.command()
@click.argument("email")
@click.option("--connection", help="for the app in this helpdesk: they must have an account there")
@click.option("--mail", is_flag=True, help="send the link instead of printing it")
@opened
def invite(of: Services, email: str, connection: str | None, mail: bool) -> None:
    """Make a link by which a person signs in, once, within three days."""
    send = sender(of.settings) if mail else None
    if mail and send is None:
        raise click.UsageError("no mail server is set (AMENDS_SMTP_HOST); leave --mail out")
    with of.store.write() as tx:
        who = as_person(tx, email)
        if connection is not None:
            _require_account(tx, who, connection)
        leads_to = "/sign-in" if connection else "/"
        token = signin.invite(tx, who, Moment(of.clock.now()), leads_to=leads_to)
    link = link_address(of.settings.public_url, token)
    if send is not None:
        send(who, link, of.settings.smtp_language)
        click.echo(f"{who.email}: the link was sent")
        return
    click.echo(link)
    click.echo(f"Give it to {who.name} and to nobody else: whoever opens it is them.", err=True)


def _require_account(reader: Reader, who: Person, connection: str) -> None:
    rows = reader.find(
        PersonIdentity, person_id=who.id, kind="helpdesk", connection_id=connection, limit=1
    )
    if not rows:
        raise NotLinked(
            f"{who.email} has no account there yet; first run "
            f"`amends person link {who.email} --helpdesk AGENT_ID --connection {connection}`"
        )


@click.command("sign-out")
@click.argument("email")
@opened
def sign_out(of: Services, email: str) -> None:
    """End every sign-in of a person, the access they gave to apps, what these have open beside
    tickets, and every link that was not used yet."""
    with of.store.write() as tx:
        who = as_person(tx, email)
        ended = _end_all(tx, who, of.clock.now())
    click.echo(f"{who.email}: {ended}")


@click.command()
@click.argument("email")
@opened
def deactivate(of: Services, email: str) -> None:
    """Somebody left: they sign in, give and agree no more. What they did stays theirs, and a yes of
    theirs that was not acted on yet counts no more."""
    with of.store.write() as tx:
        who = tx.lock(Person, as_person(tx, email).id)
        assert who is not None  # people are never deleted
        tx.put(replace(who, active=False))
        ended = _end_all(tx, who, of.clock.now())
    click.echo(f"{who.email}: not active any more; {ended}")


@click.command()
@click.argument("email")
@opened
def activate(of: Services, email: str) -> None:
    """Somebody who left is back, with the roles and accounts they had."""
    with of.store.write() as tx:
        who = tx.lock(Person, as_person(tx, email).id)
        assert who is not None
        tx.put(replace(who, active=True))
    click.echo(f"{who.email}: active")


def _end_all(tx: Tx, who: Person, now: datetime) -> str:
    browsers = signin.sign_out_everywhere(tx, who.id, now)
    apps = grant.end_all(tx, who.id, now)
    panels = session.end_all(tx, who.id, now)
    return f"ended {browsers} sign-ins, access of {apps} apps, {panels} panels"


COMMANDS = (invite, sign_out, deactivate, activate)
