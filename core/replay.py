"""A decision of the past, decided again from what was kept: the policy's text and the facts.

Whatever was published, changed or upgraded since, the same bytes must come out. If they do not,
either a row was changed behind our back or this version of Amends reads the policy differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.case import Case
from core.errors import AmendsError
from core.policies import PolicyVersion, loaded
from core.policy import decide
from core.policy.canonical import canonical_json
from core.store import Reader


class NothingToReplay(AmendsError):
    """The case has no decision, or the version that decided it is not here."""


@dataclass(frozen=True, slots=True)
class Replay:
    """`kept` and `again` are canonical JSON: the decision as it was kept, and as it comes now."""

    version: PolicyVersion
    kept: bytes
    again: bytes

    @property
    def same(self) -> bool:
        return self.kept == self.again


def replay(reader: Reader, case: Case) -> Replay:
    """Decide the case again. Raises `NothingToReplay`."""
    if not isinstance(case.decision, Mapping) or not isinstance(case.facts, Mapping):
        raise NothingToReplay("no decision was taken in this case")
    versions = reader.find(PolicyVersion, version_hash=case.policy_hash, limit=1)
    if not versions:
        raise NothingToReplay(
            f"the version {(case.policy_hash or '')[:12]} of {case.policy} is not here: it was "
            "published, for it decided; look for it in a backup"
        )
    version = versions[0]
    again = decide(loaded(version.text, version.variant), case.facts)
    return Replay(version, canonical_json(case.decision), again.to_bytes())
