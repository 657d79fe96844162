"""The few charts of a backtest, as SVG: no script, labelled where they are, the title says it.

Drawn by Altair and vl-convert. Where a mark stands is worked out in floats, as a picture is; every
figure that is written out comes from the exact sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.money import exponent
from core.policy.backtest import findings
from core.policy.backtest.tickets import BacktestExtra

if TYPE_CHECKING:
    from core.policy.backtest.report import Report
    from core.policy.backtest.tally import Sums

_DRAFT, _OTHER, _MORE, _LESS = "#0b6e63", "#8f4609", "#037f52", "#cd3642"
_FONT = "system-ui, sans-serif"
_WIDTH = 560


def charts(report: Report) -> list[str]:
    """SVG texts. Raises `BacktestExtra` where the libraries are not installed."""
    code = findings.main_currency(report)
    if not code:
        return []
    found = [_by_month(report, code), _by_remedy(report, code)]
    if report.tally.winners.get(code) or report.tally.losers.get(code):
        found.append(_sides(report, code))
    if report.tally.draft.asked:
        found.append(_approvals(report))
    return [_svg(chart) for chart in found]


def _by_month(report: Report, code: str) -> Any:
    names = [(findings.DRAFT, report.tally.draft, _DRAFT)]
    if report.against:
        names.append((findings.other_name(report), report.tally.other, _OTHER))
    rows = []
    for name, sums, _ in names:
        monthly = months(sums, code)
        last = max(monthly, default="")
        for month, minor in sorted(monthly.items()):
            label = f"{name}: {findings.money(minor, code)}" if month == last else ""
            rows.append({"month": month or "no date", "side": name, "label": label,
                         "sum": _place(minor, code)})  # fmt: skip
    alt = _altair()
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("sum:Q", title=code, scale=alt.Scale(zero=True)),
        color=alt.Color(
            "side:N", legend=None,
            scale=alt.Scale(domain=[n for n, _, _ in names], range=[c for _, _, c in names]),
        ),
    )  # fmt: skip
    line = base.mark_line(point=True).encode(strokeDash=alt.StrokeDash("side:N", legend=None))
    labels = [
        base.transform_filter(alt.datum.side == name)
        .mark_text(align="right", dy=-10 if index == 0 else 16, fontWeight="bold")
        .encode(text="label:N")
        for index, (name, _, _) in enumerate(names)
    ]
    return _titled(alt.layer(line, *labels), findings.cost(report, code))


def _by_remedy(report: Report, code: str) -> Any:
    total = report.tally.draft.total(code)
    rows = [
        {
            "remedy": findings.words(name), "sum": _place(one.minor, code),
            "label": f"{findings.money(one.minor, code)}, {findings.share(one.minor, total)}, "
                     f"{one.times:,} times",
        }
        for name, one in findings.remedies(report.tally.draft, code).items()
    ]  # fmt: skip
    return _titled(_bars(rows, "remedy", _DRAFT), findings.dearest(report, code))


def _sides(report: Report, code: str) -> Any:
    rows = []
    pairs = (("more", report.tally.winners, 1), ("less", report.tally.losers, -1))
    for word, of, sign in pairs:
        one = of.get(code)
        if one is not None:
            label = f"{one.times:,} get {word}: {findings.money(sign * one.minor, code)}"
            rows.append({"side": word, "sum": _place(one.minor, code), "label": label})
    alt = _altair()
    colour = alt.Color(
        "side:N", legend=None, scale=alt.Scale(domain=["more", "less"], range=[_MORE, _LESS])
    )
    return _titled(_bars(rows, "side", colour), findings.sides(report, code))


def _approvals(report: Report) -> Any:
    rows = [
        {"month": month or "no date", "sum": count, "label": f"{count:,}"}
        for month, count in sorted(report.tally.draft.asked.items())
    ]
    return _titled(_bars(rows, "month", _OTHER), findings.approvals(report))


def months(sums: Sums, code: str) -> dict[str, int]:
    """Minor units of one currency by month."""
    found: dict[str, int] = {}
    for (month, currency, _), one in sums.cost.items():
        if currency == code:
            found[month] = found.get(month, 0) + one.minor
    return found


def _bars(rows: Sequence[dict[str, Any]], over: str, colour: Any) -> Any:
    alt = _altair()
    most = max((row["sum"] for row in rows), default=1)
    base = alt.Chart(alt.Data(values=list(rows))).encode(
        y=alt.Y(f"{over}:N", title=None, sort=None),
        x=alt.X("sum:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1.9 * most or 1])),
    )
    bars = (
        base.mark_bar(color=colour)
        if isinstance(colour, str)
        else base.mark_bar().encode(color=colour)
    )
    return bars + base.mark_text(align="left", dx=4).encode(text="label:N")


def _titled(chart: Any, title: str) -> Any:
    alt = _altair()
    return (
        chart.properties(
            width=_WIDTH, title=alt.TitleParams(text=_lines(title), anchor="start", fontSize=14)
        )
        .configure(font=_FONT)
        .configure_view(stroke=None)
    )


def _lines(title: str, width: int = 78) -> list[str]:
    found = [""]
    for word in title.split():
        if len(found[-1]) + len(word) >= width:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    return found


def _place(minor: int, code: str) -> float:
    return float(minor / 10 ** exponent(code))


def _altair() -> Any:
    try:
        import altair
    except ImportError:
        raise BacktestExtra("drawing charts") from None
    return altair


def _svg(chart: Any) -> str:
    try:
        import vl_convert
    except ImportError:
        raise BacktestExtra("drawing charts") from None
    found: str = vl_convert.vegalite_to_svg(chart.to_json())
    return found
