"""Connectors are found, ours and others'; one that is broken is reported and hurts nothing."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from connectors import registry
from connectors.http import Http
from core.ports import Roles, Settings, Spec
from tests.connectors.contract.harness import NoHarness, StoredSettings, harness_of


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def connect(settings: Settings, http: Http) -> Roles:
        return Roles()

    def package(name: str, **content: object) -> None:
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)

    package("acme_desk", SPEC=Spec(name="acme", title="Acme"), connect=connect)
    package("half_desk", SPEC=Spec(name="half", title="Half"))
    package("odd_desk", SPEC=Spec(name="other_name", title="Odd"), connect=connect)
    package("thief_desk", SPEC=Spec(name="zendesk", title="Not Zendesk"), connect=connect)
    points = [
        EntryPoint(name, value, registry.ENTRY_POINTS)
        for name, value in (
            ("acme", "acme_desk"),
            ("half", "half_desk"),
            ("odd", "odd_desk"),
            ("zendesk", "thief_desk"),
            ("gone", "no_such_package_of_amends"),
        )
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry._found.cache_clear()
    yield
    registry._found.cache_clear()


def test_ours_are_found_without_a_list() -> None:
    assert registry.specs()["zendesk"].title == "Zendesk"
    assert registry.is_ours("zendesk")
    assert not registry.problems()


@pytest.mark.usefixtures("outside")
def test_outside_packages_plug_in() -> None:
    assert registry.spec("acme").title == "Acme"
    assert registry.connect("acme", StoredSettings({}), Http()) == Roles()
    assert not registry.is_ours("acme")


@pytest.mark.usefixtures("outside")
def test_broken_outside_packages_are_reported_and_take_nobodys_name() -> None:
    assert set(registry.problems()) == {"half", "odd", "zendesk", "gone"}
    assert registry.is_ours("zendesk")
    assert registry.spec("zendesk").title == "Zendesk"


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(registry.NoSuchConnector, match="zendesk"):
        registry.connect("zendsk", StoredSettings({}), Http())


def test_a_connector_without_a_harness_fails_in_plain_words() -> None:
    with pytest.raises(NoHarness, match=r"write a class Harness"):
        harness_of("nobody")
