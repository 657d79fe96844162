"""A policy's tables as sheets, for people who live in spreadsheets, and back into its text.

Every table is a sheet: `refuse`, `give`, and `let.NAME` for each table under `let`. Of `refuse`,
`give` and lists of rows, a line is a row: `when days_late` holds one cell of `when`, other columns
have the names of the keys. A name may head two columns, for the steps of a row are done in their
order, and what stands further left is done first. A grid, a dated table and amounts by currency
have their keys in the first column. A cell reads as in the policy; one that begins with `[`, `{` or
a quotation mark is a list, a mapping or quoted text.

Only tables that were changed are written anew (comments inside them are lost), so a policy that
comes back unchanged is the same to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.policy import sheet_files
from core.policy.document import Listing, Mapping, Node, Text, read
from core.policy.errors import PolicyError, Pos
from core.policy.kinds import WORD
from core.policy.loader import load_tree, variants_of
from core.policy.sheet_files import Grid, SheetError

_PLAIN = re.compile(r"[A-Za-z0-9_.<][^\[\]{},:#&*!|>'\"%@`\\\x00-\x1f\x7f-\uffff]*", re.ASCII)
_KEY = "row"
_VALUE = "is"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. `cells` has the heads first; `places` say where each cell stands in the text."""

    name: str
    path: tuple[str, ...]
    keyed: bool
    cells: Grid
    places: list[list[Pos | None]]


def export(text: str, target: Path) -> list[str]:
    """Write the tables to a workbook (`.xlsx`) or a folder of CSV files; answers what was written.

    Raises `PolicyError` for a text that is no policy, `SheetError`.
    """
    _check(text)
    return sheet_files.write([(sheet.name, sheet.cells) for sheet in sheets_of(text)], target)


def take_in(text: str, source: Path) -> str:
    """The policy `text` with the tables of the sheets. Raises `SheetError` with sheet, row and
    column for whatever is not exactly right, `PolicyError` where the rest of the text is not."""
    _check(text)
    here = sheets_of(text)
    found = sheet_files.read([sheet.name for sheet in here], source)
    changes = []
    for sheet in here:
        grid = found.get(sheet.name)
        if grid is not None and _even(grid) != _even(sheet.cells):
            changes.append((sheet, _table(sheet, grid)))
    result = _replaced(text, changes)
    try:
        _check(result)
    except PolicyError as error:
        raise _placed(error, result) from error
    return result


def _check(text: str) -> None:
    for variant in variants_of(text) or ("",):
        load_tree(text, variant)


# ------------------------------------------------------------------------------- text to sheets


def sheets_of(text: str) -> list[Sheet]:
    """The tables of a policy as sheets."""
    document = read(text)
    found = []
    lets = document.values.get("let")
    if isinstance(lets, Mapping):
        for name, node in lets.values.items():
            sheet = _let(name, node)
            if sheet is not None:
                found.append(sheet)
    for name in ("refuse", "give"):
        rows = document.values.get(name)
        if isinstance(rows, Listing):
            found.append(_listed(name, (name,), rows))
    return found


def _let(name: str, node: Node) -> Sheet | None:
    path: tuple[str, ...] = ("let", name)
    if isinstance(node, Listing):
        return _listed(f"let.{name}", path, node)
    if not isinstance(node, Mapping):
        return None
    if "table" in node.values:
        inner = node.values["table"]
        return (
            _keyed(f"let.{name}", (*path, "table"), inner, ())
            if isinstance(inner, Mapping)
            else None
        )
    return _keyed(f"let.{name}", path, node, ("dated",))


def _listed(name: str, path: tuple[str, ...], node: Listing) -> Sheet:
    rows = [_entries(item) if isinstance(item, Mapping) else [] for item in node.items]
    return _lined_up(name, path, False, rows)


def _entries(row: Mapping) -> list[tuple[str, str, Pos]]:
    """Head, cell and place of everything in a row, in its order."""
    found = []
    for key, value in row.values.items():
        if key in ("when", "unless") and isinstance(value, Mapping):
            for cell, inner in value.values.items():
                found.append((f"{key} {cell}", shown(inner), inner.at))
        else:
            found.append((key, shown(value), value.at))
    return found


def _keyed(name: str, path: tuple[str, ...], node: Mapping, other: tuple[str, ...]) -> Sheet:
    """A table whose rows have keys; values are columns where all of them are mappings."""
    kept = {key: value for key, value in node.values.items() if key not in other}
    columns = all(isinstance(value, Mapping) for value in kept.values())
    rows = []
    for key, value in kept.items():
        line = [(_KEY, key, node.place(key))]
        if columns and isinstance(value, Mapping):
            line += [(head, shown(inner), inner.at) for head, inner in value.values.items()]
        else:
            line.append((_VALUE, shown(value), value.at))
        rows.append(line)
    return _lined_up(name, path, True, rows)


def _lined_up(
    name: str, path: tuple[str, ...], keyed: bool, rows: Sequence[Sequence[tuple[str, str, Pos]]]
) -> Sheet:
    """One head a column, so that every row's cells keep their order from left to right."""
    heads: list[str] = []
    for row in rows:
        at = 0
        for head, _, _ in row:
            if head in heads[at:]:
                at = heads.index(head, at) + 1
            else:
                heads.insert(at, head)
                at += 1
    cells: Grid = [heads]
    places: list[list[Pos | None]] = [[None] * len(heads)]
    for row in rows:
        line, where, at = [""] * len(heads), [None] * len(heads), 0
        for head, cell, place in row:
            at = heads.index(head, at)
            line[at], where[at] = cell, place  # type: ignore[call-overload]
            at += 1
        cells.append(line)
        places.append(list(where))
    return Sheet(name, path, keyed, cells, places)


def shown(node: Node) -> str:
    """A node as the text of a cell."""
    if not isinstance(node, Text):
        return flow(node)
    quoted = not node.plain and (WORD.fullmatch(node.value) is not None or not node.value)
    reads_otherwise = node.value[:1] in ("[", "{", '"', "'") or node.value != node.value.strip()
    return _quoted(node.value) if quoted or reads_otherwise else node.value


def flow(node: Node) -> str:
    """A node in one line of YAML."""
    if isinstance(node, Text):
        return node.value if node.plain and _is_plain(node.value) else _quoted(node.value)
    if isinstance(node, Listing):
        return f"[{', '.join(flow(item) for item in node.items)}]"
    pairs = (f"{_key_text(key)}: {flow(value)}" for key, value in node.values.items())
    return f"{{{', '.join(pairs)}}}"


def _key_text(key: str) -> str:
    return key if _is_plain(key) else _quoted(key)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and not text.endswith(" ")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ------------------------------------------------------------------------------- sheets to text


def _even(grid: Grid) -> Grid:
    """Without empty cells at the ends of rows and columns nobody filled."""
    rows = [list(row) for row in grid]
    for row in rows:
        while row and not row[-1]:
            row.pop()
    return rows


def _table(sheet: Sheet, grid: Grid) -> list[str]:
    """The rows of a changed table as lines of YAML, without indentation."""
    if not grid or not any(grid[0]):
        raise SheetError("the first row has the names of the columns", sheet.name)
    heads = grid[0]
    lines = []
    for number, row in enumerate(grid[1:], 2):
        if not any(row):
            continue
        cells = []
        for column, cell in enumerate(row):
            if not cell:
                continue
            head = heads[column] if column < len(heads) else ""
            if not head:
                raise SheetError("a cell under no name", sheet.name, number, str(column + 1))
            cells.append((head, cell, _cell(cell, sheet.name, number, head)))
        lines.append(_keyed_line(sheet, number, cells) if sheet.keyed else _line(cells))
    if not lines:
        raise SheetError("a table has at least one row", sheet.name)
    return lines


def _cell(text: str, sheet: str, number: int, head: str) -> str:
    """A cell as YAML in one line."""
    if "\n" in text or "\r" in text:
        raise SheetError("a line break in a cell", sheet, number, head)
    if text[:1] not in ("[", "{", '"', "'"):
        return text if _is_plain(text) else _quoted(text)
    try:
        return flow(read(f"x: {text}").values["x"])
    except PolicyError as error:
        raise SheetError(error.message, sheet, number, head) from None


def _line(cells: Sequence[tuple[str, str, str]]) -> str:
    """`- {when: {a: b}, refund: c}`. A `when` stands where its first cell does."""
    parts: list[list[str]] = []
    inside: dict[str, list[str]] = {}
    for head, _, value in cells:
        word, _, name = head.partition(" ")
        if word in ("when", "unless") and name:
            if word not in inside:
                inside[word] = [word]
                parts.append(inside[word])
            inside[word].append(f"{_key_text(name.strip())}: {value}")
        else:
            parts.append([f"{_key_text(head)}: {value}"])
    texts = [
        part[0] if len(part) == 1 else f"{part[0]}: {{{', '.join(part[1:])}}}" for part in parts
    ]
    return f"- {{{', '.join(texts)}}}"


def _keyed_line(sheet: Sheet, number: int, cells: Sequence[tuple[str, str, str]]) -> str:
    if cells[0][0] != _KEY:
        raise SheetError("every row of this table has a key in its first column", sheet.name,
                         number, _KEY)  # fmt: skip
    key = _key_text(cells[0][1])
    if [head for head, _, _ in cells[1:]] == [_VALUE]:
        return f"{key}: {cells[1][2]}"
    return f"{key}: {{{', '.join(f'{_key_text(head)}: {value}' for head, _, value in cells[1:])}}}"


def _replaced(text: str, changes: Sequence[tuple[Sheet, list[str]]]) -> str:
    """`text` with each changed table written anew at its place, the last one first."""
    root = yaml.compose(text, Loader=yaml.SafeLoader) if changes else None
    places = [(_node_at(root, sheet.path), sheet, lines) for sheet, lines in changes]
    for node, sheet, lines in sorted(places, key=lambda one: -one[0].start_mark.index):
        start, end = node.start_mark.index, node.end_mark.index
        if sheet.path[0] == "let" and sheet.keyed:
            dated = _dated(node)
            lines = [f"dated: {dated}", *lines] if dated else lines
        if node.flow_style:
            body = ", ".join(line.removeprefix("- ") for line in lines)
            new = f"[{body}]" if not sheet.keyed else f"{{{body}}}"
        else:
            old = text[start:end]
            end = start + len(_without_comments(old))
            new = ("\n" + " " * node.start_mark.column).join(lines)
        text = text[:start] + new + text[end:]
    return text


def _without_comments(block: str) -> str:
    """A block up to its last line that says something: what follows belongs to what comes next."""
    lines = block.split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].strip().startswith("#")):
        lines.pop()
    return "\n".join(lines)


def _node_at(root: Any, path: Sequence[str]) -> Any:
    node = root
    for name in path:
        node = next(value for key, value in node.value if key.value == name)
    return node


def _dated(node: Any) -> str:
    return next((value.value for key, value in node.value if key.value == "dated"), "")


def _placed(error: PolicyError, text: str) -> Exception:
    """The error at the cell it is in; as it is where it stands in no table."""
    best: tuple[Pos, SheetError] | None = None
    where = Pos(error.line, error.column)
    try:
        sheets = sheets_of(text)
    except PolicyError:
        return error
    for sheet in sheets:
        for number, row in enumerate(sheet.places[1:], 2):
            for column, place in enumerate(row):
                if place is None or place > where or place.line != where.line:
                    continue
                if best is None or place > best[0]:
                    head = sheet.cells[0][column]
                    best = (place, SheetError(error.message, sheet.name, number, head))
    return best[1] if best is not None else error
