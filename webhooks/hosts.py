"""Connections as living things: roles with their settings opened, kept while unchanged."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeVar, cast

from connectors import registry
from connectors.http import Http
from core.connection import Connection
from core.errors import AmendsError
from core.pace import Pacer
from core.ports import Desk, HostDenied, HostUnavailable, Intake, Pays, Roles, Spec, Till
from core.routing import Routing, read_routing
from core.store import Reader, Store, StoreUnavailable
from core.store.sealing import Place, Sealer

T = TypeVar("T")

#: Seconds for which settings and connections are taken as they were read: what another process
#: changed is seen after that. A token that ended meanwhile is refused by its host and renewed.
FRESH = 1.0

#: How long one renewal of a connection's tokens may take before another may begin.
RENEWAL = timedelta(seconds=30)


#: The setting that keeps when a host was connected, by the host's own clock.
CONNECTED_AT = "connected_at"

_UNSAID = Pays(retry="none", listed=False)


class NoSuchConnection(AmendsError):
    """The connection does not exist, or cannot do what is asked of it."""


@dataclass(frozen=True)
class Host:
    """One connection, ready to use. `within` is the longest one call to it may take. `time` answers
    its own time, as far as it has told it by now."""

    connection: Connection
    spec: Spec
    roles: Roles
    within: timedelta
    settings: StoredSettings
    time: Callable[[], datetime | None] = lambda: None

    @property
    def intake(self) -> Intake:
        return self._has(self.roles.intake, "hear from")

    @property
    def desk(self) -> Desk:
        return self._has(self.roles.desk, "write tickets at")

    @property
    def till(self) -> Till:
        return self._has(self.roles.till, "pay from")

    @cached_property
    def routing(self) -> Routing:
        return read_routing(self.connection.options)

    def pays(self, remedy: str) -> Pays:
        """How it pays that; where it no longer says so, as one that can do nothing for safety."""
        return next((how for name, how in self.spec.pays.items() if name == remedy), _UNSAID)

    @property
    def has_books(self) -> bool:
        """Whether a sweep can compare its books of money with ours."""
        listed = self.spec.quality.get("recent", ("done", ""))[0] != "exempt"
        return listed and self.roles.till is not None

    def connected_at(self, ours: datetime, theirs: datetime) -> datetime:
        """By its own clock: as it was when Amends was installed there, else (`ours` and `theirs`
        are the time now) by how far the clocks are apart."""
        told = self.settings.get(CONNECTED_AT)
        apart = theirs - ours
        return datetime.fromisoformat(told) if told else self.connection.created_at + apart

    def lists(self, remedy: str) -> bool:
        """Whether a sweep sees what was paid so and is in no book of ours."""
        return self.has_books and self.pays(remedy).listed

    def _has(self, role: T | None, what: str) -> T:
        if role is None:
            raise NoSuchConnection(f"Amends cannot {what} {self.connection.title}")
        return role


class StoredSettings:
    """A connection's settings, never older than `FRESH`, because tokens change while it lives."""

    def __init__(self, store: Store, sealer: Sealer, connection_id: str) -> None:
        self._store, self._sealer, self._id = store, sealer, connection_id
        self._workspace = store.workspace_id
        self._known: tuple[float, Mapping[str, str]] | None = None

    def __repr__(self) -> str:
        return f"<settings of {self._id}>"

    def get(self, name: str) -> str | None:
        return self._values().get(name)

    def _values(self) -> Mapping[str, str]:
        known, now = self._known, time.monotonic()
        if known is not None and now - known[0] < FRESH:
            return known[1]
        with self._store.read() as reader:
            row = reader.get(Connection, self._id)
        values = opened(row, self._sealer, self._workspace) if row else {}
        self._known = (now, values)
        return values

    def forget(self) -> None:
        """Something was stored: read it before the next use."""
        self._known = None

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def renew(self, using: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """One renewal of a connection at a time, across processes: a mark in its row keeps others
        away while `using` asks the host, because no transaction may stay open over a call."""
        row = self._begin_renewal()
        learned: Mapping[str, str] = {}
        try:
            learned = using(opened(row, self._sealer, self._workspace))
        finally:
            self._end_renewal(row, learned)

    def _begin_renewal(self) -> Connection:
        patience = datetime.now(UTC) + 2 * RENEWAL
        while (now := datetime.now(UTC)) < patience:
            with self._store.write() as tx:
                row = tx.lock(Connection, self._id)
                if row is None:
                    raise NoSuchConnection(f"there is no connection {self._id}")
                if row.renewing_until is None or row.renewing_until <= now:
                    marked = replace(row, renewing_until=now + RENEWAL)
                    tx.put(marked)
                    return marked
            time.sleep(0.1)
        raise HostUnavailable("the connection's access is being renewed; try again shortly")

    def _end_renewal(self, begun: Connection, learned: Mapping[str, str]) -> None:
        with self._store.write() as tx:
            row = tx.lock(Connection, self._id)
            if row is not None and row.renewing_until == begun.renewing_until:
                if learned:
                    values = {**opened(row, self._sealer, self._workspace), **learned}
                    row = sealed(row, values, self._sealer, self._workspace)
                tx.put(replace(row, renewing_until=None))
        self.forget()


def opened(row: Connection, sealer: Sealer, workspace: str) -> dict[str, str]:
    """All settings of a connection, secret ones included."""
    plain = cast("Mapping[str, str]", row.settings)
    if row.sealed is None:
        return dict(plain)
    secret = sealer.open(row.sealed, _place(row, workspace))
    return {**plain, **json.loads(secret)}


def sealed(
    row: Connection, values: Mapping[str, str], sealer: Sealer, workspace: str
) -> Connection:
    """The connection with these settings: secret ones sealed and bound to its row."""
    spec = registry.spec(row.connector)
    secret_names = {setting.name for setting in spec.settings if setting.secret}
    plain = {name: value for name, value in values.items() if name not in secret_names}
    secret = {name: value for name, value in values.items() if name in secret_names}
    text = sealer.seal(json.dumps(secret, sort_keys=True), _place(row, workspace))
    return replace(row, settings=plain, sealed=text if secret else None)


def _place(row: Connection, workspace: str) -> Place:
    return Place(workspace, Connection.TABLE.name, row.id, "sealed")


class Hosts:
    """Every connection of the workspace by id; made on first use, made anew when it changed."""

    def __init__(
        self, store: Store, sealer: Sealer, *, allow_private: bool, call_within: timedelta
    ) -> None:
        self._store, self._sealer = store, sealer
        self._allow_private, self._call_within = allow_private, call_within
        self._lock = threading.Lock()
        self._made: dict[str, Host] = {}
        self._rows: dict[str, tuple[float, Connection]] = {}
        self._tokens: dict[str, str] = {}

    def get(self, connection_id: str, tx: Reader | None = None) -> Host:
        """Inside a transaction, hand it in. Raises `NoSuchConnection`, or `HostDenied` where the
        connection is off. One that was lost is tried: it may work again."""
        row = self._row(connection_id, tx)
        if row is None:
            raise NoSuchConnection(f"there is no connection {connection_id}")
        if row.state == "off":
            raise HostDenied(f"{row.title} is not connected; connect it again")
        with self._lock:
            made = self._made.get(row.id)
            if made is None or _changed(made.connection, row):
                made = self._made[row.id] = self.make(row)
            return made

    def lists(self, connection_id: str, remedy: str, tx: Reader) -> bool:
        """Whether a sweep of that connection sees what was paid so; one that is off, or not there
        any more, is not swept."""
        try:
            return self.get(connection_id, tx).lists(remedy)
        except AmendsError:
            return False

    def of_token(self, token: str) -> str | None:
        """The connection whose webhook address this is."""
        if token not in self._tokens:
            with self._store.read() as reader:
                rows = reader.find(Connection, path_token=token, limit=1)
            if not rows:
                return None
            self._tokens[token] = rows[0].id
        return self._tokens[token]

    def forget(self, connection_id: str) -> None:
        """This process changed the connection: read it before the next use."""
        self._rows.pop(connection_id, None)
        made = self._made.get(connection_id)
        if made is not None:
            made.settings.forget()

    def _row(self, connection_id: str, tx: Reader | None) -> Connection | None:
        now = time.monotonic()
        read_at, row = self._rows.get(connection_id, (0.0, None))
        if row is not None and now - read_at < FRESH:
            return row
        if tx is not None:
            row = tx.get(Connection, connection_id)
        else:
            with self._store.read() as reader:
                row = reader.get(Connection, connection_id)
        if row is not None:
            self._rows[connection_id] = (now, row)
        return row

    def _answered(self, connection_id: str, denied: bool) -> None:
        """A call came to an end: where the host denied us the connection is lost, until a call is
        not denied any more."""
        was, now = ("on", "lost") if denied else ("lost", "on")
        _, known = self._rows.get(connection_id, (0.0, None))
        if known is None or known.state != was:
            return
        with suppress(StoreUnavailable), self._store.write() as tx:
            row = tx.lock(Connection, connection_id)
            if row is not None and row.state == was:
                tx.put(replace(row, state=now))
        self._rows.pop(connection_id, None)

    def titles(self) -> dict[str, str]:
        """Connection id -> what people call it."""
        with self._store.read() as reader:
            return {row.id: row.title for row in reader.find(Connection)}

    def make(self, row: Connection) -> Host:
        spec = registry.spec(row.connector)
        within = min(spec.calls_within, self._call_within)
        settings = StoredSettings(self._store, self._sealer, row.id)
        http = Http.of(
            replace(spec, calls_within=within),
            settings,
            allow_private=self._allow_private,
            pacer=Pacer(self._store, row.id, lambda: datetime.now(UTC)),
        )
        roles = registry.connect(row.connector, settings, http)
        roles = replace(
            roles,
            desk=self._watched(roles.desk, row.id, http, ("find", "write_back")),
            till=self._watched(roles.till, row.id, http, ("pay", "find", "reverse")),
        )
        return Host(row, spec, roles, within, settings, http.session.clock.now)

    def _watched(
        self, role: T | None, connection_id: str, http: Http, calls: Collection[str]
    ) -> T | None:
        if role is None:
            return None
        said = partial(self._answered, connection_id)
        return cast(T, _Watched(role, http, calls, said))


class _Watched:
    """A role of which each of `calls` ends within one call's time, however many requests it makes:
    a process that stood still between looking and sending does not send any more. `said` hears
    whether a call was denied."""

    def __init__(
        self, role: object, http: Http, calls: Collection[str], said: Callable[[bool], None]
    ) -> None:
        self._role, self._http, self._calls, self._said = role, http, calls, said

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._role, name)

        def call(*given: Any, **named: Any) -> Any:
            try:
                with self._http.attempt() if name in self._calls else nullcontext():
                    answer = method(*given, **named)
            except HostDenied:
                self._said(True)
                raise
            self._said(False)
            return answer

        return call


def _changed(old: Connection, new: Connection) -> bool:
    """Tokens that rotate are read afresh by the settings themselves; the rest needs a new start."""
    return (old.settings, old.options, old.connector) != (new.settings, new.options, new.connector)
