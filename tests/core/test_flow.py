"""What a case needs next: money first, then the ticket, then waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import flow
from core.approval import Approval
from core.case import Case, CaseState, Writing
from core.flow import Action, CaseFile
from core.link import ChoiceLink
from core.payout import Payout, PayoutState
from core.store.memory import MemoryStore
from tests.stores import NOW, sample

SECOND = timedelta(seconds=1)
LATER = NOW + SECOND
DUE = [NOW - SECOND, NOW]
ASK_ABOUT = set(PayoutState) - {PayoutState.PLANNED, PayoutState.NOT_SENT, PayoutState.REVERSING}


def _file(
    state: CaseState = CaseState.PAYING,
    *,
    due: datetime | None = None,
    tries: int = 0,
    payouts: Sequence[Payout] = (),
    writings: Sequence[Writing] = (),
    approvals: Sequence[Approval] = (),
    link: ChoiceLink | None = None,
) -> CaseFile:
    return CaseFile(
        case=sample(Case, "case_1", state=state, due_at=due, tries=tries),
        payouts=payouts,
        writings=writings,
        approvals=approvals,
        link=link,
    )


def _next(file: CaseFile) -> Action:
    return flow.next_action(file, NOW)


def _payout(due: datetime | None, state: PayoutState = PayoutState.PLANNED) -> Payout:
    return sample(Payout, "pay_1", state=state, due_at=due)


def _writing(due: datetime | None) -> Writing:
    return sample(Writing, "wri_1", state="planned", due_at=due)


def _approval(state: str = "waiting", **given: Any) -> Approval:
    row = sample(Approval, "appr_1", state=state, expires_at=NOW + timedelta(days=1))
    return replace(row, **given)


def _link(chosen: str | None) -> ChoiceLink:
    return sample(ChoiceLink, "link_1", chosen=chosen)


@pytest.mark.parametrize("due", DUE)
def test_a_new_case_is_gathered_when_it_is_due(due: datetime) -> None:
    gathering = CaseState.GATHERING
    assert _next(_file(gathering, due=due)) == flow.Gather()
    assert _next(_file(gathering, due=LATER)) == flow.Rest(LATER)
    assert _next(_file(gathering)) == flow.Rest(None)
    assert _next(_file(due=due)) == flow.Rest(None)  # decided: the case itself has nothing due


def test_what_everybody_agreed_to_is_released_at_once() -> None:
    waiting = CaseState.WAITING_APPROVAL
    granted = _approval("granted")
    assert _next(_file(waiting, approvals=[granted, granted])) == flow.Release()
    half = _file(waiting, approvals=[granted, _approval()])
    assert _next(half) == flow.Rest(NOW + timedelta(days=1))


@pytest.mark.parametrize("due", DUE)
def test_a_till_that_could_not_be_asked_is_asked_again_when_it_is_due(due: datetime) -> None:
    waiting, granted = CaseState.WAITING_APPROVAL, [_approval("granted")]
    assert _next(_file(waiting, approvals=granted, tries=1, due=LATER)) == flow.Rest(LATER)
    assert _next(_file(waiting, approvals=granted, tries=1, due=due)) == flow.Release()


@pytest.mark.parametrize("due", DUE)
def test_a_choice_is_acted_on_and_no_choice_ends_in_time(due: datetime) -> None:
    choosing = CaseState.WAITING_CUSTOMER
    assert _next(_file(choosing, due=due, link=_link("offer_1"))) == flow.Chosen()
    assert _next(_file(choosing, due=due, link=_link(None))) == flow.NotChosen()
    assert _next(_file(choosing, due=LATER, link=_link(None))) == flow.Rest(LATER)
    assert _next(_file(choosing, due=LATER, link=_link("offer_1"))) == flow.Rest(LATER)


@pytest.mark.parametrize("state", ["refused", "expired", "void"])
def test_a_no_ends_a_request_also_where_others_agreed(state: str) -> None:
    over = _approval(state)
    rows = [_approval("granted"), _approval(), over]
    assert _next(_file(CaseState.WAITING_APPROVAL, approvals=rows)) == flow.Settle(over)


@pytest.mark.parametrize("expires", DUE)
def test_a_request_ends_when_its_time_is_over_and_a_yes_in_time_does_not(
    expires: datetime,
) -> None:
    late = _approval(expires_at=expires)
    assert _next(_file(CaseState.WAITING_APPROVAL, approvals=[late])) == flow.Settle(late)
    given = _approval("granted", id="appr_0", expires_at=expires)
    waiting = _approval(expires_at=LATER)
    file = _file(CaseState.WAITING_APPROVAL, approvals=[given, waiting])
    assert _next(file) == flow.Rest(LATER)


@pytest.mark.parametrize("due", DUE)
def test_whoever_has_not_answered_is_told_again(due: datetime) -> None:
    waiting = [_approval(remind_at=LATER), _approval(remind_at=due)]
    rows = [_approval("granted", remind_at=due), *waiting]
    file = _file(CaseState.WAITING_APPROVAL, approvals=rows)
    assert _next(file) == flow.Remind(waiting)
    assert _next(replace(file, approvals=rows[:2])) == flow.Rest(LATER)


@pytest.mark.parametrize("due", DUE)
def test_a_payout_is_sent_asked_about_or_taken_back(due: datetime) -> None:
    for state in (PayoutState.PLANNED, PayoutState.NOT_SENT):
        payout = _payout(due, state)
        assert _next(_file(payouts=[payout])) == flow.Send(payout)
    for state in ASK_ABOUT:
        payout = _payout(due, state)
        assert _next(_file(payouts=[payout])) == flow.Ask(payout)
    payout = _payout(due, PayoutState.REVERSING)
    assert _next(_file(payouts=[payout])) == flow.TakeBack(payout)


@pytest.mark.parametrize("state", list(PayoutState))
def test_a_payout_that_is_not_due_is_left_alone(state: PayoutState) -> None:
    assert _next(_file(payouts=[_payout(LATER, state)])) == flow.Rest(LATER)
    assert _next(_file(payouts=[_payout(None, state)])) == flow.Rest(None)


def test_the_first_payout_that_is_due_comes_before_the_ticket() -> None:
    payouts = [_payout(LATER), _payout(NOW), _payout(NOW - SECOND)]
    file = _file(payouts=payouts, writings=[_writing(NOW - SECOND)])
    assert _next(file) == flow.Send(payouts[1])


def test_all_that_is_due_is_written_together() -> None:
    first, second = _writing(NOW - SECOND), _writing(NOW)
    rows = [first, _writing(LATER), _writing(None), second]
    file = _file(writings=rows, payouts=[_payout(LATER)])
    assert _next(file) == flow.Write([first, second])


def test_a_case_rests_until_the_first_thing_that_is_due() -> None:
    days = [NOW + timedelta(days=n) for n in range(1, 6)]
    file = _file(
        CaseState.WAITING_APPROVAL,
        due=NOW - SECOND,  # of the case itself: not looked at while people are asked
        payouts=[_payout(days[3])],
        writings=[_writing(days[2])],
        approvals=[
            _approval("granted", expires_at=NOW - SECOND, remind_at=NOW - SECOND),
            _approval(expires_at=days[1], remind_at=days[0]),
        ],
    )
    assert _next(file) == flow.Rest(days[0])
    rows = [_approval(expires_at=days[1], remind_at=None)]
    assert _next(replace(file, approvals=rows)) == flow.Rest(days[1])
    assert _next(replace(file, approvals=[])) == flow.Rest(days[2])
    assert _next(replace(file, approvals=[], writings=[])) == flow.Rest(days[3])
    assert _next(_file(due=NOW - SECOND)) == flow.Rest(None)


# ---------------------------------------------------------------------------------- the file


def _kept(state: CaseState) -> CaseFile:
    store = MemoryStore("w")
    with store.write() as tx:
        tx.add(sample(Case, "case_1", state=state))
        tx.add(replace(_payout(NOW), case_id="case_1"))
        tx.add(replace(_approval(), case_id="case_1"))
        tx.add(replace(_link(None), case_id="case_1"))
        tx.add(replace(_writing(NOW), case_id="case_1"))
        tx.add(replace(_writing(NOW), id="wri_2", case_id="case_1", state="done"))
    with store.read() as reader:
        return flow.load(reader, "case_1")


def test_a_file_holds_what_is_still_open_in_its_state() -> None:
    for state in CaseState:
        file = _kept(state)
        assert bool(file.payouts) is (state is not CaseState.GATHERING)
        assert bool(file.approvals) is (state is CaseState.WAITING_APPROVAL)
        assert (file.link is not None) is (state is CaseState.WAITING_CUSTOMER)
        assert [row.id for row in file.writings] == ["wri_1"]


def test_no_file_of_a_case_that_is_not_there() -> None:
    with MemoryStore("w").read() as reader, pytest.raises(LookupError, match="case_9"):
        flow.load(reader, "case_9")
