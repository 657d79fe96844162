"""What the contract suite needs to know of a host, and nothing about how a connector works.

Each connector has `tests/connectors/<name>/harness.py` with a class `Harness` of the shape below;
the roles its SPEC does not claim may be left out. It is made anew for every test: making it starts
the host (a stand-in on loopback), `close()` ends it. The suite finds it by the connector's name.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol

from connectors import registry
from core.money import Money
from core.ports import Instruction, RawRequest, Remedy
from sandbox.faults import Fault, Kind, When
from sandbox.host import HostState

ROOT = Path(__file__).parents[3]

What = Literal["read", "note", "reply", "marks", "pay"]


@dataclass(frozen=True)
class Written:
    """One comment as the host's own books have it."""

    text: str
    public: bool


class Harness(Protocol):
    """Every connector. `now` is the host's time, or within seconds of it."""

    now: datetime

    def close(self) -> None:
        """End the host: afterwards connections to it are refused. May be called twice."""

    def settings(self) -> dict[str, str]:
        """All settings a connection needs to reach this host, valid now."""

    def requests(self) -> int:
        """How many requests the host has received."""

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        """Plant trouble for the call that does `what` (details: status, headers, body, times)."""


class IntakeHarness(Harness, Protocol):
    #: The headers that prove a delivery, in lower case.
    proofs: tuple[str, ...]

    def delivery(self) -> RawRequest:
        """A good delivery, signed for `settings()` and fresh at `now`."""

    def signed(self, body: bytes) -> RawRequest:
        """Any body, signed as the host would sign it."""

    def unknown(self) -> RawRequest:
        """A well-formed, signed delivery of a kind no connector has heard of."""


class DeskHarness(Harness, Protocol):
    ticket_id: str

    def comments(self) -> Sequence[Written]:
        """What stands on the ticket, its first message left out, oldest first."""

    def tags(self) -> frozenset[str]: ...

    def shut(self) -> None:
        """Make the ticket one that can never be written to again."""


class TillHarness(Harness, Protocol):
    def instruction(self, remedy: Remedy, amount: Money) -> Instruction:
        """A complete instruction that this host can pay now, on a fresh order where one is needed.
        Each call makes another payout with its own key and marker."""

    def refused(self, remedy: Remedy) -> Instruction | None:
        """One that the host itself declines (more than was paid); None if it never declines."""

    def paid(self, instruction: Instruction) -> Sequence[Money]:
        """What the host's own books say was paid out by this marker, key or code, one each."""

    def wrong_answer(self, remedy: Remedy) -> object | None:
        """An answer to `pay` that is well formed but about something else; None if there is none
        worth the name."""


class NoHarness(AssertionError):
    """A connector without a harness cannot be proved."""


@dataclass(frozen=True)
class Home:
    """Where a connector keeps what the suite needs: module of its harness, payloads, page."""

    harness: str
    payloads: Path
    page: Path


def home_of(name: str) -> Home:
    """Ours lie by kind, an outside connector's all in its own package."""
    if registry.is_ours(name):
        place = f"tests.connectors.{name}.harness"
        return Home(place, ROOT / "tests/payloads" / name, ROOT / f"docs/connectors/{name}.md")
    (point,) = entry_points(group=registry.ENTRY_POINTS, name=name)
    folder = Path(str(importlib.import_module(point.module).__file__)).parent
    return Home(f"{point.module}.harness", folder / "payloads", folder / "README.md")


def harness_of(name: str) -> Callable[[], Any]:
    """The `Harness` class of a connector."""
    try:
        place = home_of(name).harness
    except registry.NoSuchConnector:
        place = f"tests.connectors.{name}.harness"
    try:
        return importlib.import_module(place).Harness  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        if error.name is None or not place.startswith(error.name):
            raise
        raise NoHarness(
            f"connector {name!r} has no {place.replace('.', '/')}.py: write a class Harness"
            " there that starts its sandbox host (docs/connectors/writing-one.md)"
        ) from None


def plant(
    state: HostState, match: Mapping[str, str], kind: Kind, when: When, **details: Any
) -> None:
    """For harnesses over a host of `sandbox/`: a fault on the calls that `match`."""
    state.faults.add(Fault(kind=kind, when=when, match=match, **details))


class StoredSettings:
    """`core.ports.Settings` over a dict, for one process."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "<settings>"

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def renew(self, using: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        with self._lock:
            self.values.update(using(dict(self.values)))
