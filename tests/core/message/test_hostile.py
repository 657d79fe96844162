"""No value from outside changes the shape of a message, whichever placeholder it stands in."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.message import Given, Text, apology, note, step, task
from core.message.values import clean, outside
from core.money import Money

SEEDS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</p></div><h1>x",
    "<!-- x",
    "]]>",
    '" onmouseover="alert(1)',
    "' onclick='x",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "<svg/onload=x>",
    "{{7*7}}",
    "{{order}}",
    "{{'a'*200000000}}",
    "{% for x in y %}",
    "{{{{greeting}}}}",
    "${7*7}",
    "{{ticket.requester.email}}",
    "{#x#}",
    "}}{{",
    "{ {7*7} }",
    "a\r\nBcc: evil@example.com",
    "a\n\nYours sincerely,\nThe Bank",
    "a\u2028b\u2029c",
    "a\x0b\x0c\x85b",
    "\u202eevil",
    "\u2066a\u2069\u2069\u2069",
    "\u2068\u2068\u2068",
    "\u200e\u200f\u061c",
    "a\u202cb\u202d",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "[a][b]\n\n[b]: http://x",
    "`code`",
    "<https://evil.example>",
    "https://evil.example/win",
    "www.evil.example",
    "[amends:pay_1]",
    "~~~",
    "---",
    "\x00\x01\x1b[31m",
    "\ufeff\u200b\u2060\u00ad",
    "\ud800",
    "\U000e0041\U000e0042",
    "e" + "\u0301" * 200,
    "\u0000" * 50,
    "x" * 100_000,
    "\u0645\u062d\u0645\u062f <b>",
    "=HYPERLINK(1)",
    "%0d%0aSet-Cookie:x",
    "\\n\\n",
]
WRAPS = ["{}", "Sara {}", "{} سارا", "\u202e{}\u2069"]
HOSTILE = [wrap.replace("{}", seed) for seed in SEEDS for wrap in WRAPS]
LANGUAGES = ("en", "ar-SA", "fa-IR")
NEVER = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2067"
    "\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(("decl", decl))


def shape(text: Text) -> tuple[list[object], list[int]]:
    tags = Tags()
    tags.feed(text.html)
    tags.close()
    return tags.seen, [p.count("\n") for p in text.plain.split("\n\n")]


def letter(language: str, value: str | None) -> Text:
    return apology(
        language,
        tone="formal",
        reason=value or "x",
        given=[
            Given(remedy="coupon", money=Money(500, "EUR"), code=value, order_name=value),
            Given(remedy="refund", money=Money(500, "EUR"), order_name=value, pending=True),
        ],
        customer_name=value,
        sign_off=value,
        settled=True,
    )


NOTE_FACTS = (
    "order",
    "reason",
    "rule",
    "rule_words",
    "why",
    "approver",
    "host",
    "confirmation",
    "case",
)


def told(language: str, value: str | None) -> Text:
    facts: dict[str, Any] = dict.fromkeys(NOTE_FACTS, value)
    return note(language, kind="needs_person", task=value, **facts)


def check_harmless(text: Text) -> None:
    for said in (text.plain, text.html):
        assert not NEVER.search(said)
        assert "{{" not in said
        assert "}}" not in said
        assert "{%" not in said
        assert "](" not in said
        assert "[amends" not in said
        assert not re.search(r"(?<!gid)://|www\.", said)
        said.encode("utf-8")
    assert "<script" not in text.plain.lower()
    opened = sum(map(text.plain.count, "\u2066\u2068"))
    assert opened == text.plain.count("\u2069")
    depth = 0
    for char in text.plain:
        depth += (char in "\u2066\u2068") - (char == "\u2069")
        assert depth in (0, 1)
    assert len(text.plain) < 6_000


def test_there_are_two_hundred() -> None:
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_keep_their_shape(language: str) -> None:
    named, unnamed = shape(letter(language, "Sara")), letter(language, None)
    for value in HOSTILE:
        said = letter(language, value)
        check_harmless(said)
        left = clean(value, 80)
        if not left:
            assert said == unnamed, repr(value)
        elif said.plain.split("\n")[0] == unnamed.plain.split("\n")[0]:
            # Not greeted by what is no name: one element less, and the rest as it was.
            tags, lines = shape(said)
            assert lines == named[1], repr(value)
            assert [t for t in tags if t != "bdi"][3:] == [t for t in named[0] if t != "bdi"][4:]
        else:
            assert shape(said) == named, repr(value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_tasks_and_steps_keep_their_shape(language: str) -> None:
    usual, nothing = shape(told(language, "Sara")), told(language, None)
    for value in HOSTILE:
        said = told(language, value)
        check_harmless(said)
        if clean(value, 80):
            assert shape(said) == usual, repr(value)
        else:
            assert said == nothing
        assert task(language, value, {"why": value}).title == task(language, "other", {}).title
        line = step(language, "payout_declined", {"host": value, "why": value, "remedy": value})
        check_harmless(Text(line, ""))
        assert "\n" not in line


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.booleans(), st.booleans())
def test_any_text_at_all_is_one_harmless_line(value: str, rtl: bool, code: bool) -> None:
    shown = outside(value, rtl=rtl, code=code, limit=40)
    if shown is None:
        assert not clean(value, 40)
        return
    check_harmless(shown)
    assert "\n" not in shown.plain
    assert re.fullmatch(r"<bdi( dir=\"ltr\")?>[^<>]*</bdi>", shown.html)
    assert len(shown.plain) <= 42


def test_names_keep_what_their_spelling_needs() -> None:
    for name in ("علی‌رضا", "O'Neill", "Jean-Luc", "Nguyễn Thị Hồng", "山田太郎", "👩‍🚀 Ana", "Zoë"):
        assert clean(name, 60) == name


def test_a_pile_of_marks_does_not_cover_its_neighbours() -> None:
    assert clean("e" + "\u0316" * 50 + "x", 60) == "e" + "\u0316" * 3 + "x"
