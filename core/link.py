"""The link by which a customer chooses a remedy: sent once, used once, and then over.

The token is kept as its hash, and sealed for the one message that carries it. What may be chosen
was decided, and is held within the limits, before the link is written; choosing pays nothing by
itself: the order is looked at again first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, cast

from core.case import Case, CaseState
from core.errors import AmendsError
from core.moment import Moment
from core.offer import Offer
from core.record import Doc, Record, Table, replace
from core.store import Reader, Tx
from core.store.sealing import Place, Sealer

LASTS = timedelta(days=14)


class LinkUnknown(AmendsError):
    """There is no such link."""


class LinkOver(AmendsError):
    """Its time has run out, or what was offered no longer holds."""


class ChosenAlready(AmendsError):
    """Something else was chosen by this link before."""

    def __init__(self, offer_id: str) -> None:
        super().__init__("something was chosen by this link before")
        self.offer_id = offer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceLink(Record):
    """`offers` are ids of the case's offers, in the order they are shown. `open` ends when the case
    goes another way."""

    TABLE: ClassVar[Table] = Table(
        name="choice_links", unique=(("token_hash",),), index=(("case_id",),)
    )

    case_id: str
    token_hash: str
    sealed_token: str
    offers: Doc
    made_at: datetime
    expires_at: datetime
    open: bool = True
    chosen: str | None = None
    chosen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link before anything is offered by it; made outside any transaction."""

    id: str
    token_hash: str
    sealed_token: str


def new_link(sealer: Sealer, workspace: str, moment: Moment) -> NewLink:
    id, token = moment.new("link"), secrets.token_urlsafe(24)
    return NewLink(id, _hash(token), sealer.seal(token, _place(workspace, id)))


def token_of(sealer: Sealer, workspace: str, link: ChoiceLink | NewLink) -> str:
    """For the message that carries it."""
    return sealer.open(link.sealed_token, _place(workspace, link.id))


def send(tx: Tx, case: Case, new: NewLink, offers: Sequence[Offer], moment: Moment) -> ChoiceLink:
    link = ChoiceLink(
        id=new.id,
        case_id=case.id,
        token_hash=new.token_hash,
        sealed_token=new.sealed_token,
        offers=[offer.id for offer in offers],
        made_at=moment.now,
        expires_at=moment.now + LASTS,
    )
    tx.add(link)
    return link


def find_link(reader: Reader, token: str) -> ChoiceLink:
    """Raises `LinkUnknown`."""
    found = reader.find(ChoiceLink, token_hash=_hash(token), limit=1)
    if not found:
        raise LinkUnknown("there is no such link")
    return found[0]


def of_case(reader: Reader, case_id: str) -> ChoiceLink | None:
    """The newest of a case."""
    found = reader.find(ChoiceLink, case_id=case_id, newest_first=True, limit=1)
    return found[0] if found else None


def offers_of(reader: Reader, link: ChoiceLink) -> list[Offer]:
    """What it puts to the customer, in the order to show it."""
    found = (reader.get(Offer, id) for id in cast("Sequence[str]", link.offers))
    return [offer for offer in found if offer is not None]


def choose(tx: Tx, token: str, offer_id: str, moment: Moment) -> Case:
    """The customer's choice, once: the same one again changes nothing. The runner goes on with it.
    Raises `LinkUnknown`, `LinkOver`, `ChosenAlready`."""
    case = tx.lock(Case, find_link(tx, token).case_id)
    link = find_link(tx, token)  # as it is under the lock
    assert case is not None  # cases are never deleted
    if link.chosen is not None:
        if link.chosen == offer_id:
            return case
        raise ChosenAlready(link.chosen)
    if not is_open(link, case, moment.now) or offer_id not in cast("Sequence[str]", link.offers):
        raise LinkOver("this link is over, or does not offer that")
    tx.put(replace(link, chosen=offer_id, chosen_at=moment.now))
    case = replace(case, due_at=moment.now, tries=0, changed_at=moment.now)
    tx.put(case)
    moment.log(tx, case.id, "customer_chose", {"offer": offer_id})
    tx.wake(Case, case.id, moment.now)
    return case


def is_open(link: ChoiceLink, case: Case, now: datetime) -> bool:
    """Whether something may still be chosen by it."""
    waits = case.state is CaseState.WAITING_CUSTOMER
    return link.open and link.chosen is None and waits and now < link.expires_at


def shut(tx: Tx, case: Case) -> None:
    """The case goes another way: nothing can be chosen any more."""
    link = of_case(tx, case.id)
    if link is not None and link.open:
        tx.put(replace(link, open=False))


def _place(workspace: str, id: str) -> Place:
    return Place(workspace, ChoiceLink.TABLE.name, id, "sealed_token")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
