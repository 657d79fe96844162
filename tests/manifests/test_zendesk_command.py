"""`amends manifest`: an app for one connection, the same bytes every time, and what is refused."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.store.schema import upgrade
from core.store.sealing import new_key
from webhooks import keys
from webhooks.cli import main
from webhooks.manifests.package import BadPackage, Package, app_of, data_of, names, read

PUBLIC = "https://amends.acme.example"


class Desk:
    """An installation with one Zendesk connection, and the command on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._said = {
            "AMENDS_DATABASE_URL": f"sqlite:///{home / 'a.sqlite3'}",
            "AMENDS_KEY_FILE": str(home / "a.keys"),
        }
        keys.write(home / "a.keys", [new_key()])
        upgrade(self._said["AMENDS_DATABASE_URL"])
        self.zendesk = self._add("zendesk", "subdomain=acme", "access_token=a-secret-of-ours")
        self.stripe = self._add("stripe", "secret_key=sk_test_x")

    def _add(self, connector: str, *pairs: str) -> str:
        given = [part for pair in pairs for part in ("--set", pair)]
        made = self.run("connector", "add", connector, *given, "--no-install")
        return made.stdout.partition(":")[0]

    def run(self, *args: str, public: str = PUBLIC) -> Result:
        env = {**self._said, "AMENDS_PUBLIC_URL": public}
        return CliRunner().invoke(main, args, env=env)

    def build(self, out: Path, connection: str | None = None, public: str = PUBLIC) -> Result:
        id = connection or self.zendesk
        command = ("manifest", "build", "zendesk", "--connection", id, "--out", str(out))
        return self.run(*command, public=public)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_app_is_filled_in_for_its_connection(desk: Desk) -> None:
    out = desk.home / "app.zip"
    made = desk.build(out)
    assert made.exit_code == 0, made.output
    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        texts = b"".join(archive.read(name) for name in archive.namelist())
    place = manifest["location"]["support"]["ticket_sidebar"]
    assert place == {"url": f"{PUBLIC}/zendesk/{desk.zendesk}/sidebar", "flexible": True}
    assert manifest["signedUrls"] is True
    assert manifest["domainWhitelist"] == ["amends.acme.example"]
    assert b"amends.invalid/" not in texts
    assert b"a-secret-of-ours" not in texts
    assert f"amends connector app {desk.zendesk} --app-id" in made.stdout


def test_the_same_app_is_the_same_bytes(desk: Desk) -> None:
    for name in ("a.zip", "b.zip"):
        desk.build(desk.home / name)
    one, two = (desk.home / name for name in ("a.zip", "b.zip"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {stat.S_IMODE(entry.external_attr >> 16) for entry in entries} == {0o644}


@pytest.mark.parametrize("public", ["http://amends.acme.example", "http://127.0.0.1:8410"])
def test_an_address_that_zendesk_would_refuse(desk: Desk, public: str) -> None:
    out = desk.home / "app.zip"
    made = desk.build(out, public=public)
    assert made.exit_code == 2
    assert "AMENDS_PUBLIC_URL" in made.output
    assert not out.exists()


def test_another_connection_gets_no_such_app(desk: Desk) -> None:
    made = desk.build(desk.home / "app.zip", connection=desk.stripe)
    assert (made.exit_code, (desk.home / "app.zip").exists()) == (2, False)
    assert "no connection to Zendesk" in made.output


def test_what_was_built_passes_its_check(desk: Desk) -> None:
    out = desk.home / "app.zip"
    desk.build(out)
    done = desk.run("manifest", "check", "zendesk", str(out))
    assert done.exit_code == 0, done.output
    assert "nothing that zendesk would refuse" in done.stdout


def test_a_check_that_fails_ends_with_one(desk: Desk) -> None:
    files = {path: data for path, data in data_of("zendesk").items() if path != "assets/logo.png"}
    out = desk.home / "app.zip"
    out.write_bytes(Package(files).zipped())
    done = desk.run("manifest", "check", "zendesk", str(out))
    assert done.exit_code == 1
    assert "error: assets/logo.png: it has to be a PNG of 320 x 320 pixels" in done.stderr


def test_a_folder_is_checked_as_it_is(desk: Desk) -> None:
    for path, data in data_of("zendesk").items():
        (desk.home / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.home / "app" / path).write_bytes(data)
    folder = str(desk.home / "app")
    assert desk.run("manifest", "check", "zendesk", folder).exit_code == 0
    os.symlink("/etc/hostname", desk.home / "app" / "assets" / "away.txt")
    done = desk.run("manifest", "check", "zendesk", folder)
    assert (done.exit_code, "it is a link" in done.stderr) == (1, True)


def test_a_link_in_a_zip_is_found(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("assets/away.txt")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/hostname")
    (tmp_path / "app.zip").write_bytes(out.getvalue())
    assert read(tmp_path / "app.zip").links == ("assets/away.txt",)


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "assets/../../a", "assets\\..\\a"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(BadPackage, match="leads out"):
        read(tmp_path / "app.zip")


def test_what_is_no_app(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "app.zip").write_bytes(b"PK\x03\x04 not really")
    done = desk.run("manifest", "check", "zendesk", str(tmp_path / "app.zip"))
    assert (done.exit_code, "cannot be read" in done.stderr) == (2, True)


def test_a_zip_that_would_unpack_to_very_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/a.txt", b"\0" * (11 * 2**20))
    with pytest.raises(BadPackage, match="too large"):
        read(tmp_path / "app.zip")


def test_each_app_is_known_by_its_folder() -> None:
    assert "zendesk" in names()
    for name in names():
        assert app_of(name).check(Package(data_of(name))) is not None
    with pytest.raises(BadPackage, match="there is no app for"):
        app_of("../zendesk")


def test_the_translations_say_the_same_things() -> None:
    files = data_of("zendesk")
    keys_of = {
        path: sorted(json.loads(data)["app"])
        for path, data in files.items()
        if path.startswith("translations/")
    }
    assert sorted(keys_of) == [f"translations/{code}.json" for code in ("ar", "en", "fa")]
    assert len(set(map(tuple, keys_of.values()))) == 1
