"""What our plugin in the shop sends (`plugin.js` beside this file): signed, and only ids.

The signature is over the time, a point and the body, so neither can be changed alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors import signing
from connectors.strict import Json
from connectors.vendure.shapes import marked
from core.events import Event, RefundRecorded
from core.ports import Malformed, RawRequest, Settings, Unrecognised

TIMESTAMP = "x-amends-timestamp"
SIGNATURE = "x-amends-signature"
WINDOW = timedelta(minutes=5)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_ENDINGS = {"Settled": "settled", "Pending": "pending", "Failed": "failed"}


class VendureIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        """The dedupe key: the body's hash. The body holds the millisecond of its event."""
        stamp = signing.header(request, TIMESTAMP)
        at = signing.unix_instant(stamp)
        given = signing.header(request, SIGNATURE)
        message = stamp.encode() + b"." + request.body
        signing.check_hex([given], [self._settings.get("webhook_secret") or ""], message)
        signing.check_fresh(at, now, WINDOW)
        return hashlib.sha256(request.body).hexdigest()

    def read(self, request: RawRequest) -> Sequence[Event]:
        """The amount is not in it: who wants to know asks the shop."""
        body = signing.read_json(request.body)
        if not isinstance(body, dict):
            raise Malformed("the body is not a JSON object")
        if body.get("v") != 1 or body.get("type") != "refund":
            raise Unrecognised("not the body that this version of the plugin sends")
        refund = body.get("refund")
        if not isinstance(refund, dict):
            raise Malformed("the body has no refund")
        state = refund.get("state")
        return [
            RefundRecorded(
                occurred_at=_when(body.get("at")),
                host_object=_id(refund, "id"),
                order_id=_id(body, "order"),
                amount=None,
                marker=marked(refund.get("reason")),
                # A state of the shop's own is neither an end nor a failure.
                ending=_ENDINGS.get(state, "pending") if isinstance(state, str) else "pending",
            )
        ]


def _id(parent: Mapping[str, Json], name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str) or _ID.fullmatch(found) is None:
        raise Malformed(f"the body has no id at {name}")
    return found


def _when(value: Json) -> datetime:
    if not isinstance(value, str) or _STAMP.fullmatch(value) is None:
        raise Malformed("the body has no date and time at `at`")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise Malformed("the body has an impossible date and time") from None
