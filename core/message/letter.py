"""The apology: greeting, what went wrong, what was done about it, thanks.

It names an amount only once the host has confirmed it, or has taken it on (`pending`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from core.message.facts import fill, outside_value
from core.message.language import Language, language_of
from core.message.page import bullets, page, stack
from core.message.template import Template, parse
from core.message.values import Text, clean, outside, own
from core.message.vocabulary import LETTER_NAMES
from core.money import Money
from core.ports import Remedy
from core.routing import Tone

_LONGEST_NAME = 60
_NO_NAME = re.compile(r"@|://|\bwww\.|\.\w+/|\d{4}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One remedy as the customer gets it. `quantity` counts points, or days of an extension.

    pending: the host has taken it on and has not finished.
    """

    remedy: Remedy
    money: Money | None = None
    quantity: int | None = None
    code: str | None = None
    order_name: str | None = None
    pending: bool = False


def parse_letter(source: str) -> Template:
    """A letter a workspace writes itself, which may use `LETTER_NAMES`. Raises `TemplateError`."""
    return parse(source, LETTER_NAMES)


def apology(
    language: str | None,
    *,
    tone: Tone,
    reason: str,
    given: Sequence[Given],
    customer_name: str | None,
    sign_off: str | None,
    settled: bool,
    choose: tuple[str, date] | None = None,
    besides: bool = False,
    letter: Template | None = None,
) -> Text:
    """The public reply to the customer.

    settled: everything in `given` that is not pending is confirmed by its host. Where it is not,
    the letter says that we are preparing what we can do (or, with nothing in `given`, looking into
    it), and names no remedy and no amount.
    choose: the customer chooses by this link until that day; nothing is given yet.
    besides: what is owed was given before, with an apology; this is more of goodwill.
    letter: the workspace's own letter; None for ours.
    """
    spoken = language_of(language)
    words = spoken.words
    values = _names(spoken, given, customer_name, sign_off)
    cause = reason if words.has(f"apology.sorry.{reason}.{tone}") else "other"
    keys = {
        "greeting": f"apology.greeting.{tone}",
        "sorry": f"apology.besides.{tone}" if besides else f"apology.sorry.{cause}.{tone}",
        "thanks": f"apology.thanks.{tone}",
        "close": f"apology.close.{tone}",
    }
    for name, key in keys.items():
        values[name] = words.say(key, values) or Text("", "")
    values["remedies"] = _remedies(spoken, tone, given, settled)
    if choose is not None:
        link, until = choose
        # Ours, and to be followed: made inert as others' words are, it would lead nowhere.
        facts = {**values, **fill(spoken, {"expires_on": until}), "link": own(link)}
        values["remedies"] = words.say(f"apology.choose.{tone}", facts) or Text("", "")
    if letter is None:
        said = words.say("apology.letter", values) or Text("", "")
    else:
        # A name a workspace uses may have no value for this customer: it is left empty.
        nothing = Text("", "")
        said = letter.render({name: values.get(name, nothing) for name in letter.names})
    return page(spoken, said)


def given_line(language: Language, given: Given) -> Text:
    """A remedy for staff: `Refund: 12.50 EUR`. Never its code: whoever reads it could use it."""
    values = fill(language, _facts(given, code=None))
    return language.words.say("note.given_line", values) or Text("", "")


def _facts(given: Given, *, code: str | None) -> dict[str, object]:
    return {
        "remedy": given.remedy,
        "amount": given.money,
        "quantity": given.quantity,
        "days": given.quantity if given.remedy == "extension" else None,
        "code": code,
        "order": given.order_name,
    }


def _names(
    language: Language, given: Sequence[Given], customer_name: str | None, sign_off: str | None
) -> dict[str, Text]:
    values: dict[str, Text] = {}
    orders = _orders(given)
    if len(orders) == 1:
        values = fill(language, {"order": next(iter(orders))})
    values["the_order"] = language.words.say("apology.the_order", values) or Text("", "")
    name = clean(customer_name or "", _LONGEST_NAME + 1)
    if _is_a_name(name, customer_name or ""):
        shown = outside(name, rtl=language.rtl, code=False, limit=_LONGEST_NAME)
        if shown:
            values["customer_name"] = shown
    signed = outside_value(language, "name", sign_off or "")
    if signed:
        values["sign_off"] = signed
    return values


def _is_a_name(name: str, raw: str) -> bool:
    """Helpdesks put e-mail addresses, telephone numbers and links where a name is missing."""
    named = any(char.isalpha() for char in name) and len(name) <= _LONGEST_NAME
    return named and not _NO_NAME.search(raw)


def _orders(given: Sequence[Given]) -> Collection[str]:
    return dict.fromkeys(one.order_name for one in given if one.order_name)


def _remedies(language: Language, tone: Tone, given: Sequence[Given], settled: bool) -> Text:
    """What was done, one line a remedy, and what is still to come where something is."""
    words = language.words
    things = [one for one in given if one.remedy != "apology"]
    said = [one for one in things if one.pending or settled]
    lines = [_remedy(language, one, many_orders=len(_orders(given)) > 1) for one in said]
    parts = []
    if len(lines) == 1:
        parts = lines
    elif lines:
        intro = words.say(f"apology.together.{tone}", {}) or Text("", "")
        parts = [stack([intro, bullets(lines)], "\n")]
    if not settled and len(said) < len(things):
        parts += [words.say(f"apology.prepared.{tone}", {}) or Text("", "")]
    elif not settled and not things:
        parts += [words.say(f"apology.review.{tone}", {}) or Text("", "")]
    return stack(parts, "\n\n")


def _remedy(language: Language, given: Given, *, many_orders: bool) -> Text:
    words = language.words
    values = fill(language, _facts(given, code=given.code))
    state = "pending" if given.pending else "done"
    line = words.say(f"apology.remedy.{given.remedy}.{state}", values) or Text("", "")
    if not many_orders or "order" not in values:
        return line
    about = words.say("apology.for_order", values) or Text("", "")
    return stack([about, line], " ")
