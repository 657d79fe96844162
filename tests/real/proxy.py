"""A door in front of a real host, where trouble can be planted: before the host acts, or after.

The stand-ins have the same door (`sandbox.host.Door`); here what lies behind it is real.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import requests
from flask import Flask, Response, request

from sandbox.host import HostState, Running, host_app, serve

_ROOT = re.compile(r"\A\s*(query|mutation)[^{]*?(?:\([^)]*\))?\s*\{\s*(\w+)")
_NOT_PASSED_ON = ("connection", "keep-alive", "transfer-encoding", "content-encoding", "date")


class RealHost(HostState):
    """`upstream` is the address of what lies behind the door."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream
        self.session = requests.Session()

    def operations(self, method: str, path: str, body: bytes) -> Sequence[str]:
        """Of a GraphQL document: `query` or `mutation`, and its first field."""
        try:
            found = _ROOT.match(json.loads(body)["query"])
        except (ValueError, TypeError, KeyError):
            return ()
        return found.groups() if found else ()

    def pass_on(self) -> Response:
        answer = self.session.request(
            request.method,
            f"{self._upstream}{request.full_path}",
            data=request.get_data(),
            headers={k: v for k, v in request.headers if k.lower() not in ("host", "connection")},
            allow_redirects=False,
            timeout=60,
        )
        headers = [(k, v) for k, v in answer.headers.items() if k.lower() not in _NOT_PASSED_ON]
        return Response(answer.content, answer.status_code, headers)


def in_front_of(state: RealHost) -> Running:
    """Serve the door as host `real`; `close()` it when done."""
    app: Flask = host_app("real", state)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    for rule in ("/", "/<path:_>"):
        app.add_url_rule(
            rule,
            rule,
            lambda _="": state.pass_on(),
            methods=methods,
            provide_automatic_options=False,
        )
    return serve({"real": app})
