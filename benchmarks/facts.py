"""Facts for one case when every call takes 200 ms: `python -m benchmarks.facts [--rounds 9]`.

The hosts are the sandbox's, in a process of their own, told to wait before each answer. The ticket
is read first; then every till is asked for the customer's orders at the same moment. Compared, in
the same run, with one call (the floor: the second round cannot begin before the first has ended, so
two of them) and with asking the tills one after the other. Prints the medians in milliseconds and
how many requests each host saw.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.facts import order_names
from core.ports import Ticket, Who
from webhooks.app import SYSTEM_CLOCK, Services
from webhooks.demo.stage import Sandbox, Stage, connect, set_up, settings_for
from webhooks.demo.world import Host
from webhooks.engine.considering import Considering

DELAY = 0.2
HOSTS = ("zendesk", "shopify", "stripe")


class Bench:
    def __init__(self, of: Services, stage: Stage, pool: ThreadPoolExecutor) -> None:
        self.of, self.stage = of, stage
        self.controls = {name: Host(stage.urls[name]) for name in HOSTS}
        tickets = self.controls["zendesk"].get("books")["tickets"]
        self.ticket_id = str(tickets[0]["id"])
        #: One whose customer Stripe knows: the first time, it has to be asked for their payments in
        #: a third round; later it is asked for them in the second, by a guess that is checked.
        self.third = next(str(t["id"]) for t in tickets if "till_stripe" in t["tags"])
        self.till_ids = tuple(stage.tills.values())
        self.considering = Considering(of.store, of.hosts, clock=SYSTEM_CLOCK, pool=pool)

    def ticket(self) -> Ticket:
        return self.of.hosts.get(self.stage.desk_id).desk.ticket(self.ticket_id)

    def facts(self) -> None:
        """As the engine gathers them."""
        self.considering.gather(self.stage.desk_id, self.ticket())

    def one_by_one(self) -> None:
        ticket = self.ticket()
        who = Who(email=ticket.requester.email, order_names=order_names(ticket))
        for till_id in self.till_ids:
            self.of.hosts.get(till_id).till.purchases(who)

    def slow(self) -> None:
        for control in self.controls.values():
            control.post("faults", kind="delay", seconds=DELAY, times=None)

    def seen(self) -> dict[str, int]:
        return {
            name: len(control.get("requests")["requests"])
            for name, control in self.controls.items()
        }


def measured(act: Callable[[], object], rounds: int) -> float:
    """Milliseconds, the median."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox() as sandbox,
        ThreadPoolExecutor(8) as pool,
    ):
        of = set_up(settings_for(Path(folder), 8410))
        try:
            bench = Bench(of, connect(of, sandbox.urls), pool)
            bench.facts()  # connections are opened once and kept
            bench.slow()
            before = bench.seen()
            bench.facts()
            calls = {name: now - before[name] for name, now in bench.seen().items()}
            floor = 2 * measured(bench.ticket, rounds)
            ours = measured(bench.facts, rounds)
            apart = measured(bench.one_by_one, rounds)
            bench.ticket_id = bench.third
            three = measured(bench.facts, 1)
            again = measured(bench.facts, rounds)
        finally:
            of.store.close()
    print(f"{DELAY * 1000:.0f} ms a call; requests for one case: {calls}")
    print(f"two calls, one after the other (floor)  {floor:6.0f} ms")
    print(f"facts as the engine gathers them        {ours:6.0f} ms  {ours / floor:.2f} x floor")
    print(f"the tills one after the other           {apart:6.0f} ms  {apart / floor:.2f} x floor")
    print(f"a customer Stripe knows, first time     {three:6.0f} ms  {three / floor:.2f} x floor")
    print(f"a customer Stripe knows, later          {again:6.0f} ms  {again / floor:.2f} x floor")


if __name__ == "__main__":
    main()
