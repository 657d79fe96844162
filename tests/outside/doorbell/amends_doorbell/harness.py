"""What the contract suite needs to know of a doorbell."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime

from core.ports import RawRequest

SECRET = "canary-doorbell-secret"


class Harness:
    proofs = ("x-doorbell-signature",)

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._tickets = itertools.count(1)

    def close(self) -> None:
        """A bell is no server."""

    def settings(self) -> dict[str, str]:
        return {"bell_secret": SECRET}

    def requests(self) -> int:
        return 0

    def delivery(self) -> RawRequest:
        return self.signed(json.dumps({"rang": "solved", "ticket": next(self._tickets)}).encode())

    def unknown(self) -> RawRequest:
        return self.signed(b'{"rang":"for lunch","ticket":1}')

    def signed(self, body: bytes) -> RawRequest:
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return RawRequest({"x-doorbell-signature": mac}, body)
