"""What reading the code as an enemy would has found: one test for each, so that it stays found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from core import approval, flow, payout
from core.approval import MayNotApprove
from core.case import Case, CaseState, Outcome, Task
from core.connection import Connection, Delivery
from core.link import ChoiceLink, find_link, new_link, token_of
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import PersonIdentity
from core.ports import Declined, Pays
from core.store import AlreadyExists, StoreUnavailable
from core.store.sealing import Place
from tests.attack.door import Door, solved
from tests.stores import open_store, sample
from tests.webhooks.rig import Rig, rigged
from webhooks.app import services
from webhooks.cli import keeping
from webhooks.demo.stage import MANAGER, set_up, settings_for
from webhooks.hosts import opened, sealed

LATE_PARCEL = 1
WITHOUT_REASON = 10
SCRATCHED_TABLES = 16


def _agree(rig: Rig, ticket: int) -> None:
    case, manager = rig.case(ticket), rig.person(MANAGER)
    with rig.store.write() as tx:
        approval.decide(tx, case.id, manager, agree=True, note=None, moment=Moment(rig.clock.now()))


def _solved_quietly(rig: Rig, ticket: int) -> None:
    """Solved at the helpdesk, whose own webhook stays away."""
    rig.desk.post("webhooks/hold")
    rig.desk.post(f"tickets/{ticket}/solve")


def test_a_till_that_is_denied_at_release_is_not_asked_without_end(rig: Rig) -> None:
    rig.solve(SCRATCHED_TABLES)
    _agree(rig, SCRATCHED_TABLES)
    shop = rig.running.states["shopify"]
    asked = len(shop.requests)
    rig.shop.post("faults", kind="status", status=401, match={"path": "/admin/*"}, times=60)
    rig.runner.run_due()
    assert len(shop.requests) - asked < 12, "the runner asks and asks"
    case = rig.case(SCRATCHED_TABLES)
    assert (case.said, rig.tasks(case)) == ("host_denied", ["host_denied"])
    shop.faults.clear()
    rig.later(minutes=20)
    assert rig.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1


def test_trouble_before_the_request_does_not_keep_the_yes_from_being_seen(rig: Rig) -> None:
    rig.shop.post("faults", kind="status", status=401, match={"path": "/admin/*"}, times=4)
    rig.solve(SCRATCHED_TABLES)
    for _ in range(4):
        rig.later(minutes=20)
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    _agree(rig, SCRATCHED_TABLES)
    rig.settle()
    assert rig.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD


def test_a_desk_without_options_stops_no_runner_and_a_person_is_told(rig: Rig) -> None:
    door = Door(rig)
    with rig.store.write() as tx:
        desk = tx.get(Connection, rig.stage.desk_id)
        assert desk is not None
        tx.put(replace(desk, options={}))
    rig.of.hosts.forget(rig.stage.desk_id)
    rig.clock.ahead += timedelta(seconds=2)
    _solved_quietly(rig, LATE_PARCEL)
    assert door.post(solved(LATE_PARCEL)) == 202
    rig.runner.run_due()
    for _ in range(4):
        rig.later(hours=1)
    with rig.store.read() as reader:
        assert [task.kind for task in reader.find(Task, state="open")] == ["our_fault"]
    with rig.store.write() as tx:
        tx.put(replace(desk, options=desk.options))
    rig.of.hosts.forget(rig.stage.desk_id)
    rig.later(hours=2)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD, "and nothing was lost"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_deliveries_of_one_act_at_the_same_moment_open_one_case(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look for a case, find none, and open one: the second must look again, not fall over."""
    store = open_store(kind, tmp_path)
    with rigged(store) as rig:
        door = Door(rig)
        _solved_quietly(rig, LATE_PARCEL)
        assert door.post(solved(LATE_PARCEL, "7b0d9f0e-0000-0000-0000-00000000000a")) == 202
        real = flow.on_solved
        raced: list[Case] = []

        def slow(*args: object, **kwargs: object) -> Case | None:
            found: Case | None = real(*args, **kwargs)  # type: ignore[arg-type]
            if found is not None and not raced:
                raced.append(found)
                raise AlreadyExists("another transaction opened a case for this ticket just now")
            return found

        monkeypatch.setattr(flow, "on_solved", slow)
        rig.settle()
        assert raced
        assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
        with store.read() as reader:
            assert reader.count(Delivery, state="new") == 0
    store.close()


def test_odd_webhook_addresses_are_not_found_and_no_fault_of_ours(rig: Rig) -> None:
    base = rig.of.settings.public_url
    for token in ("a" * 32 + "%00", "%F0%9F%92%A9" * 8, "%ED%A0%80" * 8, "a" * 129, "..%2f" * 8):
        answer = requests.post(f"{base}/hooks/{token}", data=b"{}", timeout=30)
        assert answer.status_code == 404, token


def test_a_database_that_is_away_makes_the_host_try_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 would be the end of a delivery at hosts that do not repeat it."""
    door = Door(rig)
    rig.of.hosts._tokens.clear()

    def away(*_: object) -> None:
        raise StoreUnavailable("the database could not be used; nothing was kept")

    with monkeypatch.context() as patched:
        patched.setattr(rig.of.store, "read", away)
        body = solved()
        answer = requests.post(door.url, data=body, headers=door.signed(body), timeout=30)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "20")
    assert door.post(solved()) == 202


def test_an_unlinked_agent_whose_ticket_it_is_may_not_agree_by_another_account(rig: Rig) -> None:
    """A trigger's call names nobody. The ticket is assigned to an agent who is no person of ours,
    and the approver is known by a sign-in only: they could be the same human being."""
    manager = rig.person(MANAGER)
    with rig.store.write() as tx:
        (account,) = tx.find(PersonIdentity, value="9001")
        tx.put(replace(account, value="8888"))
        (own,) = tx.find(PersonIdentity, person_id=manager.id)
        tx.put(replace(own, kind="sso", connection_id="", value="sam"))
    _solved_quietly(rig, SCRATCHED_TABLES)
    assert Door(rig).post(b'{"v": 1, "ticket_id": "%d"}' % SCRATCHED_TABLES) == 202
    rig.runner.run_due()
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    with pytest.raises(MayNotApprove, match="not linked"):
        _agree(rig, SCRATCHED_TABLES)


def test_solved_again_right_after_it_was_found_unsolved_is_looked_at(rig: Rig) -> None:
    rig.runner.run_due()
    door = Door(rig)
    assert door.post(solved(LATE_PARCEL, "7b0d9f0e-0000-0000-0000-00000000000b")) == 202
    rig.runner.run_due()
    assert rig.case(LATE_PARCEL).said == "not_solved", "it was reopened before Amends looked"
    rig.solve(LATE_PARCEL)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD


def test_a_renewal_of_tokens_loses_no_setting_that_was_stored_meanwhile(rig: Rig) -> None:
    till = rig.stage.tills["shopify"]
    settings = rig.of.hosts.get(till).settings
    workspace = rig.store.workspace_id

    def using(now: Mapping[str, str]) -> Mapping[str, str]:
        with rig.store.write() as tx:
            row = tx.lock(Connection, till)
            assert row is not None
            values = opened(row, rig.of.sealer, workspace)
            values = {**values, "client_secret": "set meanwhile"}
            tx.put(sealed(row, values, rig.of.sealer, workspace))
        return {"access_token": "renewed"}

    settings.renew(using)
    after = opened(rig.connection(till), rig.of.sealer, workspace)
    assert (after["client_secret"], after["access_token"]) == ("set meanwhile", "renewed")


def test_a_clash_that_stays_ends_with_a_person_and_not_in_a_loop(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def clashing(*_: object, **__: object) -> None:
        tried.append("again")
        if len(tried) > 200:
            raise SystemExit("it tries without end")
        raise AlreadyExists("the row of another that nobody sees")

    monkeypatch.setattr(flow, "on_terms", clashing)
    rig.solve(LATE_PARCEL)
    for _ in range(4):
        rig.later(minutes=10)
    assert len(tried) < 60
    assert rig.tasks(rig.case(LATE_PARCEL)) == ["our_fault"]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_a_hosts_words_never_keep_an_ending_from_being_written(kind: str, tmp_path: Path) -> None:
    """U+0000 and half characters cannot be stored; a host that writes them has still refused."""
    store = open_store(kind, tmp_path)
    made = sample(
        Payout, "pay_1", state=PayoutState.SENDING, amount_minor=100, currency="EUR", till_id="t"
    )
    moment = Moment(made.created_at)
    with store.write() as tx:
        tx.add(sample(Case, "case_1"))
        tx.add(replace(made, case_id="case_1"))
    said = Declined("no\x00", "the bank says \x00\ud800 no")
    with store.write() as tx:
        payout.conclude(
            tx, replace(made, case_id="case_1"), said, pays=Pays(retry="key"), moment=moment
        )
    with store.read() as reader:
        after = reader.get(Payout, "pay_1")
    assert after is not None
    assert after.state is PayoutState.DECLINED
    store.close()


def test_rotating_keys_seals_codes_anew_too(tmp_path: Path) -> None:
    """Else the old key could never be thrown away: codes and links of customers would be lost."""
    settings = settings_for(tmp_path, 0)
    of = set_up(settings)
    place = Place("demo", "payouts", "pay_1", "sealed_code")
    with of.store.write() as tx:
        tx.add(sample(Payout, "pay_1", sealed_code=of.sealer.seal("a-code", place)))
        new = new_link(of.sealer, "demo", Moment(of.clock.now()))
        token = token_of(of.sealer, "demo", new)
        tx.add(sample(ChoiceLink, new.id, sealed_token=new.sealed_token, token_hash=new.token_hash))
    of.store.close()
    rotated = CliRunner().invoke(keeping.keys, ["rotate"], obj=settings)
    assert rotated.exit_code == 0, rotated.output
    settings.key_file.write_text(settings.key_file.read_text().split()[0] + "\n")
    again = services(settings)
    with again.store.read() as reader:
        row = reader.get(Payout, "pay_1")
    assert row is not None
    assert row.sealed_code is not None
    assert again.sealer.open(row.sealed_code, place) == "a-code"
    with again.store.read() as reader:
        assert token_of(again.sealer, "demo", find_link(reader, token)) == token
    again.store.close()
