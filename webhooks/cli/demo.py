"""`amends demo`: Amends at work on a small world of tickets, nothing to set up."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import click

from console.demo import blueprint
from core.errors import AmendsError
from webhooks.app import create_app, make_runner
from webhooks.cli import show
from webhooks.cli.serving import run_web
from webhooks.demo.freshdesk import connect_freshdesk, invitation
from webhooks.demo.journey import run
from webhooks.demo.panel import install_app
from webhooks.demo.stage import Sandbox, connect, set_up, settings_for
from webhooks.demo.world import World


@click.command()
@click.option("--once", is_flag=True, help="solve every ticket, with trouble on the way, and stop")
@click.option("--json", "json_", is_flag=True, help="with --once: one JSON object")
@click.option("--port", default=8410, show_default=True, help="of the page")
def demo(once: bool, json_: bool, port: int) -> None:
    """Run Amends on SQLite against stand-ins of Zendesk, Shopify and Stripe."""
    with tempfile.TemporaryDirectory(prefix="amends-demo-") as folder:
        if once:
            report = run(Path(folder), lambda text: click.echo(text, err=True))
            _show(report, json_)
        else:
            _page(Path(folder), port)


def _show(report: dict[str, object], json_: bool) -> None:
    if json_:
        show.as_json(report)
        return
    for name, value in report.items():
        if name != "hosts":
            click.echo(f"{name}: {value}")


def _page(home: Path, port: int) -> None:
    """The demo page with everything behind it, until Ctrl-C."""
    settings = settings_for(home, port)
    logging.getLogger().setLevel(logging.ERROR)
    with Sandbox() as sandbox:
        of = set_up(settings)
        runner = make_runner(of)
        try:
            stage = connect(of, sandbox.urls)
            install_app(of, stage)
            desk = connect_freshdesk(of, sandbox.urls["freshdesk"], stage.tills["shopify"])
            app = create_app(of, runner, [blueprint(World(of, stage))])
            runner.start()
            click.echo(f"Open http://127.0.0.1:{port} and solve a ticket. Ctrl-C ends it.")
            click.echo(
                f"Or in Freshdesk: sign in at {invitation(of)} , then authorize the app beside "
                f"{next(iter(desk.tickets().values()))}"
            )
            run_web(of, app)
        except OSError as error:
            raise AmendsError(
                f"port {port} cannot be used ({error}); give another --port"
            ) from None
        finally:
            runner.stop()
            of.store.close()
