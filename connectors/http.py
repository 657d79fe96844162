"""Calls to hosts: reads that are patient, writes that are sent once.

One `Http` serves one connection. Reads (`request`, `get_json`, `patiently`) are tried again while
time is left and raise a `HostError`. Writes (`send`) are never sent again by anything here: what
came of one is an `Answer`, or `NotSent` (surely nothing was written, or the host told us to wait
before it acted), or `Unknown` (it may have acted). Libraries get `http.session`, and
`http.attempt()` says afterwards whether anything went out.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
import tenacity

from connectors import wire
from connectors.pacing import Gauge, retry_after
from connectors.strict import Json, NotJson, read_json
from core.pace import Pacer, Reading
from core.ports import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Spec,
    Unknown,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_DEPTH_MAX = 64
#: A read waits this long by itself for its turn at a host; for longer, the case is put off.
TURN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a host answered. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked: str

    def __repr__(self) -> str:
        return f"<Answer {self.status} to {self.asked}>"

    def json(self) -> dict[str, Json]:
        """The JSON object in it ({} for an empty 204). Raises `HostUnclear`."""
        if self.status == 204 and not self.body:
            return {}
        try:
            value = read_json(self.body, size_max=len(self.body), depth_max=ANSWER_DEPTH_MAX)
        except NotJson as problem:
            raise HostUnclear(f"{self.asked}: the answer is unreadable: {problem}") from None
        if not isinstance(value, dict):
            raise HostUnclear(f"{self.asked}: the answer is not a JSON object")
        return value

    @property
    def retry_after(self) -> timedelta | None:
        return retry_after(self.headers.get("retry-after"))

    def checked(self) -> Answer:
        """Itself if the host said yes; else raises the `HostError` that fits its status."""
        said = f"{self.asked} was answered with {self.status}"
        if 200 <= self.status < 300:
            return self
        if self.status in (401, 403):
            raise HostDenied(f"{said}: our access is not valid or lacks a permission; reconnect")
        if self.status in (404, 410):
            raise HostNotFound(f"{said}: it does not exist there (any more)")
        if self.status == 429 or self.status >= 500:
            raise HostUnavailable(f"{said}: try again later", retry_after=self.retry_after)
        if 300 <= self.status < 400:
            raise HostUnclear(f"{said}: a redirect is never followed; correct the address")
        raise HostUnclear(f"{said}, which was not expected")


class NotOurTurn(HostUnavailable):
    """The host's limit is used up; nothing was asked of it."""


def answered(sent: Answer | NotSent | Unknown) -> Answer:
    """For writes that move no money (a note, a field): an answer, or the `HostError` that fits."""
    match sent:
        case Answer():
            return sent
        case NotSent(why, wait):
            raise HostUnavailable(why, retry_after=wait)
        case Unknown(why):
            raise HostUnavailable(f"{why}; it may have been done all the same")


class Http:
    """The way to one host. Safe to share among threads; close it when the connection ends."""

    def __init__(
        self,
        *,
        within: timedelta = timedelta(seconds=20),
        allow_private: bool = False,
        secrets: Callable[[], Iterable[str]] = tuple,
        size_max: int = 8 * 1024 * 1024,
        gauge: Gauge | None = None,
    ) -> None:
        seconds = within.total_seconds()
        self._bounds = wire.Bounds(
            within=seconds,
            connect=min(5.0, seconds),
            read=min(15.0, seconds),
            size=size_max,
            allow_private=allow_private,
        )
        self._secrets = secrets
        self._gauge = gauge
        #: For libraries: a guarded `requests.Session` (see `connectors.wire`). It answers every
        #: status as it came and raises only `wire.Unreached` and `wire.NoAnswer`.
        self.session = wire.GuardedSession.within(self._bounds, gauge)

    @classmethod
    def of(
        cls,
        spec: Spec,
        settings: Settings,
        *,
        allow_private: bool = False,
        pacer: Pacer | None = None,
    ) -> Http:
        """The `Http` a connection is given: its time limit, its secrets to keep out of text, and
        its bucket, where the host says how fast it may be called."""
        names = [setting.name for setting in spec.settings if setting.secret]
        return cls(
            within=spec.calls_within,
            allow_private=allow_private,
            secrets=lambda: [value for name in names if (value := settings.get(name))],
            gauge=Gauge(spec.rate, pacer) if spec.rate is not None and pacer is not None else None,
        )

    def __repr__(self) -> str:
        return f"<Http within {self._bounds.within:g} s>"

    def close(self) -> None:
        self.session.close()

    def tell(self, reading: Reading) -> None:
        """What a host said of its limit elsewhere than in its headers."""
        if self._gauge is not None:
            self._gauge.tell(reading)

    def unavailable(self, error: wire.WireError) -> HostUnavailable:
        """What went wrong on the wire as the error of a read, to be raised `from None`."""
        if isinstance(error, wire.Paced):
            return NotOurTurn(str(error), retry_after=error.wait)
        return HostUnavailable(self.redact(str(error)))

    def not_sent(self, error: wire.Unreached) -> NotSent:
        """The same as the ending of a write."""
        wait = error.wait if isinstance(error, wire.Paced) else None
        return NotSent(self.redact(str(error)), wait)

    def attempt(self, within: timedelta | None = None) -> AbstractContextManager[wire.Attempt]:
        """Around a library's call: one deadline for all its requests, and afterwards `.written`,
        which is False only if surely nothing reached the host."""
        return wire.attempt(self._bounds.within if within is None else within.total_seconds())

    # ------------------------------------------------------------------------------------ reads

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        judge: Collection[int] = (),
    ) -> Answer:
        """A call that changes nothing at the host (a GraphQL query by POST is one), patiently.

        `judge`: statuses the caller reads itself; any other than 2xx raises a `HostError`.
        """

        def once() -> Answer:
            try:
                answer = self._once(method, url, params, json, None, headers, auth)
            except wire.WireError as error:
                raise self.unavailable(error) from None
            return answer if answer.status in judge else answer.checked()

        return self.patiently(once)

    def get_json(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> dict[str, Json]:
        return self.request("GET", url, params=params, headers=headers, auth=auth).json()

    def patiently(self, read: Callable[[], T]) -> T:
        """Call `read` again while it raises `HostUnavailable`, as the host asks, until the
        connection's time for one call is over. Where it is not our turn for long, the case is put
        off rather than a thread. For reads only."""
        with self.attempt() as attempt:
            retrying = tenacity.Retrying(
                retry=tenacity.retry_if_exception(_worth_waiting),
                stop=tenacity.stop_before_delay(attempt.left()) | tenacity.stop_after_attempt(4),
                wait=_as_told,
                reraise=True,
            )
            return retrying(read)

    # ----------------------------------------------------------------------------------- writes

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        judge: Collection[int] = (),
    ) -> Answer | NotSent | Unknown:
        """A call that changes something, sent once. Raises only what `auth` raises.

        An `Answer` is readable JSON with a 2xx or 4xx status, or has a status in `judge`.
        """
        try:
            answer = self._once(method, url, params, json, data, headers, auth)
        except wire.Unreached as error:
            return self.not_sent(error)
        except wire.NoAnswer as error:
            return Unknown(self.redact(str(error)))
        if answer.status in judge:
            return answer
        said = f"{answer.asked} was answered with {answer.status}"
        if answer.status == 429:
            return NotSent(f"{said}: the host asks us to wait", answer.retry_after)
        if not 200 <= answer.status < 300 and not 400 <= answer.status < 500:
            return Unknown(f"{said}, which does not say whether it was done")
        if answer.status == 408:
            return Unknown(f"{said}: the host gave up waiting")
        try:
            answer.json()
        except HostUnclear as error:
            return Unknown(str(error))
        return answer

    # ---------------------------------------------------------------------------------- innards

    def redact(self, text: str) -> str:
        """`text` without any secret of this connection, in the forms it may take on the wire."""
        known = {secret for secret in self._secrets() if len(secret) >= 4}
        for secret in sorted(known, key=len, reverse=True):
            encoded = base64.b64encode(secret.encode()).decode()
            for form in (secret, quote(secret, safe=""), encoded):
                text = text.replace(form, "[secret]")
        return text

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        json: object,
        data: Mapping[str, str] | bytes | None,
        headers: Mapping[str, str] | None,
        auth: Any,
    ) -> Answer:
        asked = method
        try:
            asked = f"{method} {urlsplit(url).hostname}{wire.path_shape(urlsplit(url).path)}"
            response = self.session.request(
                method, url, params=params, json=json, data=data, headers=headers, auth=auth
            )
        except wire.WireError:
            raise
        except (requests.RequestException, ValueError):
            # Only building the request can still fail here: an impossible address or header.
            problem = f"{asked}: the address or a header of this request is not possible"
        else:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, found, response.content, asked)
        raise wire.Unreached(problem)


def _worth_waiting(error: BaseException) -> bool:
    if isinstance(error, NotOurTurn):
        return error.retry_after is not None and error.retry_after <= TURN
    return isinstance(error, HostUnavailable)


def _as_told(state: tenacity.RetryCallState) -> float:
    """What the host asked for, else a little longer each time."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, HostError) and error.retry_after is not None:
        return max(0.05, error.retry_after.total_seconds())
    return float(tenacity.wait_exponential_jitter(multiplier=0.2, max=3, jitter=0.2)(state))
