"""The control API every host answers under `/_sandbox/`: what tests and the demo page steer with.

| call | does |
|---|---|
| GET/POST/DELETE `faults` | those still to come; ask for one (`sandbox.faults.Fault`); clear |
| GET `books` | the host's own books |
| GET `requests` | what it received, secrets left out |
| POST `reset`, `seed`, `clock` | empty it; fill it; `{"advance_s": 60}` |
| GET/POST `webhooks` | deliveries made; register `{"url", "secret", "topics"}` |
| POST `webhooks/options` | `sandbox.hooks.Options`, in part |
| POST `webhooks/hold`, `webhooks/release` | keep deliveries back; let go, `{"backwards": true}` |
| POST `webhooks/replay` | `{"id"}`: send a past delivery again |
| POST `webhooks/idle` | wait until what is due was sent |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from sandbox.clock import Clock
from sandbox.faults import BadFault, Fault, Faults
from sandbox.hooks import Hooks, Target, as_json


class Controlled(Protocol):
    """What the control API needs of a host."""

    lock: Any
    clock: Clock
    faults: Faults
    hooks: Hooks
    requests: list[Any]

    def clear(self) -> None: ...
    def books(self) -> dict[str, Any]: ...
    def seed(self, data: Mapping[str, Any]) -> None: ...


def control_api(state: Controlled) -> Blueprint:
    api = Blueprint("control", __name__, url_prefix="/_sandbox")
    _books(api, state)
    _faults(api, state)
    _webhooks(api, state)
    return api


def _body() -> dict[str, Any]:
    data = request.get_json(silent=True)
    return data if isinstance(data, dict) else {}


def _books(api: Blueprint, state: Controlled) -> None:
    @api.get("/books")
    def books() -> Response:
        with state.lock:
            return jsonify(state.books())

    @api.get("/requests")
    def requests() -> Response:
        with state.lock:
            return jsonify(requests=[asdict(seen) for seen in state.requests])

    @api.post("/reset")
    def reset() -> Response:
        state.clear()
        return jsonify(ok=True)

    @api.post("/seed")
    def seed() -> Response:
        with state.lock:
            state.seed(_body())
        return jsonify(ok=True)

    @api.post("/clock")
    def clock() -> Response:
        state.clock.advance(float(_body()["advance_s"]))
        return jsonify(now=state.clock.iso())


def _faults(api: Blueprint, state: Controlled) -> None:
    @api.get("/faults")
    def remaining() -> Response:
        return jsonify(faults=state.faults.remaining())

    @api.post("/faults")
    def add() -> tuple[Response, int]:
        try:
            state.faults.add(Fault.read(request.get_json(silent=True)))
        except BadFault as error:
            return jsonify(error=str(error)), 400
        return jsonify(faults=state.faults.remaining()), 201

    @api.delete("/faults")
    def clear() -> Response:
        state.faults.clear()
        return jsonify(faults=[])


def _webhooks(api: Blueprint, state: Controlled) -> None:
    hooks = state.hooks

    @api.get("/webhooks")
    def deliveries() -> Response:
        return jsonify(deliveries=[as_json(delivery) for delivery in list(hooks.log)])

    @api.post("/webhooks")
    def register() -> tuple[Response, int]:
        data = _body()
        target = Target(
            id=str(uuid4()),
            url=data["url"],
            secret=data.get("secret", ""),
            topics=tuple(data.get("topics", ())),
            meta=data.get("meta", {}),
        )
        hooks.targets[target.id] = target
        return jsonify(id=target.id), 201

    @api.post("/webhooks/options")
    def options() -> Response:
        return jsonify(asdict(hooks.set_options(**_body())))

    @api.post("/webhooks/hold")
    def hold() -> Response:
        return jsonify(asdict(hooks.set_options(hold=True)))

    @api.post("/webhooks/release")
    def release() -> Response:
        return jsonify(released=hooks.release(backwards=bool(_body().get("backwards"))))

    @api.post("/webhooks/replay")
    def replay() -> tuple[Response, int]:
        found = hooks.replay(str(_body().get("id")))
        return jsonify(replayed=found), 200 if found else 404

    @api.post("/webhooks/idle")
    def idle() -> Response:
        return jsonify(idle=hooks.idle(float(_body().get("timeout_s", 10))))
