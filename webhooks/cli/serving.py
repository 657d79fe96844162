"""`amends serve`, `amends web`, `amends worker`: the running processes."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click
from flask import Flask
from waitress.server import BaseWSGIServer, create_server

from webhooks.app import Services, create_app, make_runner, services
from webhooks.engine.runner import Runner
from webhooks.mail import make_mailer
from webhooks.settings import Settings


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Web side and runner in one process."""
    of, stop = services(settings), _until_told()
    runner, mailer = make_runner(of, stop.set), make_mailer(of.store, of.clock, settings)
    runner.start()
    if mailer is not None:
        mailer.start()
    try:
        run_web(of, create_app(of, runner), stop)
    finally:
        if mailer is not None:
            mailer.stop()
        runner.stop()
        of.store.close()
    _say_why(runner)


@click.command()
@click.pass_obj
def web(settings: Settings) -> None:
    """Only the web side: deliveries are kept, a worker elsewhere works on them."""
    of = services(settings)
    try:
        run_web(of, create_app(of))
    finally:
        of.store.close()


@click.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Only the runner."""
    of = services(settings)
    stop = _until_told()
    runner, mailer = make_runner(of, stop.set), make_mailer(of.store, of.clock, settings)
    runner.start()
    if mailer is not None:
        mailer.start()
    click.echo("amends: working", err=True)
    stop.wait()
    if mailer is not None:
        mailer.stop()
    runner.stop()
    of.store.close()
    _say_why(runner)


def _say_why(runner: Runner) -> None:
    """Where nobody told the process to end: whoever started it is to know that it failed."""
    if runner.outdated is not None:
        raise runner.outdated


def run_web(of: Services, app: Flask, stop: threading.Event | None = None) -> None:
    """Serve until told to stop. Says its address once it listens."""
    server = listen(of.settings, app)
    stop = stop or _until_told()
    thread = threading.Thread(target=server.run, name="amends-web", daemon=True)
    thread.start()
    host, port = of.settings.host, server.effective_port
    click.echo(f"amends: listening on http://{host}:{port}", err=True)
    stop.wait()
    server.close()


def listen(settings: Settings, app: Flask) -> BaseWSGIServer:
    return create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.web_threads,
        max_request_body_size=settings.body_max_bytes + 1024,
        channel_timeout=30,
        ident=None,
    )


def _until_told() -> threading.Event:
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return told
