"""The rooms: who may import whom, whose names are ours, and that the docs name what there is."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest

from webhooks.cli import main
from webhooks.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "connectors", "webhooks", "console", "manifests", "sandbox")

#: Which of our rooms a room may import, besides itself.
_MAY: dict[str, set[str]] = {
    "core": set(),
    "connectors": {"core"},
    "console": {"core"},
    "manifests": set(),
    "sandbox": set(),
    "webhooks": {"core", "connectors", "console", "manifests"},
}
#: Folders that may import one room more: the demo and the proof run against the stand-ins, and the
#: simulated hosts speak core's ports instead of a wire format.
_DOORS = {("webhooks/demo", "sandbox"), ("webhooks/proof", "sandbox"), ("sandbox/sim", "core")}
#: A folder of `connectors` belongs to one host; its files are what all of them share.
_HOSTS = {path.parent.name for path in (ROOT / "connectors").glob("*/__init__.py")}
#: Core has no clock, no network and no pages.
_NOT_IN_CORE = {
    "flask",
    "flask_babel",
    "requests",
    "werkzeug",
    "waitress",
    "click",
    "zenpy",
    "stripe",
}


def _imports(path: Path) -> Iterator[str]:
    """Every module a file imports, also inside functions, by its full dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            yield module
            if module in ROOMS:  # `from connectors import zendesk` names a module as well
                yield from (f"{module}.{name.name}" for name in node.names)


def _files(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py"))


def wrong(room: str, path: str, module: str) -> bool:
    """Whether this file of this room may not import this module."""
    top, _, rest = module.partition(".")
    if top in ROOMS and top != room and top not in _MAY[room]:
        return ("/".join(path.split("/")[:2]), top) not in _DOORS
    host = rest.partition(".")[0]
    if top == "connectors" and host in _HOSTS:
        own = path.removeprefix("connectors/").partition("/")[0]
        return room != "connectors" or own != host
    return room == "core" and top in _NOT_IN_CORE


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    found = [
        (name, module)
        for path in _files(room)
        for name in [path.relative_to(ROOT).as_posix()]
        for module in _imports(path)
        if wrong(room, name, module)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("core/flow.py", "connectors.http"),
        ("core/flow.py", "requests"),
        ("connectors/zendesk/desk.py", "connectors.shopify.till"),
        ("connectors/http.py", "connectors.stripe"),
        ("connectors/zendesk/desk.py", "sandbox.zendesk"),
        ("console/demo.py", "webhooks.app"),
        ("console/demo.py", "connectors.registry"),
        ("webhooks/app.py", "connectors.zendesk"),
        ("webhooks/app.py", "sandbox.host"),
        ("sandbox/zendesk/state.py", "core.money"),
    ],
)
def test_the_rule_refuses(path: str, module: str) -> None:
    assert wrong(path.partition("/")[0], path, module)


def test_tests_of_the_stand_ins_share_nothing_with_the_connectors() -> None:
    found = [
        (path.name, module)
        for path in _files("tests/sandbox")
        for module in _imports(path)
        if module.partition(".")[0] in ("connectors", "webhooks", "console", "core")
    ]
    assert found == []


def test_no_other_distribution_ships_our_names() -> None:
    ships = packages_distributions()
    assert {room: set(ships.get(room, ())) - {"amends"} for room in ROOMS} == {
        room: set() for room in ROOMS
    }


def test_every_level_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    # The real helpdesk's own project: it is run by another Python, beside its settings.
    folders.discard(ROOT / "tests" / "real" / "helpdesk_site")
    folders = {folder for folder in folders if "node_modules" not in folder.parts}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_committed_lock_names_a_registry() -> None:
    npm = [ROOT / "package-lock.json", ROOT / "tests" / "real" / "vendure" / "package-lock.json"]
    locks = [*(ROOT / "requirements").glob("*.lock"), *npm]
    assert len(locks) == 6
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert '"resolved"' not in text, lock.name
        # Where a package's people ask for support ("funding") is theirs to say.
        if lock.suffix == ".lock":
            assert "://" not in text, lock.name


# -------------------------------------------------------------------------------------- the docs

REFERENCE = ROOT / "docs" / "reference.md"


def _commands(group: click.Group, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def test_every_setting_is_described() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    prefix = str(Settings.model_config.get("env_prefix"))
    settings = {f"{prefix}{name}".upper() for name in Settings.model_fields}
    assert settings - set(re.findall(r"`(AMENDS_[A-Z_]+)`", text)) == set()
    assert set(re.findall(r"AMENDS_[A-Z_]+", text)) - settings == set()  # and none that is gone


def test_every_command_is_described() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    commands = set(_commands(main, "amends"))
    assert len(commands) > 10
    described = set(re.findall(r"^\| `(amends [a-z -]*[a-z])", text, re.MULTILINE))
    assert described == commands


def _prose() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", _prose(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_make_targets_the_docs_name_exist() -> None:
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in _prose():
        named = set(re.findall(r"`make ([a-z]+)`", page.read_text(encoding="utf-8")))
        assert named <= rules, page


def test_the_licence_is_the_one_that_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "AGPL-3.0-or-later"
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert len(text.splitlines()) == 661
