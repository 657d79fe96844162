"""What every stored thing is: a frozen dataclass with an id, and a table it says itself.

The stores read `TABLE` and the field annotations; nothing else describes storage. Field types are
text, whole numbers, yes/no, bytes, aware UTC instants, dates, and JSON documents (`Doc`), each
possibly None.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

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


R = TypeVar("R", bound=Record)


class _Plan(NamedTuple):
    """How records of a class are made: all values of one, the place of each name among them, and
    what fills the slot of each, as only a record that nobody has yet may be."""

    values: Callable[[Any], tuple[Any, ...]]
    places: Mapping[str, int]
    fill: Sequence[Callable[[Any, Any], None]]


_PLANS: dict[type[Record], _Plan] = {}


def _plan(kind: type[Record]) -> _Plan:
    plan = _PLANS.get(kind)
    if plan is None:
        plan = _PLANS[kind] = _new_plan(kind)
    return plan


def _new_plan(kind: type[Record]) -> _Plan:
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} checks itself, which a record's columns do")
    names = [field.name for field in dataclasses.fields(kind)]
    return _Plan(
        values=attrgetter(*names) if len(names) > 1 else lambda record: (record.id,),
        places={name: place for place, name in enumerate(names)},
        fill=[getattr(kind, name).__set__ for name in names],
    )


def made(kind: type[R], values: Sequence[Any]) -> R:
    """A record of these values, in the order of its fields. Twice as quick as calling the class,
    which takes them by name."""
    new = object.__new__(kind)
    for fill, value in zip(_plan(kind).fill, values, strict=True):
        fill(new, value)
    return new


if TYPE_CHECKING:  # so that what is changed is checked as it is there
    from dataclasses import replace as replace
else:

    def replace(record, /, **changes):
        """`dataclasses.replace`, quicker for records, of which a case copies some forty."""
        kind = type(record)
        if not issubclass(kind, Record):
            return dataclasses.replace(record, **changes)
        plan = _plan(kind)
        values = [*plan.values(record)]
        for name, value in changes.items():
            if name not in plan.places:
                raise TypeError(f"{kind.__name__} has no field {name!r}")
            values[plan.places[name]] = value
        return made(kind, values)
