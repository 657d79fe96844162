"""Outgoing webhooks of a host: targets, deliveries, attempts, and the thread that sends them.

A host hands in a topic and its payload with `emit`; what goes over the wire (headers, body,
signature, when to try again) is the host's own business, asked for through `Sender`. Deliveries
emitted while a request is being answered go out when the host has acted: just after it, or, with
`early`, before the answer to the request does (the echo that overtakes its own API call).
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Protocol

import requests

from sandbox.clock import Clock
from sandbox.faults import Faults


@dataclass
class Target:
    """Where webhooks go. No topics means all of them; `meta` is whatever the host keeps with it."""

    id: str
    url: str
    secret: str = ""
    topics: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    active: bool = True

    def wants(self, topic: str) -> bool:
        wanted = not self.topics or any(fnmatchcase(topic, pattern) for pattern in self.topics)
        return self.active and wanted


@dataclass
class Attempt:
    """One sending: `status` is None when no answer came, `error` then says why."""

    at: str
    status: int | None
    error: str = ""


@dataclass(eq=False)
class Delivery:
    """One webhook for one target; `headers` and `body` stay the same over its attempts."""

    id: str
    target: Target
    topic: str
    body: bytes
    headers: dict[str, str]
    method: str = "POST"
    attempts: list[Attempt] = field(default_factory=list)
    done: bool = False


class Sender(Protocol):
    """What a host decides about its webhooks."""

    clock: Clock
    faults: Faults

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        """The delivery of `payload` for `target`: id, body bytes, and headers but the signature."""

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        """Headers made anew for every attempt (signature, and its timestamp where there is one)."""

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        """Seconds until the next attempt, or None for never.

        `status` is None when no answer came in time; `after` is the Retry-After header.
        """


@dataclass
class Options:
    """How deliveries go out. Times in seconds.

    `duplicates`: how many extra times each delivery is sent. `reorder`: gather that many, then
    send them last first. `hold`: keep everything back until released. `early`: see the module.
    """

    duplicates: int = 0
    delay_s: float = 0.0
    reorder: int = 0
    hold: bool = False
    early: bool = False
    timeout_s: float = 12.0


class Hooks:
    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, Delivery]] = []
        self._held: list[Delivery] = []
        self._sending = 0
        self._order = itertools.count()
        self._local = threading.local()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.clear()
        sender.clock.on_advance(self._notify)

    def clear(self) -> None:
        """Forget targets, options and everything sent or waiting."""
        with self._wake:
            self.targets: dict[str, Target] = {}
            self.log: list[Delivery] = []
            self.options = Options()
            self._due.clear()
            self._held.clear()

    def set_options(self, **changes: Any) -> Options:
        with self._wake:
            self.options = replace(self.options, **changes)
            return self.options

    # --- emitting -------------------------------------------------------------------------------

    @contextmanager
    def collecting(self) -> Iterator[list[Delivery]]:
        """Gather what this thread emits while it answers a request, to be `send` afterwards."""
        pending: list[Delivery] = []
        self._local.pending = pending
        try:
            yield pending
        finally:
            self._local.pending = None

    def emit(self, topic: str, payload: Any, *, only: str | None = None) -> None:
        """Something happened at the host: one delivery for each target that wants to know.

        `only` is the id of a target, for hosts whose rules name the webhook they call.
        """
        deliveries: list[Delivery] = []
        for target in list(self.targets.values()):
            if not target.wants(topic) or only not in (None, target.id):
                continue
            delivery = self._sender.compose(target, topic, payload)
            self.log.append(delivery)
            copies = 1 + self.options.duplicates + self._sender.faults.take_duplicate(topic)
            deliveries += [delivery] * copies
        pending: list[Delivery] | None = getattr(self._local, "pending", None)
        if pending is not None:
            pending += deliveries
        else:
            self._enqueue(deliveries)

    def send(self, deliveries: list[Delivery]) -> None:
        """Send what a request emitted; with `early`, return only when it was answered."""
        if self.options.early and not self.options.hold:
            for delivery in deliveries:
                self._attempt(delivery)
        else:
            self._enqueue(deliveries)

    def send_now(self, delivery: Delivery) -> None:
        """Make the first attempt of a delivery that was not emitted, in this thread."""
        self.log.append(delivery)
        self._attempt(delivery)

    def replay(self, delivery_id: str) -> bool:
        """Send a delivery of the past once more, as it was; False if there is none."""
        for delivery in self.log:
            if delivery.id == delivery_id:
                self._push(delivery, self._sender.clock.epoch())
                return True
        return False

    def release(self, *, backwards: bool = False) -> int:
        """End the hold and let go of what was kept back; how many deliveries that were."""
        with self._wake:
            held, self._held = self._held, []
            self.options = replace(self.options, hold=False)
        for delivery in reversed(held) if backwards else held:
            self._push(delivery, self._sender.clock.epoch() + self.options.delay_s)
        return len(held)

    def idle(self, timeout_s: float) -> bool:
        """Wait until nothing is due or being sent; False if the time ran out.

        Deliveries that are held, or whose retry lies in the future, are not waited for.
        """
        with self._wake:
            return self._wake.wait_for(lambda: not self._sending and not self._is_due(), timeout_s)

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=1)

    # --- sending --------------------------------------------------------------------------------

    def _enqueue(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if self.options.hold or self.options.reorder:
                self._held.append(delivery)
            else:
                self._push(delivery, self._sender.clock.epoch() + self.options.delay_s)
        if self.options.reorder and len(self._held) >= self.options.reorder:
            self.release(backwards=True)

    def _push(self, delivery: Delivery, due: float) -> None:
        with self._wake:
            if self._closed:
                return
            heapq.heappush(self._due, (due, next(self._order), delivery))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def _notify(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _is_due(self) -> bool:
        return bool(self._due) and self._due[0][0] <= self._sender.clock.epoch()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._is_due() and not self._closed:
                    wait = self._due[0][0] - self._sender.clock.epoch() if self._due else None
                    self._wake.wait(wait)
                if self._closed:
                    return
                _, _, delivery = heapq.heappop(self._due)
                self._sending += 1
            try:
                self._attempt(delivery)
            finally:
                with self._wake:
                    self._sending -= 1
                    self._wake.notify_all()

    def _attempt(self, delivery: Delivery) -> None:
        status, error, after = self._post(delivery)
        delivery.attempts.append(Attempt(self._sender.clock.iso(), status, error))
        delay = self._sender.retry_in(delivery, status, after)
        if delay is None:
            delivery.done = True
        else:
            self._push(delivery, self._sender.clock.epoch() + delay)

    def _post(self, delivery: Delivery) -> tuple[int | None, str, str | None]:
        headers = {**delivery.headers, **self._sender.sign(delivery)}
        try:
            answer = requests.request(
                delivery.method,
                delivery.target.url,
                data=delivery.body,
                headers=headers,
                timeout=self.options.timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return None, type(error).__name__, None
        return answer.status_code, "", answer.headers.get("Retry-After")


def as_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the control API shows it: without the target's secret."""
    return {
        "id": delivery.id,
        "target": delivery.target.id,
        "url": delivery.target.url,
        "topic": delivery.topic,
        "body": delivery.body.decode(),
        "headers": delivery.headers,
        "attempts": [asdict(attempt) for attempt in delivery.attempts],
        "done": delivery.done,
    }
