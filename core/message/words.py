"""The words of each language: one YAML file, keyed by stable codes. A new file is a new language.

An entry is one sentence, or a list of sentences, and a sentence may be a list of ways to say it,
from the fullest to the barest. A way can be said when all its names have values; a sentence of
which no way can be said is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from core.message.template import Template, parse
from core.message.values import Text
from core.message.vocabulary import NAMES

Sentence = tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """direction: ltr or rtl. locale: Babel's, for a reader whose region is not known.
    currency: whether amounts carry the code or the name. comma: what stands between listed things.
    """

    code: str
    direction: str
    locale: str
    currency: str
    comma: str
    entries: Mapping[str, tuple[Sentence, ...]]

    def has(self, key: str) -> bool:
        return key in self.entries

    def say(self, key: str, values: Mapping[str, Text]) -> Text | None:
        """The sentences of `key` that can be said, or None if there are none.
        Raises `KeyError` for a key that is not in the words."""
        said = [
            next((way.render(values) for way in sentence if way.sayable(values)), None)
            for sentence in self.entries[key]
        ]
        parts = [part for part in said if part is not None]
        if not parts:
            return None
        return Text(" ".join(p.plain for p in parts), " ".join(p.html for p in parts))

    def phrase(self, key: str) -> str:
        """The words of `key`, which uses no names."""
        said = self.say(key, {})
        return said.plain if said else ""


@cache
def languages() -> frozenset[str]:
    """Codes of the languages there are words for."""
    found = (entry.name for entry in files("core.message").joinpath("words").iterdir())
    return frozenset(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


@cache
def load(code: str) -> Words:
    """The words of one of `languages()`. Raises `TemplateError` for a file that is wrong."""
    source = files("core.message").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(source)
    about = tree.pop("language")
    entries = {key: _entry(value) for key, value in _flat(tree, "")}
    return Words(code=code, entries=entries, **about)


def _flat(tree: Mapping[str, object], prefix: str) -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", value))
    return flat


def _entry(value: object) -> tuple[Sentence, ...]:
    sentences = value if isinstance(value, list) else [value]
    return tuple(
        tuple(parse(str(way), NAMES) for way in (s if isinstance(s, list) else [s]))
        for s in sentences
    )
