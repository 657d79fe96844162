"""Amends as a child process: what `amends serve` runs, with a clock that a test may set ahead.

A payout that was being sent when its process died is asked about only when the host can no longer
be at work on it. The test does not wait for that: the next process lives some minutes later.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import requests

from webhooks.app import create_app, make_runner, services
from webhooks.cli.serving import run_web
from webhooks.demo.journey import wait_until
from webhooks.demo.stage import environment
from webhooks.engine.clock import Clock
from webhooks.settings import Settings


class Amends:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = self._started(timedelta(0))

    def kill(self) -> None:
        """As if the power had gone."""
        self._process.kill()
        self._process.wait(timeout=30)

    def restart(self, ahead: timedelta) -> None:
        self._process = self._started(ahead)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def _started(self, ahead: timedelta) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.real.amends", str(int(ahead.total_seconds()))]
        process = subprocess.Popen(command, env=environment(self._settings))
        wait_until(self._ready, "Amends to answer", 60)
        return process

    def _ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self._settings.public_url}/readyz", timeout=30).ok
        return False


def main(ahead: timedelta) -> None:
    clock = Clock(
        now=lambda: datetime.now(UTC) + ahead,
        steady=lambda: time.monotonic() + ahead.total_seconds(),
    )
    of = services(Settings(), clock)
    runner = make_runner(of)
    runner.start()
    run_web(of, create_app(of, runner))
    runner.stop()


if __name__ == "__main__":
    main(timedelta(seconds=int(sys.argv[1])))
