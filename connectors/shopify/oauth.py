"""Access to a shop: installing by the shop's own page, and tokens that end and are renewed.

Follows Shopify's own Node library (@shopify/shopify-api 15): the callback's HMAC over the sorted
query, `state`, an age of at most 90 seconds, and expiring offline tokens (one hour, with a refresh
token that is replaced each time). https://shopify.dev/docs/apps/build/authentication-authorization
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from connectors.http import Answer, Http
from core.errors import AmendsError
from core.ports import HostDenied, HostUnavailable, HostUnclear, NotSent, Settings, Unknown

SCOPES = (
    "read_orders",
    "write_orders",
    "read_customers",
    "read_products",
    "read_store_credit_accounts",
    "read_store_credit_account_transactions",
    "write_store_credit_account_transactions",
    "read_gift_cards",
    "write_gift_cards",
    "read_discounts",
    "write_discounts",
    "read_draft_orders",
    "write_draft_orders",
    "read_shopify_payments_disputes",
)
CALLBACK_AGE = timedelta(seconds=90)
#: A token this close to its end is renewed before it is used.
_MARGIN = timedelta(minutes=2)
_NO_RENEWAL = "Shopify does not renew our access: connect the shop again"
_NO_CODE = (
    "Shopify does not take back the code it sent: it is good once, for the app whose client ID and "
    "secret are filled in here; install again"
)
_SHOP = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9_-]*\.(myshopify\.com|shopify\.com|myshopify\.io|shop\.dev)", re.ASCII
)


class InstallRefused(AmendsError):
    """The answer from the shop's install page is not to be believed; start the install again."""


def shop_domain(text: str) -> str:
    """`text` as a shop's own domain, lower case. Raises `InstallRefused`."""
    if len(text) > 255 or _SHOP.fullmatch(text) is None:
        raise InstallRefused("the shop must be given as its-name.myshopify.com")
    return text.lower()


def base_address(settings: Settings) -> str:
    """Where the shop's API is: `https://<shop>`, or the address set for a stand-in."""
    address = settings.get("address")
    if address:
        return address.rstrip("/")
    try:
        return f"https://{shop_domain(settings.get('shop') or '')}"
    except InstallRefused as error:
        raise HostDenied(str(error)) from None


def authorize_url(base: str, client_id: str, redirect_uri: str, state: str) -> str:
    """Where to send the merchant; `base` as in `base_address`. `state`: at least 32
    random bytes, kept for the callback."""
    query = {
        "client_id": client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": redirect_uri,
        "state": state,
    }
    return f"{base}/admin/oauth/authorize?{urlencode(query)}"


def check_callback(
    query: Mapping[str, str], *, client_secret: str, shop: str, state: str, now: datetime
) -> str:
    """The code in the shop's callback, once everything in it is proved. Raises `InstallRefused`."""
    signed = {key: value for key, value in query.items() if key not in ("hmac", "signature")}
    given = query.get("hmac", "")
    if not client_secret or not any(_same(_mac(m, client_secret), given) for m in _forms(signed)):
        raise InstallRefused("the callback is not signed by Shopify for this app")
    if not state or not _same(state, query.get("state", "")):
        raise InstallRefused("the callback belongs to another install")
    if shop_domain(query.get("shop", "")) != shop_domain(shop):
        raise InstallRefused("the callback is about another shop")
    stamp = query.get("timestamp", "")
    if re.fullmatch(r"[1-9][0-9]{8,10}", stamp, re.ASCII) is None:
        raise InstallRefused("the callback has no timestamp that can be read")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > CALLBACK_AGE:
        raise InstallRefused("the callback is too old: start the install again")
    code = query.get("code", "")
    if re.fullmatch(r"[A-Za-z0-9_-]{8,200}", code, re.ASCII) is None:
        raise InstallRefused("the callback carries no code")
    return code


def _forms(signed: Mapping[str, str]) -> list[str]:
    """Shopify's page escapes `%` and `&`, and `=` in names; its Node library encodes everything.
    They differ only for characters that are seldom there."""
    named = {_escaped(key).replace("=", "%3D"): _escaped(value) for key, value in signed.items()}
    plain = "&".join(f"{key}={value}" for key, value in sorted(named.items()))
    return [plain, urlencode(sorted(signed.items()), errors="surrogatepass")]


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _mac(message: str, secret: str) -> str:
    return hmac.new(
        secret.encode(), message.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))


class Tokens:
    """The access token to use now, renewed under the connection's lock when it ends.

    Three kinds: a permanent one (`access_token` alone; custom apps only), an expiring one with its
    refresh token, and the own-store app's, got by client id and secret. Since 2026-08-28 an old
    refresh token works until the new access token is first used, so a renewal that was not stored
    can be made again; it is stored before it is used.
    """

    def __init__(self, settings: Settings, http: Http, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._http = http
        self._now = now

    def current(self, *, rejected: str | None = None) -> str:
        """Raises `HostError`. `rejected`: the token the shop has just refused."""
        token = self._settings.get("access_token")
        if token and token != rejected and not self._ending(self._settings.get("access_ends_at")):
            return token
        if not self._renewable():
            if token:
                return token
            raise HostDenied("no access token is set: connect the shop")
        self._settings.renew(lambda stored: self._renewed(stored, rejected))
        return self._settings["access_token"]

    def exchange(self, code: str) -> None:
        """Trade an install's code for tokens and store them. Raises `HostError`."""
        form = {"code": code, "expiring": "1"}
        self._settings.renew(lambda stored: self._grant(stored, form, _NO_CODE))

    def exchange_session(self, session_token: str) -> None:
        """The same for an app inside Shopify's admin, by its session token. Raises `HostError`."""
        kind = "urn:ietf:params:oauth:token-type:id_token"
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": session_token,
            "subject_token_type": kind,
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": "1",
        }
        self._settings.renew(lambda stored: self._grant(stored, form))

    def _ending(self, until: str | None) -> bool:
        return bool(until) and datetime.fromisoformat(until or "") - self._now() < _MARGIN

    def _renewable(self) -> bool:
        """A permanent token has no end and no refresh token; there is nothing to renew it with."""
        get = self._settings.get
        permanent = get("access_token") and not get("access_ends_at") and not get("refresh_token")
        return not permanent and bool(get("client_id") and get("client_secret"))

    def _renewed(self, stored: Mapping[str, str], rejected: str | None) -> Mapping[str, str]:
        token = stored.get("access_token")
        if token and token != rejected and not self._ending(stored.get("access_ends_at")):
            return {}  # somebody else renewed it while we waited for the lock
        if refresh := stored.get("refresh_token"):
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        else:
            form = {"grant_type": "client_credentials"}
        return self._grant(stored, form)

    def _grant(
        self, stored: Mapping[str, str], form: Mapping[str, str], refused: str = _NO_RENEWAL
    ) -> Mapping[str, str]:
        client = {name: stored.get(name, "") for name in ("client_id", "client_secret")}
        url = f"{base_address(self._settings)}/admin/oauth/access_token"
        sent = self._http.send("POST", url, json={**client, **form})
        match sent:
            case NotSent(why, wait):
                raise HostUnavailable(why, retry_after=wait)
            case Unknown(why):
                raise HostUnavailable(why)
        if sent.status >= 400:
            raise HostDenied(refused)
        return self._granted(sent)

    def _granted(self, answer: Answer) -> Mapping[str, str]:
        body = answer.json()
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise HostUnclear("Shopify's answer has no access token")
        learned = {"access_token": token}
        if isinstance(lasts := body.get("expires_in"), int):
            learned["access_ends_at"] = (self._now() + timedelta(seconds=lasts)).isoformat()
        if isinstance(refresh := body.get("refresh_token"), str) and refresh:
            learned["refresh_token"] = refresh
        return learned
