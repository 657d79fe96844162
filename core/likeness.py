"""Likeness: two customers or two accounts that may be one person. It may block and count, and never
says whom to pay."""

from __future__ import annotations

import hashlib

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def mailbox(email: str) -> str:
    """The mailbox an address leads to: case, `+tags` and Gmail's dots do not count."""
    local, at, domain = email.strip().casefold().rpartition("@")
    domain = domain.rstrip(".")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}{at}{domain}"


def mark(workspace_id: str, email: str) -> str:
    """A mailbox as a value that can be compared and not read."""
    return hashlib.sha256(f"{workspace_id}|{mailbox(email)}".encode()).hexdigest()
