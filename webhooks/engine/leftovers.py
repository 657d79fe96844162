"""What has no meaning any more and is removed by night: askings for access that nobody answered,
signed pages that were opened, sessions and tokens that are over, what the clocks of machines that
are gone said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from core.clocks import MachineClock
from core.connection import PendingGrant
from core.grant import AppToken
from core.session import Session, UsedToken
from core.signin import SignIn, SignInLink
from core.store import Tx

_Ending = PendingGrant | Session | UsedToken | AppToken | SignInLink | SignIn | MachineClock
KINDS: tuple[type[_Ending], ...] = (
    PendingGrant, Session, UsedToken, AppToken, SignInLink, SignIn, MachineClock,
)  # fmt: skip
#: Whoever wonders what became of one has this long to ask.
KEPT = timedelta(days=1)
_BATCH = 200


def remove(tx: Tx, said: Mapping[str, object], now: datetime) -> Mapping[str, object] | None:
    """One batch, from where the one before it left off, as that one said. None: all is done."""
    number = cast(int, said.get("kind", 0))
    kind = KINDS[number]
    rows = tx.find(kind, after=cast("str | None", said.get("after")), limit=_BATCH)
    for row in rows:
        if row.expires_at + KEPT <= now:
            tx.remove(kind, row.id)
    if len(rows) == _BATCH:
        return {"kind": number, "after": rows[-1].id}
    return {"kind": number + 1, "after": None} if number + 1 < len(KINDS) else None
