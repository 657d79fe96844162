"""One connector on the bench: host running, roles connected, everything it says recorded."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors import registry
from connectors.http import Http
from core.events import Event
from core.ports import Desk, Intake, RawRequest, Roles, Spec, Till
from tests.connectors.contract.harness import StoredSettings, harness_of

Role = Literal["intake", "desk", "till"]


#: Set to the name of an outside connector to run the suite over that one alone.
ONLY = os.environ.get("AMENDS_CONTRACT_FOR")


def ours() -> list[str]:
    """The connectors of this project, or the outside one the suite is run for."""
    if ONLY:
        return [registry.spec(ONLY).name]
    return [name for name, spec in registry.specs().items() if registry.is_ours(spec.name)]


def claiming(role: Role) -> list[str]:
    """Connectors whose SPEC claims a role, and which have a host to claim it of."""
    claim = {"intake": "hears", "desk": "writes", "till": "pays"}[role]
    return [name for name in ours() if getattr(registry.spec(name), claim) and has_host(name)]


def has_host(name: str) -> bool:
    """Whether there is anybody to call (what a person pays by hand has its own tests)."""
    return registry.spec(name).quality.get("host", ("done", ""))[0] != "exempt"


@dataclass
class Bench:
    name: str
    spec: Spec
    harness: Any
    settings: StoredSettings
    http: Http
    roles: Roles
    lines: list[str] = field(default_factory=list)

    @property
    def intake(self) -> Intake:
        assert self.roles.intake is not None
        return self.roles.intake

    @property
    def desk(self) -> Desk:
        assert self.roles.desk is not None
        return self.roles.desk

    @property
    def till(self) -> Till:
        assert self.roles.till is not None
        return self.roles.till

    def said(self) -> str:
        """Everything logged so far, by anybody, at any level."""
        return "\n".join(self.lines)

    def secrets(self) -> list[str]:
        """The values that must never be seen."""
        names = [setting.name for setting in self.spec.settings if setting.secret]
        return [value for name in names if (value := self.settings.get(name))]

    def leaked(self, text: str) -> list[str]:
        return [secret for secret in self.secrets() if secret in text]


def taken_in(intake: Intake, request: RawRequest, now: datetime) -> tuple[str, Sequence[Event]]:
    """A delivery's way in: verified, then read."""
    key = intake.verify(request, now)
    return key, intake.read(request)


@contextmanager
def on_the_bench(name: str) -> Iterator[Bench]:
    """Start a connector's host and connect to it. A call has the time that it is given in
    production; a test in which a host never answers gives it less (`Http.attempt`)."""
    harness = harness_of(name)()
    spec = registry.spec(name)
    settings = StoredSettings(harness.settings())
    http = Http.of(spec, settings, allow_private=True)
    bench = Bench(name, spec, harness, settings, http, registry.connect(name, settings, http))
    listener = _Listener(bench.lines)
    root = logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield bench
    finally:
        root.setLevel(level)
        root.removeHandler(listener)
        http.close()
        harness.close()


class _Listener(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
