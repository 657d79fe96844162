"""What a connection is set up with and how its people come in; and all its roles together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.ports.desk import Desk, Surveys
from core.ports.intake import Intake, RawRequest
from core.ports.till import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `Setup.check`: `ok`, what was looked at, and what to do where it is not."""

    ok: bool
    what: str
    todo: str = ""


class Setup(Protocol):
    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Create what Amends needs at the host (webhook, field, trigger) and answer the settings
        learned by it. Running it again changes nothing. Raises `HostError`."""
        ...

    def check(self) -> Sequence[Check]: ...

    def remove(self) -> None:
        """Take away what `install` created. Raises `HostError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One asking for access, under way.

    state: 43 random characters, which the host repeats; good for one answer, within minutes.
    verifier: as long and as random, never leaves us before `redeem` (PKCE).
    callback: our address for this connector's answers, always the same because hosts want to know
    it beforehand; an answer there has `state` in its query. `<callback>/<state>` is for hosts that
    post. back: where a person may be sent who has agreed, or not.
    """

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    callback: str
    back: str


class Grant(Protocol):
    """Access by a person's agreeing on the host's own page, with no token passing their hands."""

    def address(self, asking: Asking) -> str:
        """Where they agree. No request goes out. Raises an `AmendsError` that says what is not
        filled in yet."""
        ...

    def redeem(self, asking: Asking, answer: RawRequest, now: datetime) -> None:
        """Prove the host's answer, trade it for access and store that by `Settings.renew`. Once for
        an asking. Raises an `AmendsError` for the person who asked; nothing is stored then."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A page of ours that a helpdesk opened inside itself for one of its agents, and vouches for.

    agent_id: the helpdesk's own id of the agent. origin: the page that frames ours and may talk to
    it. library: the address of the helpdesk's own client script. proof: what was signed, written
    the one way its signature holds for; good once, and for nothing after `until`.
    """

    agent_id: str
    origin: str
    library: str
    proof: str = field(repr=False)
    until: datetime


class Panel(Protocol):
    """The helpdesk's own app, in which our sidebar is shown."""

    @property
    def origin(self) -> str | None:
        """Where its agents work (`https://acme.zendesk.com`); None while that is not known."""
        ...

    def prepare(self, app_id: str, installation_id: str) -> Mapping[str, str]:
        """Ask the helpdesk by what the app's pages are signed; the settings learned by it.
        Raises `HostError`, `Malformed`."""
        ...

    def opened(self, signed: str, now: datetime) -> Opened:
        """Prove who opened a page. Raises `Unverified`; no request goes out."""
        ...


class Settings(Protocol):
    """A connection's settings as `connect` gets them: secrets opened, values as text.

    They are read afresh on every `get`, because tokens change while a connector lives.
    """

    def get(self, name: str) -> str | None: ...

    def __getitem__(self, name: str) -> str:
        """Raises `KeyError` for a setting that has no value."""
        ...

    def renew(self, using: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """Change settings (rotating tokens) one at a time per connection, across processes.

        `using` is called under the connection's lock with what is stored now, so a renewal that
        somebody else has just made is seen; what it answers is stored beside the others before the
        lock is let go.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What one connection can do. An absent role is an absent ability."""

    intake: Intake | None = None
    desk: Desk | None = None
    surveys: Surveys | None = None
    till: Till | None = None
    setup: Setup | None = None
    grant: Grant | None = None
    panel: Panel | None = None
