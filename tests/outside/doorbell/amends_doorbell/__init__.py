"""A connector of somebody else's, in a package of its own: it hears, and does nothing more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from connectors import signing
from connectors.http import Http
from core.events import Event, TicketStatusChanged
from core.ports import Malformed, RawRequest, Roles, Setting, Settings, Spec, Unrecognised

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

SPEC = Spec(
    name="doorbell",
    title="Doorbell",
    hears=("TicketStatusChanged",),
    signature="X-Doorbell-Signature: hex HMAC-SHA256 of the body",
    settings=(Setting(name="bell_secret", title="Secret of the bell", secret=True),),
    quality={
        "fresh": ("exempt", "a bell has no clock"),
        "setup": ("exempt", "a bell is put up by hand"),
    },
)


class Intake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        given = signing.header(request, "x-doorbell-signature")
        signing.check_hex([given], [self._settings.get("bell_secret") or ""], request.body)
        return hashlib.sha256(request.body).hexdigest()

    def read(self, request: RawRequest) -> Sequence[Event]:
        body = signing.read_json(request.body)
        if not isinstance(body, dict):
            raise Malformed("the body is not a JSON object")
        if body.get("rang") != "solved":
            raise Unrecognised("the bell rang for something else")
        if _ID.fullmatch(str(body.get("ticket"))) is None:
            raise Malformed("the ticket's id is missing or not a number")
        return [TicketStatusChanged(ticket_id=str(body["ticket"]))]


def connect(settings: Settings, http: Http) -> Roles:
    return Roles(intake=Intake(settings))
