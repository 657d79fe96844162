"""`amends killloop`: web side and two workers are killed by SIGKILL at random moments under load.

Afterwards the hosts' own books, the tickets and our tables say whether anything that was
acknowledged was lost, or anything was done twice; and a worker is started to see how soon it takes
its first step with many cases open. What the last kills left half done is finished by a runner that
starts minutes later by its clock, as with crash points: leases and hosts' stated delays are as long
as ever, and nobody sits through them.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import requests

from core.case import Case, CaseState
from core.connection import Delivery
from core.errors import AmendsError
from core.moment import Moment
from webhooks.app import Services
from webhooks.demo.stage import environment
from webhooks.proof.arena import KINDS, Arena, arena, tickets_of
from webhooks.proof.crashpoints import Forks, books_wrong, finish, under_way, wrong

PROCESSES = ("web", "worker", "worker")
_WORKERS = (1, 2)
_START_SECONDS = 120.0
_MINUTES = 5
#: From one kill to the next, in times of what a start takes here: some die while they start, and
#: on a slow machine, too, most come to work before.
_BETWEEN = (0.1, 1.2)


class NotStarted(AmendsError):
    """A process does not come up: nothing can be said about kills."""


class Processes:
    """The web side and two workers, started again whenever one is killed."""

    def __init__(self, of: Services) -> None:
        self._of = of
        self._running = [self._start(name) for name in PROCESSES]

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "webhooks", name],
            env=environment(self._of.settings),
            stderr=subprocess.DEVNULL,
        )

    def kill(self, *numbers: int) -> None:
        for number in numbers:
            self._running[number].kill()
            self._running[number].wait()

    def start(self, number: int) -> None:
        self._running[number] = self._start(PROCESSES[number])

    def wait_for_web(self) -> float:
        """Answers how many seconds that took."""
        started = time.monotonic()
        while time.monotonic() < started + _START_SECONDS:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self._of.settings.public_url}/readyz", timeout=2).ok:
                    return time.monotonic() - started
            time.sleep(0.1)
        raise NotStarted(f"the web side did not start within {_START_SECONDS:.0f} seconds")

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


def run(
    home: Path,
    database_url: str,
    *,
    kills: int,
    open_cases: int,
    seed: int,
    kinds: tuple[str, ...] = KINDS,
    say: Callable[[str], None],
) -> dict[str, object]:
    """Answers the report. `problems` is empty where nothing was lost and nothing done twice."""
    started = time.monotonic()
    chance = random.Random(seed)  # noqa: S311 - to be had again
    port, tickets = _free_port(), 6 * kills + 40
    with arena(
        home,
        database_url,
        tickets,
        web=False,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        call_seconds=3,
        lease_seconds=11,
        poll_seconds=0.5,
        runners=2,
    ) as of:
        _open(of.of, open_cases)
        processes = Processes(of.of)
        try:
            pace = processes.wait_for_web()
            solved = _kill_and_solve(of, processes, chance, kills, _mixed(kinds), pace)
            processes.wait_for_web()
            processes.kill(*_WORKERS)
            with Forks(of) as forks:
                _rest(of, forks)
            acknowledged = _acknowledged(of)
            problems = list(_problems(of, solved, acknowledged))
            spare = range(tickets - 2, tickets + 1)
            first_step = max(_first_step(of, processes, ticket) for ticket in spare)
        finally:
            processes.stop()
    for problem in problems:
        say(problem)
    return {
        "kills": kills,
        "tickets": len(solved),
        "acknowledged": len(acknowledged),
        "open_cases": open_cases,
        "problems": problems,
        "start_seconds": round(pace, 2),
        "first_step_seconds": round(first_step, 2),
        "seconds": round(time.monotonic() - started, 1),
    }


def _mixed(kinds: tuple[str, ...]) -> Iterator[int]:
    """Tickets of these kinds in turn."""
    each = [tickets_of(kind) for kind in kinds]
    while True:
        yield from (next(tickets) for tickets in each)


def _kill_and_solve(
    of: Arena,
    processes: Processes,
    chance: random.Random,
    kills: int,
    tickets: Iterator[int],
    pace: float,
) -> list[int]:
    solved: list[int] = []
    for _ in range(kills):
        for ticket in islice(tickets, chance.randrange(1, 4)):
            of.desk.post(f"tickets/{ticket}/solve")
            solved.append(ticket)
        time.sleep(pace * chance.uniform(*_BETWEEN))
        victim = chance.randrange(len(PROCESSES))
        processes.kill(victim)
        processes.start(victim)
    return solved


def _rest(of: Arena, forks: Forks) -> None:
    """Until nothing is under way. The runners' clock is minutes ahead and the helpdesk's is not:
    what it allows in a minute may be used up."""
    for _ in range(_MINUTES):
        finish(of, forks)
        if not under_way(of):
            return
        time.sleep(60)


def _problems(of: Arena, solved: list[int], acknowledged: list[tuple[str, str]]) -> Iterator[str]:
    """Everything whose delivery was acknowledged is made good; nothing was done twice."""
    if not acknowledged:
        yield "nothing was acknowledged, so nothing could be lost"
    with of.of.store.read() as reader:
        kept = {row.dedupe_key for row in reader.find(Delivery)}
        with_case = {case.ticket_id for case in reader.find(Case, state=CaseState.CLOSED)}
    for key, of_ticket in acknowledged:
        if key not in kept:
            yield f"delivery {key} of ticket {of_ticket} was acknowledged and is not there"
    told_of = {ticket for _, ticket in acknowledged}
    for ticket in solved:
        if str(ticket) in told_of or str(ticket) in with_case:
            yield from (f"ticket {ticket}: {problem}" for problem in wrong(of, ticket))
        elif paid := of.refunds(ticket):
            yield f"ticket {ticket} has no case and {paid} was paid"
    yield from books_wrong(of)


def _acknowledged(of: Arena) -> list[tuple[str, str]]:
    """What the helpdesk sent and we answered with 202: our key of it, and its ticket."""
    found = []
    for sent in of.desk.get("webhooks")["deliveries"]:
        if any(attempt["status"] == 202 for attempt in sent["attempts"]):
            body = json.loads(sent["body"])
            if "type" in body:
                found.append((f"event:{body['id']}", body["detail"]["id"]))
            else:
                found.append((f"call:{sent['id']}", body["ticket_id"]))
    return found


def _open(of: Services, cases: int) -> None:
    """Cases that wait for a yes, as they lie in the tables of a busy shop."""
    moment = Moment(of.clock.now())
    due = moment.now + timedelta(days=7)
    for start in range(0, cases, 500):
        with of.store.write() as tx:
            for number in range(start, min(start + 500, cases)):
                tx.add(
                    Case(
                        id=moment.new("case"),
                        state=CaseState.WAITING_APPROVAL,
                        desk_id="conn_of_another_desk",
                        ticket_id=f"waiting-{number}",
                        opened_at=moment.now,
                        looked_at=moment.now,
                        changed_at=moment.now,
                        due_at=due,
                        open_key=f"waiting|{number}",
                        mode="act",
                        said="waiting_approval",
                    )
                )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_step(of: Arena, processes: Processes, ticket: int) -> float:
    """Seconds from the start of the only worker until it has opened the case of a ticket."""
    processes.kill(*_WORKERS)
    of.solve(ticket)
    started = time.monotonic()
    processes.start(1)
    while time.monotonic() < started + 60:
        with of.of.store.read() as reader:
            if reader.count(Case, ticket_id=str(ticket)):
                break
        time.sleep(0.01)
    taken = time.monotonic() - started
    processes.start(2)
    return taken
