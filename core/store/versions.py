"""Which versions of the tables this program knows, and that it leaves a newer one alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.store import NewerTables

MIGRATIONS = Path(__file__).parent / "migrations"
#: As it is when the program starts: a newer one's files may take the place of these while it runs.
KNOWN = frozenset(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/*.py"))

#: Asks for the version that the tables have.
VERSION = "SELECT version_num FROM alembic_version"
#: Held alone by whoever changes the tables, and by all who write together (PostgreSQL; SQLite has
#: one writer at a time): any number of our own, "amends".
LOCK = 0x616D656E6473


def refuse_newer(found: Sequence[str] | None) -> None:
    """`found` is the answer to `VERSION`. Raises `NewerTables`."""
    if found is not None and found[0] not in KNOWN:
        raise NewerTables(
            f"a newer version of Amends has changed this database ({found[0]}): run that version"
        )
