"""`amends sim`: the engine itself against hosts that lose, repeat, delay and lie, in virtual time.

Runners, stores and core are the real ones. One seed decides everything: orders, acts, faults, and
who moves when; so the same seed gives the same run, on any machine.
"""

from __future__ import annotations

import heapq
import json
import time as wall
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

from core import approval, flow, ledger, limits_kept
from core.approval import Approval
from core.case import Case, CaseState
from core.chores import Chore
from core.connection import Delivery
from core.payout import Payout
from core.people import Person
from core.ports import Ticket
from core.store import AlreadyExists, Store, StoreUnavailable
from sandbox.sim.books import Books, Moved
from sandbox.sim.clock import START, Time
from sandbox.sim.desk import DeskBooks
from sandbox.sim.line import Line
from sandbox.sim.lockstep import Crash, Lockstep
from sandbox.sim.weather import FAULTS, Weather
from webhooks.engine.clock import Clock
from webhooks.engine.housekeeping import Habits, Housekeeping
from webhooks.engine.rounds import Rounds
from webhooks.proof import oracle
from webhooks.proof.inline import Inline
from webhooks.proof.outcome import Ids, Outcome, quiet
from webhooks.proof.shaky import ShakyStore
from webhooks.proof.stage import (
    DESK,
    MANAGER,
    TILLS,
    Market,
    SimHosts,
    a_sealer,
    furnish,
    limits_text,
    roles_of,
)

#: Seconds by which a helpdesk's clock is wrong, where it is.
_SKEWS = (-900.0, -120.0, -5.0, 40.0, 600.0)
LEASE = timedelta(seconds=90)
RUNNERS = 3
#: True seconds: when agents stop acting, when faults stop, when every case must be at rest (two
#: hours later), and when what is still being asked about must be with a person (a day later).
ACTS_END = 2 * 3_600.0
CALM = 75 * 3_600.0
AT_REST = CALM + 2 * 3_600.0
END = AT_REST + 25 * 3_600.0


class Simulation:
    """One run over a store that is empty. The hosts' books are here, for the oracle to read."""

    def __init__(self, store: Store, seed: int, orders: int, faults: Sequence[str]) -> None:
        self.seed, self.store = seed, store
        self.chance = Random(seed)  # noqa: S311 - to be had again, not to be hidden
        self.time = Time()
        self.weather = Weather(self.chance, faults)
        self.lockstep = Lockstep(
            self.time, self.weather, self, lease=LEASE.total_seconds(), last=CALM
        )
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._deliveries = 0
        self.clock = Clock(self.time.now, self.time.steady, Ids())
        self.desk = DeskBooks(self._tell_ticket, self._desk_time())
        self.tills = {
            id: Books(id, kind, self.time, self.weather, self._teller(id), self.at)  # type: ignore[arg-type]
            for id, kind in TILLS.items()
        }
        self.troubles: list[str] = []
        reply = self.chance.choice(("send", "draft", "none"))
        furnish(store, self.clock.moment(), reply, self.desk.now())
        self._open_shop(orders)

    # --------------------------------------------------------------------------- the world

    def at(self, true: float, happens: Callable[[], object]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (true, self._count, happens))

    def point(self) -> None:
        self.lockstep.point()

    def strikes(self, kind: str) -> bool:
        return self.weather.strikes(kind)

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def happen(self) -> bool:
        while self._heap and self._heap[0][0] <= self.time.true:
            heapq.heappop(self._heap)[2]()
        return self.time.true < END

    def next_due(self) -> float | None:
        dues = [due for kind in (Case, Delivery, Chore) if (due := self.store.next_due(kind))]
        return self.time.true_of(min(dues)) if dues else None

    def _open_shop(self, orders: int) -> None:
        chance = self.chance
        market = Market(chance, self.tills, self.desk)
        sealer = a_sealer()
        line = Line(self.time, self.weather, self)
        self.hosts = SimHosts(
            self.store,
            sealer,
            roles_of(self.desk, self.tills, market, lambda: line),
            self.desk.now,
        )
        self._sealer = sealer
        for number in range(orders):
            for id in market.sell(number):
                self._plan_acts(id)
        self.budget = market.budget()
        with self.store.write() as tx:
            text = limits_text(self.budget)
            limits_kept.store(tx, text, by=None, moment=self.clock.moment())
        for books in self.tills.values():
            for order_id in books.orders:
                if self.weather.strikes("by_hand"):
                    self.at(
                        chance.random() * ACTS_END,
                        lambda b=books, o=order_id: b.by_hand(o),  # type: ignore[misc]
                    )
        for last in (ACTS_END,) * 150 + (CALM,) * 20:
            self.at(chance.random() * last, self._jump)
        for minute in range(10, int(CALM // 60), 170):
            self.at(minute * 60.0, self._people)
        self.at(CALM, self._calm)
        self.at(AT_REST, lambda: self.troubles.extend(oracle.at_rest(self)))
        self.at(END, lambda: None)

    def _desk_time(self) -> Callable[[], datetime]:
        """The helpdesk's clock: it may be wrong, and no jump of ours moves it."""
        skew = timedelta(seconds=self.weather.lasting("skew", _SKEWS) or 0.0)
        return lambda: START + skew + timedelta(seconds=self.time.true)

    def _plan_acts(self, ticket_id: str) -> None:
        chance = self.chance
        first = chance.random() * ACTS_END
        self.at(first, lambda: self.desk.set_status(ticket_id, "solved"))
        if chance.random() < 0.1:
            again = first + chance.choice((2.0, 40.0, 4_000.0))
            self.at(again, lambda: self.desk.set_status(ticket_id, "open"))
            self.at(again + 30, lambda: self.desk.set_status(ticket_id, "solved"))
        if chance.random() < 0.01:
            self.at(first + 300, lambda: self.desk.set_status(ticket_id, "closed"))

    def _jump(self) -> None:
        if self.weather.strikes("clock_jump"):
            self.time.jump(self.chance.choice((-600.0, -5.0, 40.0, 3_600.0, 30 * 3_600.0)))

    def _calm(self) -> None:
        """Faults stop, and what was delayed arrives."""
        self.weather.calm()
        late, self._heap = self._heap, []
        for at, _, happens in sorted(late, key=lambda one: one[:2]):
            self.at(at if at in (AT_REST, END) else min(at, self.time.true), happens)

    def _people(self) -> None:
        """The manager looks in: agrees, refuses, leaves some; has some tickets looked at again."""
        with self.store.write() as tx:
            moment = self.clock.moment()
            manager = tx.get(Person, f"per_{MANAGER}")
            assert manager is not None
            for waiting in tx.find(Approval, state="waiting"):
                throw = self.chance.random()
                if throw < 0.6:
                    approval.decide(
                        tx, waiting.case_id, manager, agree=throw < 0.5, note=None, moment=moment
                    )
            for case in tx.find(Case, state=CaseState.WITH_PERSON):
                if self.chance.random() < 0.3 and flow.may_look_again(tx, case):
                    flow.look_again(tx, case, moment)

    # --------------------------------------------------------------------------- deliveries

    def _tell_ticket(self, ticket: Ticket) -> None:
        said = ticket.status if self.chance.random() < 0.5 else None
        self._send(DESK, {"ticket": ticket.id, "status": said})

    def _teller(self, till_id: str) -> Callable[[Moved], None]:
        def tell(moved: Moved) -> None:
            said = {
                "object": moved.id,
                "order": moved.order_id,
                "minor": moved.amount.minor,
                "currency": moved.amount.currency,
                "marker": None if TILLS[till_id] == "none" else _payout_of(moved),
                "ending": moved.state,
            }
            self._send(till_id, said, early=self.weather.strikes("early_echo"))

        return tell

    def _send(self, connection_id: str, said: object, *, early: bool = False) -> None:
        """A host sends a webhook: once, many times or never, soon or late, in any order."""
        self._deliveries += 1
        if self.weather.strikes("unheard"):
            return
        key, body = f"d{self._deliveries}", json.dumps(said).encode()
        times = self.chance.randrange(2, 51) if self.weather.strikes("duplicate") else 1
        for _ in range(times):
            wait = 0.0 if early else 0.1 + 2 * self.chance.random()
            if self.weather.strikes("delay"):
                wait = self.chance.random() ** 2 * 72 * 3_600
            if early and times == 1:
                self._arrive(connection_id, key, body)
            else:
                self.at(self.time.true + wait, lambda: self._arrive(connection_id, key, body))

    def _arrive(self, connection_id: str, key: str, body: bytes) -> None:
        """As the web side does it; a host that hears of trouble sends it again."""
        moment = self.clock.moment()
        delivery = Delivery(
            id=moment.new("dlv"),
            connection_id=connection_id,
            dedupe_key=key,
            received_at=moment.now,
            headers={},
            body=body,
            state="new",
            due_at=moment.now,
        )
        try:
            self._front.append(delivery)
        except AlreadyExists:
            return
        except StoreUnavailable:
            self.at(self.time.true + 20, lambda: self._arrive(connection_id, key, body))

    # --------------------------------------------------------------------------- the engine

    def run(self) -> Outcome:
        started = wall.perf_counter()
        self._front = ShakyStore(self.store, self)
        self.lockstep.run([lambda n=n: self._runner(n) for n in range(RUNNERS)])  # type: ignore[misc]
        violations = [*self.troubles, *oracle.violations(self)]
        with self.store.read() as reader:
            head = reader.get(ledger.Head, ledger.HEAD)
            cases = reader.find(Case)
            return Outcome(
                seed=self.seed,
                cases=len(cases),
                payouts=reader.count(Payout),
                faults=Counter(self.weather.seen),
                violations=violations,
                digest=head.hash if head else ledger.GENESIS,
                seconds=wall.perf_counter() - started,
                states=Counter(str(c.outcome or c.state) for c in cases),
            )

    def _runner(self, number: int) -> None:
        """A process that is started again whenever it dies."""
        lives = 0
        while True:
            lives += 1
            owner = f"runner-{number}-{lives}"
            rounds = Rounds(
                self._front,
                self.hosts,
                sealer=self._sealer,
                clock=self.clock,
                calls=Inline(),
                lease_length=LEASE,
                owner=owner,
                public_url="http://localhost",
                taken=self.lockstep.taken,
            )
            house = Housekeeping(
                self._front,
                self.hosts,
                sealer=self._sealer,
                clock=self.clock,
                owner=owner,
                lease_length=LEASE,
                habits=Habits(),
            )
            with suppress(Crash, StoreUnavailable):
                house.begin()
                self._work(rounds, house)
            self.lockstep.stand_still(self.chance.uniform(1, 20))

    def _work(self, rounds: Rounds, house: Housekeeping) -> None:
        while True:
            try:
                busy = rounds.run_due() or house.run_due()
            except StoreUnavailable:
                busy = 0
            if not busy:
                self.lockstep.rest()


def _payout_of(moved: Moved) -> str | None:
    return moved.instruction.payout_id if moved.instruction else None


def run(store: Store, seed: int, cases: int, faults: Sequence[str] = tuple(FAULTS)) -> Outcome:
    """One run."""
    with quiet():
        return Simulation(store, seed, cases, faults).run()


__all__ = ["FAULTS", "Outcome", "Simulation", "run"]
