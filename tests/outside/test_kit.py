"""What `amends connector new` writes: proved where it can be, and plain about what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors import registry
from tests.outside.install import ROOT, installed, run
from webhooks.cli import main
from webhooks.cli.connector_page import BEGIN, END, made, merged

SUITE = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]


def _new(*args: str) -> Result:
    return CliRunner().invoke(main, ["connector", "new", *args])


@pytest.fixture
def written(tmp_path: Path) -> Path:
    done = _new("acme_desk", "--title", "Acme Desk", "--dir", str(tmp_path))
    assert done.exit_code == 0, done.output
    return tmp_path


def test_a_package_of_its_own_with_everything_in_it(written: Path) -> None:
    names = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    package = ("__init__.py", "intake.py", "desk.py", "till.py", "harness.py", "README.md")
    assert names == {
        "pyproject.toml",
        *(f"amends_acme_desk/{name}" for name in package),
        "amends_acme_desk/payloads/solved.http",
        "amends_acme_desk/payloads/solved.json",
    }
    assert not [path for path in written.rglob("*.py") if "$" in path.read_text("utf-8")]


def test_inside_the_project_each_file_has_its_room(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors/registry.py").write_text("")
    assert _new("acme_desk", "--dir", str(tmp_path)).exit_code == 0
    for place in (
        "connectors/acme_desk/__init__.py",
        "connectors/acme_desk/intake.py",
        "tests/connectors/acme_desk/__init__.py",
        "tests/connectors/acme_desk/harness.py",
        "tests/payloads/acme_desk/solved.http",
        "docs/connectors/acme_desk.md",
    ):
        assert (tmp_path / place).is_file(), place
    text = (tmp_path / "connectors/acme_desk/__init__.py").read_text("utf-8")
    assert "from connectors.acme_desk.desk import AcmeDeskDesk" in text
    assert not (tmp_path / "pyproject.toml").exists()


@pytest.mark.slow
def test_the_spec_and_webhook_parts_pass_at_once(written: Path, tmp_path: Path) -> None:
    path = installed(written, tmp_path / "site")
    parts = [f"tests/connectors/contract/test_{part}.py" for part in ("spec", "intake", "payloads")]
    done = run([*SUITE, *parts], path, AMENDS_CONTRACT_FOR="acme_desk")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_rest_fails_in_plain_words(written: Path, tmp_path: Path) -> None:
    path = installed(written, tmp_path / "site")
    parts = [f"tests/connectors/contract/test_{part}.py" for part in ("desk", "till")]
    done = run([*SUITE, *parts], path, AMENDS_CONTRACT_FOR="acme_desk")
    assert done.returncode == 1, done.stdout
    assert " passed" not in done.stdout.splitlines()[-1]
    told = set(re.findall(r"^E +NotImplementedError: ([a-z]+\.py, [a-z_]+\(\))", done.stdout, re.M))
    assert {"desk.py, ticket()", "harness.py, instruction()", "harness.py, fault()"} <= told
    others = set(re.findall(r"^E +(\w+(?:Error|Exception))", done.stdout, re.M))
    assert others <= {"NotImplementedError"}, others


@pytest.mark.slow
def test_what_is_written_is_clean(written: Path) -> None:
    config = ["--config", str(ROOT / "pyproject.toml")]
    # A harness holds made-up secrets, which only folders called tests may.
    checked = run(["-m", "ruff", "check", *config, "--ignore", "S105", str(written)], [])
    assert checked.returncode == 0, checked.stdout
    formatted = run(["-m", "ruff", "format", "--check", *config, str(written)], [])
    assert formatted.returncode == 0, formatted.stdout
    done = run(
        ["-m", "mypy", "--strict", str(written / "amends_acme_desk")],
        [],
        MYPYPATH=f"{ROOT}:{written}",
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["Acme", "1acme", "a", "../x", "acme-desk", "x" * 40, ""])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    assert _new(name, "--dir", str(tmp_path)).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(written: Path) -> None:
    page = written / "amends_acme_desk/README.md"
    page.write_text("mine")
    again = _new("acme_desk", "--dir", str(written))
    assert again.exit_code == 2
    assert page.read_text() == "mine"
    assert _new("zendesk", "--dir", str(written)).exit_code == 2


# ----------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("name", sorted(registry.specs()))
def test_the_pages_tables_are_as_the_spec_says(name: str) -> None:
    page = (ROOT / "docs/connectors" / f"{name}.md").read_text("utf-8")
    assert page == merged(page, registry.spec(name)), "run: amends connector docs"


def test_prose_around_the_made_part_stays() -> None:
    spec = registry.spec("manual")
    page = merged("# By hand\n\nWords.\n", spec)
    assert page.startswith("# By hand\n\nWords.\n\n" + BEGIN)
    after = page + "\nMore words.\n"
    assert merged(after, spec) == after
    stale = after.replace(made(spec), "old")
    assert merged(stale, spec) == after
    assert END in after


def test_check_fails_and_writes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "zendesk.md"
    page.write_text("# Zendesk\n")
    run_ = CliRunner()
    asked = run_.invoke(main, ["connector", "docs", "--check", "--dir", str(tmp_path)])
    assert asked.exit_code == 2
    assert page.read_text() == "# Zendesk\n"
    assert run_.invoke(main, ["connector", "docs", "--dir", str(tmp_path)]).exit_code == 0
    asked = run_.invoke(main, ["connector", "docs", "--check", "--dir", str(tmp_path)])
    assert asked.exit_code == 0
