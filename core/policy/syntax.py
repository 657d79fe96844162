"""Texts into syntax trees: the grammar, its limits, and places of errors."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from core.policy.document import Text
from core.policy.errors import PolicyError, Pos

MAX_EXPRESSION = 2_000
MAX_LEVELS = 16

Syntax = Tree[Token] | Token


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def parse(text: str, start: Pos) -> Syntax:
    """The syntax of an expression that begins at `start`. Raises `PolicyError`."""
    if len(text) > MAX_EXPRESSION:
        raise PolicyError(f"an expression longer than {MAX_EXPRESSION} characters", start)
    if not text.isascii():
        where = next(i for i, character in enumerate(text) if not character.isascii())
        raise PolicyError(f"{text[where]!r} is not an ASCII character", start.shifted(where))
    _check_brackets(text, start)
    try:
        return _parser().parse(text)
    except UnexpectedInput as error:
        found = error.pos_in_stream
        at = len(text) if found is None or found < 0 else found
        shown = text[at : at + 20].strip()
        said = f"{shown!r} cannot stand here" if shown else "the expression ends too early"
        raise PolicyError(f"{said}: {text[:60]!r}", start.shifted(at)) from None


def _check_brackets(text: str, start: Pos) -> None:
    depth = 0
    for where, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth > MAX_LEVELS:
            raise PolicyError(
                f"more than {MAX_LEVELS} levels of brackets; name a part of it under `let`",
                start.shifted(where),
            )


def place(syntax: Syntax, start: Pos) -> Pos:
    """Where a piece of an expression stands in the document."""
    if isinstance(syntax, Token):
        return start.shifted(syntax.start_pos or 0)
    return start.shifted(0 if syntax.meta.empty else syntax.meta.start_pos)


def parse_node(node: Text) -> Syntax:
    return parse(node.value.strip(), node.start)
