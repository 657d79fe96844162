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
    what a record is while it is filled, which has the same slots and is not frozen."""

    values: Callable[[Any], tuple[Any, ...]]
    places: Mapping[str, int]
    filling: type[Record]


_PLANS: dict[type[Record], _Plan] = {}


def _plan(kind: type[Record]) -> _Plan:
    plan = _PLANS.get(kind)
    if plan is None:
        plan = _PLANS[kind] = _new_plan(kind)
    return plan


def _new_plan(kind: type[Record]) -> _Plan:
    if not issubclass(kind, Record) or hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} is no record, or checks itself: use dataclasses")
    names = [field.name for field in dataclasses.fields(kind)]
    like = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    not_frozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return _Plan(
        values=attrgetter(*names) if len(names) > 1 else lambda record: (record.id,),
        places={name: place for place, name in enumerate(names)},
        filling=type(kind.__name__, (Record,), {"__slots__": names[1:], **like, **not_frozen}),
    )


def made(kind: type[R], values: Sequence[Any]) -> R:
    """A record of these values, in the order of its fields. Several times as quick as calling the
    class, which is frozen and has to be asked for each field whether it may be set."""
    plan = _plan(kind)
    new: Any = object.__new__(plan.filling)
    for name, value in zip(plan.places, values, strict=True):
        setattr(new, name, value)
    new.__class__ = kind
    done: R = new
    return done


if TYPE_CHECKING:  # so that what is changed is checked as it is there
    from dataclasses import replace as replace
else:

    def replace(record, /, **changes):
        """`dataclasses.replace` for records, which a case copies some forty times."""
        kind = type(record)
        plan = _plan(kind)
        values = [*plan.values(record)]
        for name, value in changes.items():
            if name not in plan.places:
                raise TypeError(f"{kind.__name__} has no field {name!r}")
            values[plan.places[name]] = value
        return made(kind, values)
