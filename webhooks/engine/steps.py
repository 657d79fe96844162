"""What the runner does for one case: the action itself, outside any transaction, and then its
consequence inside one.

`Worker.work` takes a case as far as it can go now. Everything it knows it reads from the store, so
it may be killed anywhere and somebody else goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import timedelta

from core import approval as approvals
from core import drift, flow, payout, restore, reversal
from core import link as links
from core.case import Case
from core.choice import read_choice
from core.clocks import APART
from core.errors import AmendsError
from core.facts import Trouble
from core.flow import (
    Action,
    Ask,
    Chosen,
    Gather,
    NotChosen,
    Release,
    Remind,
    Rest,
    Send,
    Settle,
    TakeBack,
    Write,
)
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Workspace
from core.ports import (
    Declined,
    Ending,
    Finding,
    HostError,
    NotSent,
    Order,
    Unknown,
)
from core.record import replace
from core.routing import BadOptions, Routing
from core.store import AlreadyExists, Lease, Store, Tx
from core.store.sealing import Sealer
from webhooks.engine.clock import Clock, OutOfTime
from webhooks.engine.codes import code_of, place_of_code
from webhooks.engine.considering import Considering
from webhooks.engine.watch import Watch
from webhooks.engine.writing import Consequence, Writer
from webhooks.hosts import Host, Hosts, NoSuchConnection

log = logging.getLogger(__name__)

#: How often a step is taken again at once because another transaction was faster; after that it is
#: no coincidence but a fault.
CLASHES = 5

#: What reads the hosts, or writes to a ticket where it is not to be found yet.
_AT_ONCE = (Gather, Release, Chosen, Ask, Write)

#: What to do, and the case as it is then.
Next = tuple[Action, Case]


class Worker:
    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        *,
        sealer: Sealer,
        clock: Clock,
        watch: Watch,
        pool: Executor,
        lease_length: timedelta,
        public_url: str,
    ) -> None:
        self._store, self._hosts, self._clock = store, hosts, clock
        self._watch, self._lease_length = watch, lease_length
        self._sealer = sealer
        self._writer = Writer(store, hosts, sealer=sealer, clock=clock, public_url=public_url)
        self._considering = Considering(store, hosts, clock=clock, pool=pool)

    def work(self, lease: Lease, claimed_at: float) -> None:
        """Take the case on until there is nothing to do now. `claimed_at` in steady seconds, taken
        before the claim. Raises `LeaseLost` where somebody else has it by now."""
        deadline = claimed_at + (self._lease_length - APART).total_seconds()
        try:
            self._take_on(lease, deadline)
        except OutOfTime:
            log.info("case %s: out of time, left for the next runner", lease.id)

    def _take_on(self, lease: Lease, deadline: float) -> None:
        consequence = self._first(lease, deadline)
        clashes = 0
        while True:
            begun = self._clock.steady()
            try:
                action, case = self._go_on(lease, consequence)
            except (AlreadyExists, flow.HistoryMoved) as clash:
                # Somebody else's transaction took the same harm, customer or host object at the
                # same moment, or gave the same customer something: nothing was kept, and the step
                # is taken again with what is there now.
                clashes += 1
                if clashes > CLASHES:
                    raise
                log.info("case %s: %s; trying again", lease.id, clash)
                consequence = _again
                continue
            if isinstance(action, Rest) or self._watch.holds():
                return
            consequence = self._perform(case, action, deadline, begun)

    def _first(self, lease: Lease, deadline: float) -> Consequence:
        """The first action's, where nothing has to be committed before it, because the case is due
        anyhow for whoever takes over: only a payment needs its intent."""
        begun = self._clock.steady()
        with self._store.read() as reader:
            file = flow.load(reader, lease.id)
        self._wake_hosts(file.case)
        action = flow.next_action(file, self._clock.now())
        ready = file.case.due_at is not None and isinstance(action, _AT_ONCE)
        if not ready or self._watch.holds():
            return _nothing
        return self._perform(file.case, action, deadline, begun)

    def _wake_hosts(self, case: Case) -> None:
        """Make the case's hosts ready before any transaction needs to know them."""
        for connection_id in (case.desk_id, case.till_id):
            with suppress(AmendsError):  # whoever needs it says what is wrong
                self._hosts.get(connection_id or "")

    def failed(self, lease: Lease, error: Exception) -> None:
        """A fault of ours: tried again later, and put to a person when it stays."""
        moment = self._clock.moment()
        with self._store.write(lease) as tx:
            case = tx.get(Case, lease.id)
            assert case is not None
            flow.on_fault(tx, case, type(error).__name__, moment)
            tx.release(lease)

    def _go_on(self, lease: Lease, consequence: Consequence) -> Next:
        """Commit a consequence together with what it leads to: the next payout's intent, or letting
        the case go."""
        moment = self._clock.moment()
        with self._store.write(lease) as tx:
            case = tx.get(Case, lease.id)
            assert case is not None  # cases are never deleted
            consequence(tx, case, moment)
            return self._lead_on(tx, lease, moment)

    def _lead_on(self, tx: Tx, lease: Lease, moment: Moment) -> Next:
        file = flow.load(tx, lease.id)
        action = flow.next_action(file, moment.now)
        # Whoever dies before the action is done leaves a case that is still due.
        case = file.case
        due = action.until if isinstance(action, Rest) else case.due_at or moment.now
        if case.due_at != due:
            case = replace(case, due_at=due)
            tx.put(case)
        if isinstance(action, Send):
            return self._begin(tx, lease, case, action.payout, moment)
        if isinstance(action, Rest):
            tx.release(lease)
        return action, case

    def _begin(self, tx: Tx, lease: Lease, case: Case, planned: Payout, moment: Moment) -> Next:
        """The intent and its key, in the commit before the call."""
        halted = tx.get(Workspace, "workspace")
        if halted is not None and halted.halted_why:
            wait = moment.now + timedelta(minutes=1)
            tx.put(replace(planned, due_at=wait, why="halted"))
            tx.put(replace(case, said="halted", due_at=wait))
            tx.release(lease)
            return Rest(wait), case
        if drift.forgotten(tx, case) is not None:
            no = Declined("forgotten_payout", "after the backup something was given for this order")
            return self._hold_back(tx, lease, case, planned, no, moment)
        if drift.by_hand_since(tx, planned):
            no = Declined("refunded_by_hand", "somebody refunded this order since it was decided")
            return self._hold_back(tx, lease, case, planned, no, moment)
        host = self._hosts.get(planned.till_id, tx)
        if restore.perhaps_given(tx, planned) and self._may_be_unseen(tx, case, planned):
            routing = self._hosts.get(case.desk_id, tx).routing
            flow.on_perhaps_given(tx, case, planned, routing, moment)
            return self._lead_on(tx, lease, moment)
        if planned.remedy in payout.CODED and planned.sealed_code is None:
            sealed = self._sealer.seal(
                payout.new_code(), place_of_code(self._store.workspace_id, planned)
            )
            planned = replace(planned, sealed_code=sealed)
        sending, _ = payout.begin(
            tx, planned, pays=host.pays(planned.remedy), calls_within=host.within, moment=moment
        )
        return Send(sending), case

    def _may_be_unseen(self, tx: Tx, case: Case, planned: Payout) -> bool:
        """Whether the same harm may have been made good in a way that no sweep tells of."""
        routing = self._hosts.get(case.desk_id, tx).routing
        ways = restore.ways(case, planned, routing)
        return restore.has_unplaced(tx) or not all(
            self._hosts.lists(till_id, remedy, tx) for remedy, till_id in ways.items()
        )

    def _hold_back(
        self, tx: Tx, lease: Lease, case: Case, planned: Payout, no: Declined, moment: Moment
    ) -> Next:
        """Something was given for the same order that was not known when it was decided: a person
        looks whether this is right all the same."""
        routing = self._hosts.get(case.desk_id, tx).routing
        pays = self._hosts.get(planned.till_id, tx).pays(planned.remedy)
        flow.on_payout(tx, case, planned, no, pays=pays, routing=routing, moment=moment)
        return self._lead_on(tx, lease, moment)

    # ------------------------------------------------------------------------- the actions

    def _perform(self, of: Case, action: Action, deadline: float, begun: float) -> Consequence:
        match action:
            case Gather():
                return self._gather(of)
            case Release():
                return self._release(of, flow.on_release)
            case Chosen():
                return self._release(of, flow.on_chosen)
            case NotChosen():
                return lambda tx, case, m: flow.on_not_chosen(tx, case, m)
            case Settle(approval):
                return lambda tx, case, m: flow.on_settled_approval(tx, case, approval, m)
            case Remind(waiting):
                return lambda tx, case, m: approvals.remind(tx, waiting, m)
            case Send(sending):
                return self._pay(sending, deadline, begun)
            case Ask(unknown):
                return self._ask(unknown)
            case TakeBack(reversing):
                return self._take_back(reversing)
            case Write(writings):
                return self._writer.write(of, writings, deadline)
            case Rest():
                return _nothing

    def _pay(self, sending: Payout, deadline: float, begun: float) -> Consequence:
        host = self._hosts.get(sending.till_id)
        # What `payout.begin` wrote down lets others ask once a call that started within one call's
        # time after it must be over and visible: a later start would be too late for that.
        self._clock.need(min(deadline, begun + 3 * host.within.total_seconds()), 2 * host.within)
        order = payout.instruction(sending, code=self._code(sending))
        try:
            result: Ending | Finding = payout.send(host.till, order)
        except Exception as error:  # whatever it was, the host may have acted
            log.exception("payout %s: the till raised", sending.id)
            result = Unknown(f"our own fault while paying: {type(error).__name__}")
        return self._concluded(sending, result, host)

    def _ask(self, unknown: Payout) -> Consequence:
        host = self._hosts.get(unknown.till_id)
        try:
            found: Finding = payout.ask(
                host.till, payout.instruction(unknown, code=self._code(unknown))
            )
        except Exception as error:
            log.exception("payout %s: the till raised while asked", unknown.id)
            found = Unknown(f"our own fault while asking: {type(error).__name__}")
        return self._concluded(unknown, found, host)

    def _take_back(self, reversing: Payout) -> Consequence:
        host = self._hosts.get(reversing.till_id)
        order = payout.instruction(reversing, code=self._code(reversing))
        try:
            result = reversal.take_back(host.till, order)
        except Exception as error:
            log.exception("payout %s: the till raised while taking back", reversing.id)
            result = Unknown(f"our own fault while taking back: {type(error).__name__}")
        return self._concluded(reversing, result, host)

    def _code(self, of: Payout) -> str | None:
        return code_of(self._sealer, self._store.workspace_id, of)

    def _concluded(self, about: Payout, result: Ending | Finding, host: Host) -> Consequence:
        if isinstance(result, NotSent) and about.state is not PayoutState.SENDING:
            result = Unknown(result.why)

        def consequence(tx: Tx, case: Case, moment: Moment) -> None:
            now = tx.get(Payout, about.id)
            if now is None or now.state is not about.state:
                return  # somebody else learned of it first
            routing = self._hosts.get(case.desk_id, tx).routing
            reversal.on_result(
                tx, case, now, result, pays=host.pays(about.remedy), routing=routing, moment=moment
            )

        return consequence

    # ----------------------------------------------------------------------------- gathering

    def _gather(self, case: Case) -> Consequence:
        choice = read_choice(case.choice) if case.choice is not None else None
        try:
            considered = self._considering.case(case, choice)
        except HostError as error:
            return _host_trouble(error)
        except (BadOptions, NoSuchConnection) as error:
            considered = Trouble("no_till", {"why": str(error)})
        if isinstance(considered, Trouble):
            trouble = considered
            return lambda tx, case, m: flow.on_trouble(tx, case, trouble, m)
        found = considered
        routing = self._hosts.get(case.desk_id).routing
        link = None
        if found.alternatives:
            link = links.new_link(self._sealer, self._store.workspace_id, self._clock.moment())
        return lambda tx, case, m: flow.on_terms(tx, case, routing, found, m, link)

    def _release(
        self, case: Case, go_on: Callable[[Tx, Case, Routing, Order | None, Moment], None]
    ) -> Consequence:
        """What waited for a yes or a choice: the order is looked at again first."""
        order = self._order_again(case)
        if isinstance(order, HostError):
            return _host_trouble(order)

        def consequence(tx: Tx, case: Case, moment: Moment) -> None:
            routing = self._hosts.get(case.desk_id, tx).routing
            go_on(tx, case, routing, order, moment)

        return consequence

    def _order_again(self, case: Case) -> Order | HostError | None:
        if case.till_id is None or case.order_id is None:
            return None
        try:
            return self._hosts.get(case.till_id).till.order(case.order_id)
        except HostError as error:
            return error


def _host_trouble(error: HostError) -> Consequence:
    return lambda tx, case, moment: flow.on_host_trouble(tx, case, error, moment)


def _nothing(tx: Tx, case: Case, moment: Moment) -> None:
    """The state as it stands says what is next."""


def _again(tx: Tx, case: Case, moment: Moment) -> None:
    """Let the step be taken again from the state as it stands."""
