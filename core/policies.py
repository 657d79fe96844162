"""Published policies: immutable versions, identified by the hash of their content.

What somebody here wrote, somebody else publishes: a draft names its author, and only another admin
puts it in force. What ships with Amends nobody here wrote, so one admin is enough. A version takes
effect today or later, and nothing is ever changed or taken back: to undo, publish what was before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import ClassVar

from core.authority import check_admin
from core.errors import AmendsError
from core.likeness import mailbox
from core.moment import Moment
from core.people import Person
from core.policy import Policy, load, pack_text
from core.policy.check import refuse_errors
from core.record import Record, Table
from core.store import Reader, Tx


class NoSuchDraft(AmendsError):
    """No draft has this id."""


class MayNotPublish(AmendsError):
    """This person may not publish this draft, or this draft may no longer be published."""


class PolicyTaken(AmendsError):
    """Nothing would change: this very content holds on that day already."""


class PolicyBackdated(AmendsError):
    """A version cannot take effect in the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft(Record):
    """What somebody would like to be published, as they wrote it. Its author's next draft of the
    same name takes its place."""

    TABLE: ClassVar[Table] = Table(
        name="policy_drafts", index=(("name", "author"),), append_only=True
    )

    name: str
    version_hash: str
    text: str
    variant: str
    author: str
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion(Record):
    """A policy as published: its text, and the hash of what the text means. `draft_id` and `author`
    are None where it is as it ships with Amends, `published_by` where the program set it up."""

    TABLE: ClassVar[Table] = Table(
        name="policy_versions",
        unique=(("draft_id",),),
        index=(("name",), ("version_hash",)),
        append_only=True,
    )

    name: str
    version_hash: str
    text: str
    variant: str
    effective_from: date
    published_at: datetime
    draft_id: str | None = None
    author: str | None = None
    published_by: str | None = None


def draft(tx: Tx, text: str, *, variant: str = "", by: Person, moment: Moment) -> PolicyDraft:
    """Keep a text for somebody else to publish. Raises `core.authority.NotAnAdmin`,
    `core.policy.PolicyError` for a text that is no policy, `core.policy.check.PolicyUnfit`."""
    check_admin(by)
    policy = load(text, variant=variant)
    refuse_errors(policy, today=moment.now.date())
    made = PolicyDraft(
        id=moment.new("draft"),
        name=policy.name,
        version_hash=policy.version_hash,
        text=text,
        variant=variant,
        author=by.id,
        written_at=moment.now,
    )
    tx.add(made)
    return made


def publish(
    tx: Tx, draft_id: str, *, effective_from: date, by: Person, moment: Moment
) -> PolicyVersion:
    """Put a draft in force, by another admin than its author. Raises `core.authority.NotAnAdmin`,
    `NoSuchDraft`, `MayNotPublish`, `PolicyBackdated`, `PolicyTaken`, and what `draft` raises."""
    check_admin(by)
    found = tx.get(PolicyDraft, draft_id)
    if found is None:
        raise NoSuchDraft(f"there is no draft {draft_id[:60]}; `amends policy list` shows them")
    _check_author(tx, found, by)
    if found.id not in {one.id for one in drafts(tx)}:
        raise MayNotPublish("this draft was published, or its author has written another since")
    policy = loaded(found.text, found.variant)
    return _put(tx, policy, found.text, found.variant, found, effective_from, by, moment)


def publish_pack(
    tx: Tx, name: str, *, effective_from: date, by: Person | None, moment: Moment
) -> PolicyVersion:
    """Put a policy in force as it ships with Amends. `by` is None where the program itself sets up
    a workspace. Raises `core.policy.UnknownPack`, and what `publish` raises."""
    if by is not None:
        check_admin(by)
    text, variant = pack_text(name)
    return _put(tx, loaded(text, variant), text, variant, None, effective_from, by, moment)


def drafts(reader: Reader) -> list[PolicyDraft]:
    """Drafts that wait: not published, and their author's newest of that name."""
    newest = {(one.name, one.author): one for one in reader.find(PolicyDraft)}
    return [one for one in newest.values() if not reader.count(PolicyVersion, draft_id=one.id)]


def version_in_force(reader: Reader, name: str, day: date) -> PolicyVersion | None:
    """The version that holds on `day`: the latest to take effect, then the latest published."""
    versions = [v for v in reader.find(PolicyVersion, name=name) if v.effective_from <= day]
    return max(versions, key=lambda v: (v.effective_from, v.published_at, v.id), default=None)


def in_force(reader: Reader, name: str, day: date) -> Policy | None:
    """The policy that holds on `day`; None also where, by its own `effective`, it does not."""
    found = version_in_force(reader, name, day)
    policy = loaded(found.text, found.variant) if found else None
    return policy if policy is not None and _holds(policy, day) else None


def _holds(policy: Policy, day: date) -> bool:
    """Whether a policy that goes by no fact's date holds on the day of the decision."""
    dates = policy.effective
    if dates.by is not None:
        return True  # each case says its own day, and `decide` asks
    early = dates.first is not None and day < dates.first
    return not early and (dates.last is None or day <= dates.last)


@lru_cache(maxsize=64)
def loaded(text: str, variant: str) -> Policy:
    """A kept text as a policy; loading is slow, texts never change."""
    return load(text, variant=variant)


def _check_author(reader: Reader, found: PolicyDraft, by: Person) -> None:
    """Nobody publishes what they wrote, by a second account neither."""
    author = reader.get(Person, found.author)
    same = author is None or author.id == by.id or mailbox(author.email) == mailbox(by.email)
    if same:
        raise MayNotPublish(f"{by.name} wrote this draft; another admin must publish it")


def _put(
    tx: Tx, policy: Policy, text: str, variant: str, found: PolicyDraft | None,
    effective_from: date, by: Person | None, moment: Moment,
) -> PolicyVersion:  # fmt: skip
    today = moment.now.date()
    if effective_from < today:
        raise PolicyBackdated(
            f"{effective_from} is past; a policy takes effect today ({today}) or later"
        )
    refuse_errors(policy, today=effective_from)
    before = version_in_force(tx, policy.name, effective_from)
    if before is not None and before.version_hash == policy.version_hash:
        raise PolicyTaken(f"{policy.name} {policy.version_hash[:12]} is published already")
    version = PolicyVersion(
        id=moment.new("pol"),
        name=policy.name,
        version_hash=policy.version_hash,
        text=text,
        variant=variant,
        effective_from=effective_from,
        published_at=moment.now,
        draft_id=found.id if found else None,
        author=found.author if found else None,
        published_by=by.id if by else None,
    )
    tx.add(version)
    return version
