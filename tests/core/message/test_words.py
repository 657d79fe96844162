"""The word files: three languages that say the same, each in its own script."""

import re
from collections.abc import Hashable
from importlib.resources import files
from typing import Any, get_args

import pytest
import yaml

from core.message import languages
from core.message.language import SOLAR_MONTHS
from core.message.staff import NOTE_LINES, NoteKind
from core.message.words import Words, load
from core.ports import Remedy
from core.routing import TONES

CODES = sorted(languages())
OTHERS = [code for code in CODES if code != "en"]
# Said only when their facts are known, so they need no way to be said without.
OPTIONAL = re.compile(r"note\.(line\..*|given_line)")
MAY_BE_EMPTY = {"apology.for_order", "apology.close.brief"}


def literals(words: Words) -> list[tuple[str, str]]:
    return [
        (key, literal)
        for key, sentences in words.entries.items()
        for sentence in sentences
        for way in sentence
        for literal in way.literals
    ]


def test_there_are_three_languages() -> None:
    assert {"en", "ar", "fa"} <= set(CODES)


@pytest.mark.parametrize("code", OTHERS)
def test_same_keys_and_the_same_names_in_every_sentence(code: str) -> None:
    english, other = load("en"), load(code)
    assert set(other.entries) == set(english.entries)
    for key, sentences in english.entries.items():
        theirs = other.entries[key]
        names = [[sorted(way.names) for way in sentence] for sentence in sentences]
        assert [[sorted(way.names) for way in sentence] for sentence in theirs] == names, key


@pytest.mark.parametrize("code", CODES)
def test_every_entry_can_be_said_when_nothing_is_known(code: str) -> None:
    words = load(code)
    always = {"the_order", "done", "greeting", "sorry", "remedies", "thanks", "close"}
    for key, sentences in words.entries.items():
        if not OPTIONAL.fullmatch(key):
            assert set(sentences[0][-1].names) <= always, key


@pytest.mark.parametrize("code", CODES)
def test_fuller_ways_come_before_barer_ones(code: str) -> None:
    for key, sentences in load(code).entries.items():
        for sentence in sentences:
            for index, way in enumerate(sentence):
                hidden = [w for w in sentence[index + 1 :] if set(w.names) >= set(way.names)]
                assert not hidden, f"{key}: a way that can never be said"


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_empty_and_no_digit_is_written_by_hand(code: str) -> None:
    for key, sentences in load(code).entries.items():
        for sentence in sentences:
            for way in sentence:
                said = "".join(way.literals) + "".join(way.names)
                assert said.strip() or key in MAY_BE_EMPTY, key
    for key, literal in literals(load(code)):
        assert not re.search(r"\d", literal), f"{key}: {literal}"


@pytest.mark.parametrize("code", OTHERS)
def test_arabic_and_persian_are_in_their_script(code: str) -> None:
    for key, literal in literals(load(code)):
        assert not re.search(r"[A-Za-z]", literal), f"{key}: {literal}"
        assert not re.search(r"[,;?]", literal), f"{key}: Latin punctuation in {literal}"
    whole = "".join(literal for _, literal in literals(load(code)))
    assert len(re.findall(r"[\u0600-\u06ff]", whole)) > 5_000


def test_arabic_letters_are_arabic_and_persian_ones_persian() -> None:
    arabic = "".join(literal for _, literal in literals(load("ar")))
    persian = "".join(literal for _, literal in literals(load("fa")))
    assert not re.search("[یکگچپژۀ]", arabic)
    assert "\u200c" not in arabic
    assert not re.search("[يكةى]", persian)


def test_persian_carries_its_half_spaces() -> None:
    for key, literal in literals(load("fa")):
        assert not re.search(r"(?<!\w)ن?می ", literal), f"{key}: {literal}"
        assert not re.search(r" (ها|های|هایی|ایم|اید|اند|تر|ترین)(?!\w)", literal), key
        assert not re.search("\u200c(?!\\w)|(?<!\\w)\u200c", literal), f"{key}: loose half-space"


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_core_has_words(code: str) -> None:
    entries = load(code).entries
    for remedy in get_args(Remedy):
        assert f"remedy.{remedy}" in entries
        assert f"done.{remedy}" in entries
        for state in ("done", "pending") if remedy != "apology" else ():
            assert f"apology.remedy.{remedy}.{state}" in entries
    reasons = {key.split(".")[1] for key in entries if key.startswith("reason.")}
    for tone in TONES:
        assert all(f"apology.sorry.{reason}.{tone}" in entries for reason in reasons)
        for part in ("greeting", "together", "prepared", "review", "thanks", "close"):
            assert f"apology.{part}.{tone}" in entries
    kinds = set(get_args(NoteKind)) - {"needs_person"}
    assert {f"note.{kind}" for kind in kinds} <= set(entries)
    assert {f"note.line.{line}" for line in NOTE_LINES} == {
        key for key in entries if key.startswith("note.line.")
    }
    tasks = {key.split(".")[1] for key in entries if key.startswith("task.")}
    for kind in tasks:
        assert all(f"task.{kind}.{part}" in entries for part in ("title", "body", "todo"))
    assert {f"solar_month.{month}" for month in SOLAR_MONTHS} <= set(entries)


@pytest.mark.parametrize("code", CODES)
def test_no_stock_phrase_and_none_of_our_machinery(code: str) -> None:
    for key, literal in literals(load(code)):
        banned = r"inconvenience|saga|payload|\bintent\b|UNKNOWN|أي إزعاج|هرگونه ناراحتی"
        assert not re.search(banned, literal, re.IGNORECASE), f"{key}: {literal}"


class NoDuplicates(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice at {node.start_mark}"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("code", CODES)
def test_no_key_is_written_twice(code: str) -> None:
    source = files("core.message").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    yaml.load(source, NoDuplicates)
