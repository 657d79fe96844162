"""The queries and the compiled function come to the same answer for every ticket: on random
policies and random tickets, with what is missing, unreadable, too large and divided by zero."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.policy import Policy, PolicyError, load
from core.policy.backtest import TicketFile, backtest, vectorised
from core.policy.backtest.sql.terms import NotVectorised
from core.policy.functions import FUNCTIONS
from tests.core.policy.backtest.drawn import PlainWriter, draw_tickets
from tests.core.policy.test_agreement import count_constructs

pytest.importorskip("duckdb")
ROUNDS = int(os.environ.get("BACKTEST_ROUNDS", "14"))
TICKETS = 60
#: Not in a query: lists and calendars.
_ROW_BY_ROW = {"working_days_between"}


def results(draft: Policy, file: TicketFile, against: Policy | None, *, rows: bool) -> Any:
    data = backtest(draft, file, against=against, rows=rows).to_data()
    return {name: data.get(name) for name in ("tickets", "draft", "against", "compared")}


@pytest.mark.slow
def test_queries_and_rows_agree_on_every_ticket(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        rng = Random(number)
        drafts = [_drawn(rng), _drawn(rng)]
        draw_tickets(rng, tmp_path / "tickets.csv", TICKETS)
        file = TicketFile(tmp_path / "tickets.csv")
        for draft in drafts:
            try:
                plan = vectorised.plan([draft], file, paid=False)
            except NotVectorised as error:
                seen[f"rows: {error}"] += 1
                continue
            count_constructs(draft, seen)
            tally, alone = vectorised.run(
                plan, [draft], file, paid=False, progress=lambda done: None
            )
            seen["queried"] += 1
            seen["tickets"] += TICKETS
            seen["by query"] += TICKETS - alone
            undecided = tally.draft.outcomes.get("cannot_decide", 0)
            seen["undecided"] += undecided
            seen["alone though decidable"] += alone - undecided
            for outcome, count in tally.draft.outcomes.items():
                seen[outcome] += count
            seen["needs yes"] += sum(tally.draft.asked.values())
            assert results(draft, file, None, rows=False) == results(draft, file, None, rows=True)
        pair = results(drafts[0], file, drafts[1], rows=False)
        assert pair == results(drafts[0], file, drafts[1], rows=True)
        seen["winners"] += sum(one["times"] for one in pair["compared"]["winners"])
    assert seen["queried"] > ROUNDS
    assert seen["by query"] > seen["tickets"] / 4
    # The compiled function is asked for what cannot be decided, and for little else.
    assert seen["alone though decidable"] < seen["by query"] / 5
    wanted = {f"call {name}" for name in FUNCTIONS if name not in _ROW_BY_ROW}
    wanted |= {"call present"}
    wanted |= {f"compare {op}" for op in ("<", "<=", ">", ">=", "==", "!=")}
    wanted |= {"threshold True", "threshold False", "choice", "up to", "deadline", "needs yes"}
    wanted |= {"Band", "OneOf", "IsNull", "Choose", "Not", "And", "Or", "Negative", "ByCurrency"}
    wanted |= {"give", "refused", "nothing", "undecided", "winners"}
    assert {name for name in wanted if not seen[name]} == set()


def _drawn(rng: Random) -> Policy:
    while True:
        try:
            return load(PlainWriter(rng).policy())
        except PolicyError:
            continue
