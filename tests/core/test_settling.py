"""What a host's no comes to: refused, or refused and perhaps paid all the same."""

from __future__ import annotations

import pytest

from core.payout import Payout, PayoutState
from core.ports import LOOK_FIRST, Pays
from core.settling import _trouble_of
from tests.stores import NOW, sample

PAYS = Pays(retry="find")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("too_much", "declined_by_host"), (LOOK_FIRST, "look_first"), ("look", "declined_by_host")],
)
def test_a_no_that_may_hide_a_payment_is_another_task(code: str, kind: str) -> None:
    refused = sample(Payout, "pay_1", state=PayoutState.DECLINED, why=f"{code}: timed out")
    trouble = _trouble_of(refused, PAYS, NOW)
    assert trouble is not None
    assert trouble.kind == kind
