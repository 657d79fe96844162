"""Every connector's webhook address at once, in one workspace, without a server in between."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from connectors import registry
from core.case import Case
from core.connection import Delivery
from core.payout import Payout
from core.ports import RawRequest
from core.store.sealing import Sealer, new_key, read_keys
from tests.connectors.contract.bench import claiming
from tests.connectors.contract.harness import harness_of
from tests.stores import open_store
from webhooks import connecting
from webhooks.app import Services, create_app, ensure_workspace
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts
from webhooks.settings import Settings


@dataclass
class Gate:
    name: str
    harness: Any
    token: str
    gates: Gates

    def knock(self, request: RawRequest, token: str | None = None) -> int:
        """Send it as a host would; the status that comes back."""
        answer = self.gates.client.post(
            f"/hooks/{token or self.token}",
            data=request.body,
            headers=[(k, v) for k, v in request.headers.items() if k != "content-length"],
            query_string=dict(request.query),
            content_type=request.headers.get("content-type", "application/json"),
        )
        return answer.status_code

    @property
    def signs(self) -> bool:
        return registry.spec(self.name).quality.get("signed", ("done", ""))[0] == "done"

    @property
    def dates(self) -> bool:
        return registry.spec(self.name).quality.get("fresh", ("done", ""))[0] == "done"


class Gates:
    def __init__(self, folder: Path, names: list[str]) -> None:
        self.store = open_store("sqlite", folder)
        settings = Settings(workspace=self.store.workspace_id, allow_private_hosts=True)
        sealer = Sealer(read_keys(new_key()))
        self.hosts = Hosts(self.store, sealer, allow_private=True, call_within=settings.call_within)
        self.ahead = timedelta(0)
        clock = Clock(now=lambda: datetime.now(UTC) + self.ahead, steady=lambda: 0.0)
        self.of = Services(settings, self.store, sealer, self.hosts, clock)
        ensure_workspace(self.store, "attacked", clock)
        self.client: FlaskClient = create_app(self.of).test_client()
        self.each = {name: self._gate(name) for name in names}

    def _gate(self, name: str) -> Gate:
        harness = harness_of(name)()
        known = {setting.name for setting in registry.spec(name).settings}
        values = {k: v for k, v in harness.settings().items() if k in known}
        row = connecting.add(self.of, name, values=values, options={"policy": "none"})
        return Gate(name, harness, row.path_token, self)

    def rows(self) -> tuple[int, int, int]:
        """Deliveries, cases and payouts that were written."""
        with self.store.read() as reader:
            return reader.count(Delivery), reader.count(Case), reader.count(Payout)

    def kept(self) -> list[Delivery]:
        with self.store.read() as reader:
            return reader.find(Delivery)

    def close(self) -> None:
        for gate in self.each.values():
            gate.harness.close()
        self.store.close()


@contextmanager
def opened_gates(folder: Path, names: list[str] | None = None) -> Iterator[Gates]:
    gates = Gates(folder, names or claiming("intake"))
    try:
        yield gates
    finally:
        gates.close()


def forged(request: RawRequest, proofs: tuple[str, ...]) -> list[RawRequest]:
    """Twenty ways to have no proof for each header (or secret in the address) that is one."""
    made = [other for name in proofs for other in _without_proof(request.headers, name, request)]
    for name in request.query:
        made += [
            RawRequest(request.headers, request.body, query)
            for query in _variants(request.query, name, request.body)
        ]
    return made


def _without_proof(headers: Mapping[str, str], name: str, of: RawRequest) -> list[RawRequest]:
    return [RawRequest(other, of.body, of.query) for other in _variants(headers, name, of.body)]


def _variants(of: Mapping[str, str], name: str, body: bytes) -> list[dict[str, str]]:
    value = of[name]
    wrong_key = {
        algorithm: hmac.new(b"wrong", body, algorithm).hexdigest()
        for algorithm in ("md5", "sha1", "sha256", "sha512")
    }
    values = [
        "", " ", value[:-1], value[1:], value + "A", value + value, value.swapcase(), value[::-1],
        "A" * len(value), "0" * 64, "=" * 44, "none", "null", "NaN", "1e9", "+1700000000",
        "x" * 4096, *wrong_key.values(), f"sha1={wrong_key['sha1']}", "é", "t=,v1=",
    ]  # fmt: skip
    rest = {key: v for key, v in of.items() if key != name}
    return [rest, *({**rest, name: odd} for odd in values if odd.strip() != value)]
