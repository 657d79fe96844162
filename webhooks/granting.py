"""Access by agreeing on a host's own page: begun here, answered in the web side, waited for here.

What the host repeats (`state`) is good for one answer within `LIFE`; only its hash is kept. Codes,
keys and tokens go from the answer to the host and into the sealed settings, and nowhere else.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors import registry
from core.connection import Connection, PendingGrant
from core.errors import AmendsError
from core.moment import Moment
from core.ports import Asking, Grant, RawRequest
from core.store import Store
from core.store.sealing import Place, Sealer
from webhooks.hosts import Host, Hosts, NoSuchConnection

log = logging.getLogger(__name__)

LIFE = timedelta(minutes=10)
OURS = "a fault of ours; the log of `amends serve` says more"
_STATE_LENGTHS = range(40, 129)


class NotGranted(AmendsError):
    """No access came of it; the message says what to do."""


class NotAwaited(AmendsError):
    """An answer nobody waits for: not of ours, used already, too late, or of another connector."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`url` is the host's page; whoever has it can answer in the name of who began."""

    id: str
    url: str = field(repr=False)
    callback: str


class Grants:
    def __init__(
        self, store: Store, hosts: Hosts, sealer: Sealer, now: Callable[[], datetime]
    ) -> None:
        self._store, self._hosts, self._sealer, self._now = store, hosts, sealer, now

    def begin(self, connection_id: str, public_url: str) -> Begun:
        """What was begun for the connection before and not answered is void. Raises `NotGranted`
        where the host has no such page, and what the connector says is not filled in."""
        host = self._host(connection_id)
        moment = Moment(self._now())
        id = moment.new("grant")
        asking = Asking(
            state=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(32),
            callback=callback_address(public_url, host.spec.name),
            back=f"{public_url}/connected/{id}",
        )
        url = _role(host).address(asking)
        row = PendingGrant(
            id=id,
            connection_id=connection_id,
            state_hash=_hash(asking.state),
            callback=asking.callback,
            state="waiting",
            created_at=moment.now,
            expires_at=moment.now + LIFE,
            sealed=self._sealer.seal(asking.verifier, self._place(id)),
        )
        with self._store.write() as tx:
            for before in tx.find(PendingGrant, connection_id=connection_id, state="waiting"):
                tx.put(replace(before, state="failed", sealed=None, why="it was begun again"))
            tx.add(row)
        return Begun(id, url, asking.callback)

    def answer(self, connector: str, state: str, given: RawRequest) -> PendingGrant:
        """Take the host's answer. Once for a state, whatever comes of it: the row says. Raises
        `NotAwaited`."""
        row, verifier = self._take(connector, state)
        why: str | None = OURS
        try:
            asking = Asking(state=state, verifier=verifier, callback=row.callback, back="")
            _role(self._host(row.connection_id)).redeem(asking, given, self._now())
            why = None
        except AmendsError as error:
            why = str(error)
            log.info("connection %s: no access: %s", row.connection_id, why)
        except Exception as error:  # its text may hold what must not be seen
            log.error("connection %s: no access: %s", row.connection_id, type(error).__name__)
        finally:
            row = self._close(row, why)
        return row

    def outcome(self, id: str) -> bool:
        """Whether there is access now; False while it is waited for. Raises `NotGranted`."""
        row = self.get(id)
        if row is None:
            raise NotGranted("nothing was begun")
        if row.state == "done":
            self._hosts.forget(row.connection_id)
            return True
        again = f"To begin again: amends connector authorise {row.connection_id}"
        if row.state == "failed":
            raise NotGranted(f"not connected: {row.why}. {again}")
        if self._now() >= row.expires_at:
            raise NotGranted(
                f"not connected: no answer came to {row.callback} within "
                f"{LIFE // timedelta(minutes=1)} minutes. `amends serve` must run, and be reached "
                f"there from the browser and the host. {again}"
            )
        return False

    def get(self, id: str) -> PendingGrant | None:
        with self._store.read() as reader:
            return reader.get(PendingGrant, id)

    def _take(self, connector: str, state: str) -> tuple[PendingGrant, str]:
        """The row and the verifier that was sealed in it, which is not kept any longer."""
        refused = NotAwaited("this answer is not waited for (any more)")
        if len(state) not in _STATE_LENGTHS:
            raise refused
        with self._store.read() as reader:
            found = reader.find(PendingGrant, state_hash=_hash(state), limit=1)
        if not found:
            raise refused
        if self._host(found[0].connection_id).spec.name != connector:
            raise refused
        with self._store.write() as tx:
            row = tx.lock(PendingGrant, found[0].id)
            if row is None or row.state != "waiting" or row.sealed is None:
                raise refused
            if self._now() >= row.expires_at:
                raise refused
            verifier = self._sealer.open(row.sealed, self._place(row.id))
            row = replace(row, state="taken", sealed=None)
            tx.put(row)
        return row, verifier

    def _close(self, taken: PendingGrant, why: str | None) -> PendingGrant:
        """Access that came brings a connection back that was lost."""
        row = replace(taken, state="failed" if why else "done", why=why)
        with self._store.write() as tx:
            tx.put(row)
            connection = tx.lock(Connection, row.connection_id)
            if connection is not None and connection.state == "lost" and not why:
                tx.put(replace(connection, state="on"))
        self._hosts.forget(row.connection_id)
        return row

    def _host(self, connection_id: str) -> Host:
        """Whatever its state: one that was lost is connected again this way."""
        with self._store.read() as reader:
            row = reader.get(Connection, connection_id)
        if row is None:
            raise NoSuchConnection(f"there is no connection {connection_id}")
        return self._hosts.make(row)

    def _place(self, id: str) -> Place:
        return Place(self._store.workspace_id, PendingGrant.TABLE.name, id, "sealed")


def callback_address(public_url: str, connector: str) -> str:
    """What a host must know beforehand: the same for every connection to it."""
    return f"{public_url}/connect/{connector}"


def by_agreeing(connector: str) -> bool:
    """Whether access to such a host can come from its own page."""
    return any(setting.agreeing == "spares" for setting in registry.spec(connector).settings)


def _role(host: Host) -> Grant:
    if host.roles.grant is None:
        raise NotGranted(
            f"{host.spec.title} has no page to agree on: its access is filled in by "
            f"`amends connector add {host.spec.name}`"
        )
    return host.roles.grant


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
