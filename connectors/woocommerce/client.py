"""One shop's REST v3: reads, lists to their end, and writes sent once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from requests.auth import HTTPBasicAuth

from connectors.http import ANSWER_DEPTH_MAX, Answer, Http
from connectors.strict import Json, NotJson, read_json
from core.ports import (
    HostDenied,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Unknown,
)

Node = Mapping[str, Any]
PAGE = 100
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_TAGS = re.compile(r"<[^>]{0,500}>")
#: One payout of an order, one coupon of a code at a time in this process.
_LOCKS = tuple(Lock() for _ in range(128))


@dataclass(frozen=True, slots=True)
class Refused:
    """WordPress said no: its status, its code and its words."""

    status: int
    code: str
    message: str


class Shop:
    """Safe to share among threads."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Node:
        """One thing. Raises `HostError`."""
        return self._http.get_json(self._url(path), params=params, auth=self._auth())

    def listed(self, path: str, params: Mapping[str, str], *, pages_max: int) -> Iterator[Node]:
        """Every entry, page by page. Raises `HostError`; `HostUnclear` where there are more pages
        than that, for a part of a list must never look like an absence.

        A filter the shop does not know is silently ignored and everything is listed: whoever asks
        compares what comes.
        """
        for page in range(1, pages_max + 1):
            asked = {**params, "per_page": str(PAGE), "page": str(page)}
            answer = self._http.request("GET", self._url(path), params=asked, auth=self._auth())
            found = _list(answer)
            yield from found
            if len(found) < PAGE:
                return
        raise HostUnclear("the shop lists more than can be looked through")

    def write(
        self, method: str, path: str, body: object = None, params: Mapping[str, str] | None = None
    ) -> Node | Refused | NotSent | Unknown:
        """Change something, sent once. Raises nothing.

        A plain no may come with 500 (a refund the shop or its gateway does not want), which by
        itself says nothing: the caller looks whether it was done.
        """
        try:
            url, auth = self._url(path), self._auth()
        except HostDenied as error:
            return NotSent(str(error))
        sent = self._http.send(method, url, params=params, json=body, auth=auth, judge={500})
        if not isinstance(sent, Answer):
            return sent
        try:
            said = sent.json()
        except HostUnclear as error:
            return Unknown(str(error))
        if 200 <= sent.status < 300:
            return said
        code, message = said.get("code"), said.get("message")
        if sent.status in (401, 403):
            return NotSent("WooCommerce says that our key is not valid or may not do this")
        if not isinstance(code, str) or not isinstance(message, str):
            return Unknown(f"{sent.asked} was answered with {sent.status} and no reason")
        return Refused(sent.status, code, self._http.redact(_plain(message)))

    def one_call(self) -> AbstractContextManager[object]:
        """Around several requests that together may take no longer than one."""
        return self._http.attempt()

    @contextmanager
    def alone(self, thing: str) -> Iterator[None]:
        """Nobody else in this process changes `thing` of this shop meanwhile. Raises
        `HostUnavailable` where the time of the call goes by with waiting."""
        with self._http.attempt() as attempt:
            lock = _LOCKS[hash((self.address(), thing)) % len(_LOCKS)]
            if not lock.acquire(timeout=max(0.0, attempt.left())):
                raise HostUnavailable("another payout of this order is being made")
            try:
                yield
            finally:
                lock.release()

    def address(self) -> str:
        """Without a slash at the end. Raises `HostDenied`."""
        named = (self._settings.get("address") or "").rstrip("/")
        parts = urlsplit(named)
        if parts.scheme not in ("https", "http") or "." not in (parts.hostname or ""):
            raise HostDenied("this connection has no usable address of a shop; correct it")
        return named

    def _url(self, path: str) -> str:
        return f"{self.address()}/wp-json/wc/v3/{path}"

    def _auth(self) -> HTTPBasicAuth:
        """The keys as they are now. Raises `HostDenied`."""
        key, secret = (self._settings.get(f"consumer_{part}") for part in ("key", "secret"))
        if not key or not secret:
            raise HostDenied("no consumer key and secret are set: connect the shop")
        return HTTPBasicAuth(key, secret)


def number(text: str | None) -> str | None:
    """An id that may go into an address; None for anything else."""
    return text if text is not None and _ID.fullmatch(text) else None


def _list(answer: Answer) -> list[Node]:
    try:
        found: Json = read_json(answer.body, size_max=len(answer.body), depth_max=ANSWER_DEPTH_MAX)
    except NotJson as problem:
        raise HostUnclear(f"{answer.asked}: the answer is unreadable: {problem}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise HostUnclear(f"{answer.asked}: the answer is not a list of things")
    return found


def _plain(message: str) -> str:
    """WordPress puts HTML into its sentences."""
    return " ".join(_TAGS.sub(" ", message).split())[:300]
