"""Where the policies of `amends policy` come from: packs, the database, and files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import AmendsError
from core.policies import PolicyDraft, version_in_force
from core.policy import Policy, PolicyError, UnknownPack, load, pack_text, variants
from core.store import Reader
from core.store.sql import SqlStore
from webhooks.settings import Settings

#: The largest policy file, as the loader reads.
MAX_FILE = 1_048_576


class NoSuchPolicy(AmendsError):
    """No pack, no published policy and no file has this name."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a policy came from: `pack`, `published`, `draft` or `file`; and its text."""

    kind: str
    name: str
    text: str
    variant: str

    @property
    def policy(self) -> Policy:
        try:
            return load(self.text, name=self.name, variant=self.variant)
        except PolicyError as error:
            raise NoSuchPolicy(f"{self.name}: {error}") from error


def source(settings: Settings, name: str, variant: str, *, stored: bool = True) -> Source:
    """The pack, published policy, draft or file of this name, in this order; a path is always a
    file, and so is everything where `stored` is not wanted and no pack has the name."""
    if not _is_path(name):
        try:
            text, found = pack_text(name)
            return Source("pack", name, text, found)
        except UnknownPack:
            pass
        in_database = _stored(settings, name) if stored else None
        if in_database is not None:
            return in_database
    return Source("file", name, _read(name), variant)


def every(settings: Settings, name: str, variant: str) -> Iterator[Source]:
    """The source of this name; of a file that holds several variants, each of them."""
    one = source(settings, name, variant)
    if one.kind != "file" or variant:
        yield one
        return
    try:
        found = variants(one.text)
    except PolicyError as error:
        raise NoSuchPolicy(f"{name}: {error}") from error
    for each in found or ("",):
        yield Source("file", name, one.text, each)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _read(name: str) -> str:
    path = Path(name)
    try:
        if path.stat().st_size > MAX_FILE:
            raise NoSuchPolicy(f"{name} is larger than 1 MiB; split the policy")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NoSuchPolicy(f"{name} is not UTF-8 text") from None
    except OSError:
        raise NoSuchPolicy(
            f"there is no pack, published policy or file {name[:80]!r}; see `amends policy list`"
        ) from None


def _stored(settings: Settings, name: str) -> Source | None:
    """The draft of this id, or the version of this name that is in force."""
    today = datetime.now(UTC).date()
    with reader(settings) as rows:
        if rows is None:
            return None
        found = rows.get(PolicyDraft, name)
        version = version_in_force(rows, name, today) if found is None else None
    if found is not None:
        return Source("draft", found.name, found.text, found.variant)
    if version is not None:
        return Source("published", name, version.text, version.variant)
    return None


@contextmanager
def reader(settings: Settings) -> Iterator[Reader | None]:
    """The workspace's database, if there is one already; None where nothing was set up."""
    if not _set_up(settings):
        yield None
        return
    store = SqlStore(settings.database_url, settings.workspace)
    try:
        with store.read() as rows:
            yield rows
    finally:
        store.close()


def _set_up(settings: Settings) -> bool:
    """Whether there is a database: a file for SQLite; anything else was set on purpose."""
    kind, _, path = settings.database_url.partition(":///")
    return Path(path).is_file() if kind.startswith("sqlite") and path else True
