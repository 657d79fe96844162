"""What is looked at before the first ticket, at the real helpdesk."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.ports import Check, Setup
from tests.connectors.contract.bench import Bench

URL = "https://amends.example/hooks/x"


@pytest.fixture
def setup(bench: Bench) -> Setup:
    assert bench.roles.setup is not None
    return bench.roles.setup


def _failed(checks: Mapping[str, Check]) -> list[str]:
    return [what for what, check in checks.items() if not check.ok]


def _checks(setup: Setup) -> dict[str, Check]:
    return {check.what: check for check in setup.check()}


def test_installing_learns_the_fields_and_makes_a_secret_once(bench: Bench, setup: Setup) -> None:
    for name in ("webhook_secret", "tags_field"):
        del bench.settings.values[name]
    learned = dict(setup.install(URL))
    bench.settings.values.update(learned)
    assert len(learned.pop("webhook_secret")) >= 43
    assert learned == {
        "webhook_url": URL,
        "case_field": "amends_case",
        "tags_field": "amends_tags",
    }
    assert "webhook_secret" not in setup.install(URL)


def test_the_check_passes_and_says_what_to_paste_without_the_secret(
    bench: Bench, setup: Setup
) -> None:
    bench.settings.values.update(setup.install(URL))
    checks = _checks(setup)
    assert _failed(checks) == []
    assert any(f"{URL}?secret=" in check.todo for check in checks.values())
    assert bench.leaked(repr(checks)) == []


def test_the_check_names_a_field_that_is_not_there(bench: Bench, setup: Setup) -> None:
    bench.settings.values["tags_field"] = "nosuch"
    assert _failed(_checks(setup)) == ["a field for tags"]


@pytest.mark.parametrize(
    ("username", "password"), [("amends", "wrong"), ("customer", "customer-password")]
)
def test_the_check_names_a_user_who_may_not(
    bench: Bench, setup: Setup, username: str, password: str
) -> None:
    bench.settings.values.update(username=username, password=password)
    assert _failed(_checks(setup)) == ["the helpdesk can be asked"]
