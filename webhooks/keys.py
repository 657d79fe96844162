"""The sealing keys of an installation: from a file only we can read, or from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import AmendsError
from core.store.sealing import KeyRing
from webhooks.settings import Settings


class NoKeys(AmendsError):
    """There are no sealing keys, or they cannot be used; the message says what to do."""


def load(settings: Settings) -> KeyRing:
    """Raises `NoKeys`."""
    if settings.keys is not None:
        return KeyRing.read(settings.keys.get_secret_value())
    path = settings.key_file
    try:
        text = path.read_text(encoding="ascii")
    except OSError:
        raise NoKeys(f"there is no key file {path}; make one with `amends keys new`") from None
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise NoKeys(f"{path} can be read by others; run `chmod 600 {path}`")
    return KeyRing.read(text)


def write(path: Path, ring: KeyRing) -> None:
    """Replace the key file as a whole, readable by its owner only."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(ring.text())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
