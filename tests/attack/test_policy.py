"""Attack book P1a to P7a and T3: what a policy's author or a lying host can write.

The long run of mutated documents is `python -m tests.core.policy.hostile`; a sample of it is in
tests/core/policy/test_hostile.py.
"""

from __future__ import annotations

import ast
import csv
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import openpyxl
import pytest

from core.policy import all_packs, decide, load, load_pack, reference, sheet_files
from core.policy.check import PolicyUnfit, check, refuse_errors
from core.policy.compiler import Compiled
from core.policy.runtime import HELPERS
from tests.attack.policy import FACTS, HEAD, giving, milliseconds, refused

ROOT = Path(__file__).parents[2]

# ------------------------------------------------------------------------------ P: the language


@pytest.mark.parametrize(
    "expression",
    [
        "price.__class__", "().__class__.__base__", "price.minor.__class__", "f'{price}'",
        "lambda: price", "'(x := price)'", "__import__('os')", "import os", "globals()",
        "getattr(price, 'x')", "l[0]", "'[x for x in l]'", "n ** n", "eval('1')", "`id`", "$(id)",
        "{{7*7}}", "%s", "price; price", "price if vip", "yield n", "await n", "n @ n", "n // n",
    ],
)  # fmt: skip
def test_p1a_there_is_no_syntax_to_escape_with(expression: str) -> None:
    refused(f"{HEAD}give:\n  - cash: {expression}\n")


def test_p1a_no_word_of_a_policy_is_ever_a_name_in_its_code() -> None:
    """Every name in generated code is ours: the frame, helpers, numbered constants and values."""
    known = re.compile(r"f|c\d+|v\d+")
    for pack in all_packs():
        compiled = Compiled(load_pack(pack).tree)
        for rule in compiled.tree.give:
            for grant in (grant for offer in rule.offers for grant in offer):
                if grant.amount is not None:
                    code = compiled.getter(grant.amount).__code__
                    for name in _names(code):
                        assert name in HELPERS or known.fullmatch(name), (pack, name)
    assert HELPERS["__builtins__"] == {}


def _names(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_varnames, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


@pytest.mark.parametrize("name", ["regex", "matches", "match", "re.search", "like", "replace"])
def test_p2a_there_are_no_regular_expressions(name: str) -> None:
    refused(f"{HEAD}give:\n  - {{when: \"{name}(word, '^(a+)+$')\", apology: yes}}\n")


def test_p2a_the_text_that_hangs_a_pattern_hangs_nothing() -> None:
    policy = load(HEAD + "give:\n  - {when: {word: a}, apology: yes}\n  - {cash: price}\n")
    for text in (
        "a" * 40 + "!",
        "a" * 1_000_000 + "!",
        "1" * 1_000_000,
        "1." * 9_999,
        "\u0661" * 99,
    ):
        for fact in ("word", "price", "n", "day"):
            facts = {**FACTS, fact: text}
            assert milliseconds(partial(decide, policy, facts)) < 1
    for nasty in (
        "a" * 1990 + "!",
        "9" * 1990,
        "1." * 990,
        " " * 1990,
        "{" * 900,
        "a_" * 990 + "-",
    ):
        for key in ("reason", "cite", "deadline", "label", "pays", "id", "for_each"):
            refused(f'{HEAD}give:\n  - {{apology: yes, {key}: "{nasty}"}}\n')


@pytest.mark.parametrize(
    "expression",
    [
        "n" + " + n" * 20_000, "n" + " + n" * 400, "(" * 5_000 + "n" + ")" * 5_000,
        "not " * 5_000 + "vip", "-" * 5_000 + "n", "min(" * 300 + "n" + ", n)" * 300,
        "any(a in l where any(b in l where any(c in l where yes)))",
        "sum(sum(sum(a for a in l) for b in l) for c in l)", "1 if " * 600 + "vip",
    ],
)  # fmt: skip
def test_p3a_length_and_depth_are_bounded(expression: str) -> None:
    refused(f'{HEAD}give:\n  - points: "{expression}"\n')


def test_p3a_rows_lists_and_chains_are_bounded() -> None:
    refused(HEAD + "give:\n" + "  - {apology: yes}\n" * 5_001, within_ms=2_000)
    refused(f"{HEAD}give: {'[' * 5_000}{']' * 5_000}\n", within_ms=500)
    doubled = "".join(f"  v{i}: v{i - 1} + v{i - 1}\n" for i in range(1, 60))
    refused(f"{HEAD}let:\n  v0: n\n{doubled}give:\n  - {{points: v59}}\n", within_ms=500)
    policy = load(HEAD + "give:\n  - {points: sum(x * x for x in l)}\n")
    assert decide(policy, {**FACTS, "l": [1] * 201}).outcome == "cannot_decide"
    assert milliseconds(lambda: decide(policy, {**FACTS, "l": [1] * 200})) < 50


#: What may come instead of a fact; of no type the policy declares.
ROTTEN = [
    "NaN", "Infinity", "1e9", "", " 3", "+3", "0x3", "\u0663", "3,5", 1.5, float("nan"), [], {},
    [3],
    {"amount": "NaN", "currency": "EUR"}, {"amount": "5.00"}, {"amount": 5, "currency": "USD"},
    object(), b"3", 10**40, "2026-02-30",
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        ("{when: {days: 1..}, cash: 5 EUR}", "days"),
        ("{when: {days: not 9}, cash: 5 EUR}", "days"),
        ("{when: not (days > 9 days), cash: 5 EUR}", "days"),
        ("{when: {vip: yes}, cash: 5 EUR}", "vip"),
        ("{when: not vip, cash: 5 EUR}", "vip"),
        ("{when: {tier: not new}, cash: 5 EUR}", "tier"),
        ("{when: {day: 2026-01-01..}, cash: 5 EUR}", "day"),
        ("{when: {left: not null}, cash: 5 EUR}", "left"),
        ("{cash: 10% of price}", "price"),
        ("{cash: 'max(5 EUR, price)'}", "price"),
        ("{cash: 'min(5 EUR, price)'}", "price"),
        ("{cash: 5 EUR, at_most: price}", "price"),
        ("{cash: 5 EUR, each: n}", "n"),
        ("{cash: price / n}", "n"),
        ("{when: any(x in l where x > 0), cash: 5 EUR}", "l"),
        ("{cash: 5 EUR, each: count(x in l)}", "l"),
    ],
)
def test_p4a_what_is_not_known_is_never_a_match(row: str, fact: str) -> None:
    policy = load(f"{HEAD}give:\n  - {row}\n")
    rotten = [
        {**FACTS, fact: value} for value in ROTTEN if fact != "l" or not isinstance(value, list)
    ]
    if fact != "left":
        rotten.append({**FACTS, fact: None})
    rotten.append({key: value for key, value in FACTS.items() if key != fact})
    for facts in rotten:
        decision = decide(policy, facts)
        assert (decision.outcome, decision.components) == ("cannot_decide", ()), facts.get(fact)
        assert decision.to_bytes() == reference.decide(policy, facts).to_bytes()
        assert decision.missing == (fact,)


@pytest.mark.parametrize(
    "amount", ["price / n", "5 EUR * (1 / n)", "percent(price, price - price) of price"]
)
def test_p4a_a_division_by_zero_gives_nothing(amount: str) -> None:
    decision = decide(load(giving(amount)), {**FACTS, "n": 0})
    assert (decision.outcome, decision.problem) == ("cannot_decide", "a division by zero")


def test_p4a_no_pack_gives_anything_on_rotten_facts() -> None:
    for pack in all_packs():
        policy = load_pack(pack)
        for value in ROTTEN:
            facts: dict[str, Any] = {}
            for declared in policy.facts:
                _put(facts, declared.name.split("."), value)
            # A word such as `NaN` is a word: a refusal may be about it, money never is.
            assert decide(policy, facts).outcome in ("cannot_decide", "refused"), (pack, value)


def _put(facts: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        facts = facts.setdefault(part, {})
    facts[path[-1]] = value


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ("  - {when: {days: 1..3}, points: 1}\n  - {when: {days: 3..6}, points: 2}\n", "overlap"),
        ("  - {apology: yes}\n  - {when: {days: 3..6}, points: 2}\n", "unreachable"),
        ("  - {when: {days: 1..2}, points: 1}\n  - {when: {days: 4..}, points: 2}\n", "gap"),
        ("  - {cash: price, at_least: 0 EUR, at_most: -5 EUR}\n", "cap_below_floor"),
        ("  - {cash: 120% of price}\n", "over_100_percent"),
    ],
)  # fmt: skip
def test_p5a_rows_and_sums_that_cannot_be_meant_are_found(rows: str, kind: str) -> None:
    assert kind in {one.kind for one in check(load(f"{HEAD}give:\n{rows}"))}


def test_p5a_a_cap_below_zero_never_pays() -> None:
    policy = load(giving("price", at_most="-5 EUR"))
    assert decide(policy, FACTS).outcome == "cannot_decide"


def test_p5a_what_has_ended_is_not_published_and_decides_nothing() -> None:
    ended = load(HEAD.replace("facts:", "effective: {until: 2026-01-31}\nfacts:", 1)
                 + "give:\n  - {cash: price}\n")  # fmt: skip
    with pytest.raises(PolicyUnfit, match="ended"):
        refuse_errors(ended, today=date(2026, 2, 1))


@pytest.mark.parametrize(
    "name", ["pri\u0441e", "\uff50rice", "Price", "pric\u00e9", "price\u200b", "\u202eprice"]
)
def test_p5a_names_that_look_alike_do_not_load(name: str) -> None:
    refused(HEAD.replace("price:", f"{name}:") + "give:\n  - {apology: yes}\n")
    refused(giving(f'"{name}"'))


@pytest.mark.parametrize(
    "text",
    [
        "give: &x [{apology: yes}]\n", "give: [*x]\n",
        "give: !!python/object/apply:os.system [id]\n",
        "give: !!str x\n", "give: [{apology: yes}]\ngive: [{apology: yes}]\n",
        "give: [{apology: yes, <<: {label: x}}]\n", "give: [{apology: no}]\n",
        "give: [{apology: True}]\n", "give: [{cash: 1e3 EUR}]\n", "give: [{cash: 0x10 EUR}]\n",
        "give: [{cash: 1_000 EUR}]\n", "give: [{cash: .5 EUR}]\n",
        "give: [{when: {n: .inf}, apology: yes}]\n",
        "---\ngive: [{apology: yes}]\n", "give: [{apology: yes}]\n...\n---\na: b\n",
        "\x00give: []\n",
        "give:\n\t- {apology: yes}\n", "%YAML 1.1\n---\ngive: []\n",
    ],
)  # fmt: skip
def test_p6a_yaml_is_read_strictly(text: str) -> None:
    refused(HEAD + text)


def test_p6a_a_bomb_of_anchors_is_no_bomb() -> None:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)
    ]
    refused("\n".join(levels))
    refused("a" * ((1 << 20) + 1))


def test_p7a_no_table_of_another_engine_is_imported() -> None:
    """We read no JDM, so there is no function node to run; nothing that could run one is here."""
    refused('{"nodes": [{"type": "functionNode", "content": "fetch(1)"}], "edges": []}')
    engines = {
        "zen",
        "cel_expr_python",
        "quickjs",
        "js2py",
        "dukpy",
        "py_mini_racer",
        "rule_engine",
    }
    for room in ("core", "connectors", "webhooks", "console", "sandbox"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert not engines & {name.partition(".")[0] for name in names}, file
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    foreign = re.compile(r"zen-engine|cel-|quickjs|js2py")
    assert not [one for one in project["dependencies"] if foreign.match(one)]


# --------------------------------------------------------------------------------- T3: the sheets

FORMULAS = [
    "=HYPERLINK(\"http://evil.example\",\"x\")", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1",
    "  =1", "=cmd|'/c calc'!A1", "'=1", "\n=1", "%0A=1", "|x",
]  # fmt: skip


def test_t3_no_cell_of_a_sheet_is_a_formula(tmp_path: Path) -> None:
    sheets = [("give", [["reason", "cite"], *([text, text] for text in FORMULAS)])]
    sheet_files.write(sheets, tmp_path / "sheets")
    (file,) = (tmp_path / "sheets").glob("*.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        cells = [cell for row in list(csv.reader(opened))[1:] for cell in row]
    assert len(cells) == 2 * len(FORMULAS)
    assert all(cell.startswith("'") for cell in cells)
    sheet_files.write(sheets, tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    for row in book["give"].iter_rows(min_row=2):
        for cell in row:
            assert cell.data_type == "s"
            assert str(cell.value).startswith("'")
