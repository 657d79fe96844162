"""What each remedy's file offers, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from connectors.shopify.client import Refused
from connectors.shopify.shapes import Node
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

#: The one request that moves the money, ready to go.
Sending = Callable[[], Ending]

# What refundCreate says of its key comes as text: its userErrors have no code (2026-10).
_MISMATCH = "cannot be used with different operation parameters"
_RUNNING = "currently in progress"
_SPENT = "retry with a new idempotency key"


class Remedy(Protocol):
    """One way of paying.

    `prepare` only reads. It answers an ending where nothing is to be sent (it is there already, or
    cannot be), else the sending. So whatever goes wrong in it happened before any money moved, and
    whatever goes wrong in the sending may have happened after.
    """

    def quote(self, instruction: Instruction) -> Quote: ...

    def prepare(self, instruction: Instruction) -> Ending | Sending: ...

    def find(self, instruction: Instruction) -> Finding: ...

    def reverse(self, instruction: Instruction) -> Ending: ...


def asked(instruction: Instruction) -> Money:
    """The amount, which every remedy but a replacement needs. Raises `Unpayable`."""
    if instruction.amount is None or instruction.amount.minor <= 0:
        raise Unpayable(f"a {instruction.remedy} needs an amount above zero")
    return instruction.amount


def needed(value: str | None, what: str) -> str:
    """Raises `Unpayable`."""
    if not value:
        raise Unpayable(f"Shopify needs {what} for this remedy")
    return value


def irreversible(why: str) -> Declined:
    return Declined("irreversible", why)


def no(said: Refused) -> Declined | Unknown:
    """A refusal as an ending. What is said about the key says nothing about the money."""
    words = said.message.lower()
    if "PARAMETER_MISMATCH" in said.code or _MISMATCH in words:
        return Unknown(
            "Shopify knows this key with other values: a payout may stand there already. Look at "
            "the order's refunds before anything else"
        )
    if "CONCURRENT_REQUEST" in said.code or _RUNNING in words:
        return Unknown("Shopify is still working on this very request: ask again in a minute")
    if "PREVIOUS_ATTEMPT_FAILED" in said.code or _SPENT in words:
        return Unknown(
            "Shopify says the first sending with this key failed: ask, and if nothing is there, "
            "send it with a new key"
        )
    return Declined(said.code.lower() or "refused", f"Shopify says: {said.message}")


def settled_by(
    answer: Node | Refused | NotSent | Unknown, read: Callable[[Node], Ending]
) -> Ending:
    """The ending of a write: `read` judges a payload, and what it cannot read is `Unknown`."""
    if isinstance(answer, NotSent | Unknown):
        return answer
    if isinstance(answer, Refused):
        return no(answer)
    try:
        return read(answer)
    except HostUnclear as error:
        return Unknown(str(error))
