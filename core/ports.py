"""The whole contract between Amends and the outside: what a connector says of itself and can do.

A connector is one package with two names: `SPEC` (data about it) and `connect(settings, http)`,
which answers `Roles`. Console, docs, policy checks and tests read the same `SPEC`.

Two kinds of answer, and the difference is the heart of it:

* Reads (`ticket`, `orders`, `quote`, `recent`) return data or raise a `HostError`.
* Calls that move money (`pay`, `find`, `reverse`) never raise for what a host does: they return one
  of the endings below. `Unknown` means the host may or may not have acted; it is never retried
  blindly, only asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from core.errors import AmendsError
from core.events import Event
from core.money import Money
from core.storable import storable

# --------------------------------------------------------------------------------------- errors


class Unverified(AmendsError):
    """The request is not proved to come from the host: answered 401, nothing is stored."""


class Malformed(AmendsError):
    """The request is not what the host sends: answered 400, nothing is stored."""


class Ping(AmendsError):
    """The host only tries whether the address answers: answered 200, nothing is stored. It proves
    nothing, so it means nothing else."""


class Unrecognised(AmendsError):
    """A proved delivery of a kind this connector does not understand: kept and shown as such."""


class HostError(AmendsError):
    """A read, or a write-back, that did not work. `retry_after` is what the host asked for."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(storable(message))
        self.retry_after = retry_after


class HostUnavailable(HostError):
    """Down, slow, or asking us to wait. The case waits and says so."""


class HostDenied(HostError):
    """Our access is not valid or lacks a permission: a person must reconnect."""


class HostNotFound(HostError):
    """The thing asked for does not exist at the host (any more)."""


class HostUnclear(HostError):
    """The host answered something we cannot read. Treated as no answer."""


class Unwritable(HostError):
    """The ticket cannot be written to for good (closed, deleted): a task for a person."""


# ------------------------------------------------------------------------------------- the spec

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


# ----------------------------------------------------------------------------------- the intake


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One webhook request as it came: header names in lower case, the body's exact bytes."""

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


class Intake(Protocol):
    def verify(self, request: RawRequest, now: datetime) -> str:
        """Prove the request and answer its dedupe key (unique within the connection, for ever).

        Raises `Unverified` (bad, missing or stale signature), `Malformed` or `Ping`. Looks at
        nothing but the request and the connection's settings: no call goes out.
        """
        ...

    def read(self, request: RawRequest) -> Sequence[Event]:
        """What the delivery means. Pure. Raises `Malformed` or `Unrecognised`."""
        ...


# ------------------------------------------------------------------------------------- the desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who wrote the ticket. Personal data: used at once, never put into facts."""

    id: str
    email: str | None
    name: str | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as its helpdesk shows it now. `status` in the words of `TicketStatusChanged`.

    `language` is a two-letter code where the host knows one (ticket, then requester).
    `fields` maps custom-field ids (as text) to their value as text. `text` is the customer's own
    first message and `subject` its title: read for order numbers, never stored.
    """

    id: str
    status: str
    tags: frozenset[str]
    fields: Mapping[str, str]
    requester: Requester
    language: str | None
    subject: str
    text: str
    brand: str | None
    channel: str | None
    assignee_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """One thing to put on a ticket, recognisable by `marker` so that it is never put there twice.

    note: private text for staff. reply: public text to the customer. marks: tags to add and the
    case field to set, which are idempotent by nature. side: a talk beside the ticket with `to`, who
    need not be agents; what the customer has written is not in it.
    """

    kind: Literal["note", "reply", "marks", "side"]
    ticket_id: str
    marker: str
    text: str = ""
    language: str = "en"
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    subject: str = ""


class Desk(Protocol):
    def ticket(self, ticket_id: str) -> Ticket:
        """The ticket with its requester. Raises `HostError`."""
        ...

    def find(self, back: WriteBack) -> str | None:
        """The host's id of `back` if it is already on the ticket, else None. Raises `HostError`."""
        ...

    def write_back(self, back: WriteBack) -> str:
        """Put it there and answer the host's id of it. Raises `HostError`; after anything but
        `HostDenied`, `HostNotFound` or `Unwritable` the write may have happened: `find` first."""
        ...

    def recent(self, since: datetime) -> Iterable[Ticket]:
        """Tickets changed since, for what webhooks lost. Raises `HostError`."""
        ...


# ---------------------------------------------------------------------------------- the surveys


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A customer's answer to the helpdesk's own survey of a ticket. `score`: -100 (as bad as can
    be) to 100, whatever scale the helpdesk has. `at`: when it was given, or last changed."""

    host_object: str
    ticket_id: str
    score: int
    at: datetime

    def __post_init__(self) -> None:
        if not -100 <= self.score <= 100:
            raise ValueError("a score is from -100 to 100")


class Surveys(Protocol):
    def ratings(self, since: datetime, ticket_ids: Sequence[str]) -> Iterable[Rating]:
        """Answers given since, of these tickets at least; others may be among them. An account
        that asks its customers nothing has none. Raises `HostError`."""
        ...


# ------------------------------------------------------------------------------------- the till


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom to look for at a till. `email` was read from the helpdesk just now."""

    email: str | None
    order_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer of a till, found by e-mail and compared again in the host's answer."""

    id: str
    orders_count: int | None
    spent: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    title: str
    quantity: int
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order (or a single payment, where the till knows no orders) as the till shows it now.

    `refundable` is what the host would still pay back; `disputed` is open, lost or None.
    """

    id: str
    name: str
    buyer_id: str | None
    total: Money
    paid: Money
    refunded: Money
    refundable: Money
    created_at: datetime
    promised_on: date | None = None
    delivered_on: date | None = None
    disputed: str | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """What a till knows of one person. More than one buyer with one address is a person's task."""

    buyers: tuple[Buyer, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One remedy to pay, complete: nothing about it is looked up or decided later.

    key: this attempt's idempotency key. marker: `[amends:<payout id>]`, the same for every attempt;
    it goes into a field that the host stores before (or as) the money moves.
    quantity: for remedies counted in points or days. code: our own random code for coupons and gift
    cards, committed before the call. lines: (line id, quantity) that it is about: what to send
    again (none: the whole order), or what a refund is written down for (none: no line at all).
    shipping: how much of a refund is for the order's shipping.
    """

    payout_id: str
    key: str
    marker: str
    remedy: Remedy
    amount: Money | None
    quantity: int | None = None
    order_id: str | None = None
    buyer_id: str | None = None
    email: str | None = None
    text: str = ""
    code: str | None = None
    expires_at: datetime | None = None
    first_sent_at: datetime | None = None
    host_object: str | None = None
    lines: tuple[tuple[str, int], ...] = ()
    shipping: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the host would really pay for an instruction, in its own steps."""

    payable: Money
    limit: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """What was paid, or given back, for one line (goods, shipping, a fee): `gross`, and the `tax`
    in it. `rate` in percent, as `core.tax.rate_of` writes it; None where the host does not say."""

    line: str
    gross: Money
    tax: Money
    rate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """What a host's books say of the tax in a refund. `told`: the lines are those of the refund's
    own document, and `whole` its sum; else they are all lines of the order, and `whole` its total.
    Lines that do not add up are no error: then the tax is not known."""

    lines: tuple[Taxed, ...]
    whole: Money
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The host's record of a payout. `amount` is what the host says, never what we asked for.
    `taxes`: where its books can be read so. Nothing about the payout hangs on them, so they do not
    tell two receipts apart."""

    host_object: str
    amount: Money | None
    quantity: int | None = None
    order_id: str | None = None
    at: datetime | None = None
    code: str | None = None
    taxes: Taxes | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Settled:
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Pending:
    """The host took it on and has not finished. `receipt` names what to ask about."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Declined:
    """The host said no, for good. `code` is the host's word, `why` a sentence for a person."""

    code: str
    why: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", storable(self.code))
        object.__setattr__(self, "why", storable(self.why))


#: The code of a no that may hide a payment: what stood at the host is gone, so asking again would
#: find nothing, and somebody behind the host may have paid. A person looks before anything else.
LOOK_FIRST = "look_first"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely never reached the host (no connection, or told to wait before it acted)."""

    why: str
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", storable(self.why))


@dataclass(frozen=True, slots=True)
class Unknown:
    """May or may not have happened. Ask with `find`; never send again on this alone."""

    why: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", storable(self.why))


@dataclass(frozen=True, slots=True)
class Absent:
    """`find` looked in the right place, after the visibility delay, and it is not there."""


Ending = Settled | Pending | Declined | NotSent | Unknown
Finding = Settled | Pending | Declined | Absent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """One payout-like thing found in the host's books, ours or not (for the sweep)."""

    host_object: str
    remedy: Remedy
    amount: Money | None
    order_id: str | None
    marker: str | None
    ending: str  # settled | pending | failed
    at: datetime


class Till(Protocol):
    def purchases(self, who: Who) -> Purchases:
        """Buyers and their recent orders, each compared with `who` again. Raises `HostError`."""
        ...

    def order(self, order_id: str) -> Order:
        """One order as it is now. Raises `HostError`."""
        ...

    def quote(self, instruction: Instruction) -> Quote:
        """The payable sum in the host's steps; zero where it would pay nothing.
        Raises `HostError`; `Unpayable` for a remedy or currency this till does not pay."""
        ...

    def pay(self, instruction: Instruction) -> Ending: ...

    def find(self, instruction: Instruction) -> Finding:
        """By host object where one is known, else by marker, id or code; never through a search
        index that lags."""
        ...

    def reverse(self, instruction: Instruction) -> Ending:
        """Take back the unspent part, where the spec says `reversible`; the receipt's amount is
        what came back. Doing it again changes nothing more, so it is done again where the answer
        was unclear, and once more to read back what was done: either it says the same, or `find`
        says absent by then."""
        ...

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        """Payout-like things since, for the sweep. Raises `HostError`."""
        ...


class Unpayable(HostError):
    """This till cannot pay that: a remedy it does not claim, or a currency it does not move."""


# ------------------------------------------------------------------------------------ the setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `Setup.check`: `ok`, what was looked at, and what to do where it is not."""

    ok: bool
    what: str
    todo: str = ""


class Setup(Protocol):
    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Create what Amends needs at the host (webhook, field, trigger) and answer the settings
        learned by it. Running it again changes nothing. Raises `HostError`."""
        ...

    def check(self) -> Sequence[Check]: ...

    def remove(self) -> None:
        """Take away what `install` created. Raises `HostError`."""
        ...


# ------------------------------------------------------------------------------------ the grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One asking for access, under way.

    state: 43 random characters, which the host repeats; good for one answer, within minutes.
    verifier: as long and as random, never leaves us before `redeem` (PKCE).
    callback: our address for this connector's answers, always the same because hosts want to know
    it beforehand; an answer there has `state` in its query. `<callback>/<state>` is for hosts that
    post. back: where a person may be sent who has agreed, or not.
    """

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    callback: str
    back: str


class Grant(Protocol):
    """Access by a person's agreeing on the host's own page, with no token passing their hands."""

    def address(self, asking: Asking) -> str:
        """Where they agree. No request goes out. Raises an `AmendsError` that says what is not
        filled in yet."""
        ...

    def redeem(self, asking: Asking, answer: RawRequest, now: datetime) -> None:
        """Prove the host's answer, trade it for access and store that by `Settings.renew`. Once for
        an asking. Raises an `AmendsError` for the person who asked; nothing is stored then."""
        ...


# ------------------------------------------------------------------------------------ the panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A page of ours that a helpdesk opened inside itself for one of its agents, and vouches for.

    agent_id: the helpdesk's own id of the agent. origin: the page that frames ours and may talk to
    it. library: the address of the helpdesk's own client script. proof: what was signed, written
    the one way its signature holds for; good once, and for nothing after `until`.
    """

    agent_id: str
    origin: str
    library: str
    proof: str = field(repr=False)
    until: datetime


class Panel(Protocol):
    """The helpdesk's own app, in which our sidebar is shown."""

    @property
    def origin(self) -> str | None:
        """Where its agents work (`https://acme.zendesk.com`); None while that is not known."""
        ...

    def prepare(self, app_id: str, installation_id: str) -> Mapping[str, str]:
        """Ask the helpdesk by what the app's pages are signed; the settings learned by it.
        Raises `HostError`, `Malformed`."""
        ...

    def opened(self, signed: str, now: datetime) -> Opened:
        """Prove who opened a page. Raises `Unverified`; no request goes out."""
        ...


class Settings(Protocol):
    """A connection's settings as `connect` gets them: secrets opened, values as text.

    They are read afresh on every `get`, because tokens change while a connector lives.
    """

    def get(self, name: str) -> str | None: ...

    def __getitem__(self, name: str) -> str:
        """Raises `KeyError` for a setting that has no value."""
        ...

    def renew(self, using: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """Change settings (rotating tokens) one at a time per connection, across processes.

        `using` is called under the connection's lock with what is stored now, so a renewal that
        somebody else has just made is seen; what it answers is stored beside the others before the
        lock is let go.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What one connection can do. An absent role is an absent ability."""

    intake: Intake | None = None
    desk: Desk | None = None
    surveys: Surveys | None = None
    till: Till | None = None
    setup: Setup | None = None
    grant: Grant | None = None
    panel: Panel | None = None
