"""`python -m sandbox`: every stand-in in one process, each on a port of its own.

Prints one line of JSON, host name to address, when all of them answer. Ends on SIGTERM, SIGINT, or
when the process that started it is gone.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import threading
from importlib import import_module

import click
from flask import Flask

import sandbox
from sandbox.host import serve
from sandbox.world import load


def hosts() -> dict[str, Flask]:
    """A fresh app for every host there is: each package in `sandbox/` that has `create` is one."""
    names = sorted(found.name for found in pkgutil.iter_modules(sandbox.__path__) if found.ispkg)
    packages = {name: import_module(f"sandbox.{name}") for name in names}
    return {name: made.create() for name, made in packages.items() if hasattr(made, "create")}


@click.command()
@click.option("--world", is_flag=True, help="Load the demo world into the hosts.")
def main(world: bool) -> None:
    """Run the sandbox hosts until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    with serve(hosts()) as running:
        if world:
            load(running.urls)
        click.echo(json.dumps(running.urls))
        while not stop.wait(0.5) and os.getppid() == parent:
            pass


if __name__ == "__main__":
    main()
