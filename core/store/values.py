"""What a record's fields may hold, the same for every store.

A value that one store could not keep byte for byte is refused by all of them, so that a test on the
in-memory store says something about the databases.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from itertools import compress
from operator import attrgetter, is_not
from typing import Any, cast

from core.errors import AmendsError
from core.record import Doc, Record, replace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INT = 2**63 - 1
_MAX_DEPTH = 100

R = typing.TypeVar("R", bound=Record)


class NotStorable(AmendsError, ValueError):
    """A value that a column of its kind cannot hold exactly. Nothing was written."""


class Kind(Enum):
    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    BYTES = "bytes"
    INSTANT = "instant"
    DATE = "date"
    DOC = "doc"


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a record. `enum` is set where text is one of a closed set of words."""

    name: str
    kind: Kind
    nullable: bool
    enum: type[StrEnum] | None = None


def fields_of(record: type[Record]) -> tuple[Field, ...]:
    """The fields of a record class, `id` first. Raises `TypeError` for a type no column can be."""
    if record not in _FIELDS:
        hints = typing.get_type_hints(record)
        _FIELDS[record] = tuple(
            _field(field.name, hints[field.name]) for field in dataclasses.fields(record)
        )
    return _FIELDS[record]


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


_DOC = frozenset(typing.get_args(Doc))
_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    int: Kind.INT,
    bool: Kind.BOOL,
    bytes: Kind.BYTES,
    datetime: Kind.INSTANT,
    date: Kind.DATE,
}


def _field(name: str, hint: object) -> Field:
    parts = frozenset(typing.get_args(hint)) if _is_union(hint) else frozenset({hint})
    nullable = type(None) in parts
    parts -= {type(None)}
    if parts == _DOC:
        return Field(name, Kind.DOC, nullable)
    if len(parts) == 1:
        (only,) = parts
        if only in _KINDS:
            return Field(name, _KINDS[only], nullable)
        if isinstance(only, type) and issubclass(only, StrEnum):
            return Field(name, Kind.TEXT, nullable, only)
    raise TypeError(f"{name}: {hint!r} cannot be stored; see core.record for what can")


def _is_union(hint: object) -> bool:
    return isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def encode_doc(value: object) -> str:
    """Canonical JSON: keys sorted, no blanks, ASCII only. Raises `NotStorable` for a float, a key
    that is not text, or anything else that is not a `Doc`."""
    _check_doc(value)
    return _ENCODER.encode(value)


def decode_doc(text: str) -> Doc:
    value: Doc = json.loads(text)
    return value


def _as_plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else list(typing.cast(Sequence[object], value))


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_as_plain
)


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise NotStorable("expected text")
    if value.isascii():
        if "\x00" in value:
            raise NotStorable("text may not hold the character U+0000")
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotStorable("text holds half of a surrogate pair") from None
    if "\x00" in value:
        raise NotStorable("text may not hold the character U+0000")


def _check_int(value: object) -> None:
    if type(value) is not int or not -_MAX_INT <= value <= _MAX_INT:
        raise NotStorable("expected a whole number of at most 64 bits")


def _check_bool(value: object) -> None:
    if type(value) is not bool:
        raise NotStorable("expected yes or no")


def _check_bytes(value: object) -> None:
    if type(value) is not bytes:
        raise NotStorable("expected bytes")


def _check_instant(value: object) -> None:
    if type(value) is datetime and value.tzinfo is UTC:  # as nearly all are
        return
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise NotStorable("expected an instant with its zone")


def _check_date(value: object) -> None:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise NotStorable("expected a date without a time")


def _check_doc(value: object) -> bool:
    """Whether a document is made of `dict` and `list` only, as it is after reading. Raises
    `NotStorable` for what is none."""
    if isinstance(value, str | bytes) or not isinstance(value, Mapping | Sequence):
        raise NotStorable("expected a mapping or a list")
    return _check_node(value, 0)


def _check_node(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _SCALARS or isinstance(value, str | int):
        return True
    if depth > _MAX_DEPTH:
        raise NotStorable(f"a document may be at most {_MAX_DEPTH} levels deep")
    if kind is dict or isinstance(value, Mapping):
        plain = kind is dict
        for key, inner in value.items():
            if not isinstance(key, str):
                raise NotStorable("a document's keys are text")
            # Most are scalars, and a call for each would take as long as all the rest.
            plain &= type(inner) in _SCALARS or _check_node(inner, depth + 1)
        return plain
    if kind is list or (isinstance(value, Sequence) and not isinstance(value, bytes)):
        plain = kind is list
        for inner in value:
            plain &= type(inner) in _SCALARS or _check_node(inner, depth + 1)
        return plain
    raise NotStorable(f"a document may not hold {kind.__name__}")


_SCALARS = frozenset({str, int, bool, type(None)})


#: Raise `NotStorable`; False where a value is kept in another form than it is given in.
CHECKS: dict[Kind, Callable[[object], object]] = {
    Kind.TEXT: _check_text,
    Kind.INT: _check_int,
    Kind.BOOL: _check_bool,
    Kind.BYTES: _check_bytes,
    Kind.INSTANT: _check_instant,
    Kind.DATE: _check_date,
    Kind.DOC: _check_doc,
}


def _to_text(value: Any) -> str:
    _check_text(value)
    return value if type(value) is str else str(value)


def _to_instant(value: Any) -> int:
    _check_instant(value)
    return to_micros(value)


def _to_date(value: Any) -> str:
    _check_date(value)
    return cast(str, value.isoformat())


def _same(check: Callable[[object], None]) -> Callable[[Any], Any]:
    def same(value: object) -> object:
        check(value)
        return value

    return same


#: What a database is given for a value that is not None. Raises `NotStorable`.
TO_COLUMN: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _to_text,
    Kind.INT: _same(_check_int),
    Kind.BOOL: _same(_check_bool),
    Kind.BYTES: _same(_check_bytes),
    Kind.INSTANT: _to_instant,
    Kind.DATE: _to_date,
    Kind.DOC: encode_doc,
}

#: Back again; kinds left out come as they are.
FROM_COLUMN: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOL: bool,
    Kind.INSTANT: from_micros,
    Kind.DATE: date.fromisoformat,
    Kind.DOC: decode_doc,
}


def refused(record: type[Record], field: Field, why: NotStorable | None) -> NotStorable:
    """The error for a value, naming the column and never the value."""
    said = why or "it must be given"
    return NotStorable(f"{record.__name__}.{field.name} cannot be stored: {said}")


class Checker:
    """Checks one record class's values before they are kept, as the databases would."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._fields = fields_of(kind)
        self._places = range(len(self._fields))
        self._checks = tuple(CHECKS[field.kind] for field in self._fields)
        self._values: Callable[[Record], tuple[object, ...]] = all_of(self._fields)

    def checked(self, record: R, old: Record | None) -> R:
        """The record as it is kept: its documents as they are after reading. Raises `NotStorable`.
        What is the very same object as in `old` was checked before."""
        values, checks = self._values(record), self._checks
        places: Iterable[int] = self._places
        if old is not None:
            places = compress(places, map(is_not, values, self._values(old)))
        odd: dict[str, Any] = {}
        for place in places:
            value = values[place]
            if value is None and self._fields[place].nullable:
                continue
            try:
                if value is None:
                    raise NotStorable("it must be given")
                if checks[place](value) is False:
                    odd[self._fields[place].name] = decode_doc(encode_doc(value))
            except NotStorable as why:
                raise refused(self._kind, self._fields[place], why) from None
        return replace(record, **odd) if odd else record


def as_columns(record: Record) -> tuple[object, ...]:
    """What a database keeps of a record that was checked, in the order of its fields."""
    return tuple(
        None if value is None else TO_COLUMN[field.kind](value)
        for field in fields_of(type(record))
        for value in (getattr(record, field.name),)
    )


def all_of(fields: Sequence[Field]) -> Callable[[Record], tuple[object, ...]]:
    if len(fields) == 1:
        only = attrgetter(fields[0].name)
        return lambda record: (only(record),)
    return attrgetter(*(field.name for field in fields))
