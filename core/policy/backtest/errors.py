"""What can be wrong with past tickets."""

from __future__ import annotations

from core.errors import AmendsError


class TicketsError(AmendsError):
    """The tickets cannot be read or replayed; the text says where and what to do."""
