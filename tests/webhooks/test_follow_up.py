"""What a customer says of a ticket afterwards is found by the sweep and shown with its case."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from core import followup
from core.followup import FollowUp
from core.moment import Moment
from core.ports import Rating
from sandbox.faults import Fault
from tests.webhooks.rig import Rig
from webhooks.cli import main, opening
from webhooks.engine.sweeping import Sweeper

LATE_PARCEL, TEAPOT = 1, 2


def swept(rig: Rig) -> list[FollowUp]:
    of = rig.of
    sweeper = Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock)
    assert sweeper.sweep(rig.stage.desk_id).swept
    with rig.store.read() as reader:
        return reader.find(FollowUp)


def rate(rig: Rig, ticket: int, score: str = "bad") -> None:
    rig.desk.post(f"tickets/{ticket}/rate", score=score, comment="words of a person")


@pytest.mark.parametrize("product", ["ratings", "surveys"])
def test_an_answer_is_kept_with_its_case_and_once(rig: Rig, product: str) -> None:
    rig.running.states["zendesk"].survey_product = product  # type: ignore[attr-defined]
    rig.solve(LATE_PARCEL)
    rate(rig, LATE_PARCEL)
    (found,) = swept(rig)
    assert (found.case_id, found.score, found.verdict) == (rig.case(LATE_PARCEL).id, -100, "bad")
    assert swept(rig) == [found]


def test_an_answer_about_no_case_is_none_of_ours(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    rate(rig, TEAPOT)
    assert swept(rig) == []


def test_an_answer_given_before_the_case_is_not_about_it(rig: Rig) -> None:
    rate(rig, LATE_PARCEL)
    rig.later(minutes=3)  # within what a delivery may be old
    rig.solve(LATE_PARCEL)
    assert swept(rig) == []
    assert rig.case(LATE_PARCEL).outcome is not None


def test_a_survey_that_cannot_be_read_holds_no_sweep_up(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    rate(rig, LATE_PARCEL)
    broken = Fault(kind="garbage", match={"path": "/api/v2/satisfaction_ratings"}, times=1)
    rig.running.states["zendesk"].faults.add(broken)
    assert swept(rig) == []
    assert [one.score for one in swept(rig)] == [-100], "found the next time"


def test_a_changed_answer_replaces_the_first(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    for minutes, score in ((2, -100), (3, 100), (1, -100)):
        at = case.opened_at + timedelta(minutes=minutes)
        rating = Rating(host_object="rating:1", ticket_id=case.ticket_id, score=score, at=at)
        with rig.store.write() as tx:
            followup.take_in(tx, case.desk_id, rating, Moment(rig.clock.now()))
    with rig.store.read() as reader:
        assert [one.score for one in reader.find(FollowUp)] == [100], "what was said last"


def test_case_show_tells_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "services", lambda settings: rig.of)
    monkeypatch.setattr(rig.store, "close", lambda: None)
    rig.solve(LATE_PARCEL)
    rate(rig, LATE_PARCEL, "good")
    swept(rig)
    case = rig.case(LATE_PARCEL)
    text = CliRunner().invoke(main, ["case", "show", case.id]).output
    assert "answer to the survey: good (+100 of 100)" in text
    shown = json.loads(CliRunner().invoke(main, ["case", "show", case.id, "--json"]).output)
    assert [one["score"] for one in shown["follow_ups"]] == [100]
