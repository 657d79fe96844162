"""Tables as sheets: out and back without a byte of difference, the same checks, no formula."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.policy import PolicyError, all_packs, load, pack_text
from core.policy.sheet_files import SheetError, plain, safe, titles
from core.policy.sheets import export, sheets_of, take_in
from tests.core.policy.generate import write_policy

openpyxl = pytest.importorskip("openpyxl")
TEXT = """\
policy: trial
basis: goodwill
currency: [EUR, JPY]
facts: {tier: [new, vip], late: days, total: money, on: date}
let:
  # What most people get.
  cap: {EUR: 25.00, JPY: 4000}
  word:
    - {when: {late: "> 3"}, is: "long"}     # a word
    - {else: "short"}
  grid:
    rows: late
    columns: tier
    table:
      ..3: {new: 1%, vip: 2%}
      else: {new: 3%, vip: 4%}
  rate:
    dated: on
    from 2026-01-01: {first: 10%, next: 5%}
    before: {first: 8%, next: 4%}

# Nobody likes these.
refuse:
  - {when: late <= 0 days, reason: in_time}
give:
  - {when: {tier: vip, late: 1..2}, refund: 20% of total, at_most: cap, share: 50%}
  - {when: {late: 1..2}, refund: 20% of total, share: 50%, at_most: [cap], reason: "r_{word}"}
  - {choice: [{refund: grid of total}, {store_credit: rate.first of total}], at_most: cap}
"""


@pytest.fixture(params=["book.xlsx", "folder"])
def target(request: Any, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def grid_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def rewrite(path: Path, change: Any) -> None:
    grid = grid_of(path)
    change(grid)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(grid)


def test_out_and_back_is_the_same_to_the_byte(target: Path) -> None:
    export(TEXT, target)
    assert take_in(TEXT, target) == TEXT


def test_steps_keep_their_order_though_one_name_heads_two_columns(tmp_path: Path) -> None:
    export(TEXT, tmp_path)
    heads = grid_of(tmp_path / "give.csv")[0]
    assert heads.count("at_most") == 2 or heads.count("share") == 2
    # Something changes, so the table is written anew: the meaning has to stay.
    rewrite(
        tmp_path / "give.csv",
        lambda grid: grid[1].__setitem__(heads.index("refund"), "20.0% of total"),
    )
    changed = take_in(TEXT, tmp_path)
    assert changed != TEXT
    assert load(changed).version_hash == load(TEXT).version_hash
    assert "# Nobody likes these." in changed


def test_every_table_written_anew_means_the_same(tmp_path: Path) -> None:
    """All packs and random policies; an empty column more, and every table is rewritten."""
    texts = sorted({pack_text(name)[0] for name in all_packs()})
    texts += [_drawn(Random(number)) for number in range(30)]
    for number, text in enumerate([TEXT, *texts]):
        folder = tmp_path / str(number)
        export(text, folder)
        for path in folder.glob("*.csv"):
            rewrite(path, lambda grid: [row.insert(0, "") for row in grid])
        again = take_in(text, folder)
        for variant in _variants(text):
            before, after = load(text, variant=variant), load(again, variant=variant)
            assert after.version_hash == before.version_hash


def _variants(text: str) -> tuple[str, ...]:
    from core.policy import variants

    return variants(text) or ("",)


def _drawn(rng: Random) -> str:
    while True:
        text = write_policy(rng)
        try:
            load(text)
        except PolicyError:
            continue
        return text


def test_a_changed_cell_is_taken_in_and_the_rest_stays(target: Path) -> None:
    export(TEXT, target)
    if target.suffix:
        book = openpyxl.load_workbook(target)
        book["let.cap"]["B2"] = 30  # typed by somebody: a number, not text
        book["let.rate"]["B3"] = "9%"
        book.save(target)
    else:
        rewrite(target / "let.cap.csv", lambda grid: grid[1].__setitem__(1, "30"))
        rewrite(target / "let.rate.csv", lambda grid: grid[2].__setitem__(1, "9%"))
    changed = take_in(TEXT, target)
    expected = TEXT.replace("EUR: 25.00", "EUR: 30").replace("{first: 8%", "{first: 9%")
    assert load(changed).version_hash == load(expected).version_hash
    assert changed.split("refuse:")[1] == TEXT.split("refuse:")[1]


def test_a_row_more(tmp_path: Path) -> None:
    export(TEXT, tmp_path)
    rewrite(tmp_path / "let.grid.csv", lambda grid: grid.insert(2, ["4..6", "7%", "8%"]))
    assert "4..6: {new: 7%, vip: 8%}" in take_in(TEXT, tmp_path).replace('"', "")


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "place"),
    [
        ("give", 2, "at_most", "cap + 3 km", "sheet give, row 2, column at_most"),
        ("give", 2, "when tier", "gold", "sheet give, row 2, column when tier"),
        ("give", 3, "refund", "20% of totle", "sheet give, row 3, column refund"),
        ("refuse", 2, "reason", "not a word!", "sheet refuse, row 2, column reason"),
        ("let.cap", 3, "is", "1.5", "sheet let.cap, row 3, column is"),
        ("let.cap", 3, "is", "[1", "sheet let.cap, row 3, column is"),
        ("let.grid", 3, "vip", "4 EUR", "sheet let.grid, row 3, column vip"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    sheet: str, row: int, column: str, value: str, place: str, tmp_path: Path
) -> None:
    export(TEXT, tmp_path)
    path = tmp_path / f"{sheet}.csv"
    at = grid_of(path)[0].index(column)
    rewrite(path, lambda grid: grid[row - 1].__setitem__(at, value))
    with pytest.raises(SheetError) as error:
        take_in(TEXT, tmp_path)
    assert str(error.value).startswith(place)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    text = TEXT.replace("reason: in_time", 'reason: in_time, cite: "=HYPERLINK(1)"')
    text = text.replace("late <= 0 days", '"-late >= 0 days"')
    text = text.replace('"r_{word}"', "'+r_{word}'").replace(
        "- {choice:", '- {cite: "@SUM(A1)", choice:'
    )
    load(text)
    export(text, tmp_path / "book.xlsx")
    export(text, tmp_path / "folder")
    for path in (tmp_path / "folder").glob("*.csv"):
        for cell in (cell for row in grid_of(path) for cell in row):
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    cells = [
        cell
        for sheet in openpyxl.load_workbook(tmp_path / "book.xlsx")
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert all(cell.data_type == "s" and cell.number_format == "@" for cell in cells)
    assert any(cell.value == "'=HYPERLINK(1)" for cell in cells)
    assert take_in(text, tmp_path / "book.xlsx") == text
    assert take_in(text, tmp_path / "folder") == text


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t=1", " =1", "\r=1", "'a", "''", "a", "|x", "%x", ""]
)
def test_what_is_made_safe_comes_back(text: str) -> None:
    assert plain(safe(text)) == text
    assert not safe(text).lstrip().startswith(("=", "+", "-", "@"))


def test_formulas_and_percent_cells_are_refused(tmp_path: Path) -> None:
    for value, shape in (("=1+1", "General"), (0.1, "0%"), (1 / 3, "0.00")):
        target = tmp_path / "book.xlsx"
        export(TEXT, target)
        book = openpyxl.load_workbook(target)
        cell = book["let.cap"]["B2"]
        cell.number_format = shape
        cell.value = value
        book.save(target)
        with pytest.raises(SheetError, match=r"sheet let\.cap, row 2, column B"):
            take_in(TEXT, target)


def test_strange_files_are_refused(tmp_path: Path) -> None:
    export(TEXT, tmp_path / "folder")
    (tmp_path / "folder" / "let.other.csv").write_text("a,b\n")
    with pytest.raises(SheetError, match="no such table"):
        take_in(TEXT, tmp_path / "folder")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SheetError, match="not a workbook"):
        take_in(TEXT, tmp_path / "book.xlsx")
    with pytest.raises(SheetError, match=r"ends in \.xlsx"):
        take_in(TEXT, tmp_path / "folder" / "give.csv")


def test_titles_are_short_and_unlike() -> None:
    names = [f"let.{'a' * 35}{letter}" for letter in "xyz"]
    found = titles(names)
    assert len(set(found.values())) == 3
    assert all(len(title) <= 31 for title in found.values())


def test_scalars_are_no_tables() -> None:
    assert [sheet.name for sheet in sheets_of(TEXT)] == [
        "let.cap", "let.word", "let.grid", "let.rate", "refuse", "give",
    ]  # fmt: skip
