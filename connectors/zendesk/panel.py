"""The Amends app inside Zendesk: by what its pages are signed, and who opened one.

Zendesk posts a token to the page with every first load
(https://developer.zendesk.com/documentation/apps/build-an-app/building-a-server-side-app/part-5-secure-the-app/):
RS256 by a key of the app, not of the installation, so the audience tells installations apart. It
names the agent and the installation but no ticket. What `qsh` is made of is not documented, so it
proves nothing here; nor is there an id, so what was signed is itself what may be used once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from connectors.zendesk.api import ZendeskApi
from core.ports import HostDenied, HostUnclear, Malformed, Opened, Settings, Unverified

#: The only one: a list with a symmetric algorithm in it would take the public key for a password.
ALGORITHMS = ["RS256"]
#: By how much Zendesk's clock and ours may differ.
LEEWAY = timedelta(seconds=60)
LIBRARY = "https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js"

_TOKEN_MAX = 8 * 1024
_KEY_BITS_MIN = 2048
_NUMBER = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)


class ZendeskPanel:
    def __init__(self, api: ZendeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    @property
    def origin(self) -> str | None:
        try:
            parts = urlsplit(self._api.address())
        except HostDenied:
            return None
        return f"{parts.scheme}://{parts.netloc}"

    def prepare(self, app_id: str, installation_id: str) -> Mapping[str, str]:
        for number in (app_id, installation_id):
            if _NUMBER.fullmatch(number) is None:
                raise Malformed("an app and its installation are numbers; see the docs for both")
        pem = self._api.text(f"apps/{app_id}/public_key.pem")
        if _key(pem) is None:
            raise HostUnclear("Zendesk's answer is not the public key of an app")
        return {"app_installation_id": installation_id, "app_public_key": pem}

    def opened(self, signed: str, now: datetime) -> Opened:
        origin = self.origin
        key = _key(self._settings.get("app_public_key") or "")
        installation = self._settings.get("app_installation_id")
        if origin is None or key is None or not installation:
            raise Unverified("the app is not set up yet; see `amends connector app`")
        claims = _claims(signed, key, now)
        if claims.get("aud") != f"{origin}/api/v2/apps/installations/{installation}.json":
            raise Unverified("the page was opened for another installation")
        # Seen with and without the scheme.
        if claims.get("iss") not in (origin, urlsplit(origin).netloc):
            raise Unverified("the page was opened in another helpdesk")
        agent = re.fullmatch(
            rf"{re.escape(origin)}/api/v2/users/({_NUMBER.pattern})\.json", str(claims.get("sub"))
        )
        if agent is None:
            raise Unverified("the page does not say which agent opened it")
        override = self._settings.get("address")
        return Opened(
            agent_id=agent[1],
            origin=origin,
            library=f"{origin}/zaf_sdk.min.js" if override else LIBRARY,
            # Without the signature: a lenient reader takes its last letter in sixteen ways.
            proof=signed.rpartition(".")[0],
            until=datetime.fromtimestamp(float(str(claims["exp"])), UTC) + LEEWAY,
        )


def _claims(signed: str, key: RSAKey, now: datetime) -> Mapping[str, object]:
    """What the token says, its signature and its times proved. Raises `Unverified`."""
    if len(signed) > _TOKEN_MAX or not signed.isascii():
        raise Unverified("that is no token")
    needed = jwt.ClaimsOption(essential=True)
    times = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(LEEWAY.total_seconds()),
        iss=needed, aud=needed, sub=needed, exp=needed, iat=needed,
    )  # fmt: skip
    try:
        claims = jwt.decode(signed, key, algorithms=ALGORITHMS).claims
        times.validate(claims)
        datetime.fromtimestamp(float(claims["exp"]) + LEEWAY.total_seconds(), UTC)
    except (JoseError, ValueError, TypeError, LookupError, OverflowError, OSError,
            RecursionError) as error:  # fmt: skip
        raise Unverified(f"the token is not good ({type(error).__name__})") from None
    return claims


def _key(pem: str) -> RSAKey | None:
    """The key, where it is an RSA key for checking and long enough."""
    try:
        found = load_pem_public_key(pem.encode())
    except ValueError:
        return None
    if not isinstance(found, RSAPublicKey) or found.key_size < _KEY_BITS_MIN:
        return None
    return RSAKey.import_key(pem)
