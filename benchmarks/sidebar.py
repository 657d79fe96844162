"""The sidebar's first offer, and many agents at once: `python -m benchmarks.sidebar [--rounds 15]`.

The hosts are the sandbox's, in a process of their own, told to wait 200 ms before each answer. The
floor of a first offer is two calls, one after the other (the ticket, then the shop), each made as
the panel makes it; it is measured in turn with the panel, in the same run. What is above it is
ours: store, policy, explanation, words, page. Then 1, 8 and 32 agents at once have panels made
of what was read just before, for some seconds: how many a second, and how long one took. (A shop
lets itself be read a few times a second at most, whoever asks: that bound is the host's, not ours.)
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from flask import Flask

from core import session
from core.facts import order_names
from core.moment import Moment
from core.ports import Who
from webhooks.app import Services, create_app
from webhooks.demo.stage import Sandbox, Stage, connect, set_up, settings_for
from webhooks.demo.world import Host

DELAY_MS = 200
TICKET = "1"
AGENTS = (1, 8, 32)


class Bench:
    def __init__(self, of: Services, stage: Stage) -> None:
        self.of, self.stage = of, stage
        self.app: Flask = create_app(of)
        with of.store.write() as tx:
            moment = Moment(of.clock.now())
            token = session.begin(tx, stage.desk_id, "9001", "https://desk.example", moment)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.hosts = [Host(stage.urls[name]) for name in ("zendesk", "shopify")]

    def two_rounds(self) -> None:
        """What no panel can do without."""
        ticket = self.of.hosts.get(self.stage.desk_id).desk.ticket(TICKET)
        who = Who(email=ticket.requester.email, order_names=order_names(ticket))
        self.of.hosts.get(self.stage.tills["shopify"]).till.purchases(who)

    def first_offer(self) -> None:
        """The whole panel, as the page asks for it."""
        path = f"/sidebar/tickets/{TICKET}"
        answer = self.app.test_client().get(path, headers=self.headers)
        assert answer.status_code == 200
        assert b"give-button" in answer.data

    def other_choice(self) -> None:
        """Another tone: no host is asked."""
        path = f"/sidebar/tickets/{TICKET}/preview?part=tone"
        answer = self.app.test_client().post(path, headers=self.headers, data={"tone": "brief"})
        assert b"give-button" in answer.data

    def live(self) -> None:
        """Where it stands, as it is asked for while something is under way."""
        path = f"/sidebar/tickets/{TICKET}/live"
        assert self.app.test_client().get(path, headers=self.headers).status_code == 200

    def slow(self) -> None:
        for host in self.hosts:
            host.post("faults", kind="delay", seconds=DELAY_MS / 1000, times=None)

    def quick(self) -> None:
        for name in ("zendesk", "shopify"):
            url = f"{self.stage.urls[name]}/_sandbox/faults"
            requests.delete(url, timeout=5).raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Sandbox() as sandbox:
        of = set_up(settings_for(Path(folder), 0))
        try:
            bench = Bench(of, connect(of, sandbox.urls))
            _first_offer(bench, asked.rounds)
            _at_once(bench, asked.seconds)
        finally:
            of.store.close()


def _first_offer(bench: Bench, rounds: int) -> None:
    runs: dict[str, Callable[[], None]] = {
        "two rounds of hosts": bench.two_rounds,
        "first offer": bench.first_offer,
        "another choice": bench.other_choice,
        "live state": bench.live,
    }
    for run in runs.values():
        run()  # connections are made, the policy is loaded
    bench.slow()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(_ms(run))
    bench.quick()
    floor = statistics.median(times["two rounds of hosts"])
    for name, found in times.items():
        median = statistics.median(found)
        print(
            f"{name:22} {median:8.1f} ms  {median / floor:6.2f} x the floor  {max(found):8.1f} max"
        )
    above = statistics.median(times["first offer"]) - floor
    print(f"{'above the floor':22} {above:8.1f} ms")


def _ms(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _at_once(bench: Bench, seconds: float) -> None:
    bench.first_offer()
    for agents in AGENTS:
        times: list[float] = []
        end = time.perf_counter() + seconds

        def work(end: float = end, times: list[float] = times) -> None:
            while time.perf_counter() < end:
                times.append(_ms(bench.other_choice))

        threads = [threading.Thread(target=work) for _ in range(agents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times.sort()
        rate, p50, p95 = len(times) / seconds, times[len(times) // 2], times[len(times) * 95 // 100]
        print(
            f"{agents:3} agents at once   {rate:7.1f} panels/s   p50 {p50:7.1f}  p95 {p95:7.1f} ms"
        )


if __name__ == "__main__":
    main()
