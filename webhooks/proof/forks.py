"""`python -m webhooks.proof.forks`: a process that has everything loaded and forks runners.

It reads one order a line from its standard input, `{"crash_at": "12:before" | null, "ahead": 200}`,
forks a process that works on whatever is due, and answers one line when that has ended or stands
still: `{"killed": true}`, `{"stopped": 4711}` or `{"points": ["claim of a case", ...]}`. `ahead` is
by how many seconds the runner's clocks are before the machine's: a restart some minutes later.
`{"go_on": 4711}` lets one that stands still go on, and answers when it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.connection import Connection
from webhooks.app import SYSTEM_CLOCK, services
from webhooks.engine.rounds import Rounds
from webhooks.proof.inline import Inline
from webhooks.proof.points import VARIABLE, CountedStore, Points, count_calls
from webhooks.settings import Settings


def work(points: Points, ahead: float) -> None:
    """One runner with one thread, from a cold start until nothing is due."""
    of = services(Settings())
    with of.store.read() as reader:
        connections = reader.find(Connection)
    for connection in connections:
        of.hosts.get(connection.id)
    count_calls(points)
    clock = replace(
        SYSTEM_CLOCK,
        now=lambda: datetime.now(UTC) + timedelta(seconds=ahead),
        steady=lambda: SYSTEM_CLOCK.steady() + ahead,
    )
    of = replace(of, store=CountedStore(of.store, points, timedelta(seconds=ahead)), clock=clock)
    rounds = Rounds(
        of.store,
        of.hosts,
        sealer=of.sealer,
        clock=clock,
        calls=Inline(),
        lease_length=of.settings.lease_length,
        owner=f"proof-{os.getpid()}",
        public_url=of.settings.public_url,
    )
    while rounds.run_due():
        pass
    of.store.close()


class Children:
    """Those that have not ended, with what they say at their end."""

    def __init__(self) -> None:
        self._pipes: dict[int, int] = {}

    def obey(self, order: dict[str, object]) -> dict[str, object]:
        if "go_on" in order:
            child = int(str(order["go_on"]))
            os.kill(child, signal.SIGCONT)
            return self._wait(child)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _live(order, write)
        os.close(write)
        self._pipes[child] = read
        return self._wait(child)

    def _wait(self, child: int) -> dict[str, object]:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return {"stopped": child}
        with os.fdopen(self._pipes.pop(child)) as pipe:
            said = pipe.read()
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return {"killed": killed, "status": status, **(json.loads(said) if said else {})}


def _live(order: dict[str, object], write: int) -> None:
    """The child's whole life. It never returns."""
    status = 1
    try:
        crash_at = order.get("crash_at")
        if crash_at:
            os.environ[VARIABLE] = str(crash_at)
        points = Points(os.environ.get(VARIABLE))
        work(points, float(str(order.get("ahead", 0))))
        os.write(write, json.dumps({"points": points.names}).encode())
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    children = Children()
    for line in sys.stdin:
        print(json.dumps(children.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
