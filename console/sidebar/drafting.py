"""The message as the customer will read it: our words, or what an agent made of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from console.sidebar.permit import case_of
from console.sidebar.picking import Picked
from console.sidebar.world import Look
from core import message
from core.case import Case
from core.letter import CODE, Letter
from core.moment import Moment
from core.payout import CODED
from core.people import Person
from core.routing import Tone
from core.session import Session
from core.terms import Terms
from core.writeback import reply_text

#: Stands for a code in a letter until it is written; letters and digits only, so that it passes
#: through the words as a code does.
_STAND_IN = "0codecodecode0"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """`draft`: what the words were before an agent changed them, as a hash. `card`: what a gift
    card would say it is worth."""

    text: str
    language: str
    direction: str
    tone: Tone
    edited: bool
    draft: str
    reply: str
    card: str | None
    sign_off: str | None


def message_of(
    session: Session,
    look: Look,
    terms: Terms,
    person: Person | None,
    picked: Picked,
    letter: tuple[str, str] | None,
    moment: Moment,
) -> MessageView:
    routing = look.routing
    tone = picked.tone or routing.tone
    case = case_of(session, look.ticket.id, person, terms, moment)
    draft = _draft(case, look, terms, tone, moment)
    text, edited = draft, False
    if letter is not None and hashed(letter[0]) != letter[1]:
        text, edited = letter[0], normal(letter[0]) != normal(draft)
    language = terms.language or routing.reply_language
    cards = [part.amount for part in terms.parts if part.remedy == "gift_card" and part.amount]
    return MessageView(
        text=text,
        language=language,
        direction=message.direction(language),
        tone=tone,
        edited=edited,
        draft=hashed(draft),
        reply=routing.reply,
        card=message.money(language, cards[0]) if cards else None,
        sign_off=routing.sign_off,
    )


def _draft(case: Case, look: Look, terms: Terms, tone: Tone, moment: Moment) -> str:
    """Our words, as they would be written once everything is given; `{code}` for a code."""
    given = [
        {**part.doc(), "payout": f"part{number}"}
        for number, part in enumerate(terms.parts)
        if part.remedy != "apology"
    ]
    codes = {f"part{n}": _STAND_IN for n, part in enumerate(terms.parts) if part.remedy in CODED}
    text = reply_text(
        case,
        look.routing,
        {"given": given},
        customer=look.ticket.requester.name,
        codes=codes,
        letter=Letter(id="", text="", tone=tone, written_by="", written_at=moment.now),
    )
    return text.replace(_STAND_IN, CODE)


def normal(text: str) -> str:
    """As browsers send what they were given: one kind of line end, nothing at the ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def hashed(text: str) -> str:
    return hashlib.sha256(normal(text).encode("utf-8", "replace")).hexdigest()[:32]
