"""The report as one page of HTML: sentences first, then charts, then every figure in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from core.policy.backtest import findings
from core.policy.backtest.charts import charts, months
from core.policy.backtest.report import PROBLEMS, Report, major
from core.policy.backtest.tally import Sums
from core.policy.backtest.tickets import BacktestExtra

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } caption { text-align: start; color: #5c6970 }
th, td { border-bottom: 1px solid #8886; padding: .25rem .75rem .25rem 0; text-align: start }
td.n, th.n { text-align: end; font-variant-numeric: tabular-nums }
figure { margin: 1.5rem 0; background: #fff; overflow-x: auto } .quiet { color: #5c6970 }
"""

Cell = str | int


def page(report: Report) -> str:
    """The whole page. Charts are left out, and it says so, where they cannot be drawn."""
    title = f"{report.draft} on {report.tally.tickets:,} past tickets"
    parts = [f"<h1>{escape(title)}</h1>", _sentences(report), _charts(report)]
    parts += _tables(report)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts) + "\n</body></html>\n"
    )  # fmt: skip


def _sentences(report: Report) -> str:
    codes = sorted({*report.tally.draft.currencies, *report.tally.other.currencies})
    said = [findings.cost(report, code) for code in codes]
    if report.against:
        said += [findings.sides(report, code) for code in report.tally.compared_currencies]
    said += [findings.approvals(report), findings.undecided(report)]
    how = "as a query in DuckDB" if report.engine == "duckdb" else "row by row"
    because = f" ({report.because})" if report.because else ""
    quiet = [f"Version {report.draft_hash[:12]}, decided {how}{because}"]
    if report.against_hash:
        quiet.append(f"compared with {report.against} {report.against_hash[:12]}")
    if report.missing:
        quiet.append(f"facts the tickets do not have: {', '.join(report.missing)}")
    if report.unread:
        quiet.append(f"columns nobody reads: {', '.join(report.unread)}")
    items = "".join(f"<li>{escape(one)}.</li>" for one in said)
    return f'<ul>{items}</ul><p class="quiet">{escape("; ".join(quiet))}.</p>'


def _charts(report: Report) -> str:
    try:
        found = charts(report)
    except BacktestExtra as error:
        return f'<p class="quiet">No charts: {escape(str(error))}.</p>'
    return "".join(f"<figure>{svg}</figure>" for svg in found)


def _tables(report: Report) -> list[str]:
    tally = report.tally
    named: list[tuple[str, Sums]] = [(findings.DRAFT, tally.draft)]
    if report.against:
        named.append((findings.other_name(report), tally.other))
    parts = ["<h2>Cost by remedy</h2>"]
    parts += [_remedies(name, sums) for name, sums in named]
    parts.append("<h2>Cost by month</h2>")
    parts += [_months(named, code) for code in _codes(named)]
    if report.against:
        parts += ["<h2>The largest differences</h2>"]
        parts += [_largest(report, code) for code in tally.compared_currencies]
    parts.append("<h2>What was answered</h2>")
    for name, sums in named:
        parts.append(_table(name, ("answer", "tickets"), _most(sums.outcomes)))
        if sums.rules:
            parts.append(_table(f"{name}: by row", ("row", "tickets"), _most(sums.rules)))
        if sums.problems:
            heads = ("why it could not be decided", "tickets")
            parts.append(_table(name, heads, _most(sums.problems)[:PROBLEMS]))
    return parts


def _remedies(name: str, sums: Sums) -> str:
    rows: list[tuple[Cell, ...]] = []
    for code in [*sums.currencies, ""]:
        for remedy, cost in findings.remedies(sums, code).items():
            amount = findings.money(cost.minor, code) if code else "no money"
            rows.append((findings.words(remedy), cost.times, amount))
    return _table(name, ("remedy", "times", "sum"), rows)


def _months(named: Sequence[tuple[str, Sums]], code: str) -> str:
    by_side = [months(sums, code) for _, sums in named]
    rows: list[tuple[Cell, ...]] = [
        (month or "no date", *(major(side.get(month, 0), code) for side in by_side))
        for month in sorted({month for side in by_side for month in side})
    ]
    return _table(code, ("month", *(name for name, _ in named)), rows)


def _largest(report: Report, code: str) -> str:
    rows: list[tuple[Cell, ...]] = [
        (one.ticket or f"row {one.number}", one.date, major(one.draft, code),
         major(one.other, code), major(one.minor, code), one.draft_rule, one.other_rule)
        for one in report.tally.largest(code)
    ]  # fmt: skip
    heads = ("ticket", "date", findings.DRAFT, findings.other_name(report), "difference", "row",
             "row there")  # fmt: skip
    return _table(code, heads, rows)


def _codes(named: Sequence[tuple[str, Sums]]) -> list[str]:
    return sorted({code for _, sums in named for code in sums.currencies})


def _most(of: dict[str, int]) -> list[tuple[Cell, ...]]:
    return [
        (findings.words(name), count)
        for name, count in sorted(of.items(), key=lambda one: (-one[1], one[0]))
    ]


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    def cell(value: Cell, column: int) -> str:
        number = isinstance(value, int) or (column > 0 and value[-1:].isdigit())
        shown = f"{value:,}" if isinstance(value, int) else value
        return f'<td class="n">{escape(shown)}</td>' if number else f"<td>{escape(shown)}</td>"

    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f"<tr>{''.join(cell(value, column) for column, value in enumerate(row))}</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
