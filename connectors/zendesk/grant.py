"""Access by agreeing in Zendesk: authorization code with PKCE.

https://developer.zendesk.com/documentation/api-basics/authentication/oauth/. The code lives 120
seconds; the redirect address must stand in the OAuth client, letter by letter.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime

from connectors.zendesk.oauth import Signer
from core.ports import Asking, HostDenied, Malformed, RawRequest, Settings

_CODE = re.compile(r"[\x21-\x7e]{8,512}", re.ASCII)


class ZendeskGrant:
    def __init__(self, settings: Settings, signer: Signer) -> None:
        self._settings = settings
        self._signer = signer

    def address(self, asking: Asking) -> str:
        if not self._settings.get("client_id"):
            raise HostDenied(
                "fill in client_id and client_secret: make an OAuth client in Zendesk's Admin "
                f"Center, with the redirect address {asking.callback}"
            )
        digest = hashlib.sha256(asking.verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return self._signer.authorize_url(asking.callback, asking.state, challenge)

    def redeem(self, asking: Asking, answer: RawRequest, now: datetime) -> None:
        if answer.query.get("error"):
            raise HostDenied("nobody agreed on Zendesk's page, so nothing was connected")
        code = answer.query.get("code", "")
        if _CODE.fullmatch(code) is None:
            raise Malformed("Zendesk's answer carries no code")
        self._signer.redeem(code, asking.verifier, asking.callback)
