"""The guarded way out: what every request to a host goes through, ours or a library's.

`GuardedSession` is a `requests.Session` that can be handed to zenpy, stripe or python-freshdesk.
Whatever they ask for, it: never re-sends, follows no redirect, reads no proxy, cookie or password
from the machine, verifies TLS, resolves the host once per connection and connects to that very
address only if it is public, ends at one deadline for everything from look-up to last byte, stops
reading at a size, and raises errors that carry neither address parameters nor headers.
"""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from connectors import sockets

log = logging.getLogger(__name__)
# urllib3 writes addresses with their parameters (e-mails, tokens) into its debug lines.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

CHUNK = 64 * 1024
_PLAIN = re.compile(r"[A-Za-z][A-Za-z_.-]{0,31}|v[0-9]{1,2}|[0-9]{4}-[0-9]{2}", re.ASCII)


class WireError(requests.ConnectionError):
    """No usable answer. The message names method, host and path shape, nothing else."""


class Unreached(WireError):
    """Nothing was written to the host: it surely did not act."""


class Paced(Unreached):
    """Not sent, because the host's limit is used up: `wait` says when to come back."""

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait


class NoAnswer(WireError):
    """Something was written, and no complete answer came back: the host may have acted."""


@dataclass(slots=True)
class Attempt:
    """What happened on the wire inside one `attempt()` block, whatever a library says of it.

    until: monotonic second at which everything ends. written: a byte of a request went out.
    """

    until: float
    written: bool = False

    def left(self) -> float:
        """Seconds until the end; less than nothing when it is over."""
        return self.until - time.monotonic()


_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def attempt(within_seconds: float) -> Iterator[Attempt]:
    """Share one deadline among the requests made inside, and learn whether any was written."""
    outer = _attempt.get()
    until = time.monotonic() + within_seconds
    inner = Attempt(until if outer is None else min(until, outer.until))
    token = _attempt.set(inner)
    try:
        yield inner
    finally:
        _attempt.reset(token)
        if outer is not None:
            outer.written |= inner.written


def path_shape(path: str) -> str:
    """A path fit for a log: every segment that may name a person, a thing or a secret is `{}`."""
    parts = path.partition("?")[0].split("/")
    return "/".join(part if not part or _PLAIN.fullmatch(part) else "{}" for part in parts)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds and bytes one exchange may take."""

    within: float = 20.0
    connect: float = 5.0
    read: float = 15.0
    size: int = 8 * 1024 * 1024
    allow_private: bool = False


class Gauge(Protocol):
    """Asked before every request, told after every answer (`connectors.pacing`)."""

    def ask(self) -> timedelta | None: ...

    def heard(self, status: int, headers: Mapping[str, str]) -> None: ...


class HostClock:
    """A host's own time, by the `Date` of its last answer and however long ago that was."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None

    def heard(self, headers: Mapping[str, str]) -> None:
        said = headers.get("Date", "")
        if len(said) > 40 or "Age" in headers:  # somebody had kept the answer
            return
        try:
            at = parsedate_to_datetime(said)
        except (TypeError, ValueError, OverflowError):
            return
        self._told = (at if at.tzinfo else at.replace(tzinfo=UTC), time.monotonic())

    def now(self) -> datetime | None:
        """None where it has not told it."""
        if self._told is None:
            return None
        at, heard = self._told
        return at + timedelta(seconds=time.monotonic() - heard)


class _Adapter(HTTPAdapter):
    def __init__(self, bounds: Bounds, gauge: Gauge | None = None) -> None:
        super().__init__(pool_connections=4, pool_maxsize=16, max_retries=0)
        self.bounds, self._gauge = bounds, gauge
        self.clock = HostClock()
        self.poolmanager.pool_classes_by_scheme = {
            "http": sockets.PlainPool,
            "https": sockets.TlsPool,
        }

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        name = _name(request)
        self._refuse_odd(request, name)
        self._keep_pace(name)
        bounds, outer = self.bounds, _attempt.get()
        started = time.monotonic()
        until = started + bounds.within
        exchange = sockets.Exchange(
            min(until, outer.until) if outer else until, bounds.allow_private
        )
        token = sockets.current.set(exchange)
        problem, response = "", None
        try:
            response = super().send(
                request,
                stream=True,
                timeout=(bounds.connect, bounds.read),
                verify=verify or True,
                cert=cert,
            )
            _read(response, bounds.size)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            problem = _why(error)
        finally:
            sockets.current.reset(token)
            if outer is not None:
                outer.written |= exchange.written
        spent = round((time.monotonic() - started) * 1000)
        if problem or response is None:
            log.warning("%s failed after %d ms: %s", name, spent, problem)
            # Raised outside the except block: the library's own error, with the full address in
            # it, is not chained to this one.
            raise (NoAnswer if exchange.written else Unreached)(f"{name}: {problem}")
        log.info("%s %d %d ms", name, response.status_code, spent)
        self.clock.heard(response.headers)
        if self._gauge is not None:
            self._gauge.heard(response.status_code, response.headers)
        return response

    def _keep_pace(self, name: str) -> None:
        wait = self._gauge.ask() if self._gauge is not None else None
        if wait is not None:
            seconds = wait.total_seconds()
            log.info("%s waits %.1f s for its turn", name, seconds)
            raise Paced(f"{name}: the host's limit is used up for {seconds:.1f} s more", wait)

    def _refuse_odd(self, request: requests.PreparedRequest, name: str) -> None:
        parts = urlsplit(request.url or "")
        if self.bounds.allow_private:
            return
        if parts.scheme != "https" or parts.port not in (None, 443):
            raise Unreached(f"{name}: only https on its usual port is allowed for this connection")
        if "@" in parts.netloc:
            raise Unreached(f"{name}: an address must not carry a user name or password")


def _name(request: requests.PreparedRequest) -> str:
    parts = urlsplit(request.url or "")
    return f"{request.method} {parts.hostname or ''}{path_shape(parts.path)}"


def _read(response: requests.Response, size_max: int) -> None:
    chunks, size = [], 0
    for chunk in response.raw.stream(CHUNK, decode_content=True):
        size += len(chunk)
        if size > size_max:
            response.raw.close()
            raise ValueError(f"the answer is larger than {size_max} bytes")
        chunks.append(chunk)
    response.raw.release_conn()
    response._content = b"".join(chunks)
    response._content_consumed = True  # type: ignore[attr-defined]


def _why(error: BaseException) -> str:
    """A sentence from what lies under a library's error, without the address it was about."""
    causes: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(causes) < 8:
        causes.append(type(seen).__name__)
        if isinstance(seen, sockets.AddressRefused):
            return str(seen)
        if isinstance(seen, socket.gaierror):
            return "its name is not known"
        if isinstance(seen, ValueError) and str(seen).startswith("the answer is larger"):
            return str(seen)
        reason = getattr(seen, "reason", None)
        inner = next((one for one in seen.args if isinstance(one, BaseException)), None)
        seen = reason if isinstance(reason, BaseException) else inner or seen.__cause__
    told = " ".join(causes)
    if "SSL" in told or "Certificate" in told:
        return "its certificate or TLS cannot be trusted"
    if "Timeout" in told or "timeout" in told:
        return "it did not answer in time"
    if "ConnectionRefused" in told:
        return "it refused the connection"
    if "Reset" in told or "RemoteDisconnected" in told or "Aborted" in told:
        return "it dropped the connection"
    return f"the connection failed ({causes[-1]})"


class GuardedSession(requests.Session):
    """A `requests.Session` for one connection; see the top of this file. `view` makes another one
    over the same pool, for a library that wants hooks of its own."""

    #: zenpy looks for this to learn that the session signs requests itself.
    authorized = True

    def __init__(self, ways: _Adapter) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["User-Agent"] = "Amends"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.adapters.clear()
        self.clock = ways.clock
        self._ways = ways
        self.mount("https://", ways)
        self.mount("http://", ways)

    @classmethod
    def within(cls, bounds: Bounds, gauge: Gauge | None = None) -> GuardedSession:
        return cls(_Adapter(bounds, gauge))

    def view(self) -> GuardedSession:
        """Another session over the same connections, signing as this one does."""
        other = GuardedSession(self._ways)
        other.auth = self.auth
        return other

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere, whatever `allow_redirects` a library asks for."""
        return None
