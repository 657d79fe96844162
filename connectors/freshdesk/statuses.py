"""Freshdesk's status numbers in our words.

Closed (5) is not what our `closed` is: it takes notes, tags and replies like any other, and many
helpdesks close without ever resolving. Numbers from 6 up are the helpdesk's own.
"""

from __future__ import annotations

import re

from connectors.strict import Json
from core.ports import Settings

_KNOWN = {2: "open", 3: "pending", 4: "open", 5: "closed"}
_NUMBERS = re.compile(r"[1-9][0-9]{0,3}(\s*,\s*[1-9][0-9]{0,3})*", re.ASCII)
_DEFAULT = frozenset({4, 5})


def solved_numbers(settings: Settings) -> frozenset[int]:
    """The statuses that count as solved; Resolved and Closed where the setting is unusable."""
    text = (settings.get("solved_statuses") or "").strip()
    if not _NUMBERS.fullmatch(text):
        return _DEFAULT
    return frozenset(int(number) for number in text.split(","))


def status_of(number: Json, solved: frozenset[int]) -> str | None:
    """None for what is no status number. A status of the helpdesk's own that is not solved counts
    as pending: whatever it is called, nothing is due yet."""
    if type(number) is not int or number < 2:
        return None
    return "solved" if number in solved else _KNOWN.get(number, "pending")
