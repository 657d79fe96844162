"""What can go wrong with a policy: at loading (`PolicyError`) and at deciding (`Undecided`)."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import AmendsError


@dataclass(frozen=True, slots=True, order=True)
class Pos:
    """A place in a policy's text; both counted from 1."""

    line: int
    column: int

    def shifted(self, characters: int) -> Pos:
        return Pos(self.line, self.column + characters)


class PolicyError(AmendsError):
    """A policy that cannot be loaded, with the place in its text and what to do about it."""

    def __init__(self, message: str, at: Pos) -> None:
        super().__init__(f"line {at.line}, column {at.column}: {message}")
        self.message = message
        self.line = at.line
        self.column = at.column


class Undecided(Exception):
    """A value that is not known: a fact is missing, does not fit, or a sum cannot be done.

    Never leaves `core.policy`: it ends as a decision whose outcome is `cannot_decide`.
    `fact` names the missing or unfit fact, where it was one.
    """

    def __init__(self, problem: str, fact: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fact = fact
