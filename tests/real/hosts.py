"""The real hosts, each started once in a process that asks for it, and ended with it.

django-helpdesk runs in its own virtual environment, Vendure in its own node_modules; `make test`
installs both. Where one is missing, the test that needs it fails and says so.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from queue import Empty, Queue

from tests.real.helpdesk import Helpdesk
from tests.real.shop import Shop

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
START_SECONDS = 90.0
#: Values of the secrets Amends is given for them; where one of these is seen, it leaked.
HELPDESK_PASSWORD = "canary-helpdesk-password-Lw5"
VENDURE_KEY = "amends:canary-vendure-api-key-Zk8"


class NotInstalled(AssertionError):
    """A real host is not there, so nothing about it can be proved."""


class Child:
    """A server that says its address on its first line and ends when its standard input does, so
    that nothing is left over however this process ends."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, environment: dict[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.end)
        self.url = self._first_line()

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        lines: Queue[str] = Queue()
        output = self._process.stdout
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS).strip()
        except Empty:
            line = ""
        if not line.startswith("http://127.0.0.1:"):
            self.end()
            raise AssertionError(f"{self._process.args!r} did not start; it said {line!r}")
        return line

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.wait(timeout=30)


@cache
def helpdesk() -> Helpdesk:
    """django-helpdesk with an agent, a queue and the fields Amends uses."""
    python = ROOT / ".venv-helpdesk" / "bin" / "python"
    if not python.exists():
        raise NotInstalled("django-helpdesk is not installed: run `make real`")
    home = tempfile.TemporaryDirectory(prefix="amends-helpdesk-")
    atexit.register(home.cleanup)
    said = {"HELPDESK_HOME": home.name, "HELPDESK_PASSWORD": HELPDESK_PASSWORD}
    child = Child([python, "serve.py"], HERE / "helpdesk_site", said)
    return Helpdesk(child.url, Path(home.name))


@cache
def shop() -> Shop:
    """Vendure with a product sold in EUR, JPY and KWD, a channel each."""
    modules = HERE / "vendure" / "node_modules"
    if not (modules / "@vendure" / "core").exists():
        raise NotInstalled("Vendure is not installed: run `make real`")
    local = ROOT / ".venv" / "node"
    password = secrets.token_urlsafe(24)
    said = {
        "VENDURE_PASSWORD": password,
        "VENDURE_API_KEY": VENDURE_KEY,
        "VENDURE_DISABLE_TELEMETRY": "true",
        "AMENDS_PLUGIN": str(ROOT / "connectors" / "vendure" / "plugin.js"),
        "NODE_PATH": str(modules),
        "PATH": f"{local}{os.pathsep}{os.environ['PATH']}",
    }
    child = Child(["node", "serve.js"], HERE / "vendure", said)
    return Shop(child.url, password, child.tell)
