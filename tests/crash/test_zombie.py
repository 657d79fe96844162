"""A process that stands still past its lease while another finishes its case, and then goes on.

Real processes: one is stopped by SIGSTOP just before a given request to a host, a second one takes
its case over and pays, and the first gets SIGCONT.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.stores import new_url
from webhooks.proof.arena import KINDS, Arena, arena, kind_of, tickets_of
from webhooks.proof.crashpoints import Forks, finish, points_of, wrong

pytestmark = pytest.mark.slow

#: A call may take four, and the least that a lease may be is three of them and two more.
LEASE_SECONDS = 14


@pytest.mark.parametrize("kind", KINDS)
def test_between_looking_and_sending(kind: str, tmp_path: Path) -> None:
    """Paid once, on a host with keys and on one without, and told once."""
    with (
        arena(
            tmp_path, new_url("sqlite", tmp_path), 20, call_seconds=4, lease_seconds=LEASE_SECONDS
        ) as of,
        Forks(of) as forks,
    ):
        tickets = tickets_of(kind)
        names = _names(of, forks, kind, next(tickets))
        for number in _sendings(kind, names):
            ticket = next(tickets)
            of.solve(ticket)
            stopped = forks.run(f"{number}:stop")["stopped"]
            time.sleep(LEASE_SECONDS + 0.5)
            finish(of, forks)
            assert list(wrong(of, ticket)) == []  # the second one has done everything
            forks.go_on(stopped)
            finish(of, forks)
            assert list(wrong(of, ticket)) == [], names[number - 1]


def _names(of: Arena, forks: Forks, kind: str, ticket: int) -> list[str]:
    assert kind_of(ticket) == kind
    found = points_of(of, forks, {kind: iter([ticket])})
    return [point.name for point in found if point.when == "before"]


def _sendings(kind: str, names: list[str]) -> list[int]:
    """The request that pays, which has a look before it and one after it between the commit of the
    intent and that of the ending (and where the host tells taxes with the order, one at that); and
    the first note. Numbers count from 1."""
    commits = [number for number, name in enumerate(names, 1) if name == "commit"]
    intent, ending = commits[1], commits[2]
    assert ending - intent == {"key": 4, "find": 5}[kind], names
    first_note = next(n for n in range(ending, len(names)) if names[n].startswith("PUT")) + 1
    return [intent + 2, first_note]
