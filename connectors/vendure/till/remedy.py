"""What each remedy's file offers, and what they share."""

from __future__ import annotations

from typing import Protocol

from core.money import Money
from core.ports import Ending, Finding, Instruction, Quote, Unpayable


class Remedy(Protocol):
    """One way of paying.

    `thing` is what only one at a time may change. `find` raises a `HostError` where it could not
    look. `send` makes the one request that moves the money, and raises a `HostError` only before.
    """

    def thing(self, instruction: Instruction) -> str: ...

    def quote(self, instruction: Instruction) -> Quote: ...

    def find(self, instruction: Instruction) -> Finding: ...

    def send(self, instruction: Instruction) -> Ending: ...


def asked(instruction: Instruction) -> Money:
    """Raises `Unpayable`. A refund of nothing would be computed from lines instead."""
    if instruction.amount is None or instruction.amount.minor <= 0:
        raise Unpayable(f"a {instruction.remedy} needs an amount above zero")
    return instruction.amount
