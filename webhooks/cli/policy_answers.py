"""Lines of facts into lines of answers, for `amends policy decide`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from core.errors import AmendsError
from core.policy import Policy, decide, unfit_facts
from core.policy.explain import explain, in_words
from core.policy.words import to_case_words

#: The longest line of facts that is read.
MAX_LINE = 1_000_000


class FactsUnread(AmendsError):
    """A line of facts that is no JSON object."""


class NotText(AmendsError):
    """A file of facts is no text."""


def lines(file: TextIO) -> Iterator[str]:
    """Raises `NotText`."""
    try:
        while line := file.readline(MAX_LINE + 1):
            if line.strip():
                yield line
    except UnicodeDecodeError:
        raise NotText(f"{file.name} is not UTF-8 text; what was read so far is decided") from None


def answer_to(
    of: Policy, line: str, explained: bool, language: str | None
) -> tuple[dict[str, Any], bool]:
    """The answer to one line, and whether its facts were fit to be decided on."""
    try:
        case = _case(line)
    except FactsUnread as error:
        return {"error": str(error)}, False
    id_ = case.get("case_id")
    known = {"case_id": id_} if isinstance(id_, str | int) else {}
    facts = case["inputs"] if "inputs" in case else _without_id(case, of)
    if not isinstance(facts, dict):
        return known | {"error": "`inputs` is a JSON object of facts"}, False
    problems = unfit_facts(of, facts)
    if problems:
        return known | {"error": "facts do not fit", "problems": list(problems)}, False
    decision = decide(of, facts)
    words = to_case_words(decision)
    found: dict[str, Any] = {
        **known, **words, **known, "rule": decision.rule, "outcome": decision.outcome,
        "components": words.get("components", []), "policy": of.name,
        "policy_hash": of.version_hash,
    }  # fmt: skip
    if decision.missing:
        found["missing"] = list(decision.missing)
    if explained:
        because = explain(of, facts, decision)
        found["explain"] = because.to_data(changes=True)
        if language is not None:
            found["explain"]["words"] = in_words(because, language).plain.split("\n")
    return found, True


def _without_id(case: Mapping[str, Any], of: Policy) -> dict[str, Any]:
    """The facts of a plain line. A `case_id` is only a fact where the policy declares it."""
    declared = {one.name.partition(".")[0] for one in of.facts}
    return {k: v for k, v in case.items() if k != "case_id" or k in declared}


def _case(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise FactsUnread(f"the line is longer than {MAX_LINE:,} characters")
    try:
        found = json.loads(
            line, parse_float=str, parse_constant=_no_number, object_pairs_hook=_once
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise FactsUnread(f"the line is not JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise FactsUnread("a line is one JSON object of facts")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
