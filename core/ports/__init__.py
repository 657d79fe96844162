"""The whole contract between Amends and the outside: what a connector says of itself and can do.

A connector is one package with two names: `SPEC` (data about it) and `connect(settings, http)`,
which answers `Roles`. Console, docs, policy checks and tests read the same `SPEC`.

Two kinds of answer, and the difference is the heart of it:

* Reads (`ticket`, `orders`, `quote`, `recent`) return data or raise a `HostError`.
* Calls that move money (`pay`, `find`, `reverse`) never raise for what a host does: they return one
  of the endings in `till`. `Unknown` means the host may or may not have acted; it is never retried
  blindly, only asked about.
"""

from __future__ import annotations

from core.ports.desk import Desk, Rating, Requester, Surveys, Ticket, WriteBack
from core.ports.errors import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Malformed,
    Ping,
    Unpayable,
    Unrecognised,
    Unverified,
    Unwritable,
)
from core.ports.intake import Intake, RawRequest
from core.ports.roles import Asking, Check, Grant, Opened, Panel, Roles, Settings, Setup
from core.ports.spec import Pays, Quality, Rate, Remedy, Retry, Setting, Spec
from core.ports.till import (
    LOOK_FIRST,
    Absent,
    Buyer,
    Declined,
    Ending,
    Finding,
    HostRecord,
    Instruction,
    Line,
    NotSent,
    Order,
    Pending,
    Purchases,
    Quote,
    Receipt,
    Settled,
    Taxed,
    Taxes,
    Till,
    Unknown,
    Who,
)

__all__ = [
    "LOOK_FIRST",
    "Absent",
    "Asking",
    "Buyer",
    "Check",
    "Declined",
    "Desk",
    "Ending",
    "Finding",
    "Grant",
    "HostDenied",
    "HostError",
    "HostNotFound",
    "HostRecord",
    "HostUnavailable",
    "HostUnclear",
    "Instruction",
    "Intake",
    "Line",
    "Malformed",
    "NotSent",
    "Opened",
    "Order",
    "Panel",
    "Pays",
    "Pending",
    "Ping",
    "Purchases",
    "Quality",
    "Quote",
    "Rate",
    "Rating",
    "RawRequest",
    "Receipt",
    "Remedy",
    "Requester",
    "Retry",
    "Roles",
    "Setting",
    "Settings",
    "Settled",
    "Setup",
    "Spec",
    "Surveys",
    "Taxed",
    "Taxes",
    "Ticket",
    "Till",
    "Unknown",
    "Unpayable",
    "Unrecognised",
    "Unverified",
    "Unwritable",
    "Who",
    "WriteBack",
]
