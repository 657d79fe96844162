"""What a host says it took back is booked only where it can be true."""

from __future__ import annotations

from typing import cast

import pytest

from core import ledger, reversal
from core.case import Case, CaseState, Task
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState
from core.ports import Pays, Receipt, Settled
from core.routing import Routing
from core.store.memory import MemoryStore
from tests.stores import NOW, sample

WHOLE = Money(1000, "EUR")


def _told(back: Money) -> tuple[MemoryStore, Payout]:
    store, moment = MemoryStore("a"), Moment(NOW)
    case = sample(Case, "case_1", state=CaseState.CLOSED, open_key=None)
    payout = sample(
        Payout, "pay_1", case_id="case_1", state=PayoutState.REVERSING, amount_minor=WHOLE.minor,
        currency="EUR", remedy="gift_card", due_at=NOW, changed_at=NOW,
    )  # fmt: skip
    receipt = Receipt(host_object="card_1", amount=back)
    with store.write() as tx:
        tx.add(case)
        tx.add(payout)
        reversal.on_result(
            tx, case, payout, Settled(receipt), pays=Pays(retry="key"),
            routing=cast(Routing, None), moment=moment,
        )  # fmt: skip
    with store.read() as reader:
        after = reader.get(Payout, "pay_1")
        assert ledger.entries_of(reader, "pay_1") == []
        assert [task.kind for task in reader.find(Task)] == ["not_reversed"]
    assert after is not None
    return store, after


def test_where_nothing_was_left_what_was_given_stands() -> None:
    _, after = _told(Money(0, "EUR"))
    assert (after.state, after.due_at) == (PayoutState.SETTLED, None)


@pytest.mark.parametrize("back", [Money(1001, "EUR"), Money(1000, "USD")])
def test_more_than_was_given_or_another_currency_is_not_believed(back: Money) -> None:
    _, after = _told(back)
    assert (after.state, after.due_at) == (PayoutState.REVERSING, None)
    assert "differs" in (after.why or "")
