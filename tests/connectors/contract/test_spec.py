"""What a connector says of itself must be true, complete and fit to be shown."""

from __future__ import annotations

import re
from typing import get_args

import pytest

import core.events
from connectors import registry
from core.money import EXPONENTS
from core.ports import Quality, Remedy, Retry
from tests.connectors.contract.bench import Bench, has_host, ours
from tests.connectors.contract.harness import harness_of, home_of

SECRET_WORDS = re.compile(r"token|secret|password|(^|_)key$")

every = pytest.mark.parametrize("name", ours())


@every
def test_has_a_harness(name: str) -> None:
    harness_of(name)


@every
def test_names_only_what_exists(name: str) -> None:
    spec = registry.spec(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,30}", spec.name)
    assert spec.title
    assert [kind for kind in spec.hears if not hasattr(core.events, kind)] == []
    assert set(spec.writes) <= {"note", "reply", "tag", "field", "side"}
    assert set(spec.pays) <= set(get_args(Remedy))
    assert bool(spec.hears) == bool(spec.signature), "who hears, says how it is proved"


@every
def test_settings_can_be_asked_for(name: str) -> None:
    settings = registry.spec(name).settings
    names = [setting.name for setting in settings]
    assert len(set(names)) == len(names)
    for setting in settings:
        assert setting.title, f"{setting.name} has no title for the form"
        looks_secret = bool(SECRET_WORDS.search(setting.name.replace("public_key", "")))
        assert setting.secret or not looks_secret, f"{setting.name} must be marked secret"
        assert not (setting.secret and setting.default), f"{setting.name}: a secret has no default"


@every
def test_claims_about_paying_hold_together(name: str) -> None:
    for remedy, pays in registry.spec(name).pays.items():
        assert pays.retry in get_args(Retry)
        if pays.retry == "key":
            assert pays.key_life, f"{remedy}: say how long the host remembers a key"
        assert set(pays.currencies or ()) | set(pays.step_minor) <= set(EXPONENTS)
        assert all(step > 1 for step in pays.step_minor.values())


@every
def test_what_is_missing_has_a_reason(name: str) -> None:
    for promise, (state, why) in registry.spec(name).quality.items():
        assert state in get_args(Quality)
        assert why or state == "done", f"{promise} is {state} and nobody says why"


@every
def test_has_a_page(name: str) -> None:
    page = home_of(name).page
    assert page.is_file(), f"write {page}"


@pytest.mark.parametrize("bench", ours(), indirect=True)
def test_connecting_asks_nothing_and_gives_what_is_claimed(bench: Bench) -> None:
    assert bench.harness.requests() == 0
    roles = bench.roles
    assert bool(bench.spec.hears) == (roles.intake is not None)
    assert bool(bench.spec.writes) == (roles.desk is not None)
    assert bool(bench.spec.pays) == (roles.till is not None)
    agreeing = any(setting.agreeing == "spares" for setting in bench.spec.settings)
    assert agreeing == (roles.grant is not None)
    if roles.setup is None:
        assert bench.spec.quality.get("setup", ("done", ""))[0] != "done", "say why no setup"
    shown = " ".join(map(repr, (roles, roles.intake, roles.desk, roles.till, roles.setup)))
    assert bench.leaked(shown + repr(bench.http)) == []


@pytest.mark.parametrize("bench", ours(), indirect=True)
def test_the_harness_gives_every_secret_and_knows_every_setting(bench: Bench) -> None:
    known = {setting.name for setting in bench.spec.settings}
    assert set(bench.settings.values) <= known
    if not has_host(bench.name):
        return
    assert bench.secrets(), "no secret in the harness's settings: nothing could be seen leaking"
