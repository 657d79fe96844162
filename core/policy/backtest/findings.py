"""What a backtest found, in sentences: the titles of its charts and the first lines of its page."""

from __future__ import annotations

from core.policy.backtest.report import Report, major
from core.policy.backtest.tally import Cost, Sums


def money(minor: int, code: str) -> str:
    """`1,234.50 EUR`."""
    whole, point, part = major(minor, code).partition(".")
    return f"{int(whole):,}{point}{part} {code}" if whole != "-0" else f"-0{point}{part} {code}"


def main_currency(report: Report) -> str:
    """The currency the charts are about: of those in which something changes (of all, if nothing
    does), the one in which most was given something; '' without one."""
    times: dict[str, int] = {}
    changed = report.tally.compared_currencies
    for sums in (report.tally.draft, report.tally.other):
        for (_, code, _), cost in sums.cost.items():
            if code and (not changed or code in changed):
                times[code] = times.get(code, 0) + cost.times
    return max(sorted(times), key=lambda code: times[code], default="")


def share(part: int, whole: int) -> str:
    """`12 %`, to a whole percent."""
    return f"{(200 * part + whole) // (2 * whole)} %" if whole else "0 %"


DRAFT = "the draft"


def other_name(report: Report) -> str:
    """What the draft is compared with; two versions of one policy are told apart by their hash."""
    if report.against == "paid":
        return "what was paid"
    known = report.against == report.draft
    return f"{report.against} {report.against_hash[:8]}" if known else report.against


def cost(report: Report, code: str) -> str:
    draft, other = report.tally.draft.total(code), report.tally.other.total(code)
    said = f"{DRAFT.capitalize()} would cost {money(draft, code)}"
    if not report.against:
        return said
    if draft == other:
        return f"{said}, just as {other_name(report)}"
    word, gap = ("more", draft - other) if draft > other else ("less", other - draft)
    much = f" ({share(gap, other)})" if other else ""
    return f"{said}: {money(gap, code)}{much} {word} than {other_name(report)}"


def remedies(sums: Sums, code: str) -> dict[str, Cost]:
    """The account of one currency by remedy, the dearest first."""
    found: dict[str, Cost] = {}
    for (_, currency, remedy), one in sums.cost.items():
        if currency == code:
            found.setdefault(remedy, Cost()).add(one.times, one.minor)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1].minor, pair[0])))


def dearest(report: Report, code: str) -> str:
    found = remedies(report.tally.draft, code)
    total = report.tally.draft.total(code)
    if not found or not total:
        return f"Nothing was given in {code}"
    name, first = next(iter(found.items()))
    return f"{words(name).capitalize()} is {share(first.minor, total)} of the cost in {code}"


def sides(report: Report, code: str) -> str:
    more = report.tally.winners.get(code, Cost())
    less = report.tally.losers.get(code, Cost())
    if not more.times and not less.times:
        return f"Nobody would get more or less than by {other_name(report)}"
    return (
        f"{more.times:,} would get more (together {money(more.minor, code)}), "
        f"{less.times:,} less (together {money(less.minor, code)})"
    )


def approvals(report: Report) -> str:
    asked = sum(report.tally.draft.asked.values())
    decided = report.tally.tickets
    said = f"{asked:,} of {decided:,} tickets ({share(asked, decided)}) would wait for a second yes"
    if not report.against or report.against == "paid":
        return said
    return f"{said}; {sum(report.tally.other.asked.values()):,} by {other_name(report)}"


def undecided(report: Report) -> str:
    count = report.tally.draft.outcomes.get("cannot_decide", 0)
    if not count:
        return "Every ticket could be decided"
    part = share(count, report.tally.tickets)
    return f"{count:,} tickets ({part}) could not be decided and would go to a person"


def words(name: str) -> str:
    """A word of the language for people."""
    return name.replace("_", " ")
