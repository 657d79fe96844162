"""The templates keep to what a strict Content-Security-Policy lets htmx do, and to their languages.

With `allowEval` off htmx drops what it would have to evaluate and sends the request all the same,
so a forbidden feature is a silent fault: it is looked for here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import console

CONSOLE = Path(console.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
LANGUAGES = ("ar", "fa")

#: Attribute values that htmx would have to evaluate.
_EVALUATED = re.compile(r"^\s*(js|javascript):", re.IGNORECASE)


class _Scan(HTMLParser):
    """Collects what a template may not contain."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"inline <{tag}>")
        for name, value in attrs:
            plain = name.removeprefix("data-")
            if plain.startswith("hx-on") or re.fullmatch(r"on[a-z]+", name) or name == "style":
                self.found.append(name)
            if _EVALUATED.match(value or ""):
                self.found.append(f"{name}={value}")
            if plain == "hx-trigger" and "[" in (value or ""):
                self.found.append(f"{name}={value}")
            if plain in ("hx-vars", "hx-ext"):
                self.found.append(name)

    handle_startendtag = handle_starttag


def forbidden(source: str) -> list[str]:
    """Jinja's own marks are blanked: what they put in is data, which autoescaping covers."""
    bare = re.sub(r"\{%.*?%\}|\{#.*?#\}", " ", source, flags=re.DOTALL)
    scan = _Scan()
    scan.feed(re.sub(r"\{\{.*?\}\}", "x", bare, flags=re.DOTALL))
    return scan.found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_no_template_needs_more_than_the_policy_allows(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        '<p hx-on:click="x()">',
        '<p data-hx-on--click="x()">',
        "<p onclick=x()>",
        "<p hx-vals='js:{a: 1}'>",
        '<p hx-headers="javascript:{}">',
        '<p hx-trigger="click[ctrlKey]">',
        '<p hx-trigger="{% if a %}every 1s[ready]{% endif %}">',
        '<p hx-vars="a:1">',
        '<p style="color:red">',
        "<script>x()</script>",
        "<style>p {}</style>",
        '<a href="javascript:x()">',
    ],
)
def test_the_scan_finds_what_it_is_for(source: str) -> None:
    assert forbidden(source)


def test_htmx_is_told_to_evaluate_nothing() -> None:
    base = (CONSOLE / "templates" / "base.html").read_text(encoding="utf-8")
    told = re.search(r"name=\"htmx-config\" content='(.*?)'", base)
    assert told
    config = json.loads(told[1])
    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["historyCacheSize"] == 0


def test_marked_safe_is_only_what_a_template_of_ours_rendered() -> None:
    marked = [
        (path.name, found)
        for path in TEMPLATES
        for found in re.findall(r"\{\{([^}]*\|\s*safe[^}]*)\}\}", path.read_text(encoding="utf-8"))
    ]
    assert marked == [("page.html", " live|safe ")]


def test_nothing_is_pinned_to_left_or_right() -> None:
    css = (CONSOLE / "static" / "amends.css").read_text(encoding="utf-8")
    sides = r"(?<![-\w])(?:margin-|padding-|border-)?(?:left|right)\s*:"
    assert re.findall(sides, css) == []
    assert re.findall(r"text-align:\s*(?:left|right)", css) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language: str, tmp_path: Path) -> None:
    root = CONSOLE.parent
    pot = tmp_path / "messages.pot"
    extract = [str(Path(sys.executable).with_name("pybabel")), "--quiet", "extract", "-F",
               "console/babel.cfg", "-k", "lazy_gettext", "-o", str(pot), "."]  # fmt: skip
    subprocess.run(extract, cwd=root, check=True)
    with pot.open("rb") as source:
        wanted = {message.id for message in read_po(source) if message.id}
    path = CONSOLE / "translations" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as source:
        catalog = read_po(source, locale=language, abort_invalid=True)
    said = {message.id: _forms(message.string) for message in catalog if message.id}
    missing = [id for id in wanted if not all(said.get(id, ("",)))]
    assert not missing, f"`make messages`, then translate: {missing}"
    assert set(said) == wanted
    for id, words in said.items():
        names = set(_PLACE.findall(_forms(id)[-1]))
        assert set(_PLACE.findall(words[-1])) == names, id


_PLACE = re.compile(r"%\(\w+\)s")


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str | None) else tuple(text)
