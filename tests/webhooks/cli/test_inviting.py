"""`amends person invite`, `sign-out`, `deactivate` and `activate`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.store.schema import upgrade
from core.store.sealing import new_key
from webhooks import keys
from webhooks.cli import main


class Command:
    def __init__(self, home: Path) -> None:
        self._said = {
            "AMENDS_DATABASE_URL": f"sqlite:///{home / 'a.sqlite3'}",
            "AMENDS_KEY_FILE": str(home / "a.keys"),
            "AMENDS_PUBLIC_URL": "https://amends.acme.example",
        }
        keys.write(home / "a.keys", [new_key()])
        upgrade(self._said["AMENDS_DATABASE_URL"])
        self.run("person", "add", "sara@acme.example", "--name", "Sara")

    def run(self, *args: str) -> Result:
        return CliRunner().invoke(main, args, env=self._said)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_a_link_is_printed_and_nothing_else(command: Command) -> None:
    made = command.run("person", "invite", "Sara@acme.example")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("https://amends.acme.example/sign-in/")
    assert len(made.stdout.split()) == 1
    assert "to nobody else" in made.stderr


def test_for_an_app_an_account_is_needed(command: Command) -> None:
    for_app = ("person", "invite", "sara@acme.example", "--connection", "conn_1")
    made = command.run(*for_app)
    assert made.exit_code == 2
    assert "amends person link sara@acme.example --helpdesk" in made.stderr
    link = ("person", "link", "sara@acme.example", "--helpdesk", "48", "--connection", "conn_1")
    assert command.run(*link).exit_code == 0
    assert command.run(*for_app).exit_code == 0


def test_nobody_can_be_invited_who_is_not_there(command: Command) -> None:
    assert command.run("person", "invite", "bob@acme.example").exit_code == 2


def test_without_a_mail_server_nothing_is_mailed(command: Command) -> None:
    made = command.run("person", "invite", "sara@acme.example", "--mail")
    assert made.exit_code == 2
    assert "AMENDS_SMTP_HOST" in made.stderr


def test_signing_out_says_what_ended(command: Command) -> None:
    made = command.run("person", "sign-out", "sara@acme.example")
    assert made.stdout == "sara@acme.example: ended 0 sign-ins, access of 0 apps, 0 panels\n"


def test_somebody_who_left_is_let_in_no_more_until_they_are_back(command: Command) -> None:
    link = command.run("person", "invite", "sara@acme.example").stdout.strip()
    assert link
    gone = command.run("person", "deactivate", "sara@acme.example")
    assert gone.exit_code == 0, gone.output
    assert "not active any more" in gone.stdout
    assert "(left)" in command.run("person", "list").stdout
    assert command.run("person", "invite", "sara@acme.example").exit_code == 2
    assert command.run("person", "activate", "sara@acme.example").exit_code == 0
    assert "(left)" not in command.run("person", "list").stdout
    assert command.run("person", "invite", "sara@acme.example").exit_code == 0
