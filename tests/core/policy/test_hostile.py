"""A sample of the hostile documents, and the rows of the attack book that concern policies."""

from __future__ import annotations

import time
from random import Random

import pytest

from core.policy import PolicyError, load
from tests.core.policy.generate import write_policy
from tests.core.policy.hostile import SLOWEST_MS, run

BASE = (
    "policy: p\nbasis: owed\ncurrency: EUR\n"
    "facts: {a: money, b: yes/no, c: number, l: {list: number}}\n"
)


def test_a_sample_of_mutated_documents() -> None:
    report = run(600, seed=3)
    assert report.failures == []
    assert report.counts["yaml"] >= report.counts["documents"] / 2
    assert report.counts["loaded"] >= report.counts["documents"] / 4
    assert report.counts["not loaded"] >= report.counts["documents"] / 4
    assert report.slowest_ms < SLOWEST_MS


def refused(text: str | bytes) -> PolicyError:
    start = time.thread_time()
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert time.thread_time() - start < 2
    assert caught.value.line >= 1
    assert caught.value.column >= 1
    return caught.value


@pytest.mark.parametrize(
    "expression",
    [
        "a.__class__", "().__class__.__base__", "f'{a}'", "lambda: a", "(x := a)",
        "__import__('os')",
        "import os", "a[0]", "a ** 2", "a if b", "min(a)", "open(a)", "eval(a)", "a; a",
        "regex(a, a)",
        "a @ a", "0x10 * a", "1e3 * a", "NaN * a", "-" * 400 + "a", "(" * 40 + "a" + ")" * 40,
        "a + " * 20_000 + "a", "a + " * 30 + "a", "not " * 300 + "b",
        "sum(x * sum(y for y in l) for x in l)", "а",  # a Cyrillic one
    ],
)  # fmt: skip
def test_p1_to_p3_no_such_expression(expression: str) -> None:
    refused(f"{BASE}give:\n  - cash: {expression}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("give: &x [{cash: a}]\n", 5), ("give: !!python/object/apply:os.system [id]\n", 5),
        ("give: [{cash: a}]\ngive: [{cash: a}]\n", 6), ("give: [{cash: a, <<: {each: c}}]\n", 5),
        ("give:\n  - {cash: a, at_mots: 5 EUR}\n", 6), ("---\ngive: [{cash: a}]\n", 5),
        ("give:\n  - {when: {b: True}, cash: a}\n", 6), ("give:\n  - {cash: 1e3 EUR}\n", 6),
        ("give:\n  - {when: {c: NaN..}, cash: a}\n", 6), ("give: " + "[" * 100 + "]" * 100, 5),
        ("let: {" + ", ".join(f"v{i}: c" for i in range(400)) + "}\ngive: [{cash: a}]\n", 5),
        ("let:\n  v0: c\n" + "".join(f"  v{i}: v{i - 1} + v{i - 1}\n" for i in range(1, 60))
         + "give: [{cash: a}]\n", 30),
    ],
)  # fmt: skip
def test_p6_strict_yaml_says_where(text: str, line: int) -> None:
    assert refused(BASE + text).line == line


def test_p3_sizes_are_bounded() -> None:
    refused(BASE + "give:\n" + "  - {cash: a}\n" * 5_001)
    refused(BASE + "give: [{cash: a}]\n# " + "x" * (1 << 20))
    refused(b"\xff\xfe" + BASE.encode())
    refused("")
    refused("- a\n")


def test_p7_a_table_of_another_engine_is_not_run() -> None:
    refused('{"nodes": [{"type": "functionNode", "content": "fetch(1)"}], "edges": []}')


def test_5000_rows_load_and_decide() -> None:
    rows = "".join(
        f"  - {{when: {{c: {index}}}, cash: {index} EUR}}\n" for index in range(1, 5_001)
    )
    load(f"{BASE}give:\n{rows}")


def test_the_generator_is_the_same_for_the_same_seed() -> None:
    assert write_policy(Random(5)) == write_policy(Random(5))
