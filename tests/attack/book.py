"""The attack book's numbers, and what of it cannot be tried yet: the one list of that.

A row leaves `TODO` when what it attacks exists and a test named by its number tries it.
"""

from __future__ import annotations

from collections.abc import Mapping

ROWS = (
    *(f"W{n}" for n in range(1, 12)),
    *(f"M{n}" for n in range(1, 8)),
    *(f"I{n}" for n in range(1, 10)),
    *(f"P{n}a" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 5)),
    *(f"F{n}" for n in range(1, 5)),
    *(f"S{n}a" for n in range(1, 10)),
    "O1",
)

#: Rows of which nothing can be tried yet.
TODO: Mapping[str, str] = {
    "S7a": "one process serves one workspace: there is no queue that tenants share yet",
    "T4": "nobody is surveyed yet",
}

#: Rows that are tried as far as there is something to try.
IN_PART: Mapping[str, str] = {
    "F4": "one-time links of surveys wait for surveys",
    "I1": "receipts, exports, attachments and surveys have no address yet",
    "I2": "field lists by role wait for the API",
    "S5a": "metrics do not exist yet",
    "S6a": "there is no second factor besides the mailbox; no password or reset exists to attack",
}
