"""How commands print: tables for people, one JSON value for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

import click

from core.record import Record


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns; a line that says so where there is nothing."""
    if not rows:
        click.echo("nothing")
        return
    shown = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(heads))]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def as_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def record(row: Record) -> dict[str, object]:
    return asdict(row)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)
