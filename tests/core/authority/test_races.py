"""Many at once against the same limits and budget: what is given never exceeds them."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from core.authority import Reservation
from core.case import Case, CaseState, Likeness
from core.people import Person
from core.store import AlreadyExists, Store, StoreUnavailable
from core.store.sql import SqlStore
from tests.core.authority.bench import Bench, plan, race
from tests.stores import SQL_KINDS, new_url, new_workspace

ROOT = Path(__file__).parents[3]
LIMITS = (
    "roles: {agent: {per_day: {value: 40.00, count: 1000}}}\n"
    "budgets: {all: {value: 60.00, every: month}}\n"
)


def _given(store: Store) -> dict[str, int]:
    """What is held, in whole euros, by whose limits."""
    with store.read() as reader:
        sums = reader.total(Reservation, "amount_minor", by=("bearer",), state="held")
    return {str(bearer): minor // 100 for (bearer,), minor in sums.items()}


def many(url: str, workspace: str, number: int) -> int:
    """One process: 32 threads, each reserving 4 times 1.00 EUR for one of two agents."""
    store = SqlStore(url, workspace)
    given = [0] * 32
    errors: list[BaseException] = []

    def run(thread: int) -> None:
        try:
            bearer = "per_jo" if thread % 2 else "per_ali"
            given[thread] = race(store, bearer, f"{number}-{thread}", 4)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    if errors:
        raise errors[0]
    return sum(given)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SQL_KINDS)
def test_two_processes_of_32_threads_spend_no_more_than_there_is(kind: str, tmp_path: Path) -> None:
    url, workspace = new_url(kind, tmp_path), new_workspace()
    store = SqlStore(url, workspace)
    bench = Bench(store)
    bench.limits(LIMITS)
    bench.person("jo", "agent")
    bench.person("ali", "agent")
    script = (
        "from tests.core.authority.test_races import many\n"
        f"import sys; print(many({url!r}, {workspace!r}, int(sys.argv[1])))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    children = [
        subprocess.Popen([*command, str(n)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    said = [int(child.communicate(timeout=120)[0]) for child in children]
    given = _given(store)
    assert sum(said) == 60  # 256 asked for: the whole budget, and not a cent more
    assert sum(given.values()) == 60
    assert max(given.values()) <= 40
    totals = bench.counters()
    assert totals[next(id for id in totals if id.startswith("budget|all") and "EUR" in id)] == 6000
    store.close()


def test_threads_on_every_store(store: Store) -> None:
    bench = Bench(store)
    bench.limits(LIMITS)
    bench.person("jo", "agent")
    threads = [threading.Thread(target=race, args=(store, "per_jo", f"t{n}", 8)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _given(store) == {"per_jo": 40}


def test_two_who_agree_at_the_same_moment_both_have(store: Store) -> None:
    bench = Bench(store)
    bench.limits("roles: {approver: {per_day: 900.00}}\napproval: {ask: [{over: 0, people: 2}]}\n")
    jo = bench.person("jo", "agent")
    both = [bench.person(name, "approver") for name in ("sam", "ann")]
    for n in range(6):
        case = bench.ask("10.00 EUR", by=jo, buyer=f"b{n}")
        start = threading.Barrier(2)
        errors: list[BaseException] = []

        def agree(who: Person, case: Case = case, start: threading.Barrier = start,
                  errors: list[BaseException] = errors) -> None:  # fmt: skip
            start.wait()
            try:
                bench.decide(case, who)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=agree, args=(who,)) for who in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []
        assert bench.step(case).state is CaseState.PAYING


def _many_of_one_mailbox(store: Store, bench: Bench, rounds: int) -> list[int]:
    """In each round eight customers nobody has seen before, of one mailbox, ask at once."""
    given = []
    for number in range(rounds):
        mark, start = f"mark-{number}", threading.Barrier(8)

        def ask(
            who: int, mark: str = mark, number: int = number, start: threading.Barrier = start
        ) -> None:
            start.wait()
            asked = 0
            while asked < 1:
                try:
                    with store.write() as tx:
                        plan(tx, store, "policy", f"{number}-{who}", "10.00", "EUR", mark=mark)
                    asked += 1
                except (AlreadyExists, StoreUnavailable):
                    continue

        threads = [threading.Thread(target=ask, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        with store.read() as reader:
            ids = {row.customer_id for row in reader.find(Likeness, mark=mark)}
            rows = reader.find(Reservation, customer_id=tuple(ids), state="held")
        assert len(ids) == 8
        given.append(len(rows))
    return given


def test_customers_of_one_mailbox_share_a_window_from_the_first_moment(store: Store) -> None:
    """Each is new, and none of them can see the others before they are kept."""
    bench = Bench(store)
    bench.limits("policy: {per_day: 9000.00}\ncustomer: [{days: 30, value: 20.00}]\n")
    assert _many_of_one_mailbox(store, bench, 8) == [2] * 8


def test_an_order_gives_its_share_once_whoever_its_customer_is_held_for(store: Store) -> None:
    bench = Bench(store)
    bench.limits("policy: {per_day: 9000.00}\norder: 50%\n")
    start = threading.Barrier(8)

    def ask(who: int) -> None:
        start.wait()
        asked = False
        while not asked:
            with suppress(AlreadyExists, StoreUnavailable), store.write() as tx:
                plan(tx, store, "policy", str(who), "10.00", "EUR", paid="40.00")
                asked = True

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _given(store) == {"policy": 20}
    assert len({row.customer_id for row in bench.held()}) == 2
