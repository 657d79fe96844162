"""Published policies: immutable versions, identified by the hash of their content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import ClassVar

from core.errors import AmendsError
from core.moment import Moment
from core.policy import Policy, load
from core.record import Record, Table
from core.store import Reader, Tx


class PolicyTaken(AmendsError):
    """This very version is published already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion(Record):
    """A policy as published: its text, and the hash of what the text means."""

    TABLE: ClassVar[Table] = Table(
        name="policy_versions", unique=(("name", "version_hash"),), index=(("name",),)
    )

    name: str
    version_hash: str
    text: str
    variant: str
    effective_from: date
    published_at: datetime
    published_by: str | None = None


def publish(
    tx: Tx,
    text: str,
    *,
    variant: str = "",
    effective_from: date,
    by: str | None,
    moment: Moment,
) -> PolicyVersion:
    """Raises `core.policy.PolicyError` for a text that is no policy, `PolicyTaken`."""
    policy = load(text, variant=variant)
    if tx.count(PolicyVersion, name=policy.name, version_hash=policy.version_hash):
        raise PolicyTaken(f"{policy.name} {policy.version_hash[:12]} is published already")
    version = PolicyVersion(
        id=moment.new("pol"),
        name=policy.name,
        version_hash=policy.version_hash,
        text=text,
        variant=variant,
        effective_from=effective_from,
        published_at=moment.now,
        published_by=by,
    )
    tx.add(version)
    return version


def in_force(reader: Reader, name: str, day: date) -> Policy | None:
    """The version that holds on `day`: the latest to take effect, then the latest published."""
    versions = [v for v in reader.find(PolicyVersion, name=name) if v.effective_from <= day]
    if not versions:
        return None
    latest = max(versions, key=lambda v: (v.effective_from, v.published_at))
    return loaded(latest.text, latest.variant)


@lru_cache(maxsize=64)
def loaded(text: str, variant: str) -> Policy:
    """A published text as a policy; loading is slow, texts never change."""
    return load(text, variant=variant)
