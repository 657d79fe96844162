"""The sealing keys of an installation: from a file only we can read, or from the environment.

The file holds one key a line; the first seals, the others still open what they sealed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.errors import AmendsError
from core.store.sealing import Sealer, read_keys
from webhooks.settings import Settings


class NoKeys(AmendsError):
    """There are no sealing keys, or they cannot be used; the message says what to do."""


def sealer(settings: Settings) -> Sealer:
    """Raises `NoKeys`, `BadKey`."""
    return Sealer(read_keys(text(settings)))


def text(settings: Settings) -> str:
    """Raises `NoKeys`."""
    if settings.keys is not None:
        return settings.keys.get_secret_value()
    path = settings.key_file
    try:
        found = path.read_text(encoding="ascii")
    except OSError:
        raise NoKeys(f"there is no key file {path}; make one with `amends keys new`") from None
    except UnicodeDecodeError:
        raise NoKeys(f"{path} is no key file: take it again from where its copy is kept") from None
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise NoKeys(f"{path} can be read by others; run `chmod 600 {path}`")
    return found


def write(path: Path, keys: Sequence[str]) -> None:
    """Replace the key file as a whole, readable by its owner only."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join(keys) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
