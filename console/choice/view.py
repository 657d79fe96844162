"""A link as its page shows it: everything in the customer's language, ready to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flask_babel import lazy_gettext

from console.choice.world import Gift, GiftState, Option, Shown
from console.language import reader
from core import message
from core.message import Given
from core.ports import Remedy

#: For so long after choosing the page looks again by itself.
FOLLOWED = timedelta(minutes=3)
_LETTERS_AT_ONCE = 4

#: What each remedy means for whoever gets it.
_MEANS: Mapping[Remedy, object] = {
    "refund": lazy_gettext(
        "Back to the payment method you used. Your bank may take a few working days to show it."
    ),
    "store_credit": lazy_gettext("Added to your account with us, for your next order."),
    "account_credit": lazy_gettext("Taken off what you pay us next."),
    "coupon": lazy_gettext("A code that makes your next order cheaper. It can be used once."),
    "gift_card": lazy_gettext("A code to spend with us, for yourself or for somebody you like."),
    "replacement": lazy_gettext("We send it to you once more. It costs you nothing."),
    "points": lazy_gettext("Added to your points with us."),
    "donation": lazy_gettext("We give it to a good cause in your name."),
    "voucher": lazy_gettext("A voucher to use with us."),
    "extension": lazy_gettext("What you have with us lasts longer, free of charge."),
    "cash": lazy_gettext("One of us pays it to you. A bank transfer may take a few working days."),
    "apology": lazy_gettext("You want nothing but an apology. You have it."),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One remedy: what it is called, what it is worth, what it means."""

    remedy: Remedy
    name: str
    worth: str | None
    means: str


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that can be chosen."""

    id: str
    things: Sequence[Thing]


@dataclass(frozen=True, slots=True)
class Present:
    """One thing that was chosen. `said` is the sentence about where it stands; `code` is cut into
    pieces that are easy to read, where there is one."""

    id: str
    thing: Thing
    state: GiftState
    said: str
    code: Sequence[str]

    @property
    def whole_code(self) -> str:
        return "".join(self.code)


@dataclass(frozen=True, slots=True)
class View:
    """standing: open (nothing was chosen), coming, with_person, or done. follow: the page is to
    look again by itself."""

    standing: Literal["open", "coming", "with_person", "done"]
    sorry: str
    signed: str | None
    until: str
    cards: Sequence[Card]
    presents: Sequence[Present]
    follow: bool

    @property
    def digest(self) -> str:
        """Of what is seen, so that the page is answered only with what is new."""
        return hashlib.sha256(repr((reader(), self)).encode()).hexdigest()[:16]


def view(shown: Shown, now: datetime) -> View:
    tag = _tag(shown.language)
    standing: Literal["open", "coming", "with_person", "done"] = "open"
    if shown.chosen_at is not None:
        standing = "coming" if not shown.settled else "done"
        standing = "with_person" if shown.with_person else standing
    return View(
        standing=standing,
        sorry=message.sorry(tag, shown.reason, shown.tone, shown.order_name),
        signed=shown.signed,
        until=message.day(tag, shown.until),
        cards=[_card(option, tag) for option in shown.options],
        presents=[_present(gift, tag) for gift in shown.gifts],
        follow=standing == "coming"
        and shown.chosen_at is not None
        and now - shown.chosen_at < FOLLOWED,
    )


def _tag(language: str) -> str:
    """The customer's own tag, for their digits and calendar, unless they read another language."""
    return language if language.partition("-")[0] == reader() else reader()


def _card(option: Option, tag: str) -> Card:
    return Card(option.id, [_thing(part, tag) for part in option.parts])


def _thing(given: Given, tag: str) -> Thing:
    name = message.remedy(tag, given.remedy)
    return Thing(given.remedy, name, message.worth(tag, given), str(_MEANS[given.remedy]))


_SAID: Mapping[GiftState, object] = {
    "coming": lazy_gettext("We are preparing this for you."),
    "slow": lazy_gettext(
        "This takes a little longer than usual. "
        "You will get it, and only once; you need not do anything."
    ),
    "off": lazy_gettext("This did not work out. One of us looks into it and writes to you."),
}


def _present(gift: Gift, tag: str) -> Present:
    code = gift.given.code or ""
    pieces = [code[at : at + _LETTERS_AT_ONCE] for at in range(0, len(code), _LETTERS_AT_ONCE)]
    told = gift.state in ("done", "pending")
    said = message.outcome(tag, gift.given) if told else str(_SAID[gift.state])
    return Present(gift.id, _thing(gift.given, tag), gift.state, said, pieces)
