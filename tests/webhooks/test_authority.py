"""Limits, yeses, overrides and disputes from the ticket to the shop's own books."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core import approval, interventions, limits_kept
from core.approval import MayNotApprove
from core.authority import Reservation
from core.case import Case, CaseState, Outcome
from core.moment import Moment
from core.people import Workspace
from core.store.sealing import new_key
from tests.publishing import put_in_force
from tests.stores import new_url
from tests.webhooks.rig import Rig
from webhooks.cli import main
from webhooks.demo.stage import MANAGER

TEAPOT = 2
TABLES, TABLES_ORDER = 16, 1017


def limits(rig: Rig, text: str) -> None:
    with rig.store.write() as tx:
        text = f"limits: 1\ncurrency: EUR\n{text}"
        limits_kept.store(tx, text, by=None, moment=Moment(rig.clock.now()))


def agree(rig: Rig, case: Case, email: str = MANAGER) -> None:
    who, moment = rig.person(email), Moment(rig.clock.now())
    with rig.store.write() as tx:
        approval.decide(tx, case.id, who, agree=True, note=None, moment=moment)
    rig.settle()


def test_an_agents_limit_asks_and_the_yes_is_paid(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_transaction: 9.99}, approver: {per_day: 10.00}}\n")
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert case.state is CaseState.WAITING_APPROVAL
    (note,) = rig.comments(TEAPOT)
    said = re.sub("[\u2066-\u2069]", "", note["body"]).replace("\xa0", " ")
    assert "what one person may give at once, 9.99 EUR" in said
    agree(rig, case)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    with rig.store.read() as reader:
        states = [row.state for row in reader.find(Reservation, case_id=case.id)]
    assert states == ["released", "used"]


def test_a_hard_limit_is_a_task_that_names_it_and_retry_goes_on(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_day: 900.00}}\nbudgets: {tiny: {value: 9.00}}\n")
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert (rig.tasks(case), rig.refunds()) == (["over_limit"], [])
    assert "tiny" in rig.comments(TEAPOT)[0]["body"]
    limits(rig, "roles: {agent: {per_day: 900.00}}\n")
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert rig.tasks(case) == []


def test_refunds_made_by_hand_count_in_the_orders_share(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_day: 900.00}}\norder: 50%\n")
    rig.shop.post("orders/1002/refund", amount="16.00", note="called in")
    rig.settle()
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["over_limit"]
    assert rig.refunds() == []


def test_a_customers_window(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_day: 900.00}}\ncustomer: [{days: 30, count: 0}]\n")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["over_limit"]


def test_an_open_dispute_holds_what_waits_for_a_yes(rig: Rig) -> None:
    rig.solve(TABLES)
    case = rig.case(TABLES)
    assert case.state is CaseState.WAITING_APPROVAL
    rig.shop.post(f"orders/{TABLES_ORDER}/dispute")
    rig.settle()
    assert rig.tasks(rig.case(TABLES)) == ["disputed"]
    with pytest.raises(approval.NotWaiting):
        agree(rig, case)
    assert rig.refunds() == []


def test_a_second_one_by_override(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    rig.solve(TEAPOT)
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    second = rig.case(TEAPOT)
    assert second.outcome is Outcome.DUPLICATE
    moment = Moment(rig.clock.now())
    jo, sam = rig.person("jo.marsh@shop.example"), rig.person(MANAGER)
    with rig.store.write() as tx, pytest.raises(MayNotApprove):
        interventions.override(tx, second.id, jo, "x", moment)
    with rig.store.write() as tx:
        interventions.override(tx, second.id, sam, "broke too", moment)
    rig.settle()
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 2
    assert "overridden" in rig.steps(second)


def test_owed_after_goodwill_on_account(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR", extra="on_account: yes\n")
    rig.solve(TEAPOT)
    text = (
        "policy: due\nbasis: owed\ncurrency: [EUR]\nfacts: {order.total: money}\n"
        "give:\n  - {refund: 25.00 EUR}\n"
    )
    moment = Moment(rig.clock.now())
    with rig.store.write() as tx:
        put_in_force(tx, text, moment)
    rig.options(policy="due")
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert [refund["amount"] for refund in rig.refunds()] == ["10.00", "15.00"]


# ------------------------------------------------------------------------------ the command line


@pytest.fixture
def amends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENDS_DATABASE_URL", new_url("sqlite", tmp_path))
    monkeypatch.setenv("AMENDS_KEYS", new_key())
    for email, role in (("ann@shop.example", "admin"), ("jo@shop.example", "agent")):
        assert run("person", "add", email, "--name", email[:2], "--role", role).exit_code == 0
    return tmp_path


def run(*args: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, args, input=given, catch_exceptions=False)


def test_limits_on_the_command_line(amends: Path) -> None:
    assert "no limits are set" in run("limits", "show").output
    text = "limits: 1\ncurrency: EUR\nroles: {agent: {per_day: {value: 5.00, count: 2}}}\n"
    refused = run("limits", "set", "-", "--as", "jo@shop.example", given=text)
    assert (refused.exit_code, "not an admin" in refused.output) == (2, True)
    wrong = run("limits", "set", "-", "--as", "ann@shop.example", given=text + "roels: {}\n")
    assert (wrong.exit_code, "line 4" in wrong.output) == (2, True)
    made = run("limits", "set", "-", "--as", "ann@shop.example", given=text)
    assert "version 1 is in force" in made.output
    assert "per_day" in run("limits", "show").output
    left = json.loads(run("limits", "left", "--as", "jo@shop.example", "--json").output)
    assert [(row["window"], row["left"]) for row in left] == [("day", "5.00 EUR"), ("day", 2)]
    assert "no authority" in run("limits", "left").output


def test_the_workspaces_own_days_are_set_by_an_admin(amends: Path) -> None:
    assert "UTC, weeks begin on monday" in run("workspace", "show").output
    theirs = ("--zone", "Asia/Tehran", "--week-begins", "saturday", "--as")
    assert run("workspace", "set", *theirs, "jo@shop.example").exit_code == 2
    wrong = run("workspace", "set", "--zone", "Mars/Base", "--as", "ann@shop.example")
    assert (wrong.exit_code, "no time zone 'Mars/Base'" in wrong.output) == (2, True)
    assert run("workspace", "set", *theirs, "ann@shop.example").exit_code == 0
    shown = json.loads(run("workspace", "show", "--json").output)
    assert (shown["zone"], shown["week_begins"]) == ("Asia/Tehran", "saturday")
    run("workspace", "set", "--week-begins", "monday", "--as", "ann@shop.example")
    assert "Asia/Tehran, weeks begin on monday" in run("workspace", "show").output


def test_rates_on_the_command_line(amends: Path) -> None:
    good = "date,from,to,rate\n2026-01-01,GBP,EUR,1.2\n"
    ours = ("limits", "rates", "-", "--as", "ann@shop.example")
    refused = run(*ours[:-1], "jo@shop.example", given=good)
    assert (refused.exit_code, "not an admin" in refused.output) == (2, True)
    assert "1 rates imported" in run(*ours, given=good).output
    for row in ("2999-01-01,GBP,EUR,1", "2026-01-01,GBP,EUR,0", "2026-01-01,GBP,EUR,1e3",
                "2026-01-01,GBP,GBP,1", "2026-01-01,XXX,EUR,1", "1.1.2026,GBP,EUR,1",
                "2026-01-01,GBP,EUR"):  # fmt: skip
        bad = run(*ours, given=f"date,from,to,rate\n{row}\n")
        assert (bad.exit_code, "line 2" in bad.output) == (2, True), row


def test_stopping_and_starting_payouts(amends: Path) -> None:
    run("limits", "halt", "--as", "ann@shop.example", "--note", "odd refunds")
    assert json.loads(run("limits", "show", "--json").output)["halted"] == "odd refunds"
    assert run("limits", "resume", "--as", "jo@shop.example").exit_code == 2
    run("limits", "resume", "--as", "ann@shop.example")
    assert json.loads(run("limits", "show", "--json").output)["halted"] is None


def test_naming_a_stand_in(amends: Path) -> None:
    days = ("--from", "2026-03-01", "--until", "2026-03-05")
    args = ("person", "delegate", "ann@shop.example", "--to", "jo@shop.example")
    assert "stands in for" in run(*args, *days).output
    assert run(*args, "--from", "2026-03-05", "--until", "2026-03-01").exit_code == 2
    assert run("person", "delegate", "jo@shop.example", "--to", "jo@shop.example", *days).exit_code
    assert "nobody stands in" in run("person", "undelegate", "ann@shop.example").output


def test_the_breaker_halts_the_payouts_of_everybody(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_day: 900.00}}\nbreaker: {per_day: {count: 0}}\n")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["over_limit"]
    with rig.store.read() as reader:
        workspace = reader.get(Workspace, "workspace")
    assert workspace is not None
    assert workspace.halted_why
