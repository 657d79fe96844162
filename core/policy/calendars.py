"""Counting days, working days and months, exactly as published rules do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from core.policy.errors import Undecided
from core.policy.tree import Calendar

_LONGEST = 366 * 20


def utc_day(when: date | datetime) -> date:
    return when.astimezone(UTC).date() if isinstance(when, datetime) else when


def days_between(start: date, end: date) -> int:
    """Seconds of the whole days from `start` to `end`."""
    return (utc_day(end) - utc_day(start)).days * 86400


def months_between(start: date, end: date) -> int:
    """Whole months that have passed: 31 January to 28 February is none, to 1 March is one."""
    first, last = utc_day(start), utc_day(end)
    if last < first:
        return -months_between(end, start)
    months = (last.year - first.year) * 12 + last.month - first.month
    return months - (last.day < first.day)


def calendar_months_between(start: date, end: date) -> int:
    """Ends of months (in UTC) that lie between the two."""
    first, last = utc_day(start), utc_day(end)
    return (last.year - first.year) * 12 + last.month - first.month


def month_length(when: date) -> int:
    """Seconds of the UTC month `when` lies in."""
    first = utc_day(when).replace(day=1)
    following = add_months(first, 1)
    return (following - first).days * 86400


def add_months(start: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    if not date.min.year <= year <= date.max.year:
        raise Undecided("the date lies outside the calendar")
    for day in (start.day, 30, 29, 28):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def add_days(start: date, days: int) -> date:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        raise Undecided("the date lies outside the calendar") from None


def working_days_between(
    start: date, end: date, calendar: Calendar, holidays: Collection[date]
) -> int:
    """Working days after `start`, up to and including `end`; negative where `end` is earlier."""
    first, last = utc_day(start), utc_day(end)
    if last < first:
        return -working_days_between(last, first, calendar, holidays)
    _covered(first, calendar)
    _covered(last, calendar)
    span = (last - first).days
    if span > _LONGEST:
        raise Undecided("more than 20 years of working days")
    weeks, rest = divmod(span, 7)
    count = weeks * (7 - len(calendar.weekend))
    count += sum(
        (first.weekday() + step) % 7 not in calendar.weekend for step in range(1, rest + 1)
    )
    return count - sum(
        first < day <= last and day.weekday() not in calendar.weekend for day in set(holidays)
    )


def after_working_days(
    start: date, count: int, calendar: Calendar, holidays: Collection[date]
) -> date:
    """The `count`-th working day after `start`."""
    day, left, off = start, count, set(holidays)
    while left:
        day = add_days(day, 1)
        _covered(day, calendar)
        if (day - start).days > _LONGEST:
            raise Undecided("more than 20 years of working days")
        left -= day.weekday() not in calendar.weekend and day not in off
    return day


def _covered(day: date, calendar: Calendar) -> None:
    outside = (calendar.first and day < calendar.first) or (calendar.last and day > calendar.last)
    if outside:
        raise Undecided(f"the calendar {calendar.name} does not cover {day}")


def shifted(start: date, seconds: int) -> date:
    """`start` moved by whole days."""
    return add_days(start, seconds // 86400)


def gap(start: date, end: date) -> int | Fraction:
    """Seconds from `start` to `end`, which are both dates or both instants."""
    length = end - start
    seconds = length.days * 86400 + length.seconds
    return seconds + Fraction(length.microseconds, 10**6) if length.microseconds else seconds
