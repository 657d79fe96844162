"""Facts and values nobody asks for, names that look alike, dates that are past."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date

from core.policy.check.model import Finding, found
from core.policy.errors import Pos
from core.policy.explain.parts import facts_of, tree_parts
from core.policy.tree import Declared, Named, Tree

#: Characters one is taken for the other in many typefaces.
_ALIKE = str.maketrans({"l": "1", "i": "1", "I": "1", "|": "1", "o": "0", "O": "0", "-": "_"})
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def names(tree: Tree) -> Iterator[Finding]:
    """Findings about names."""
    yield from _unused(tree)
    yield from _alike([(one.name, one.at) for one in tree.facts], "the fact")
    yield from _alike([(let.name, let.at) for let in tree.lets if not let.hidden], "the value")
    for declared in tree.facts:
        words = [(str(word), declared.at) for word in declared.type.values]
        yield from _alike(words, f"`{declared.name}` has the word")
    yield from _mixed(tree)


def expiry(tree: Tree, today: date | None) -> Iterator[Finding]:
    """A policy whose last day is past. Where the case's date counts, it decides old ones still."""
    dates = tree.effective
    if today is None or dates.last is None or dates.last >= today:
        return
    at = dates.by.at if dates.by is not None else Pos(1, 1)
    yield found(
        "expired", at, f"the policy ended on {dates.last.isoformat()}",
        "change `effective`, or publish the policy that came after it",
        severity="warning" if dates.by is not None else None,
    )  # fmt: skip


def _unused(tree: Tree) -> Iterator[Finding]:
    used = facts_of(tree) | {calendar.fact for calendar in tree.calendars}
    for declared in tree.facts:
        if declared.name not in used and not _says_currency(tree, declared):
            yield found(
                "unused", declared.at, f"nothing in the policy asks for `{declared.name}`",
                "use it or take it out: a fact is only gathered for what it decides",
            )  # fmt: skip
    asked = {expr.name for expr in tree_parts(tree) if isinstance(expr, Named)}
    for let in tree.lets:
        if let.name not in asked and not let.hidden:
            yield found(
                "unused", let.at, f"nothing in the policy asks for `{let.name}`",
                "use it or take it out",
            )  # fmt: skip


def _says_currency(tree: Tree, declared: Declared) -> bool:
    """Whether an amount is there to say in which of several currencies the case is."""
    several = len(tree.currencies) > 1 and tree.currency is None
    return several and declared.type.kind == "money" and declared.type.currency is None


def _alike(known: Sequence[tuple[str, Pos]], what: str) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, at in known:
        shape = skeleton(name)
        other = seen.setdefault(shape, name)
        if other != name:
            yield found(
                "look_alike", at, f"{what} {name!r} looks like {other!r}",
                "give one of them another name",
            )  # fmt: skip


def skeleton(name: str) -> str:
    """What is left of a name when case, `_` and characters that look alike make no difference."""
    folded = unicodedata.normalize("NFKC", name).translate(_ALIKE).casefold().translate(_ALIKE)
    return folded.replace("_", "").replace("rn", "m")


def _mixed(tree: Tree) -> Iterator[Finding]:
    """Words of texts that mix alphabets, or are not in their composed form."""
    texts = [(text, Pos(1, 1), key) for key, text in tree.about]
    texts += [(refusal.cite, refusal.at, "cite") for refusal in tree.refuse]
    texts += [(rule.cite, rule.at, "cite") for rule in tree.give]
    for text, at, key in texts:
        odd = [word for word in text.split() if len(_scripts(word)) > 1]
        if odd or unicodedata.normalize("NFC", text) != text:
            shown = f"{odd[0]!r} mixes alphabets" if odd else "letters and marks stand apart"
            yield found("look_alike", at, f"in `{key}`, {shown}", "type it again with one keyboard")


def _scripts(word: str) -> set[str]:
    names_ = (unicodedata.name(char, "") for char in word if char.isalpha())
    return {script for name in names_ for script in _SCRIPTS if name.startswith(script)}
