"""The ground every stand-in stands on: state, the door with its faults, the control API, `serve`.

A host is a folder `sandbox/<host>/` whose `create(state=None)` makes a Flask app over a `HostState`
of its own: books in memory, guarded by `state.lock`. Tests steer it under `/_sandbox/`
(`sandbox.control`); those requests meet no fault and are not logged.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock
from sandbox.control import control_api
from sandbox.faults import Fault, Faults
from sandbox.hooks import Delivery, Hooks, Target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

P = ParamSpec("P")
R = TypeVar("R")

_SECRET_NAMES = ("authorization", "cookie", "token", "secret", "api-key")


@dataclass
class Seen:
    """A request the host received. `acted` is False where a fault kept the host from acting.

    `status` is the host's own answer, before a fault changed or swallowed it.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    at: str
    acted: bool = False
    status: int | None = None
    fault: str | None = None


class HostState:
    """What one host knows. A host overrides the methods below `clear`.

    `reset_books` runs at creation too, so it is where a host makes its tables.
    """

    #: Paths whose bodies carry credentials and are left out of the request log.
    secret_paths: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.hooks = Hooks(self)
        self.reset_books()

    def clear(self) -> None:
        """Back to the day of creation: books, faults, webhooks, request log. The clock stays."""
        self.faults.clear()
        self.hooks.clear()
        with self.lock:
            self.requests.clear()
            self.reset_books()

    def close(self) -> None:
        self.faults.clear()
        self.hooks.close()

    def reset_books(self) -> None:
        """Empty the host's own books. Called with the lock held, and once at creation."""

    def books(self) -> dict[str, Any]:
        """The host's own books as JSON: what really happened, whoever was told."""
        return {}

    def seed(self, data: Mapping[str, Any]) -> None:
        """Take over a part of the demo world (`sandbox.world` says in which shape)."""
        raise NotImplementedError(f"{type(self).__name__} cannot be seeded")

    def operations(self, method: str, path: str, body: bytes) -> Sequence[str]:
        """Names that a fault may match as `operation`, such as the root fields of a document."""
        return ()

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        raise NotImplementedError(f"{type(self).__name__} sends no webhooks")

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        return {}

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        return None

    def locked(self, view: Callable[P, R]) -> Callable[P, R]:
        """Decorator: the view runs with the host's lock held."""

        @wraps(view)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.lock:
                return view(*args, **kwargs)

        return run

    def record(self, request: Request, body: bytes) -> Seen:
        """Log a request, its secrets left out."""
        hidden = request.path.startswith(self.secret_paths) if self.secret_paths else False
        seen = Seen(
            method=request.method,
            path=request.path,
            query=request.query_string.decode("latin-1"),
            headers={
                name: "[secret]" if any(part in name.lower() for part in _SECRET_NAMES) else value
                for name, value in request.headers.items()
            },
            body="[secret]" if hidden else body.decode("utf-8", "replace"),
            at=self.clock.iso(),
        )
        with self.lock:
            self.requests.append(seen)
        return seen


def host_app(name: str, state: HostState) -> Flask:
    """A Flask app for a host, with the control API and the door in front. Routes are the host's."""
    app = Flask(name)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.extensions["sandbox"] = state
    app.register_blueprint(control_api(state))
    app.wsgi_app = Door(app.wsgi_app, state)  # type: ignore[method-assign]
    return app


def state_of(app: Flask) -> HostState:
    """The state behind an app made by `host_app`."""
    return cast(HostState, app.extensions["sandbox"])


class Door:
    """In front of a host: logs the request, plays the faults, lets its webhooks out."""

    def __init__(self, app: WSGIApplication, state: HostState) -> None:
        self._app = app
        self._state = state

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_sandbox/"):
            return self._app(environ, start_response)
        state = self._state
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        seen = state.record(request, body)
        operations = state.operations(request.method, request.path, body)
        fault = state.faults.take(request.method, request.path, operations)
        if fault is not None:
            seen.fault = f"{fault.when} {fault.kind}"
        if fault is not None and fault.when == "before":
            answer = self._suffer(fault, environ)
            if answer is not None:
                return answer(environ, start_response)
        seen.acted = True
        with state.hooks.collecting() as pending:
            response = Response.from_app(self._app, environ, buffered=True)
            response.date = self._state.clock.now()
        seen.status = response.status_code
        state.hooks.send(pending)
        if fault is not None and fault.when == "after":
            response = self._suffer(fault, environ) or response
        return response(environ, start_response)

    def _suffer(self, fault: Fault, environ: WSGIEnvironment) -> Response | None:
        """The answer the fault makes; None where the host's own answer follows (a delay)."""
        if fault.kind == "delay":
            self._state.faults.hold(fault.seconds)
            return None
        if fault.kind == "timeout":
            self._state.faults.hold(fault.seconds)
            _hang_up(environ)
        if fault.kind == "drop":
            _hang_up(environ)
        if fault.kind == "garbage":
            page = "<!doctype html><title>Just a moment</title><p>Checking your browser.</p>"
            return Response(page, 200, content_type="text/html; charset=utf-8")
        text = isinstance(fault.body, str)
        return Response(
            fault.body if text else json.dumps(fault.body or {"error": "fault"}),
            fault.status,
            dict(fault.headers),
            content_type="text/plain; charset=utf-8" if text else "application/json",
        )


def _hang_up(environ: WSGIEnvironment) -> None:
    """Close the connection without a byte of an answer. The server takes the error as its end."""
    with contextlib.suppress(KeyError, OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("the sandbox dropped this answer on purpose")


class _Handler(WSGIRequestHandler):
    """Quiet, and without Nagle's delay: headers and body leave in two writes."""

    disable_nagle_algorithm = True

    def send_response(self, code: int, message: str | None = None) -> None:
        """With no `Date` of the machine's: a host has a clock of its own."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger("sandbox").error(message, *args)


class _Server(ThreadedWSGIServer):
    """Remembers its connections, so that closing it also ends the ones a client keeps alive."""

    def __init__(self, port: int, app: Flask) -> None:
        self._open: set[socket.socket] = set()
        super().__init__("127.0.0.1", port, app, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Running:
    """Hosts that are being served. `urls` maps each name to its address, without a last slash."""

    def __init__(self, apps: Mapping[str, Flask], ports: Mapping[str, int]) -> None:
        self.states = {name: state_of(app) for name, app in apps.items()}
        self._servers = {name: _Server(ports.get(name, 0), app) for name, app in apps.items()}
        self.urls = {
            name: f"http://127.0.0.1:{server.server_port}" for name, server in self._servers.items()
        }
        self._threads = [
            threading.Thread(
                target=server.serve_forever, args=(0.05,), name=f"sandbox-{name}", daemon=True
            )
            for name, server in self._servers.items()
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for state in self.states.values():
            state.close()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(apps: Mapping[str, Flask], ports: Mapping[str, int] | None = None) -> Running:
    """Serve each app on 127.0.0.1, on the port given for its name or on a free one."""
    return Running(apps, ports or {})
