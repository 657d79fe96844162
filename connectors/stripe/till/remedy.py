"""What each remedy's file offers, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import stripe

from connectors.stripe.client import Account, Node, Refused
from connectors.stripe.shapes import listed, text
from core.money import Money
from core.ports import (
    Declined,
    Ending,
    Finding,
    HostUnclear,
    Instruction,
    NotSent,
    Quote,
    Unknown,
    Unpayable,
)

#: The request that moves the money, ready to go.
Sending = Callable[[], Ending]
PAGE = 100
_PAGES_MAX = 50


class Remedy(Protocol):
    """One way of paying. `prepare` only reads: what goes wrong in it happened before any money
    moved; what goes wrong in the sending it answers may have happened after."""

    def quote(self, instruction: Instruction) -> Quote: ...

    def prepare(self, instruction: Instruction) -> Ending | Sending: ...

    def find(self, instruction: Instruction) -> Finding: ...

    def reverse(self, instruction: Instruction) -> Ending: ...


def asked(instruction: Instruction) -> Money:
    """Raises `Unpayable`."""
    if instruction.amount is None or instruction.amount.minor <= 0:
        raise Unpayable(f"a {instruction.remedy} needs an amount above zero")
    return instruction.amount


def needed(value: str | None, what: str) -> str:
    """Raises `Unpayable`."""
    if not value:
        raise Unpayable(f"Stripe needs {what} for this remedy")
    return value


def irreversible(why: str) -> Declined:
    return Declined("irreversible", why)


def ending_of(answer: Node | Refused | NotSent | Unknown, read: Callable[[Node], Ending]) -> Ending:
    """The ending of a write: `read` judges what came back, and what it cannot read is `Unknown`."""
    if isinstance(answer, NotSent | Unknown):
        return answer
    if isinstance(answer, Refused):
        return Declined(answer.code, answer.message)
    try:
        return read(answer)
    except HostUnclear as error:
        return Unknown(str(error))


def every(
    account: Account, page: Callable[[stripe.StripeClient, str | None], stripe.StripeObject]
) -> Iterator[Node]:
    """All entries of a list. Raises `HostError`."""
    after: str | None = None
    for _ in range(_PAGES_MAX):
        start = after
        found = account.read(lambda client: page(client, start))  # noqa: B023 - called at once
        entries = listed(found)
        yield from entries
        if found.get("has_more") is not True or not entries:
            return
        after = text(entries[-1], "id")
    raise HostUnclear("Stripe lists more than can be looked through")
