"""Attack book S: lying hosts, forged erasures, and whoever can reach the database or the logs."""

from __future__ import annotations

import ast
import json
import logging
import re
import socket
import sqlite3
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from connectors import registry, wire
from core import ledger_check
from core.case import Customer
from core.connection import Connection, Delivery
from core.ledger import Entry
from core.payout import PayoutState
from core.ports import HostError, Roles
from core.store.sealing import SealBroken
from core.store.sql import SqlStore
from tests.attack.door import Door, solved
from tests.connectors.contract.harness import ROOT
from tests.connectors.test_wire import NOTATIONS
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from webhooks import connecting
from webhooks.app import services
from webhooks.cli import main
from webhooks.demo.stage import set_up, settings_for
from webhooks.hosts import Hosts, opened

LATE_PARCEL = 1
CHIPPED_TEAPOT = 2


# ------------------------------------------------------------------------------------ S1a: SSRF


@contextmanager
def _canary() -> Iterator[tuple[int, list[object]]]:
    """A listener on every address of this machine; who connects is written down."""
    hits: list[object] = []
    with socket.create_server(("", 0)) as listening:
        listening.settimeout(0.05)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, peer = listening.accept()
                except TimeoutError:
                    continue
                hits.append(peer)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listening.getsockname()[1], hits
        finally:
            done.set()
            thread.join()


def _addressed() -> list[str]:
    """Connectors whose account's address is a setting."""
    found = []
    for name, spec in registry.specs().items():
        if registry.is_ours(name) and any(s.name == "address" for s in spec.settings):
            found.append(name)
    return found


def _values(name: str, address: str) -> dict[str, str]:
    wanted = [s for s in registry.spec(name).settings if s.required or s.default or s.secret]
    filled = {s.name: s.default or "canary-value" for s in wanted}
    shapes = {"shop": "a.myshopify.com", "subdomain": "a", "domain": "a.freshdesk.com"}
    known = {s.name for s in registry.spec(name).settings}
    shaped = {k: v for k, v in {**shapes, "address": address}.items() if k in known}
    return {**filled, **shaped}


def _allowed(rig: Rig, row: Connection, port: int) -> Roles:
    """The same connection where private addresses are allowed."""
    hosts = Hosts(rig.store, rig.of.sealer, allow_private=True, call_within=timedelta(seconds=1))
    with rig.store.write() as tx:
        assert isinstance(row.settings, Mapping)
        plain = {**row.settings, "address": f"http://127.0.0.1:{port}"}
        tx.put(replace(row, settings=plain))
    return hosts.get(row.id).roles


def _ask_everything(roles: Roles) -> None:
    """Whatever a connection may call by itself; each must end in a refusal of ours."""
    asks: list[Any] = []
    if roles.desk is not None:
        desk = roles.desk
        asks.append(lambda: desk.ticket("35"))
    if roles.till is not None:
        till = roles.till
        asks.append(lambda: till.order("1"))
    if roles.setup is not None:
        setup = roles.setup
        asks.append(lambda: list(setup.check()))
    assert asks
    for ask in asks:
        try:
            ask()
        except HostError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("any_port", [False, True])
@pytest.mark.parametrize("name", _addressed())
def test_s1a_no_notation_of_an_address_reaches_this_machine(
    name: str, any_port: bool, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a connection's own `address`, as an admin of another company would write it; also
    with the rule taken out that only https on its usual port is allowed, so that the look at the
    address stands alone."""
    if any_port:
        monkeypatch.setattr(wire._Adapter, "_refuse_odd", lambda *_: None)
    hosts = Hosts(rig.store, rig.of.sealer, allow_private=False, call_within=timedelta(seconds=0.1))
    with _canary() as (port, hits):
        row = connecting.add(rig.of, name, values=_values(name, f"https://127.0.0.1:{port}"))
        for url in NOTATIONS:
            host = url.partition("://")[2].split("/")[0]
            for form in (f"https://{host}:{port}", f"http://{host}:{port}"):
                with rig.store.write() as tx:
                    plain = {**dict(row.settings), "address": form}  # type: ignore[arg-type]
                    tx.put(replace(row, settings=plain))
                if "8.8.8.8" in form and "127.0.0.1" not in form:
                    continue  # a public host is allowed
                hosts.forget(row.id)
                hosts._made.clear()
                _ask_everything(hosts.get(row.id).roles)
        assert hits == []
        if any_port:
            _ask_everything(_allowed(rig, row, port))
            assert hits, "the listener would have heard of it"


def test_s1a_a_name_that_changes_its_mind_is_looked_up_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public at the first look, this machine at the next (also test_wire.py)."""
    monkeypatch.setattr(wire._Adapter, "_refuse_odd", lambda *_: None)
    hosts = Hosts(rig.store, rig.of.sealer, allow_private=False, call_within=timedelta(seconds=0.1))
    row = connecting.add(rig.of, "zendesk", values=_values("zendesk", "http://shop.example"))
    looked: list[str] = []
    tried: list[str] = []

    def turning(host: str, port: int, *_: Any, **__: Any) -> Any:
        looked.append(host)
        ip = "93.184.216.34" if len(looked) % 2 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    monkeypatch.setattr(socket.socket, "connect", connect)
    for _ in range(4):
        _ask_everything(hosts.get(row.id).roles)
    assert len(looked) >= 4
    assert set(tried) == {"93.184.216.34"}


# --------------------------------------------------------------------- S2a, S3a: answers of hosts

LIES: list[dict[str, Any]] = [
    {"kind": "garbage"},
    {"kind": "status", "status": 200, "body": {"errors": [{"message": "internal"}]}},
    {"kind": "status", "status": 200, "body": {"data": {"refundCreate": None}}},
    {"kind": "status", "status": 200, "body": "x" * (9 * 2**20)},
    {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 409},
    {"kind": "drop"},
]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lie", LIES, ids=[str(n) for n in range(len(LIES))])
def test_s2a_s3a_an_answer_that_says_nothing_is_asked_about_and_paid_once(
    rig: Rig, lie: dict[str, Any], when: str
) -> None:
    """Whether the host acted or not. Wrong order, currency, sum, and ids used again: every till's
    own file of lies (tests/connectors/shopify/test_refund_lies.py, stripe/test_lies.py, ...)."""
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", when=when, match={"operation": "refundCreate"}, **lie)
    rig.solve(LATE_PARCEL)
    (payout,) = rig.payouts(rig.case(LATE_PARCEL))
    assert payout.state is not PayoutState.SETTLED or when == "before"
    for _ in range(6):
        rig.later(seconds=40)
    (payout,) = rig.payouts(rig.case(LATE_PARCEL))
    assert payout.state is PayoutState.SETTLED
    assert len(rig.refunds()) == 1
    assert _ledger_is_the_hosts(rig)


def _ledger_is_the_hosts(rig: Rig) -> bool:
    with rig.store.read() as reader:
        ours = sorted((row.amount_minor, row.currency) for row in reader.find(Entry))
    theirs = sorted((int(r["amount"].replace(".", "")), "GBP") for r in rig.refunds())
    return ours == theirs


# ------------------------------------------------------------------------ S4a: hands in the store


def test_s4a_ciphertexts_that_change_places_do_not_open(rig: Rig) -> None:
    tills = rig.stage.tills
    with rig.store.write() as tx:
        shop, stripe = (tx.get(Connection, tills[name]) for name in ("shopify", "stripe"))
        assert shop is not None
        assert stripe is not None
        tx.put(replace(shop, sealed=stripe.sealed))
        tx.put(replace(stripe, sealed=shop.sealed))
    for id in tills.values():
        with pytest.raises(SealBroken):
            opened(rig.connection(id), rig.of.sealer, rig.store.workspace_id)
    rig.of.hosts.forget(tills["shopify"])
    rig.clock.ahead += timedelta(seconds=2)
    rig.of.hosts.get(tills["shopify"]).settings.forget()
    rig.solve(LATE_PARCEL)
    assert rig.refunds() == []


def test_s4a_a_ciphertext_of_another_workspace_does_not_open(rig: Rig) -> None:
    row = rig.connection(rig.stage.tills["shopify"])
    with pytest.raises(SealBroken):
        opened(row, rig.of.sealer, "another")


def test_s4a_an_old_copy_of_the_database_is_seen_against_the_anchor(tmp_path: Path) -> None:
    """Edits, deletions, reordering, a cut tail, a chain made anew: tests/core/ledger."""
    store = open_store("sqlite", tmp_path)
    assert isinstance(store, SqlStore)
    path = Path(store._url.removeprefix("sqlite:///"))
    old = tmp_path / "old.db"
    with rigged(store) as rig:
        rig.solve(LATE_PARCEL)
        with sqlite3.connect(path) as source, sqlite3.connect(old) as target:
            source.backup(target)
        rig.solve(CHIPPED_TEAPOT)
        with store.read() as reader:
            line = ledger_check.anchor(reader, at=rig.clock.now()).line()
            assert ledger_check.verify(reader, line).ok
    workspace = store.workspace_id
    store.close()
    restored = SqlStore(f"sqlite:///{old}", workspace)
    with restored.read() as reader:
        assert ledger_check.verify(reader).ok, "whole in itself: only the anchor can tell"
        assert ledger_check.verify(reader, line).problem == "anchor"
    restored.close()


# --------------------------------------------------------------------------------- S5a: canaries

_MANY = {"shop", "subdomain", "domain", "address"}


def test_s5a_no_secret_is_seen_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary in every secret setting of every connector; then good and bad requests, hosts that
    cannot be reached, broken answers, and every command that shows something. Looked for in logs,
    tracebacks, output, answers, and the bytes of the database."""
    caplog.set_level(logging.DEBUG)
    settings = settings_for(tmp_path, 0, call_seconds=1, log_level="debug")
    of = set_up(settings)
    key = settings.key_file.read_text().split(".")[2]
    seen, canaries = [], [key]
    for name, spec in registry.specs().items():
        if not registry.is_ours(name):
            continue
        values = _values(name, "https://127.0.0.1:9")
        for setting in spec.settings:
            if setting.secret:
                values[setting.name] = f"canary-{name}-{setting.name}-7Qz"
                canaries.append(values[setting.name])
        row = connecting.add(of, name, values=values)
        seen += [repr(row), str(row)]
        client = connecting_client(of)
        for body in (b"{}", b"", b"nonsense", solved()):
            answer = client.post(f"/hooks/{row.path_token}", data=body)
            seen += [answer.get_data(as_text=True), str(answer.headers)]
        host = of.hosts.get(row.id)
        seen += [repr(host), repr(host.settings), repr(of), repr(of.sealer), repr(host.roles)]
        for ask in ("ticket", "order"):
            role = host.roles.desk if ask == "ticket" else host.roles.till
            if role is None:
                continue
            try:
                getattr(role, ask)("1")
            except Exception:  # whatever it is, what it says is looked at
                seen.append(traceback.format_exc())
    assert len(canaries) > 10
    of.store.close()
    seen += _commands(settings, monkeypatch)
    seen.append(caplog.text)
    written = b"".join(p.read_bytes() for p in tmp_path.glob("amends.sqlite3*"))
    said = "\n".join(seen)
    assert len(said) > 10_000
    for canary in canaries:
        assert canary not in said, canary.rpartition("-")[0]
        assert canary.encode() not in written, canary.rpartition("-")[0]


def connecting_client(of: Any) -> Any:
    from webhooks.app import create_app

    return create_app(of).test_client()


def _commands(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every command that asks for nothing says, right or wrong."""
    for name, value in settings.model_dump(exclude_none=True).items():
        monkeypatch.setenv(f"AMENDS_{name.upper()}", str(value))
    said: list[str] = []
    for line in (
        "connector list", "connector list --json", "case list", "case list --json", "task list",
        "person list", "ledger verify", "ledger balance", "ledger anchor", "doctor --offline",
        "doctor", "doctor --json", "limits show", "policy list", "case show nobody", "--help",
    ):  # fmt: skip
        ran = CliRunner().invoke(main, line.split())
        said.append(ran.output)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            said.append("".join(traceback.format_exception(ran.exception)))
    return said


def test_s5a_children_get_no_key_in_their_environment() -> None:
    """Nothing but the demo starts children, and it hands on the key's file, not the key."""
    starters = []
    for folder in ("core", "connectors", "webhooks", "console"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                named = isinstance(node, ast.Import | ast.ImportFrom) and any(
                    alias.name.partition(".")[0] in ("subprocess", "multiprocessing")
                    for alias in node.names
                )
                if named or (isinstance(node, ast.ImportFrom) and node.module == "subprocess"):
                    starters.append(path.relative_to(ROOT).as_posix())
    assert all(p.startswith(("webhooks/demo/", "webhooks/proof/")) for p in starters), starters


def test_s5a_a_weak_or_damaged_key_is_refused(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, 0)
    set_up(settings).store.close()
    good = settings.key_file.read_text()
    for bad in ("", "password", good[:-2], good.replace("amk1", "amk2"), "amk1.a.YWJj.00000000"):
        settings.key_file.write_text(bad)
        with pytest.raises(Exception, match="key") as refused:
            services(settings)
        assert good.split(".")[2] not in str(refused.value)
    settings.key_file.write_text(good)
    settings.key_file.chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        services(settings)


# ----------------------------------------------------------------------- S8a: erasure, S9a: supply


def test_s8a_a_forged_or_foreign_erasure_erases_nobody(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    till = rig.connection(rig.stage.tills["shopify"])
    url = f"{rig.of.settings.public_url}/hooks/{till.path_token}"
    domain = str(dict(till.settings)["shop"])  # type: ignore[arg-type]
    body = json.dumps({"shop_domain": domain, "customer": {"id": 7001}}).encode()
    headers = {
        "X-Shopify-Topic": "customers/redact", "X-Shopify-Shop-Domain": domain,
        "X-Shopify-Webhook-Id": "b54557e4-0000-0000-0000-000000000000",
        "X-Shopify-Hmac-Sha256": "AAAA",
    }  # fmt: skip
    with rig.store.read() as reader:
        before, deliveries = reader.find(Customer), reader.count(Delivery)
    assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 401
    rig.settle()
    with rig.store.read() as reader:
        assert reader.find(Customer) == before
        assert reader.count(Delivery) == deliveries
    assert Door(rig).post(b'{"type": "customers/redact"}', {}) == 401


def test_s9a_every_dependency_is_pinned_by_hash_and_nothing_starts_by_itself() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        for entry in re.split(r"\n(?=[a-zA-Z])", lock.read_text()):
            if re.match(r"[a-zA-Z0-9_.\-\[\]]+ ?==", entry):
                assert "--hash=sha256:" in entry, (lock.name, entry.splitlines()[0])
        assert "--extra-index-url" not in lock.read_text()
    make = (ROOT / "Makefile").read_text()
    assert "--require-hashes" in make
    assert "npm ci --ignore-scripts" in make.replace("$(NPM)", "npm")
    for package in json.loads((ROOT / "package-lock.json").read_text())["packages"].values():
        assert "integrity" in package or not package.get("resolved", "")
    shipped = [
        p for f in ("core", "connectors", "webhooks", "console") for p in (ROOT / f).rglob("*")
    ]
    assert not [p for p in shipped if p.suffix == ".pth" or p.name == "sitecustomize.py"]
