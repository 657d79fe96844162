"""One byte sequence for one content: canonical JSON of trees, and their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from core.policy.tree import Tree

#: Part of every hash: raised when the meaning of a tree changes, so that old hashes stay true.
TREE_VERSION = 1


@lru_cache(maxsize=128)
def _compared(kind: type) -> tuple[tuple[str, Any], ...]:
    """The fields that say something, each with its default."""
    return tuple((one.name, one.default) for one in fields(kind) if one.compare)


def plain(value: Any) -> Any:
    """A tree as JSON values: no positions, no floats; what JSON lacks is tagged with its kind.

    A field that holds its default is left out, so that a construct the language learns later does
    not change the hash of a policy that does without it. Hence a default is never changed."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Fraction):
        return {"fraction": f"{value.numerator}/{value.denominator}"}
    if isinstance(value, datetime):
        return {"instant": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, frozenset):
        return [plain(one) for one in sorted(value)]
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((name, getattr(value, name), default) for name, default in _compared(type(value)))
        said = {name: plain(part) for name, part, default in parts if not _is(part, default)}
        return {"node": type(value).__name__, **said}
    raise TypeError(f"{type(value).__name__} is no part of a policy")


def _is(part: Any, default: Any) -> bool:
    """Equal and of one type: 0 is not False."""
    return type(part) is type(default) and bool(part == default)


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8: RFC 8785 for values without floats."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def version_hash(tree: Tree) -> str:
    """SHA-256 of the policy's content, in hex. Comments, order of keys and layout do not count."""
    return hashlib.sha256(canonical_json({"tree": TREE_VERSION, "policy": plain(tree)})).hexdigest()
