"""Faults on demand: what goes wrong with which request, how often, before or after the host acted.

`before`: the fault happens and the host does not act. `after`: the host acted, its books changed,
and the fault happens to the answer. `delay` is the exception: the host always acts, and the wait
lies before or after that.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, cast, get_args

When = Literal["before", "after"]
Kind = Literal["drop", "status", "delay", "timeout", "garbage", "duplicate"]

_FIELDS = {"match", "when", "kind", "times", "status", "body", "headers", "seconds"}
_MATCHES = {"method", "path", "operation", "topic"}


class BadFault(ValueError):
    """The fault asked for cannot be understood; the text says which part."""


@dataclass
class Fault:
    """One order for trouble.

    `match` has any of `method`, `path` (glob), `operation` (the name the host gives the request,
    such as a GraphQL root field) and, for `duplicate`, `topic` (glob) of outgoing webhooks.
    `times` is how many requests it still hits; None means until it is taken away.
    `seconds` belongs to `delay` and `timeout`; a timeout ends in a dropped connection.
    """

    kind: Kind
    when: When = "before"
    match: Mapping[str, str] = field(default_factory=dict)
    times: int | None = 1
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0

    @classmethod
    def read(cls, data: object) -> Fault:
        if not isinstance(data, dict):
            raise BadFault("a fault is a JSON object")
        unknown = sorted(set(data) - _FIELDS) + sorted(set(data.get("match", {})) - _MATCHES)
        if unknown:
            raise BadFault(f"unknown fields: {', '.join(unknown)}")
        if data.get("kind") not in get_args(Kind):
            raise BadFault(f"kind is one of {', '.join(get_args(Kind))}")
        if data.get("when", "before") not in get_args(When):
            raise BadFault("when is before or after")
        return cls(**cast(dict[str, Any], data))

    def hits(self, method: str, path: str, operations: Sequence[str]) -> bool:
        match = self.match
        return (
            self.kind != "duplicate"
            and match.get("method", method) == method
            and fnmatchcase(path, match.get("path", "*"))
            and ("operation" not in match or match["operation"] in operations)
        )


class Faults:
    """The faults still to come, first asked for first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._cleared = threading.Event()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Take every fault away and let go of every answer that is being held."""
        with self._lock:
            self._faults.clear()
            released, self._cleared = self._cleared, threading.Event()
        released.set()

    def remaining(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, method: str, path: str, operations: Sequence[str]) -> Fault | None:
        """The first fault that hits this request, counted down."""
        with self._lock:
            for fault in self._faults:
                if fault.hits(method, path, operations):
                    self._count_down(fault)
                    return fault
        return None

    def take_duplicate(self, topic: str) -> bool:
        """Whether the webhook of `topic` that is about to go out goes out twice."""
        with self._lock:
            for fault in self._faults:
                if fault.kind == "duplicate" and fnmatchcase(topic, fault.match.get("topic", "*")):
                    self._count_down(fault)
                    return True
        return False

    def hold(self, seconds: float) -> None:
        """Wait, unless the faults are taken away meanwhile."""
        with self._lock:
            cleared = self._cleared
        cleared.wait(seconds)

    def _count_down(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
