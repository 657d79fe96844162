"""What compiled policies call: exact arithmetic, on whole numbers where possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from core.policy import calendars
from core.policy.errors import Undecided
from core.policy.telling import handed_in
from core.policy.tree import Calendar, Number
from core.policy.values import Unknown

Fn = Callable[[list[Any]], Any]
#: What a place of the frame holds before its value was asked for.
UNSET: Any = object()


def known(value: Any) -> Any:
    if type(value) is Unknown:
        value.fail()
    return value


def present(value: Any, name: str) -> Any:
    if value is None:
        raise Undecided(f"{name} is null")
    return value


def within(value: Any, low: Any, high: Any, low_in: bool, high_in: bool) -> bool:
    if value is None:
        return False
    if low is not None and not (low <= value if low_in else low < value):
        return False
    return high is None or bool(value <= high if high_in else value < high)


def divided(left: Any, right: Any) -> Any:
    if right == 0:
        raise Undecided("a division by zero")
    if type(left) is int and type(right) is int:
        whole, rest = divmod(left, right)
        return Fraction(left, right) if rest else whole
    return left / right  # never two ints here, so never a float


def ratio(value: Any) -> tuple[int, int]:
    exact = Fraction(value)
    return exact.numerator, exact.denominator


def rounded_share(base: Number, top: int, bottom: int, step: int) -> int:
    """`base` times `top`/`bottom`, in units of `step` (which `bottom` counts already), halves away
    from zero."""
    share = base * top
    if type(share) is not int:
        share, bottom = share.numerator, share.denominator * bottom
    units = (2 * abs(share) + bottom) // (2 * bottom)
    return units * step if share >= 0 else -units * step


def _units(value: Any, step: Any) -> tuple[int, Fraction | int]:
    if step <= 0:
        raise Undecided("a step to round to that is not greater than zero")
    size = abs(value)
    if type(size) is int and type(step) is int:
        whole, rest = divmod(size, step)
        return whole, Fraction(rest, step) if rest else 0
    exact = size / step  # one of the two is a Fraction, so exact
    whole = exact.numerator // exact.denominator
    return whole, exact - whole


def _signed(value: Number, units: int, step: Number) -> Number:
    return units * step if value >= 0 else -units * step


def round_half_up(value: Number, step: Number) -> Number:
    whole, rest = _units(value, step)
    return _signed(value, whole + (2 * rest >= 1), step)


def round_up(value: Number, step: Number) -> Number:
    whole, rest = _units(value, step)
    return _signed(value, whole + (rest > 0), step)


def round_down(value: Number, step: Number) -> Number:
    whole, _ = _units(value, step)
    return _signed(value, whole, step)


def round_even(value: Number, step: Number) -> Number:
    whole, rest = _units(value, step)
    return _signed(value, whole + (2 * rest > 1 or (2 * rest == 1 and whole % 2 == 1)), step)


def floor(value: Number) -> int:
    return value.__floor__()


def ceil(value: Number) -> int:
    return value.__ceil__()


def clamp(value: Any, low: Any, high: Any) -> Any:
    kept = high if value > high else value
    return low if kept < low else kept


def power_of_ten(digits: int) -> Number:
    return 10**digits if digits >= 0 else Fraction(1, 10**-digits)


def exchanged(amount: int, rate: Number, scale: Number) -> Number:
    return amount * rate * scale


def over(value: Any, limit: Any) -> Any:
    return value if value > limit else 0


def from_(value: Any, limit: Any) -> Any:
    return value if value >= limit else 0


def all_hold(frame: list[Any], tests: Sequence[Fn]) -> bool:
    """A no settles it, an unknown is worse than a yes; the first unknown is the one reported."""
    return _settled(((test, frame) for test in tests), settles=False)


def any_holds(frame: list[Any], tests: Sequence[Fn]) -> bool:
    return _settled(((test, frame) for test in tests), settles=True)


def _settled(tests: Any, *, settles: bool) -> bool:
    unknown: Undecided | None = None
    for test, frame in tests:
        try:
            if bool(test(frame)) is settles:
                return settles
        except Undecided as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    return not settles


def remembered(slot: int, compute: Fn) -> Fn:
    """`compute`, once a frame; what cannot be known is remembered as that."""

    def get(frame: list[Any]) -> Any:
        value = frame[slot]
        if value is UNSET:
            try:
                value = compute(frame)
            except Undecided as unknown:
                value = Unknown(unknown.problem, unknown.fact)
            frame[slot] = value
        return value

    return get


def must_fit(pick: Fn, name: str) -> Fn:
    def row(frame: list[Any]) -> int:
        found: int = pick(frame)
        if found < 0:
            raise Undecided(f"{name}: no row fits")
        return found

    return row


def looked_up(row: Fn, values: Sequence[Any]) -> Fn:
    return lambda frame: values[row(frame)]


def chosen(row: Fn, functions: Sequence[Fn]) -> Fn:
    return lambda frame: functions[row(frame)](frame)


def working_days(calendar: Calendar, slot: int) -> Callable[..., int]:
    def count(frame: list[Any], start: Any, end: Any) -> int:
        holidays = handed_in(known(frame[slot])) if calendar.fact else calendar.holidays
        return calendars.working_days_between(known(start), known(end), calendar, holidays)

    return count


def fold(function: str, slot: int, value: Fn | None, where: Fn | None) -> Callable[..., Any]:
    """An aggregate as a function of the frame and the list."""
    if function in ("any", "all"):
        assert where is not None
        return _quantified(slot, where, settles=function == "any")

    def call(frame: list[Any], items: Any) -> Any:
        values = []
        for item in known(items):
            frame[slot] = item
            if where is None or where(frame):
                values.append(1 if value is None else value(frame))
        if function in ("sum", "count"):
            return sum(values)
        if not values:
            raise Undecided(f"the {function} of an empty list")
        if function == "mean":
            return divided(sum(values), len(values))
        return min(values) if function == "min" else max(values)

    return call


def _quantified(slot: int, where: Fn, *, settles: bool) -> Callable[..., bool]:
    def tests(frame: list[Any], items: Any) -> Any:
        for item in known(items):
            frame[slot] = item
            yield where, frame

    return lambda frame, items: _settled(tests(frame, items), settles=settles)


#: Everything compiled code may call, by the name it has there.
HELPERS: dict[str, Any] = {
    "__builtins__": {}, "known": known, "present": present, "within": within, "divided": divided,
    "rounded_share": rounded_share, "round": round_half_up, "round_up": round_up,
    "round_down": round_down, "round_even": round_even, "floor": floor, "ceil": ceil,
    "min": min, "max": max, "clamp": clamp, "percent": divided, "exchanged": exchanged,
    "over": over, "from_": from_, "all_hold": all_hold, "any_holds": any_holds,
    "gap": calendars.gap, "shifted": calendars.shifted, "days_between": calendars.days_between,
    "months_between": calendars.months_between,
    "calendar_months_between": calendars.calendar_months_between,
    "month_length": calendars.month_length,
}  # fmt: skip
