"""The Freshdesk app for one connection: filled in, packed with our pages' scripts, no secret."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import console
from core.store.schema import upgrade
from core.store.sealing import new_key
from webhooks import keys
from webhooks.cli import main

PUBLIC = "https://amends.acme.example"
STATIC = Path(console.__file__).parent / "static"


class Desk:
    """An installation with one Freshdesk connection, and the command on it."""

    def __init__(self, home: Path) -> None:
        self.home, self.out = home, home / "app.zip"
        self._said = {
            "AMENDS_DATABASE_URL": f"sqlite:///{home / 'a.sqlite3'}",
            "AMENDS_KEY_FILE": str(home / "a.keys"),
        }
        keys.write(home / "a.keys", [new_key()])
        upgrade(self._said["AMENDS_DATABASE_URL"])
        self.freshdesk = self._add("freshdesk", "domain=acme.freshdesk.com", "api_key=x")
        self.stripe = self._add("stripe", "secret_key=sk_test_x")

    def _add(self, connector: str, *pairs: str) -> str:
        given = [part for pair in pairs for part in ("--set", pair)]
        made = self.run("connector", "add", connector, *given, "--no-install")
        return made.stdout.partition(":")[0]

    def run(self, *args: str, public: str = PUBLIC) -> Result:
        return CliRunner().invoke(main, args, env={**self._said, "AMENDS_PUBLIC_URL": public})

    def build(self, connection: str | None = None, public: str = PUBLIC) -> Result:
        id = connection or self.freshdesk
        command = ("manifest", "build", "freshdesk", "--connection", id, "--out", str(self.out))
        return self.run(*command, public=public)

    def files(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.out) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def secret(self) -> str:
        return self.run("connector", "reveal", self.freshdesk, "app_secret").stdout.strip()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_app_is_filled_in_for_its_connection(desk: Desk) -> None:
    made = desk.build()
    assert made.exit_code == 0, made.output
    files = desk.files()
    template = json.loads(files["config/requests.json"])["beginSession"]
    assert template["schema"]["host"] == "amends.acme.example"
    assert template["schema"]["path"] == f"/freshdesk/{desk.freshdesk}/session"
    oauth = json.loads(files["config/oauth_config.json"])["integrations"]["amends"]
    assert oauth["client_id"] == desk.freshdesk
    assert oauth["authorize_url"] == f"{PUBLIC}/oauth/authorize"
    assert oauth["token_url"] == f"{PUBLIC}/oauth/token"
    assert oauth["token_type"] == "agent"
    assert f"connect-src 'self' https: {PUBLIC};" in files["app/index.html"].decode()
    assert not any(b"amends.invalid" in data for data in files.values())
    assert f"amends connector reveal {desk.freshdesk} app_secret" in made.stdout


def test_it_holds_what_our_own_pages_load_and_no_other_helpdesks_part(desk: Desk) -> None:
    desk.build()
    files = desk.files()
    for path in ("sidebar/sidebar.js", "vendor/htmx.min.js"):
        assert files[f"app/scripts/{path.rpartition('/')[2]}"] == (STATIC / path).read_bytes()
    assert files["app/styles/sidebar.css"] == (STATIC / "sidebar/sidebar.css").read_bytes()
    assert "app/scripts/zendesk.js" not in files


def test_no_secret_is_in_it(desk: Desk) -> None:
    desk.build()
    secret = desk.secret()
    assert len(secret) >= 43
    for data in (desk.out.read_bytes(), *desk.files().values()):
        assert secret.encode() not in data


def test_the_same_app_is_the_same_bytes_and_keeps_its_secret(desk: Desk) -> None:
    desk.build()
    first, secret = desk.out.read_bytes(), desk.secret()
    desk.build()
    assert (desk.out.read_bytes(), desk.secret()) == (first, secret)


@pytest.mark.parametrize("public", ["http://amends.acme.example", "http://127.0.0.1:8410"])
def test_an_address_that_freshworks_would_refuse(desk: Desk, public: str) -> None:
    made = desk.build(public=public)
    assert (made.exit_code, desk.out.exists()) == (2, False)
    assert "AMENDS_PUBLIC_URL" in made.output


def test_another_connection_gets_no_such_app(desk: Desk) -> None:
    made = desk.build(connection=desk.stripe)
    assert (made.exit_code, desk.out.exists()) == (2, False)
    assert "no connection to Freshdesk" in made.output


def test_what_was_built_passes_its_check(desk: Desk) -> None:
    desk.build()
    done = desk.run("manifest", "check", "freshdesk", str(desk.out))
    assert done.exit_code == 0, done.output


def test_where_it_is_served_from_is_allowed_and_not_any_more(desk: Desk) -> None:
    one, two = "https://d1.cloudfront.net", "https://d2.cloudfront.net"
    desk.run("manifest", "allow", desk.freshdesk, one)
    assert desk.run("manifest", "allow", desk.freshdesk, two).stdout.split() == [one, two]
    assert desk.run("manifest", "allow", desk.freshdesk, two).stdout.split() == [one, two]
    gone = desk.run("manifest", "allow", desk.freshdesk, one, "--remove")
    assert gone.stdout.split() == [two]
    for wrong in ("https://d1.cloudfront.net/", "*", "http://d1.cloudfront.net"):
        assert desk.run("manifest", "allow", desk.freshdesk, wrong).exit_code == 2
    assert desk.run("manifest", "allow", desk.stripe, one).exit_code == 2
    assert desk.run("manifest", "allow", "conn_0", one).exit_code == 2
