"""Recorded deliveries as tests: `tests/payloads/<host>/<name>.http` beside `<name>.json`.

The `.http` file is the request as it came: request line, headers, empty line, exact body
and one line end. The `.json` file says under which `settings` and at which `now` it is looked at,
the `key` it must get, and the `events` it must mean or the `error` it must raise. Adding two files
adds a test.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.parser import Parser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors import registry
from connectors.http import Http
from core.events import Event
from core.money import Money
from core.ports import Intake, Malformed, RawRequest, Unrecognised, Unverified
from tests.connectors.contract.bench import claiming, ours, taken_in
from tests.connectors.contract.harness import StoredSettings, home_of

ERRORS = {error.__name__: error for error in (Malformed, Unrecognised, Unverified)}
FILES = [
    pytest.param(name, path, id=f"{name}-{path.stem}")
    for name in ours()
    for path in sorted(home_of(name).payloads.glob("*.http"))
]


def _request(path: Path) -> RawRequest:
    head, _, body = path.read_bytes().partition(b"\n\n")
    line, _, headers = head.decode("latin-1").partition("\n")
    query = dict(parse_qsl(urlsplit(line.split(" ")[1]).query))
    found = {name.lower(): value for name, value in Parser().parsestr(headers).items()}
    return RawRequest(found, body.removesuffix(b"\n"), query)


def _plain(value: object) -> object:
    if isinstance(value, Money):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _shown(event: Event) -> dict[str, Any]:
    fields = {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}
    return {"event": type(event).__name__, **{k: v for k, v in fields.items() if v is not None}}


def _intake(host: str, settings: Mapping[str, str]) -> Intake:
    http = Http(within=timedelta(seconds=1))
    intake = registry.connect(host, StoredSettings(settings), http).intake
    assert intake is not None
    return intake


@pytest.mark.parametrize(("name", "path"), FILES)
def test_payload(name: str, path: Path) -> None:
    wanted = json.loads(path.with_suffix(".json").read_text("utf-8"))
    intake = _intake(name, wanted["settings"])
    request, now = _request(path), datetime.fromisoformat(wanted["now"])
    if "error" in wanted:
        with pytest.raises(ERRORS[wanted["error"]]):
            taken_in(intake, request, now)
        return
    key, events = taken_in(intake, request, now)
    assert key == wanted["key"]
    assert [_shown(event) for event in events] == wanted["events"]


@pytest.mark.parametrize("name", claiming("intake"))
def test_every_event_a_connector_hears_has_a_payload(name: str) -> None:
    files = home_of(name).payloads.glob("*.json")
    seen = {
        event["event"]
        for path in files
        for event in json.loads(path.read_text("utf-8")).get("events", [])
    }
    missing = set(registry.spec(name).hears) - seen
    assert not missing, f"add {home_of(name).payloads}/*.http and .json for {sorted(missing)}"
