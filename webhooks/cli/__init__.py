"""The `amends` command. One file a noun; each registers its commands on `main`."""

from __future__ import annotations

import logging
import sys

import click

from core.errors import AmendsError
from webhooks.settings import read_settings


class Commands(click.Group):
    """Says what Amends refuses in one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AmendsError as error:
            click.echo(f"amends: {error}", err=True)
            sys.exit(2)


@click.group(cls=Commands)
@click.version_option(package_name="amends")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Makes things right with a customer from inside the helpdesk."""
    ctx.obj = settings = read_settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def _register() -> None:
    from webhooks.cli import (
        allowing,
        backtesting,
        books,
        cases,
        connector_kit,
        connectors,
        demo,
        doctor,
        inviting,
        keeping,
        limits,
        manifests,
        people,
        policies,
        serving,
        sim,
        tasks,
        workspace,
    )

    for command in books.COMMANDS:
        main.add_command(command)
    for command in backtesting.COMMANDS:
        policies.policy.add_command(command)
    for command in inviting.COMMANDS:
        people.person.add_command(command)
    manifests.manifest.add_command(allowing.allow)
    for command in connector_kit.COMMANDS:
        connectors.connector.add_command(command)
    for command in (
        serving.serve, serving.web, serving.worker, keeping.db, doctor.doctor, connectors.connector,
        cases.case, tasks.task, people.person, keeping.keys, keeping.ledger, demo.demo,
        policies.policy, limits.limits, manifests.manifest, sim.sim, sim.crashpoints, sim.killloop,
        sim.torn, workspace.workspace,
    ):  # fmt: skip
        main.add_command(command)


_register()
