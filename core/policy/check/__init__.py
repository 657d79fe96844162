"""What is wrong or odd with a policy, before it is published.

    for finding in check(policy, today=date(2026, 10, 4)):
        print(finding)          # line 12, column 5: error: this row of `give` is never reached: ...

Nothing is claimed that was not shown: rows said to be unreachable are so for all facts, and every
example of a gap or an overlap was decided before it was named. What cannot be cut into bands and
words (comparisons of calculations, tables too large) is said to be `not_analysed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from core.errors import AmendsError
from core.policy.check.amounts import amounts
from core.policy.check.bands import bands
from core.policy.check.coverage import coverage
from core.policy.check.model import SEVERITY, Finding, Severity
from core.policy.check.names import expiry, names

if TYPE_CHECKING:
    from core.policy import Policy

__all__ = ["SEVERITY", "Finding", "PolicyUnfit", "Severity", "check", "refuse_errors"]


class PolicyUnfit(AmendsError):
    """A policy with findings that are errors; it cannot be published. `findings` has them."""

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        listed = "; ".join(map(str, findings[:5]))
        more = f"; and {len(findings) - 5} more" if len(findings) > 5 else ""
        super().__init__(f"{name} cannot be published: {listed}{more}")
        self.findings = tuple(findings)


def check(policy: Policy, *, today: date | None = None) -> list[Finding]:
    """Everything found, in the order of the text. `today` is needed to see that a policy ended."""
    tree = policy.tree
    everything = [
        *coverage(tree, policy.answerer), *bands(tree), *amounts(tree), *names(tree),
        *expiry(tree, today),
    ]  # fmt: skip
    unlike = {(one.kind, one.line, one.column, one.message): one for one in everything}
    return sorted(unlike.values(), key=lambda one: (one.line, one.column, one.kind))


def refuse_errors(policy: Policy, *, today: date | None = None) -> list[Finding]:
    """`check`, for publishing. Raises `PolicyUnfit` if there are errors, else answers the rest."""
    findings = check(policy, today=today)
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        raise PolicyUnfit(policy.name, errors)
    return findings
