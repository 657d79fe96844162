"""What must be true after a run, whatever went wrong in it.

`CHECKS` is a list: a part of Amends that promises more adds its own check. Each answers sentences,
one for everything that is not as it must be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from core import booking, ledger
from core.authority import Reservation
from core.case import Case, CaseState, CaseStep, CaseTicket, Task, Writing
from core.connection import HostPayout
from core.ledger_check import verify
from core.payout import FINAL, Payout, PayoutState
from core.store import Reader, Store
from sandbox.sim.books import Books, Moved
from sandbox.sim.desk import DeskBooks
from webhooks.proof.stage import BUDGET, REASONS


class Ended(Protocol):
    """A run that is over, or being looked at."""

    @property
    def store(self) -> Store: ...
    @property
    def tills(self) -> Mapping[str, Books]: ...
    @property
    def desk(self) -> DeskBooks: ...
    @property
    def budget(self) -> Mapping[str, int]: ...


Check = Callable[[Ended, Reader], Iterator[str]]

_RESTING = (CaseState.CLOSED, CaseState.WAITING_APPROVAL)
#: Endings in which a person has the question, with a task.
_ASKED = (PayoutState.UNKNOWN, PayoutState.PENDING)


def violations(run: Ended) -> list[str]:
    with run.store.read() as reader:
        return [problem for check in CHECKS for problem in check(run, reader)]


def at_rest(run: Ended) -> list[str]:
    """Every case has ended, waits for a yes, or is with a person."""
    with run.store.read() as reader:
        open_tasks = {task.case_id for task in reader.find(Task, state="open")}
        found = []
        for case in reader.find(Case):
            if case.state in _RESTING or case.id in open_tasks:
                continue
            found.append(f"{case.id} is {case.state} ({case.said}) and nobody has a task")
        return found


def _all_at_rest(run: Ended, reader: Reader) -> Iterator[str]:
    yield from at_rest(run)


def _once(run: Ended, reader: Reader) -> Iterator[str]:
    """One payout moves money once, and one harm is made good once."""
    for till, books in run.tills.items():
        for order_id, book in books.orders.items():
            ours = [m for m in book.moved if m.instruction is not None and m.state != "failed"]
            times = Counter(m.marker for m in ours)
            for marker, count in times.items():
                if count > 1:
                    yield f"{marker} was paid {count} times at {till}"
            harms = {(m.instruction.text, m.remedy): set[str]() for m in ours if m.instruction}
            for m in ours:
                if m.instruction:
                    harms[m.instruction.text, m.remedy].add(m.instruction.payout_id)
            for harm, payouts in harms.items():
                if len(payouts) > 1:
                    yield f"{harm} of {order_id} at {till} was made good by {sorted(payouts)}"


def _books_agree(run: Ended, reader: Reader) -> Iterator[str]:
    """What the ledger says was paid is what the tills' own books say, payout by payout, unless a
    person has that very question before them."""
    at_tills: dict[str, list[Moved]] = defaultdict(list)
    for books in run.tills.values():
        for moved in books.moved.values():
            if moved.instruction is not None and moved.state != "failed":
                at_tills[moved.instruction.payout_id].append(moved)
    asked_of = {_payout_of(task) for task in reader.find(Task, state="open")}
    known = {payout.id: payout for payout in reader.find(Payout)}
    for payout_id in at_tills.keys() - known.keys():
        yield f"a till paid {payout_id}, which is nobody's"
    for payout in known.values():
        booked = _sums((e.currency, _signed(e)) for e in ledger.entries_of(reader, payout.id))
        paid = _sums((m.amount.currency, m.amount.minor) for m in at_tills[payout.id])
        asked = payout.state in _ASKED and payout.id in asked_of
        if booked != paid and not (asked and not booked):
            yield f"{payout.id} ({payout.state}): the till paid {paid}, the ledger says {booked}"
        given = {str(payout.currency): payout.amount_minor}
        if payout.state is PayoutState.SETTLED and booked != given:
            yield f"{payout.id} settled with {booked} of {given}"


def _payout_of(task: Task) -> object:
    return task.known.get("payout") if isinstance(task.known, Mapping) else None


def _sums(parts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By currency; what adds up to nothing is not in it."""
    sums: Counter[str] = Counter()
    for currency, minor in parts:
        sums[currency] += minor
    return {currency: minor for currency, minor in sums.items() if minor}


def _budgets_agree(run: Ended, reader: Reader) -> Iterator[str]:
    """What the ledger says was spent of the budget is what it says that making good cost, case by
    case and currency by currency."""
    spent: Counter[tuple[str, str]] = Counter()
    cost: Counter[tuple[str, str]] = Counter()
    for entry in reader.find(ledger.Entry):
        for account, sign in ((entry.debit, 1), (entry.credit, -1)):
            if account == booking.spent(BUDGET):
                spent[entry.case_id, entry.currency] += sign * entry.amount_minor
            elif account.startswith("expense:"):
                cost[entry.case_id, entry.currency] += sign * entry.amount_minor
    for case_id, currency in spent.keys() | cost.keys():
        which = case_id, currency
        if spent[which] != cost[which]:
            yield f"{case_id}: {spent[which]} {currency} of the budget, and it cost {cost[which]}"


def _signed(entry: ledger.Entry) -> int:
    if entry.kind == "settled":
        return entry.amount_minor
    return -entry.amount_minor if entry.kind in ("reversed", "failed") else 0


def _within_authority(run: Ended, reader: Reader) -> Iterator[str]:
    """All tills together moved no more than the budget, and what is booked as used of it is what
    was settled."""
    moved: Counter[str] = Counter()
    for books in run.tills.values():
        for one in books.moved.values():
            if one.instruction is not None and one.state != "failed":
                moved[one.amount.currency] += one.amount.minor
    for currency, minor in moved.items():
        if minor > run.budget[currency]:
            yield f"{minor} {currency} moved, of a budget of {run.budget[currency]}"
    used = {(r.case_id, r.position): r.amount for r in reader.find(Reservation, state="used")}
    settled = {
        (p.case_id, p.position): p.amount for p in reader.find(Payout, state=PayoutState.SETTLED)
    }
    for which in used.keys() | settled.keys():
        if used.get(which) != settled.get(which):
            yield f"{which}: settled {settled.get(which)}, used of limits {used.get(which)}"
    held = {r.case_id for r in reader.find(Reservation, state="held")}
    for case in reader.find(Case, state=CaseState.CLOSED):
        if case.id in held:
            yield f"{case.id} is closed and still holds what it reserved"


def _chain_holds(run: Ended, reader: Reader) -> Iterator[str]:
    found = verify(reader)
    if not found.ok:
        yield f"the ledger: {found.problem} at entry {found.seq}"


def _said_once(run: Ended, reader: Reader) -> Iterator[str]:
    """Nothing stands on a ticket twice, and everything that was to be told was."""
    for id, shown in run.desk.tickets.items():
        for (marker, _), count in Counter(shown.comments).items():
            if count > 1:
                yield f"{marker} stands on ticket {id} {count} times"
    for writing in reader.find(Writing):
        if writing.state == "planned":
            yield f"{writing.id} was never written"


def _swept(run: Ended, reader: Reader) -> Iterator[str]:
    """Whatever a host has not told, the sweep has found: what somebody gave by hand is counted,
    unless a payout of that order is in doubt, and every solved ticket with a reason has a case."""
    seen = {(row.connection_id, row.host_object) for row in reader.find(HostPayout)}
    doubtful = {(p.till_id, p.order_id) for p in reader.find(Payout) if p.state not in FINAL}
    for till, books in run.tills.items():
        for moved in books.moved.values():
            known = (till, moved.id) in seen or (till, moved.order_id) in doubtful
            if moved.instruction is None and not known:
                yield f"{moved.id} was given by hand for {moved.order_id} and nobody knows of it"
    with_case = {link.ticket_id for link in reader.find(CaseTicket)}
    for id, shown in run.desk.tickets.items():
        named = shown.ticket.tags.intersection(REASONS)
        if shown.ticket.status == "solved" and named and id not in with_case:
            yield f"ticket {id} was solved and has no case"


def _no_fault_of_ours(run: Ended, reader: Reader) -> Iterator[str]:
    for step in reader.find(CaseStep, what="our_fault"):
        yield f"{step.case_id}: our own fault, {step.data}"
    for payout in reader.find(Payout):
        if "our own fault" in (payout.why or ""):
            yield f"{payout.id}: {payout.why}"


CHECKS: list[Check] = [
    _once,
    _books_agree,
    _budgets_agree,
    _within_authority,
    _chain_holds,
    _said_once,
    _all_at_rest,
    _swept,
    _no_fault_of_ours,
]
