"""Single words and sentences for pages, from the same words as letters and notes."""

from __future__ import annotations

from core.message.facts import fill
from core.message.language import days_in, language_of, money_in, number_in
from core.message.letter import Given
from core.message.values import Text
from core.ports import Remedy
from core.routing import Tone


def sorry(language: str | None, reason: str, tone: Tone, order_name: str | None) -> str:
    """What went wrong, and that it is our fault."""
    spoken = language_of(language)
    words = spoken.words
    cause = reason if words.has(f"apology.sorry.{reason}.{tone}") else "other"
    values = fill(spoken, {"order": order_name})
    values["the_order"] = words.say("apology.the_order", values) or Text("", "")
    said = words.say(f"apology.sorry.{cause}.{tone}", values)
    return said.plain if said else ""


def remedy(language: str | None, code: Remedy) -> str:
    """`Store credit`."""
    return language_of(language).words.phrase(f"remedy.{code}")


def reason(language: str | None, code: str) -> str:
    """`late delivery`; a workspace's own reason as it is written."""
    spoken = language_of(language)
    has = spoken.words.has(f"reason.{code}")
    return spoken.words.phrase(f"reason.{code}") if has else code.replace("_", " ")


def worth(language: str | None, given: Given) -> str | None:
    """`12.50 EUR`, `500`, `3 days`; None for what is neither a sum nor counted."""
    spoken = language_of(language)
    if given.money is not None:
        return money_in(spoken, given.money)
    if given.quantity is None or given.remedy == "replacement":
        return None
    return (days_in if given.remedy == "extension" else number_in)(spoken, given.quantity)


def outcome(language: str | None, given: Given) -> str:
    """`We have refunded 12.50 EUR to the payment method you used.` Without its code, which has a
    place of its own on a page; an apology alone has no more to say."""
    spoken = language_of(language)
    key = f"apology.remedy.{given.remedy}.{'pending' if given.pending else 'done'}"
    if not spoken.words.has(key):
        return ""
    facts = {
        "amount": given.money,
        "quantity": given.quantity,
        "days": given.quantity if given.remedy == "extension" else None,
    }
    said = spoken.words.say(key, fill(spoken, facts))
    return said.plain if said else ""
