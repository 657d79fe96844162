"""Deadlines as they are written: `10 working days`, `20 days after asked_on`."""

from __future__ import annotations

import re
from typing import Any, cast

from core.policy import kinds
from core.policy.cells import conditions
from core.policy.document import Node, Text
from core.policy.errors import PolicyError
from core.policy.operators import present
from core.policy.scope import Scope
from core.policy.tree import Deadline, Expr

_DEADLINE = re.compile(
    r"([0-9]{1,4}) (working days|days|months)(?: after (\S+))?(?: by (\S+))?", re.ASCII
)
MAX_RULES = 5_000


def deadlines(node: Node, scope: Scope) -> tuple[Deadline, ...]:
    if isinstance(node, Text):
        return (_deadline(node, (), scope),)
    found = []
    for item in kinds.listing_of(node).items[:MAX_RULES]:
        line = kinds.mapping_of(item)
        kinds.allow(line, {"when", "is", "else"})
        text = line.values.get("else", line.values.get("is"))
        when = conditions(line.values.get("when"), scope)
        if text is None or ("else" in line.values) == bool(when):
            raise PolicyError("a row has `when` and `is`, or `else` alone", line.at)
        found.append(_deadline(kinds.text_of(text), when, scope))
    return tuple(found)


def _deadline(text: Text, when: tuple[Expr, ...], scope: Scope) -> Deadline:
    match = _DEADLINE.fullmatch(text.value)
    if match is None:
        raise PolicyError(
            "write `10 working days`, `20 days after asked_on` or `2 months`", text.at
        )
    after = None if match[3] is None else present(scope.name(match[3], text.at))
    if after is not None and after.type.kind != "date":
        raise PolicyError(f"{match[3]!r} is not a date", text.at)
    calendar = match[4] or ""
    working = match[2] == "working days"
    if calendar and calendar not in scope.calendars:
        raise PolicyError(f"{calendar!r} is not under `calendars`", text.at)
    if bool(calendar) != (working and after is not None):
        raise PolicyError(
            "working days after a date need `by` and a calendar; others do not", text.at
        )
    return Deadline(
        count=int(match[1]), unit=cast(Any, match[2]), after=after, calendar=calendar, when=when,
        at=text.at,
    )  # fmt: skip
