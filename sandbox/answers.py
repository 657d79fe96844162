"""Answers raised from deep inside a stand-in, and the reading of a request's JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, jsonify, request


class Refused(Exception):
    """The host's no: status, JSON body (None for an empty one) and headers, as it would send it."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def answer_refusals(app: Flask) -> None:
    """Make `app` turn a raised `Refused` into its answer."""

    @app.errorhandler(Refused)
    def refused(no: Refused) -> Response:
        response = jsonify(no.body) if no.body is not None else Response(b"")
        response.status_code = no.status
        response.headers.update(no.headers)
        return response


def json_object(refusal: Refused) -> dict[str, Any]:
    """The request's body, if it is a JSON object; raises `refusal` if it is not."""
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise refusal
    return data
