"""What commands are given wrongly ends in a sentence, not in a traceback, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from webhooks.cli import main

ADMIN = ["--as", "adm@example.com"]
HEAD = b"date,from,to,rate\n"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """An installation in a folder of its own, with an admin."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def said(*words: str, **env: str) -> Result:
        return runner.invoke(main, list(words), env=env)

    for words in (
        ("keys", "new"),
        ("db", "upgrade"),
        ("person", "add", "adm@example.com", "--name", "Adm", "--role", "admin"),
        ("person", "add", "left@example.com", "--name", "Lee"),
        ("person", "add", "agent@example.com", "--name", "Kim"),
        ("person", "deactivate", "left@example.com"),
    ):
        assert said(*words).exit_code == 0
    return said


def _refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (HEAD + b"2026-11-29,USD,EUR," + b"9" * 200_000, "no CSV file"),
        (HEAD + b'2026-11-29,USD,EUR,"0.9', "no CSV file"),
        (HEAD, "no rate"),
        (b"", "the columns are"),
    ],
)
def test_a_file_that_holds_no_rates(run: Run, tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "rates.csv").write_bytes(data)
    assert why in _refused(run("limits", "rates", "rates.csv", *ADMIN))


def test_a_spreadsheets_mark_is_no_part_of_a_file(run: Run, tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + HEAD + b"2020-01-01,USD,EUR,0.9\n"
    (tmp_path / "rates.csv").write_bytes(data)
    assert run("limits", "rates", "rates.csv", *ADMIN).output == "1 rates imported\n"


@pytest.mark.parametrize(
    "words",
    [
        ("limits", "set", "bin", *ADMIN),
        ("limits", "set", "none", *ADMIN),
        ("policy", "decide", "online-shop", "--facts", "bin"),
        ("policy", "export", "online-shop", "bin/x"),
        ("ledger", "verify", "--anchor", "bin"),
        ("connector", "options", "conn_1", "bin"),
        ("ledger", "export", "--month", "2026-11", "--out", "bin/x.csv"),
        ("ledger", "close", "--month", "9999-12", *ADMIN),
        ("ledger", "close", "--month", "0001-01", *ADMIN),
        ("db", "copy", "--to", "garbage"),
        ("db", "copy", "--to", "mysql://x"),
        ("person", "add", "", "--name", "x"),
        ("person", "add", "a@b\nBcc: c@d", "--name", "x"),
        ("sim", "--seeds", "0"),
        ("sim", "--cases", "-5"),
        ("case", "list", "--limit", "-1"),
    ],
)
def test_what_cannot_be_is_refused(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "bin").write_bytes(b"\xff\x00")
    _refused(run(*words))
    assert run("ledger", "verify").exit_code == 0


def test_who_left_ends_and_closes_nothing(run: Run) -> None:
    said = _refused(run("ledger", "close", "--month", "2026-01", "--as", "left@example.com"))
    assert "Lee left" in said


def test_an_agent_closes_no_month(run: Run) -> None:
    """It cannot be opened again."""
    close = ("ledger", "close", "--month", "2026-01", "--as")
    assert "Kim is no approver" in _refused(run(*close, "agent@example.com"))
    assert run(*close, "adm@example.com").exit_code == 0


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("AMENDS_PORT", "abc", "AMENDS_PORT"),
        ("AMENDS_LOG_LEVEL", "loud", "AMENDS_LOG_LEVEL"),
        ("AMENDS_DATABASE_URL", "garbage", "a database is sqlite:///"),
        ("AMENDS_DATABASE_URL", "mysql://u:secret@h/x", "a database is sqlite:///"),
        ("AMENDS_DATABASE_URL", "sqlite:///no/such.db", "AMENDS_DATABASE_URL"),
        ("AMENDS_KEY_FILE", "key", "is no key file"),
    ],
)
def test_a_setting_that_cannot_be(
    run: Run, tmp_path: Path, setting: str, value: str, why: str
) -> None:
    (tmp_path / "key").write_bytes(b"\xff")
    said = _refused(run("task", "list", **{setting: value}))
    assert why in said
    assert "secret" not in said


def test_a_file_is_written_whole(run: Run, tmp_path: Path) -> None:
    assert run("ledger", "export", "--month", "2026-11", "--out", "new/x.csv").exit_code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.csv"]
