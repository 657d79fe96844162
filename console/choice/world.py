"""What the page of a customer's choice needs of the world around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from core.brand import Brand
from core.errors import AmendsError
from core.message import Given
from core.routing import Tone

#: coming: being prepared. pending: the host has taken it on. slow: not clear yet, being asked
#: about. done: the host confirmed it. off: not given, or taken back.
GiftState = Literal["coming", "pending", "slow", "done", "off"]


class Gone(AmendsError):
    """The link is unknown, over, or leads nowhere any more: the page does not say which."""


class NotOffered(AmendsError):
    """Nothing of this name can be chosen by the link."""


class ChosenBefore(AmendsError):
    """Something else was chosen by the link before; that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What one choice gives; `id` names it in the form."""

    id: str
    parts: Sequence[Given]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """One thing that was chosen, and where it stands; `given.code` only once it is done."""

    id: str
    given: Given
    state: GiftState


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One link as it stands. `language` is the customer's tag; `signed` the person who signs.

    until: the last day on which something can be chosen. chosen_at: None while nothing was chosen;
    then `gifts` are what is given. with_person: somebody of the company has to look at it.
    """

    language: str
    brand: Brand | None
    signed: str | None
    reason: str
    tone: Tone
    order_name: str | None
    until: date
    options: Sequence[Option]
    chosen_at: datetime | None = None
    gifts: Sequence[Gift] = ()
    with_person: bool = False

    @property
    def settled(self) -> bool:
        """Nothing more will happen by itself."""
        return self.with_person or all(gift.state in ("done", "off") for gift in self.gifts)


class Choices(Protocol):
    def now(self) -> datetime: ...

    def look(self, token: str) -> Shown:
        """Changes nothing. Raises `Gone`."""
        ...

    def choose(self, token: str, option_id: str) -> None:
        """Once: the same again changes nothing. Raises `Gone`, `NotOffered`, `ChosenBefore`."""
        ...
