"""A policy of the proof's own, in force from the start, without the people who would publish it."""

from __future__ import annotations

from datetime import date

from core.moment import Moment
from core.policies import PolicyVersion
from core.policy import load


def in_force_always(text: str, moment: Moment) -> PolicyVersion:
    policy = load(text)
    return PolicyVersion(
        id=moment.new("pol"),
        name=policy.name,
        version_hash=policy.version_hash,
        text=text,
        variant="",
        effective_from=date(2020, 1, 1),
        published_at=moment.now,
    )
