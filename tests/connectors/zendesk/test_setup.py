"""Installing makes each thing once, checking says what is missing, removing takes it away."""

from __future__ import annotations

import pytest

from connectors.zendesk.setup import CALLS, EVENTS, FIELD, TRIGGER
from core.ports import HostUnavailable, RawRequest, Setup
from sandbox.faults import Fault
from tests.connectors.contract.bench import Bench

URL = "https://amends.example/hooks/one"


@pytest.fixture
def setup(bench: Bench) -> Setup:
    assert bench.roles.setup is not None
    bench.harness.state.ticket_fields.clear()
    return bench.roles.setup


def _made(bench: Bench) -> dict[str, list[str]]:
    state = bench.harness.state
    return {
        "webhooks": sorted(target.meta["name"] for target in state.hooks.targets.values()),
        "fields": [field["title"] for field in state.ticket_fields.values()],
        "triggers": [trigger["title"] for trigger in state.triggers.values()],
    }


def test_installing_twice_changes_nothing(bench: Bench, setup: Setup) -> None:
    learned = setup.install(URL)
    made = _made(bench)
    assert made == {"webhooks": [EVENTS, CALLS], "fields": [FIELD], "triggers": [TRIGGER]}
    assert setup.install(URL) == learned
    assert _made(bench) == made
    assert set(learned) == {"signing_secret", "trigger_signing_secret", "case_field"}
    assert learned["signing_secret"] != learned["trigger_signing_secret"]


def test_an_address_that_moved_is_corrected(bench: Bench, setup: Setup) -> None:
    setup.install(URL)
    setup.install(URL + "-moved")
    urls = {target.url for target in bench.harness.state.hooks.targets.values()}
    assert urls == {URL + "-moved"}


def test_what_is_installed_signs_what_the_intake_proves(bench: Bench, setup: Setup) -> None:
    bench.settings.values |= setup.install(URL)
    hooks = bench.harness.state.hooks
    hooks.set_options(hold=True)
    bench.harness.state.tickets[35].status = "open"
    bench.harness.solve()
    read = []
    for delivery in hooks.log:
        signed = {**delivery.headers, **bench.harness.state.sign(delivery)}
        headers = {name.lower(): value for name, value in signed.items()}
        request = RawRequest(headers, delivery.body)
        assert bench.intake.verify(request, bench.harness.now)
        read += [(type(e).__name__, getattr(e, "status", "")) for e in bench.intake.read(request)]
    assert ("TicketStatusChanged", "solved") in read
    assert ("TicketStatusChanged", None) in read, "the trigger fired too"


def test_our_own_note_does_not_fire_the_trigger_again(bench: Bench, setup: Setup) -> None:
    setup.install(URL)
    state = bench.harness.state
    state.hooks.set_options(hold=True)
    state.tickets[35].status = "open"
    bench.harness.solve()
    calls = sum(delivery.topic == "conditional_ticket_events" for delivery in state.hooks.log)
    bench.harness.comment("a later note")
    again = sum(delivery.topic == "conditional_ticket_events" for delivery in state.hooks.log)
    assert (calls, again) == (1, 1)


def test_check_says_what_is_missing(bench: Bench, setup: Setup) -> None:
    missing = [check for check in setup.check() if not check.ok]
    assert {check.todo for check in missing} == {"install again"}
    assert len(missing) == 4
    bench.settings.values |= setup.install(URL)
    assert [check for check in setup.check() if not check.ok] == []
    bench.harness.state.tokens.clear()
    (only,) = setup.check()
    assert not only.ok
    assert "reconnect" in only.todo


def test_removing_takes_away_what_was_made(bench: Bench, setup: Setup) -> None:
    setup.install(URL)
    setup.remove()
    assert _made(bench) == {"webhooks": [], "fields": [FIELD], "triggers": []}
    setup.remove()


def test_a_fault_while_installing_is_made_good_by_installing_again(
    bench: Bench, setup: Setup
) -> None:
    match = {"method": "POST", "path": "/api/v2/webhooks"}
    bench.harness.state.faults.add(Fault("drop", "after", match))
    with pytest.raises(HostUnavailable):
        setup.install(URL)
    setup.install(URL)
    assert _made(bench)["webhooks"] == [EVENTS, CALLS]
