"""Words of the sidebar that are made rather than written in a template: what a button will do, what
a remedy is, what is left of a limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from console.language import reader
from core import message
from core.authority import Bound, Left
from core.message.language import Language, days_in, language_of, number_in, time_in
from core.message.values import clean
from core.money import Money
from core.routing import Tone

TONES: dict[Tone, object] = {
    "formal": lazy_gettext("Formal"),
    "warm": lazy_gettext("Warm"),
    "brief": lazy_gettext("Brief"),
}
TIERS = {
    "new": lazy_gettext("New customer"),
    "regular": lazy_gettext("Regular"),
    "vip": lazy_gettext("VIP"),
}
_WINDOWS = {
    "transaction": lazy_gettext("%(left)s at once"),
    "day": lazy_gettext("%(left)s today"),
    "week": lazy_gettext("%(left)s this week"),
    "month": lazy_gettext("%(left)s this month"),
}


def spoken() -> Language:
    return language_of(reader())


def money(amount: Money) -> str:
    return message.money(reader(), amount)


def number(count: int) -> str:
    return number_in(spoken(), count)


def remedy(code: str) -> str:
    """`Refund`."""
    return _phrase("remedy", code)


def reason(code: str) -> str:
    """`late delivery`."""
    return _phrase("reason", code)


def bound(of: Bound) -> str:
    """`what one person may give in a day`."""
    return _phrase("bound", of.name)


def clock(at: datetime, zone: tzinfo) -> str:
    """`14:02`."""
    return time_in(spoken(), at, zone)


def bound_sentence(of: Bound) -> str:
    """`The limit: what one person may give in a day, 50.00 EUR; 12.00 EUR of it is left.`"""
    if of.limit is None or of.left is None:
        return str(_("The limit: %(what)s.", what=bound(of)))
    return str(
        _(
            "The limit: %(what)s, %(limit)s; left of it: %(left)s.",
            what=bound(of),
            limit=_figure(of.limit),
            left=_figure(of.left),
        )
    )


def _figure(of: Money | int) -> str:
    return money(of) if isinstance(of, Money) else number(of)


def _phrase(group: str, code: str) -> str:
    words, key = spoken().words, f"{group}.{code}"
    return words.phrase(key) if words.has(key) else code.replace("_", " ")


def left(of: Left) -> str:
    """`150.00 EUR today`."""
    return str(_WINDOWS[of.window]) % {"left": _figure(of.left)}


def deed(code: str, amount: Money | None, quantity: int | None) -> str:
    """What a click will do, as its button says it: `Refund 12.00 EUR`."""
    given = money(amount) if amount else number(quantity) if quantity is not None else ""
    days = days_in(spoken(), quantity) if quantity is not None else ""
    said = {
        "refund": _("Refund %(given)s", given=given),
        "store_credit": _("Give %(given)s of store credit", given=given),
        "account_credit": _("Credit the account with %(given)s", given=given),
        "coupon": _("Give a coupon for %(given)s", given=given),
        "gift_card": _("Give a gift card for %(given)s", given=given),
        "replacement": _("Send a replacement"),
        "points": _("Give %(given)s points", given=given),
        "donation": _("Donate %(given)s in their name", given=given),
        "voucher": _("Give a voucher for %(given)s", given=given),
        "extension": _("Extend by %(days)s", days=days),
        "cash": _("Have %(given)s paid by hand", given=given),
        "apology": _("Send the apology"),
    }
    return str(said.get(code, f"{remedy(code)} {given}"))


def deeds(parts: Sequence[tuple[str, Money | None, int | None]]) -> str:
    """Of several remedies together."""
    return " + ".join(deed(*part) for part in parts)


def thing(code: str, amount: Money | None, quantity: int | None) -> tuple[str, str]:
    """What is given, as its card says it: `Refund`, `12.00 EUR`."""
    if amount is not None:
        return remedy(code), money(amount)
    if code == "extension" and quantity is not None:
        return remedy(code), days_in(spoken(), quantity)
    return remedy(code), number(quantity) if quantity is not None else ""


def sum_of(minor: int, currency: str) -> str:
    return money(Money(minor, currency))


def plain(text: str) -> str:
    """One harmless line of what somebody else wrote."""
    return clean(text, 80)


def code(text: str) -> str:
    """An order's name or a ticket's number: left to right wherever it stands."""
    return f"\u2066{clean(text, 60)}\u2069"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def name(of: str) -> str:
    """A name written elsewhere, for a sentence of ours: one line, its direction its own."""
    return f"\u2068{clean(of, 60)}\u2069"
