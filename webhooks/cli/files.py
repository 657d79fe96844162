"""Files that commands are given, and files that they write: read as text or not at all, written
whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from core.errors import AmendsError

#: More than any file of rates, limits, options or facts that is meant to be read at once.
MOST_BYTES = 64 * 2**20


class CannotWrite(AmendsError):
    """A file cannot be written there; nothing of it was."""


class TextFile(click.ParamType[str]):
    """The text of a file (`-`: standard input) in UTF-8, with or without a spreadsheet's mark."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            if value == "-":
                data = sys.stdin.buffer.read(MOST_BYTES + 1)
            else:
                with Path(value).open("rb") as file:
                    data = file.read(MOST_BYTES + 1)
            if len(data) > MOST_BYTES:
                self.fail(f"{value} is larger than {MOST_BYTES >> 20} MiB; split it", param, ctx)
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.fail(f"{value} is not UTF-8 text", param, ctx)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self.fail(f"{value!r}: {why}", param, ctx)


TEXT_FILE = TextFile()


def write(path: Path, data: bytes) -> None:
    """Replace the file as a whole, in a folder that is made where it is not there; a terminal or a
    pipe is written to as it is. Raises `CannotWrite`."""
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from None
