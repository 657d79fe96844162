"""Webhook requests: proved, kept, answered. Nothing else happens while the host waits.

202: kept (or kept before). 200: a host only tried the address. 400: not what this host sends.
401: not proved. 404: no such address. 413: too large. 503 with Retry-After: try again; hosts that
give up on 500 retry on that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Blueprint, Request, Response, jsonify, request

from core.connection import Delivery
from core.errors import AmendsError
from core.ids import new_id
from core.ports import Malformed, Ping, RawRequest, Unverified
from core.store import AlreadyExists, Store
from webhooks.hosts import Hosts, NoSuchConnection

log = logging.getLogger(__name__)

RETRY_SECONDS = "20"
_HEADERS_MAX = 100
_HEADER_MAX = 8 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_NOT_KEPT = ("authorization", "cookie", "secret", "token", "api-key", "password")


class TooLarge(AmendsError):
    """The body is larger than any host sends."""


def blueprint(
    store: Store,
    hosts: Hosts,
    *,
    now: Callable[[], datetime],
    notice: Callable[[], None],
    body_max: int,
) -> Blueprint:
    """`POST /hooks/<token>`. `notice` tells the runner that something is due."""
    routes = Blueprint("intake", __name__)

    @routes.post("/hooks/<token>")
    def hook(token: str) -> tuple[Response, int]:
        if _TOKEN.fullmatch(token) is None:
            return _no(404, "there is nothing at this address")
        connection_id = None
        try:
            connection_id = hosts.of_token(token)
            if connection_id is None:
                return _no(404, "there is nothing at this address")
            raw = _raw(request, body_max)
            key = hosts.get(connection_id).intake.verify(raw, now())
        except TooLarge as error:
            return _no(413, str(error))
        except Ping:
            return jsonify(kept=False), 200
        except Unverified as error:
            log.info("hook of %s refused: %s", connection_id, error)
            return _no(401, "the request is not proved to come from the host")
        except Malformed as error:
            return _no(400, str(error))
        except NoSuchConnection:
            return _no(404, "there is nothing at this address")
        except AmendsError as error:
            return _later(str(error))
        return _keep(connection_id, key, raw)

    def _keep(connection_id: str, key: str, raw: RawRequest) -> tuple[Response, int]:
        received = now()
        delivery = Delivery(
            id=new_id("dlv", int(received.timestamp() * 1000)),
            connection_id=connection_id,
            dedupe_key=key,
            received_at=received,
            headers=_kept_headers(raw.headers),
            body=raw.body,
            state="new",
            due_at=received,
        )
        try:
            store.append(delivery)
        except AlreadyExists:
            return jsonify(kept=True, again=True), 202
        except AmendsError as error:
            return _later(str(error))
        notice()
        return jsonify(kept=True), 202

    return routes


def _raw(asked: Request, body_max: int) -> RawRequest:
    """The request as bytes, bounded before it is read; nothing is ever decompressed."""
    if asked.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed("send the body uncompressed")
    if (asked.content_length or 0) > body_max:
        raise TooLarge(f"the body is larger than {body_max} bytes")
    body = asked.stream.read(body_max + 1)
    if len(body) > body_max:
        raise TooLarge(f"the body is larger than {body_max} bytes")
    headers = {name.lower(): value for name, value in asked.headers.items()}
    if len(headers) > _HEADERS_MAX or any(len(v) > _HEADER_MAX for v in headers.values()):
        raise Malformed("the headers are larger than any host sends")
    return RawRequest(headers=headers, body=body, query=asked.args.to_dict())


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that go into the delivery: whatever may be a credential stays out."""
    return {
        name: value
        for name, value in headers.items()
        if not any(word in name for word in _NOT_KEPT)
    }


def _no(status: int, why: str) -> tuple[Response, int]:
    return jsonify(error=why), status


def _later(why: str) -> tuple[Response, int]:
    log.warning("hook answered with 503: %s", why)
    answer = jsonify(error="try again shortly")
    answer.headers["Retry-After"] = RETRY_SECONDS
    return answer, 503
