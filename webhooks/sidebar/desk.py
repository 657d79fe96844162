"""The sidebar's engine: hosts read for one ticket, terms considered, payouts taken back.

Two rounds of calls to hosts: the ticket with its requester; then every till at once. What was read
is remembered for a moment, so that trying another choice asks no host again; whatever gives or
asks for something reads anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from console.sidebar.world import Look
from core import payout as payouts
from core import policies, resolve, reversal
from core.choice import Choice
from core.errors import AmendsError
from core.facts import Trouble
from core.moment import Moment
from core.payout import Payout
from core.people import Person
from core.policy import Policy
from core.ports import HostError, Pays, Ticket
from core.routing import Routing
from core.store import Store
from core.store.sealing import Sealer
from core.terms import Gathered, Terms
from webhooks.engine.clock import Clock
from webhooks.engine.codes import code_of
from webhooks.engine.considering import Considering
from webhooks.hosts import Hosts

#: Seconds for which what was read may be used to try another choice, and for how many tickets.
_REMEMBERED_S = 60.0
_MOST_REMEMBERED = 512


class SidebarDesk:
    """Implements `console.sidebar.world.SidebarWorld`."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        sealer: Sealer,
        clock: Clock,
        pool: Executor,
        notice: Callable[[], None],
    ) -> None:
        self._store, self._hosts, self._sealer, self._clock = store, hosts, sealer, clock
        self._considering = Considering(store, hosts, clock=clock, pool=pool)
        self._notice = notice
        self._memory = _Memory(clock.steady)

    @property
    def store(self) -> Store:
        return self._store

    def now(self) -> datetime:
        return self._clock.now()

    def titles(self) -> Mapping[str, str]:
        return self._hosts.titles()

    def routing(self, desk_id: str) -> Routing:
        return self._hosts.get(desk_id).routing

    def ticket(self, desk_id: str, ticket_id: str) -> Ticket:
        return self._considering.ticket(desk_id, ticket_id)

    def look(self, desk_id: str, ticket_id: str, *, fresh: bool = True) -> Look:
        remembered = None if fresh else self._memory.get(desk_id, ticket_id)
        if remembered is None:
            remembered = self._read(desk_id, ticket_id)
            if remembered.unread is None:
                self._memory.keep(desk_id, ticket_id, remembered)
        return Look(
            ticket=remembered.ticket,
            routing=self.routing(desk_id),
            gathered=remembered.gathered,
            unread=remembered.unread,
        )

    def _read(self, desk_id: str, ticket_id: str) -> _Read:
        ticket = self._considering.ticket(desk_id, ticket_id)
        try:
            return _Read(ticket, self._considering.gather(desk_id, ticket), None)
        except HostError as error:
            return _Read(ticket, None, error)

    def terms(self, desk_id: str, gathered: Gathered, choice: Choice) -> Terms | Trouble:
        return self._considering.terms(desk_id, gathered, choice)

    def policy(self, terms: Terms) -> Policy | None:
        with self._store.read() as reader:
            found = policies.in_force(reader, terms.policy_name, self.now().date())
        return found if found is not None and found.version_hash == terms.policy_hash else None

    def pays(self, till_id: str, remedy: str) -> Pays | None:
        pays = self._hosts.get(till_id).spec.pays
        return next((how for name, how in pays.items() if name == remedy), None)

    def take_back(self, payout_id: str, person: Person, note: str) -> None:
        with self._store.read() as reader:
            found = reader.get(Payout, payout_id)
        if found is None:
            raise AmendsError(f"there is no payout {payout_id}")
        host = self._hosts.get(found.till_id)
        if found.host_object is not None:
            code = code_of(self._sealer, self._store.workspace_id, found)
            resolve.at_host(host.till, payouts.instruction(found, code=code))
        with self._store.write() as tx:
            pays = host.pays(found.remedy)
            reversal.ask(tx, payout_id, person, note, pays=pays, moment=Moment(self.now()))
        self._notice()

    def notice(self) -> None:
        self._notice()


@dataclass(frozen=True, slots=True)
class _Read:
    ticket: Ticket
    gathered: Gathered | None
    unread: HostError | None


class _Memory:
    """What was read of the newest tickets, for a minute, in this process only."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady, self._lock = steady, threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, _Read]] = OrderedDict()

    def get(self, desk_id: str, ticket_id: str) -> _Read | None:
        with self._lock:
            at, read = self._kept.get((desk_id, ticket_id), (0.0, None))
        return read if self._steady() - at < _REMEMBERED_S else None

    def keep(self, desk_id: str, ticket_id: str, read: _Read) -> None:
        with self._lock:
            self._kept[desk_id, ticket_id] = (self._steady(), read)
            self._kept.move_to_end((desk_id, ticket_id))
            while len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)
