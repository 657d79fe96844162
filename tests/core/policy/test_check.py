"""Checks of policies: each finding is shown by an example, and what is claimed is so."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.policy import Policy, PolicyError, all_packs, decide, load, load_pack, variants
from core.policy.check import SEVERITY, Finding, PolicyUnfit, check, refuse_errors
from core.policy.errors import Undecided
from core.policy.reference import Reference
from core.policy.tree import Expr, Table, Tree
from tests.core.policy.generate import draw_facts, write_policy

ROUNDS = int(os.environ.get("POLICY_ROUNDS", "100"))
PAGE = Path(__file__).parents[3] / "docs" / "policy.md"
FACTS = "{days: days, tier: [new, regular, vip], price: money, vip: yes/no, when: date}"


def text(
    give: str, *, head: str = "", let: str = "", facts: str = FACTS, currency: str = "EUR"
) -> str:
    parts = [f"policy: p\nbasis: goodwill\ncurrency: {currency}\n{head}facts: {facts}\n"]
    parts.append(f"let:\n{let}\n" if let else "")
    return "".join(parts) + f"give:\n{give}\n"


def found(source: str, *kinds: str) -> list[Finding]:
    findings = check(load(source), today=date(2026, 10, 4))
    return [one for one in findings if one.kind in kinds]


def row(cells: str, gives: str = "apology: yes") -> str:
    return f"  - {{when: {{{cells}}}, {gives}}}\n"


ELSE = "  - {apology: yes}\n"


# --------------------------------------------------------------------------------- unreachable rows


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (row("days: 1..6") + row("days: 2..5"), (6,)),
        (row("days: ..3") + row("days: 4..") + row("tier: vip"), (6, 7)),
        (row("vip: yes") + row("vip: no") + ELSE, (6, 7)),
        (row("tier: [new, regular]") + row("tier: vip") + row("days: 3"), (6, 7)),
        (ELSE + row("days: 3"), (6,)),
        (row("tier: not vip") + row("tier: vip, days: ..0") + row("days: 1.., tier: vip") + ELSE,
         (6, 7, 8)),
        ("  - {when: days > 3 days, apology: yes}\n" + row("days: 4..9"), (6,)),
    ],
)  # fmt: skip
def test_a_row_that_is_never_reached(rows: str, lines: tuple[int, ...]) -> None:
    (finding,) = found(text(rows), "unreachable")
    assert finding.severity == "error"
    assert finding.rows == lines
    assert finding.line == max(lines) + 1


@pytest.mark.parametrize(
    "rows",
    [
        row("days: 1..6") + row("days: 2..7"),
        row("days: ..3") + row("days: 5..") + row("tier: vip"),
        row("days: 3..6, tier: vip") + row("days: 3..6"),
        row("tier: [new, regular]") + row("days: 3"),
        "  - {when: price > 3 EUR * 2, apology: yes}\n" + row("days: 4..9"),
        "  - {when: price > 3 EUR, apology: yes}\n  - {when: price <= 3 EUR, points: 1}\n",
    ],
)
def test_a_row_that_is_reached_is_not_said_to_be_lost(rows: str) -> None:
    assert not found(text(rows), "unreachable")


def test_rows_behind_refusals_and_rows_that_no_facts_fit() -> None:
    head = "refuse:\n  - {when: {days: ..3}, reason: early}\n"
    source = text(row("days: 1..2") + ELSE).replace("give:", f"{head}give:")
    (finding,) = found(source, "unreachable")
    assert finding.rows == (6,)
    (never,) = found(text("  - {when: days > 3 days and days < 2 days, apology: yes}\n" + ELSE),
                     "unreachable")  # fmt: skip
    assert "no facts fit" in never.message


def test_rows_of_a_sum_do_not_hide_each_other() -> None:
    assert not found(text(ELSE + row("days: 3"), head="combine: sum\n"), "unreachable")


def test_a_row_for_each_item_hides_no_other_row() -> None:
    facts = "{items: {list: {bad: yes/no}}, days: days}"
    rows = "  - {for_each: item in items, apology: yes}\n"
    assert not found(text(rows + row("days: 3"), facts=facts), "unreachable")
    rows += "  - {for_each: item in items, when: {item.bad: yes}, points: 1}\n"
    (finding,) = found(text(rows, facts=facts), "unreachable")
    assert finding.line == 7


# ------------------------------------------------------------------------------ gaps and overlaps


def test_a_gap_with_facts_that_fall_into_it() -> None:
    source = text(row("days: 1..2") + row("days: 4.."))
    (gap,) = found(source, "gap")
    assert gap.example is not None
    assert str(decide(load(source), gap.example)) == "nothing: no_rule_fits"
    assert not found(text(row("days: ..2") + row("days: 3..")), "gap")
    assert not found(text(row("days: 1..2") + ELSE), "gap")
    assert not found(text(row("tier: not vip") + row("tier: vip")), "gap")


def test_a_gap_between_ends_that_are_left_out() -> None:
    facts = "{rate: percent}"
    (gap,) = found(text(row("rate: ..<50") + row("rate: 50<.."), facts=facts), "gap")
    assert gap.example == {"rate": 50}


def test_a_gap_in_a_table_and_before_the_first_date() -> None:
    let = "  sum:\n    dated: when\n    from 2026-01-31: 5 EUR"
    (gap,) = found(text("  - {refund: sum}", let=let), "gap")
    assert gap.example is not None
    assert gap.example["when"] == "2026-01-30"
    in_force = text("  - {refund: sum}", let=let, head="effective: {from: 2026-01-31, by: when}\n")
    assert not found(in_force, "gap", "not_analysed")


def test_an_overlap_of_two_bands_but_not_of_a_special_case() -> None:
    source = text(row("days: 1..3") + row("days: 3..6") + ELSE)
    (overlap,) = found(source, "overlap")
    assert overlap.rows == (6, 7)
    assert overlap.example is not None
    assert overlap.example["days"] == 3
    assert not found(text(row("days: 3..6") + row("days: 1..9") + ELSE), "overlap")
    assert not found(text(row("days: 1..3") + row("tier: vip") + ELSE), "overlap")


def test_what_cannot_be_analysed_is_said_and_nothing_is_claimed() -> None:
    source = text("  - {when: days * 2 > 3 days + 1 day and days * 2 < 0 days, apology: yes}\n")
    findings = found(source, "gap", "not_analysed", "unreachable")
    assert {one.kind for one in findings} <= {"gap", "not_analysed"}
    rows = "".join(row(f"days: {i}, tier: vip") for i in range(700))
    (note,) = found(text(rows), "not_analysed")
    assert note.severity == "note"


# ------------------------------------------------------------------------------------------- sums


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("cap_below_floor", text("  - {refund: price, at_least: 9 EUR, at_most: 5 EUR}")),
        ("cap_below_floor", text("  - {refund: price, at_most: 5 EUR, at_least: 9 EUR}")),
        ("cap_below_floor", text('  - {refund: "clamp(price, 9 EUR, 5 EUR)"}')),
        ("cap_below_floor",
         text("  - {refund: price, at_most: cap, at_least: 9 EUR}", let="  cap: 5 EUR")),
        ("cap_below_floor", text("  - {refund: 9 EUR up to 5 EUR}")),
        ("amount_missing",
         text("  - {refund: price, at_most: {EUR: 5.00}}", currency="[EUR, JPY]")),
        ("amount_missing", text("  - {refund: 5 EUR}", currency="[EUR, JPY]")),
        ("over_100_percent", text("  - {refund: 120% of price}")),
        ("over_150_percent", text("  - {refund: share of price}", let="  share: 151%")),
        ("never_asks", text("  - {refund: price, at_most: 50 EUR}", head="ask_over: 50 EUR\n")),
        ("unused", text(ELSE)),
        ("unused", text("  - {refund: price}", let="  cap: 5 EUR", facts="{price: money}")),
        ("look_alike", text(ELSE, facts="{total: money, tota1: money}")),
        ("look_alike", text(ELSE, facts="{order_id: word, orderid: word}")),
        ("look_alike", text(ELSE, facts="{tier: [VIP, vip]}")),
        ("look_alike", text(ELSE, head="source: \u0410rticle 5\n")),
        ("expired", text(ELSE, head="effective: {until: 2026-10-03}\n")),
        ("not_monotone", text("".join(
            row(f"days: {band}", f"refund: {sum_} EUR") for band, sum_ in
            (("1..2", 5), ("3..6", 20), ("7..", 10))))),
        ("not_monotone",
         text(row("tier: vip", "refund: 10% of price") + row("tier: new", "refund: 20% of price"))),
        ("not_monotone",
         text(row("days_late: 1..2", "refund: 9 EUR") + row("days_late: 3..", "refund: 5 EUR"),
              facts="{days_late: days}")),
    ],
)  # fmt: skip
def test_each_kind_is_found(kind: str, source: str) -> None:
    findings = found(source, kind)
    assert findings
    assert all(one.severity == SEVERITY[kind] for one in findings)
    assert all(one.line >= 1 and one.column >= 1 and one.suggestion for one in findings)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("cap_below_floor", text("  - {refund: price, at_least: 5 EUR, at_most: 9 EUR}")),
        ("amount_missing",
         text("  - {refund: price, at_most: {EUR: 5.00, JPY: 9}}", currency="[EUR, JPY]")),
        ("over_100_percent", text("  - {refund: 120% of price, cite: Art. 5}")),
        ("over_150_percent", text("  - {refund: 150% of price}")),
        ("never_asks", text("  - {refund: price, at_most: 51 EUR}", head="ask_over: 50 EUR\n")),
        ("never_asks", text("  - {refund: price}", head="ask_over: 50 EUR\n")),
        ("never_asks", text("  - {refund: 30 EUR, cash: 30 EUR}", head="ask_over: 50 EUR\n")),
        ("never_asks", text("  - {refund: 9 EUR, replacement: 1}", head="ask_over: 50 EUR\n")),
        ("look_alike", text(ELSE, facts="{total: money, order: word}")),
        ("look_alike", text(ELSE, head="source: Статья 5, Article 5\n")),
        ("expired", text(ELSE, head="effective: {until: 2026-10-04}\n")),
        ("not_monotone", text("".join(
            row(f"days: {band}", f"refund: {sum_} EUR") for band, sum_ in
            (("1..2", 20), ("3..6", 10), ("7..", 5))))),
        ("not_monotone",
         text(row("tier: vip", "refund: 30% of price") + row("tier: new", "refund: 20% of price"))),
    ],
)  # fmt: skip
def test_and_is_not_where_it_is_not(kind: str, source: str) -> None:
    assert not found(source, kind)


@pytest.mark.parametrize("facts", ["{t\u043etal: money}", "{Total: money}", "{to\u0301tal: money}"])
def test_names_in_other_alphabets_do_not_even_load(facts: str) -> None:
    with pytest.raises(PolicyError):
        load(text(ELSE, facts=facts))


def test_an_amount_without_a_currency_does_not_load() -> None:
    with pytest.raises(PolicyError):
        load(text("  - {refund: price, at_most: 5}"))


def test_errors_keep_a_policy_from_being_published() -> None:
    with pytest.raises(PolicyUnfit) as caught:
        refuse_errors(load(text(ELSE + row("days: 3"))))
    assert [one.kind for one in caught.value.findings] == ["unreachable"]
    assert "line 7" in str(caught.value)
    assert refuse_errors(load(text(row("days: 3"))))


@pytest.mark.parametrize("name", sorted(all_packs()))
def test_packs_have_no_errors(name: str) -> None:
    assert not [one for one in check(load_pack(name)) if one.severity == "error"]


def test_no_example_of_the_page_has_errors() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        for variant in variants(block) or ("",):
            refuse_errors(load(block, variant=variant))


# ------------------------------------------------------------------------------ on drawn policies


def rows_of(tree: Tree) -> dict[int, list[tuple[Expr, ...]]]:
    """Conditions by the line they are on, the row first found there first."""
    rows: dict[int, list[tuple[Expr, ...]]] = {}
    lists: list[Any] = [tree.refuse, tree.give]
    lists += [let.value.rows for let in tree.lets if isinstance(let.value, Table)]
    for one in (one for part in lists for one in part):
        rows.setdefault(one.at.line, []).append(one.when)
    return rows


def holds(engine: Reference, when: tuple[Expr, ...], facts: Any) -> bool:
    try:
        return engine.holds(when, engine.frame(facts))
    except Undecided:
        return False


def rule_lines(policy: Policy, decision_rule: str) -> set[int]:
    names = {f"refuse.{one.number}": one.at.line for one in policy.tree.refuse}
    names |= {f"give.{one.number}": one.at.line for one in policy.tree.give}
    return {names[one] for one in decision_rule.split("+") if one in names}


def check_claims(
    policy: Policy, findings: list[Finding], drawn: list[Any], seen: Counter[str]
) -> None:
    engine = Reference(policy.tree)
    lost = {one.line for one in findings if one.kind == "unreachable"}
    hit = {line for facts in drawn for line in rule_lines(policy, decide(policy, facts).rule)}
    assert not lost & hit
    for one in findings:
        seen[one.kind] += 1
        if one.kind == "gap" and "`give`" in one.message:
            assert one.example is not None
            assert str(decide(policy, one.example)) == "nothing: no_rule_fits"
            seen["gap tried"] += 1
        if one.kind == "overlap":
            rows = rows_of(policy.tree)
            for line in one.rows:
                assert any(holds(engine, when, one.example) for when in rows[line])


def simple_policy(rng: Random) -> str:
    """Rows of bands and words only, so that the analysis has to be exact."""
    bands = ["..2", "..<3", "3..5", "2<..6", "6..", "4..", "1..9", "0..0"]
    cells = {
        "days": lambda: rng.choice(bands), "n": lambda: rng.choice(bands),
        "tier": lambda: rng.choice(["vip", "[new, vip]", "not vip", "regular"]),
        "vip": lambda: rng.choice(["yes", "no", "null", "not null"]),
    }  # fmt: skip
    rows = []
    for index in range(rng.randint(2, 9)):
        names = rng.sample(sorted(cells), rng.randint(1, 2))
        when = ", ".join(f"{name}: {cells[name]()}" for name in names)
        rows.append(f"  - {{when: {{{when}}}, points: {index + 1}}}\n")
    facts = "{days: days, n: count, tier: [new, regular, vip], vip: yes/no or null}"
    return text("".join(rows), facts=facts)


def all_simple_facts() -> list[dict[str, Any]]:
    return [
        {"days": days, "n": n, "tier": tier, "vip": vip}
        for days in range(-1, 11) for n in range(11)
        for tier in ("new", "regular", "vip") for vip in (True, False, None)
    ]  # fmt: skip


def test_on_small_policies_every_claim_and_every_silence_is_right() -> None:
    """Against all facts there are: a row is said to be unreachable exactly if nothing reaches it,
    and a gap is found exactly if there is one."""
    everything = all_simple_facts()
    seen: Counter[str] = Counter()
    for seed in range(30):
        policy = load(simple_policy(Random(seed)))
        findings = check(policy)
        answers = [decide(policy, facts) for facts in everything]
        hit = {line for answer in answers for line in rule_lines(policy, answer.rule)}
        lost = {one.line for one in findings if one.kind == "unreachable"}
        assert lost == {rule.at.line for rule in policy.tree.give} - hit, seed
        gaps = [one for one in findings if one.kind == "gap"]
        assert bool(gaps) is any(answer.outcome == "nothing" for answer in answers), seed
        assert not [one for one in findings if one.kind == "not_analysed"]
        check_claims(policy, findings, [], seen)
    assert min(seen[kind] for kind in ("unreachable", "gap", "overlap")) >= 5, seen


def test_nothing_is_claimed_of_drawn_policies_that_is_not_so() -> None:
    seen: Counter[str] = Counter()
    for seed in range(ROUNDS):
        rng = Random(seed)
        try:
            policy = load(write_policy(rng))
        except PolicyError:
            continue
        findings = check(policy)
        check_claims(policy, findings, [draw_facts(rng) for _ in range(60)], seen)
        assert all(
            one.severity == SEVERITY[one.kind] or one.kind == "amount_missing" for one in findings
        )
    for kind in ("unreachable", "gap tried", "not_analysed", "amount_missing"):
        assert seen[kind], f"never drawn: {kind}: {seen}"
