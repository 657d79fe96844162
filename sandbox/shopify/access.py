"""Who may ask: apps, tokens with scopes and expiry, and the bucket of query points."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sandbox.clock import Clock

_SCOPES = """
read_orders read_all_orders write_orders read_customers write_gift_cards read_gift_cards
write_gift_card_transactions read_gift_card_transactions read_store_credit_accounts
write_store_credit_account_transactions read_store_credit_account_transactions
write_discounts read_discounts write_draft_orders read_draft_orders
read_shopify_payments_disputes read_products
"""
#: Every scope an app of ours could ask for. A token may be made with fewer (`POST tokens`).
ALL_SCOPES = frozenset(_SCOPES.split())
#: A scope to write a thing reads it too.
_WRITES = {one.replace("write_", "read_", 1): one for one in ALL_SCOPES if one.startswith("write_")}

#: The token every fresh shop knows: all scopes, never expires (a custom app).
CUSTOM_TOKEN = "shpat_sandbox"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"


@dataclass
class Token:
    scopes: frozenset[str]
    expires: float | None = None
    refresh: str | None = None
    replaces: str | None = None  # refresh token that dies when this one is first used

    def may(self, scope: str) -> bool:
        return scope in self.scopes or _WRITES.get(scope) in self.scopes


@dataclass
class Bucket:
    """Query points: `maximum` at most, `rate` of them come back every second."""

    clock: Clock
    maximum: float = 2000
    rate: float = 100
    left: float = 2000
    seen: float = field(default=0.0)

    def available(self) -> float:
        now = self.clock.epoch()
        self.left = min(self.maximum, self.left + (now - self.seen) * self.rate)
        self.seen = now
        return self.left

    def take(self, points: float) -> bool:
        if self.available() < points:
            return False
        self.left -= points
        return True


class Access:
    """`refreshes` maps refresh tokens to their scopes and expiry, `codes` those of sign-in."""

    def __init__(self, clock: Clock, domain: str) -> None:
        self.clock = clock
        self.domain = domain
        self.client_id, self.client_secret = CLIENT_ID, CLIENT_SECRET
        self.tokens = {CUSTOM_TOKEN: Token(ALL_SCOPES)}
        self.refreshes: dict[str, tuple[frozenset[str], float]] = {}
        self.codes: dict[str, frozenset[str]] = {}
        self.bucket = Bucket(clock, seen=clock.epoch())

    def token(self, given: str | None) -> Token | None:
        """The token behind a header, if it is known and not over. Its first use ends what it
        replaced."""
        token = self.tokens.get(given or "")
        if token is None or (token.expires is not None and token.expires <= self.clock.epoch()):
            return None
        if token.replaces is not None:
            self.refreshes.pop(token.replaces, None)
            token.replaces = None
        return token

    def issue(
        self, scopes: frozenset[str], *, expiring: bool, replaces: str | None = None
    ) -> dict[str, object]:
        """A new access token, as the token endpoint answers it."""
        access = "shpat_" + secrets.token_hex(16)
        answer: dict[str, object] = {"access_token": access, "scope": ",".join(sorted(scopes))}
        if not expiring:
            self.tokens[access] = Token(scopes)
            return answer
        now, refresh = self.clock.epoch(), "shprt_" + secrets.token_hex(16)
        self.tokens[access] = Token(scopes, now + 3600, refresh, replaces)
        self.refreshes[refresh] = (scopes, now + 90 * 86400)
        return {
            **answer,
            "expires_in": 3600,
            "refresh_token": refresh,
            "refresh_token_expires_in": 90 * 86400,
        }
