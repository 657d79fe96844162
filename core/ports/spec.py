"""What a connector says of itself, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Remedy = Literal[
    "refund", "store_credit", "account_credit", "coupon", "gift_card", "replacement", "points",
    "donation", "voucher", "extension", "cash", "apology",
]  # fmt: skip

#: How a payout is kept from happening twice: the host honours our key; or we can ask by our marker
#: before each sending; or neither, and a person is asked.
Retry = Literal["key", "find", "none"]

Quality = Literal["done", "todo", "exempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pays:
    """How a till pays one remedy.

    currencies: what the host pays in, None for "whatever the order was paid in".
    step_minor: smallest step per currency in minor units, where it is not 1 (Stripe's KWD: 10).
    key_life: for `retry="key"`: how long the host surely remembers a key; later, only find.
    visibility: how long a payout may stay invisible to `find` after the host acted.
    by_hand: a person pays it; `pay` and `find` answer `Pending`, and a task ends it with a proof.
    listed: whether `recent` shows it, so that the sweep sees what we do not know of.
    """

    currencies: frozenset[str] | None = None
    partial: bool = True
    retry: Retry
    key_life: timedelta | None = None
    visibility: timedelta = timedelta(0)
    step_minor: Mapping[str, int] = field(default_factory=dict)
    reversible: bool = False
    needs_order: bool = True
    by_hand: bool = False
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing an admin fills in to connect. Secret ones are sealed and never shown again.

    agreeing: of a host with the role `Grant`, what a person must fill in before they can agree on
    the host's page (`needs`), and what they need not fill in because they agree (`spares`).
    """

    name: str
    title: str
    help: str = ""
    secret: bool = False
    required: bool = True
    default: str | None = None
    agreeing: Literal["needs", "spares"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How a host says how fast it may be called. Names of headers are in lower case.

    most, left, resets: headers with a window's calls, those left in it, and the seconds until it
    ends; a host that tells no end has windows of `window`. A 429 stops a whole connection where
    nothing is left, or where no figures come with it; `blames` names a header that says which of
    several limits was met, and `whole` its words for the account's own.
    cost: what one call counts before it is known.
    """

    most: str = ""
    left: str = ""
    resets: str = ""
    window: timedelta = timedelta(minutes=1)
    blames: str = ""
    whole: frozenset[str] = frozenset()
    cost: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a connector says of itself.

    hears: event class names its intake can produce. writes: of note, reply, tag, field, side; what
    is not named is never asked of the desk.
    calls_within: the longest a single call to this host may take, connection and answer together;
    a payout is not sent when less than this is left of the lease. rate: how the host limits calls,
    None where it says nothing of it.
    quality: promise -> (done | todo | exempt, why). Checked by the contract suite.
    """

    name: str
    title: str
    hears: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    pays: Mapping[Remedy, Pays] = field(default_factory=dict)
    signature: str | None = None
    settings: tuple[Setting, ...] = ()
    calls_within: timedelta = timedelta(seconds=20)
    rate: Rate | None = None
    quality: Mapping[str, tuple[Quality, str]] = field(default_factory=dict)
