"""Every write to Zendesk, held against Zendesk's own description of its API, where there is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.ports import WriteBack
from tests.connectors.contract.bench import Bench
from tests.connectors.zendesk.contract import VARIABLE, Contract

#: Not in the description of the ticketing API: webhooks have a page of their own.
ELSEWHERE = ("/api/v2/webhooks",)

SMALL: dict[str, Any] = {
    "paths": {
        "/api/v2/tickets/{ticket_id}": {
            "put": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}
                    }
                }
            }
        }
    },
    "components": {
        "schemas": {
            "Ticket": {
                "type": "object",
                "properties": {
                    "ticket": {
                        "type": "object",
                        "properties": {"status": {"type": "string", "nullable": True}},
                    }
                },
            }
        }
    },
}


@pytest.mark.parametrize(
    ("path", "body", "fits"),
    [
        ("/api/v2/tickets/35", {"ticket": {"status": "solved"}}, True),
        ("/api/v2/tickets/35", {"ticket": {"status": None}}, True),
        ("/api/v2/tickets/35", {"ticket": {"status": 4}}, False),
        ("/api/v2/tickets/35", {"ticket": {"state": "solved"}}, False),
        ("/api/v2/tickets/35", {"ticked": {}}, False),
        ("/api/v2/tickets/35/tags", {}, False),
    ],
)
def test_a_description_sees_what_does_not_fit(path: str, body: object, fits: bool) -> None:
    assert (Contract(SMALL).problems("PUT", path, body) == []) is fits


def _everything(bench: Bench) -> None:
    """Each kind of write once, and each way of changing what is there already."""
    setup = bench.roles.setup
    assert setup is not None
    bench.harness.state.ticket_fields.clear()
    bench.settings.values.update(setup.install("https://amends.example/hooks/zendesk"))
    setup.install("https://amends.example/elsewhere")
    for kind in ("note", "reply", "marks"):
        back = WriteBack(
            kind=kind,
            ticket_id="35",
            marker="[amends:wb_1]",
            text="Refunded",
            tags=("amends_made_good",),
            fields={bench.settings["case_field"]: "case_1"},
        )
        bench.desk.write_back(back)
    setup.remove()


def _writes(bench: Bench) -> Iterator[tuple[str, str, Any]]:
    for seen in bench.harness.state.requests:
        if seen.method != "GET" and seen.path.startswith("/api/v2/"):
            yield seen.method, seen.path, json.loads(seen.body) if seen.body else None


def test_every_write_fits_the_description(bench: Bench) -> None:
    contract = Contract.named()
    if contract is None:
        pytest.skip(f"{VARIABLE} names no copy of Zendesk's OpenAPI description")
    _everything(bench)
    writes = list(_writes(bench))
    described = [one for one in writes if not one[1].startswith(ELSEWHERE)]
    wrong = {
        f"{method} {path}": found
        for method, path, body in described
        if (found := contract.problems(method, path, body))
    }
    assert wrong == {}
    assert len({(method, path.rstrip("0123456789")) for method, path, _ in described}) >= 6
