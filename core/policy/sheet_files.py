"""Sheets as a workbook or as CSV files, and back; nothing in them is ever a formula.

A cell that a spreadsheet would take for a formula or a command (it begins with `=`, `+`, `-`, `@`,
a tab or a line break, perhaps after spaces) is written with an apostrophe before it, and so is one
that begins with an apostrophe; reading takes one away. All cells are written as text: a spreadsheet
must not make a date of `3..6` or a number of `8.500`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from core.errors import AmendsError

_RISKY = re.compile(r"\s*[=+\-@|%'\t\r\n]|\s")
_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9_.-]")
MAX_ROWS, MAX_COLUMNS, MAX_BYTES = 5_001, 200, 10_000_000

Grid = list[list[str]]


class SheetError(AmendsError):
    """A sheet that cannot be taken in, with its place: `sheet give, row 3, column at_most`."""

    def __init__(self, message: str, sheet: str, row: int = 0, column: str = "") -> None:
        place = f"sheet {sheet}"
        place += f", row {row}" if row else ""
        place += f", column {column}" if column else ""
        super().__init__(f"{place}: {message}")
        self.message, self.sheet, self.row, self.column = message, sheet, row, column


def write(sheets: Sequence[tuple[str, Grid]], target: Path) -> list[str]:
    """Write each sheet's cells to `target`, a name ending in .xlsx or a folder. Answers what was
    written. Raises `SheetError`."""
    if target.suffix.lower() == ".xlsx":
        return _write_workbook(sheets, target)
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for name, grid in sheets:
        path = target / f"{_UNSAFE_NAME.sub('_', name)}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[safe(cell) for cell in row] for row in grid])
        names.append(str(path))
    return names


def read(names: Sequence[str], source: Path) -> dict[str, Grid]:
    """The cells of those sheets that are there. Raises `SheetError`."""
    if source.is_dir():
        found = {name: source / f"{_UNSAFE_NAME.sub('_', name)}.csv" for name in names}
        strange = {path.name for path in source.glob("*.csv")} - {p.name for p in found.values()}
        if strange:
            raise SheetError("the policy has no such table", sorted(strange)[0])
        return {name: _read_csv(name, path) for name, path in found.items() if path.is_file()}
    if source.suffix.lower() != ".xlsx":
        raise SheetError("a workbook ends in .xlsx; CSV files stand in a folder", source.name)
    return _read_workbook(names, source)


def safe(text: str) -> str:
    """A text no spreadsheet takes for a formula; `plain` undoes it."""
    return f"'{text}" if _RISKY.match(text) else text


def plain(text: str) -> str:
    """What `safe` was given, or what somebody typed."""
    return text[1:] if text.startswith("'") else text.strip()


def _read_csv(name: str, path: Path) -> Grid:
    if path.stat().st_size > MAX_BYTES:
        raise SheetError("the file is larger than 10 MB", name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            grid = [[plain(cell) for cell in row] for row in csv.reader(file, strict=True)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise SheetError(f"not CSV in UTF-8: {error}", name) from None
    return _bounded(name, grid)


def _bounded(name: str, grid: Grid) -> Grid:
    while grid and not any(grid[-1]):
        grid.pop()
    if len(grid) > MAX_ROWS or any(len(row) > MAX_COLUMNS for row in grid):
        raise SheetError(f"more than {MAX_ROWS - 1} rows or {MAX_COLUMNS} columns", name)
    return grid


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        raise SheetError("needs the extra: pip install 'amends[backtest]'", "(.xlsx)") from None
    return openpyxl


def titles(names: Sequence[str]) -> dict[str, str]:
    """A title of at most 31 characters for each name, as workbooks want them, no two alike."""
    found: dict[str, str] = {}
    for name in names:
        title, number = name[:31], 1
        while title.lower() in {one.lower() for one in found.values()}:
            number += 1
            title = f"{name[:27]}~{number}"
        found[name] = title
    return found


def _write_workbook(sheets: Sequence[tuple[str, Grid]], target: Path) -> list[str]:
    openpyxl = _openpyxl()
    book = openpyxl.Workbook()
    book.remove(book.active)
    named = titles([name for name, _ in sheets])
    for name, grid in sheets:
        sheet = book.create_sheet(named[name])
        for row, cells in enumerate(grid, 1):
            for column, text in enumerate(cells, 1):
                cell = sheet.cell(row, column)
                cell.number_format = "@"
                if text:
                    cell.value = safe(text)
                    cell.data_type = "s"
        sheet.freeze_panes = "A2"
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)
    return [f"{target}: {', '.join(named.values())}"]


def _read_workbook(names: Sequence[str], source: Path) -> dict[str, Grid]:
    if source.stat().st_size > MAX_BYTES:
        raise SheetError("the file is larger than 10 MB", source.name)
    try:
        book = _openpyxl().load_workbook(source, read_only=True)
    except (OSError, KeyError, ValueError, AttributeError, BadZipFile) as error:
        raise SheetError(f"not a workbook: {str(error)[:100]}", source.name) from None
    named = {title: name for name, title in titles(names).items()}
    strange = [title for title in book.sheetnames if title not in named]
    if strange:
        raise SheetError("the policy has no such table", strange[0][:40])
    found = {}
    for title in book.sheetnames:
        rows = book[title].iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS + 1)
        grid = [list(_cells(title, number, row)) for number, row in enumerate(rows, 1)]
        for line in grid:
            while line and not line[-1]:
                line.pop()
        found[named[title]] = _bounded(title, grid)
    return found


def _cells(title: str, number: int, row: Sequence[Any]) -> Iterator[str]:
    for column, cell in enumerate(row):
        value = cell.value
        letter = chr(65 + column) if column < 26 else str(column + 1)
        if value is None:
            yield ""
        elif isinstance(value, str):
            if cell.data_type == "f":
                raise SheetError("a formula; write its value", title, number, letter)
            yield plain(value)
        else:
            yield _typed(value, cell.number_format or "", title, number, letter)


def _typed(value: Any, shape: str, title: str, number: int, letter: str) -> str:
    """A cell that a spreadsheet made a number, a date or a yes of."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if "%" not in shape and isinstance(value, int | float):
        text = repr(value)
        if isinstance(value, int) or re.fullmatch(r"-?[0-9]{1,9}\.[0-9]{1,4}", text):
            return text.removesuffix(".0")
    raise SheetError("not clear what is meant; make the cell text", title, number, letter)
