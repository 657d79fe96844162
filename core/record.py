"""What every stored thing is: a frozen dataclass with an id, and a table it says itself.

The stores read `TABLE` and the field annotations; nothing else describes storage. Field types are
text, whole numbers, yes/no, bytes, aware UTC instants, dates, and JSON documents (`Doc`), each
possibly None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

#: A JSON document: text, whole numbers, yes/no, None, and mappings and lists of them. No floats.
Doc = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """name: the SQL table. unique: column sets that may occur once (None never collides).
    index: column sets looked up often. leased: rows are work that a runner claims when due."""

    name: str
    unique: tuple[tuple[str, ...], ...] = ()
    index: tuple[tuple[str, ...], ...] = ()
    leased: bool = False
    append_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`id` is made by us before any call: a prefix and a UUIDv7."""

    TABLE: ClassVar[Table]

    id: str
