"""`amends person invite` and `sign-out`: links to sign in by, and the end of every sign-in."""

from __future__ import annotations

import click

from console.signin import link_address
from core import grant, session, signin
from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.store import Reader
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
    now = of.clock.now()
    with of.store.write() as tx:
        who = as_person(tx, email)
        browsers = signin.sign_out_everywhere(tx, who.id, now)
        apps = grant.end_all(tx, who.id, now)
        panels = session.end_all(tx, who.id, now)
    click.echo(f"{who.email}: ended {browsers} sign-ins, access of {apps} apps, {panels} panels")


COMMANDS = (invite, sign_out)
