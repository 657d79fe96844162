"""An empty database for a proof: a file, or a PostgreSQL of its own from PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import AmendsError

KINDS = ("sqlite", "postgresql")


class NoPostgres(AmendsError):
    """PostgreSQL cannot be started here."""


@contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """Its URL. What was made is in `home`. Raises `NoPostgres`."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'proof.db'}"
        return
    try:
        import pgserver
    except ImportError:
        raise NoPostgres("install the package pgserver to have a PostgreSQL for this") from None
    server = pgserver.get_server(home / "postgres", cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
