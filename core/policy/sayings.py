"""Words in a policy: reasons, labels, clauses, other consequences."""

from __future__ import annotations

import re

from core.policy import kinds
from core.policy.document import Mapping, Node
from core.policy.errors import PolicyError
from core.policy.operators import present
from core.policy.scope import Scope
from core.policy.tree import Expr, Reason

_REASON = re.compile(r"[A-Za-z0-9_.%+-]{0,60}", re.ASCII)
_ALSO = re.compile(r"[ -~]{0,300}", re.ASCII)


def reason(node: Node, scope: Scope) -> Reason:
    """`band_{base.band}`: words, with values in braces."""
    return _said(node, scope, _REASON, "a reason is a word: letters, digits and _ . % + -")


def _said(node: Node, scope: Scope, allowed: re.Pattern[str], wanted: str) -> Reason:
    """Text with values in braces."""
    text = kinds.text_of(node)
    parts: list[str | Expr] = []
    for index, piece in enumerate(re.split(r"[{}]", text.value)):
        at = text.start
        if index % 2 == 0:
            if not allowed.fullmatch(piece):
                raise PolicyError(wanted, at)
            parts.append(piece)
        else:
            expr = scope.name(piece, at)
            if expr.type.kind not in ("word", "number", "percent", "money") or expr.type.currency:
                raise PolicyError(f"{piece!r} is no word, number, percentage or amount", at)
            parts.append(present(expr))
    if text.value.count("{") != text.value.count("}") or len(parts) % 2 == 0 or len(parts) > 11:
        raise PolicyError("braces do not match", text.at)
    return Reason(parts=tuple(part for part in parts if part != ""))


def also(line: Mapping, scope: Scope) -> tuple[tuple[str, Reason], ...]:
    node = line.values.get("also")
    if node is None:
        return ()
    also = kinds.mapping_of(node)
    for key in also.values:
        kinds.check_name(key, also.place(key), kinds.NAME)
    wanted = "one line of at most 300 characters belongs here"
    return tuple((key, _said(value, scope, _ALSO, wanted)) for key, value in also.values.items())


def word(line: Mapping, key: str) -> str:
    if key not in line.values:
        return ""
    text = kinds.text_of(line.values[key])
    if not kinds.WORD.fullmatch(text.value):
        raise PolicyError(f"`{key}` is a word of letters, digits and _", text.at)
    return text.value


def free(line: Mapping, key: str) -> str:
    """Words for people: a clause, a source. Short, and one line."""
    if key not in line.values:
        return ""
    text = kinds.text_of(line.values[key])
    if len(text.value) > 300 or not text.value.isprintable():
        raise PolicyError(f"`{key}` is one line of at most 300 characters", text.at)
    return text.value
