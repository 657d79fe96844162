"""How a desk's tickets are handled: what the settings of a helpdesk connection say.

Kept as the `options` document of the connection, read here and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Literal, TypeVar, cast

from core.brand import BadBrand, Brand, read_brand
from core.errors import AmendsError
from core.ports import Ticket

Mode = Literal["shadow", "suggest", "act"]
Reply = Literal["send", "draft", "none"]
Tone = Literal["formal", "warm", "brief"]
MODES: tuple[Mode, ...] = ("shadow", "suggest", "act")
REPLIES: tuple[Reply, ...] = ("send", "draft", "none")
TONES: tuple[Tone, ...] = ("formal", "warm", "brief")

#: How much of a ticket is read for words.
_READ = 20_000

#: Facts that no ticket's field may stand in for, by the first word of their names.
FOUND_OUT = frozenset({"reason", "today", "ticket", "customer", "order", "days_late", "history"})
_FACT = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,4}", re.ASCII)

T = TypeVar("T", bound=str)


class BadOptions(AmendsError):
    """A connection's options do not make sense; the message names the option and what to write."""


@dataclass(frozen=True, slots=True)
class TillChoice:
    """A till this desk may pay from; `tag` limits it to tickets that carry the tag."""

    connection_id: str
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """policy: of goodwill, or the only one. owed: the policy of what law or contract demands; it
    decides first, and goodwill then gives what goes beyond it.
    reasons: tag (or value of `reason_field`) -> reason of the policy.
    causes: reason -> cause group; reasons of one group are one harm (default: the reason itself).
    remedies: remedy -> connection that pays it, where that is not the till the order is at (cash by
    hand, points at a loyalty provider).
    facts: fact of a policy -> field of the ticket that holds it (hours without service, nights).
    brand: whose pages a customer sees.
    reason_words: reason -> words that suggest it where a ticket names none; a suggestion only.
    ask_on_solve: an agent who solves a ticket with a reason is asked to decide first.
    ask_beside: who may say yes is also told in a talk beside the ticket, where the helpdesk has it.
    costs: remedy -> percent of its value that it costs the company (a credit costs goods, not
    money); what is not named costs what it is worth.
    """

    policy: str
    owed: str | None = None
    mode: Mode = "shadow"
    reply: Reply = "draft"
    tone: Tone = "warm"
    note_language: str = "en"
    reply_language: str = "en"
    sign_off: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    reason_field: str | None = None
    causes: Mapping[str, str] = field(default_factory=dict)
    tills: tuple[TillChoice, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    case_field: str | None = None
    done_tag: str = "amends_made_good"
    vip_from_orders: int = 10
    brand: Brand | None = None
    reason_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ask_on_solve: bool = False
    ask_beside: bool = False
    costs: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    def cause_of(self, reason: str) -> str:
        return self.causes.get(reason, reason)

    def reasons_on(self, ticket: Ticket) -> list[str]:
        """Every reason the ticket names, sorted; good only when there is exactly one."""
        found = {self.reasons[tag] for tag in ticket.tags if tag in self.reasons}
        value = ticket.fields.get(self.reason_field) if self.reason_field else None
        if value:
            found.add(self.reasons.get(value, value))
        return sorted(found)

    def reasons_told_by(self, ticket: Ticket) -> list[str]:
        """Reasons whose words stand in the ticket's title or text, sorted: whole words, whatever
        their case. Only ever a suggestion to a person."""
        told = f" {_spaced(f'{ticket.subject} {ticket.text}'[:_READ])} "
        return sorted(
            reason
            for reason, words in self.reason_words.items()
            if any(f" {_spaced(word)} " in told for word in words)
        )

    def tills_for(self, ticket: Ticket) -> list[str]:
        """The tills named by a tag of the ticket; where none is, the tills without a tag."""
        named = [t.connection_id for t in self.tills if t.tag is not None and t.tag in ticket.tags]
        return named or [t.connection_id for t in self.tills if t.tag is None]


def read_routing(options: object) -> Routing:
    """Raises `BadOptions` naming the option that cannot be used."""
    if not isinstance(options, Mapping):
        raise BadOptions("a helpdesk connection needs options: at least `policy` and `tills`")
    _refuse_unknown(options)
    return Routing(
        policy=_text(options, "policy", None),
        owed=_maybe(options, "owed"),
        mode=_one_of(options, "mode", MODES, "shadow"),
        reply=_one_of(options, "reply", REPLIES, "draft"),
        tone=_one_of(options, "tone", TONES, "warm"),
        note_language=_text(options, "note_language", "en"),
        reply_language=_text(options, "reply_language", "en"),
        sign_off=_maybe(options, "sign_off"),
        reasons=_texts(options, "reasons"),
        reason_field=_maybe(options, "reason_field"),
        causes=_texts(options, "causes"),
        tills=_tills(options.get("tills", [])),
        remedies=_texts(options, "remedies"),
        case_field=_maybe(options, "case_field"),
        done_tag=_text(options, "done_tag", "amends_made_good"),
        vip_from_orders=_count(options, "vip_from_orders", 10),
        brand=_brand(options.get("brand")),
        reason_words=_lists(options, "reason_words"),
        ask_on_solve=_yes(options, "ask_on_solve"),
        ask_beside=_yes(options, "ask_beside"),
        costs=_percents(options, "costs"),
        facts=_facts(options),
    )


def _refuse_unknown(options: Mapping[str, object]) -> None:
    known = [option.name for option in fields(Routing)]
    for name in options:
        if name not in known:
            like = get_close_matches(str(name), known, 1)
            meant = f"did you mean {like[0]}?" if like else f"there are {', '.join(known)}"
            raise BadOptions(f"there is no option {str(name)[:40]}: {meant}")


def _maybe(options: Mapping[str, object], name: str) -> str | None:
    value = options.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise BadOptions(f"option {name}: write text")


def _text(options: Mapping[str, object], name: str, default: str | None) -> str:
    value = _maybe(options, name) or default
    if value is None:
        raise BadOptions(f"option {name} is missing")
    return value


def _count(options: Mapping[str, object], name: str, default: int) -> int:
    value = options.get(name, default)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000_000:
        return value
    raise BadOptions(f"option {name}: write a whole number from 1 up")


def _one_of(options: Mapping[str, object], name: str, allowed: Sequence[T], default: T) -> T:
    value = options.get(name, default)
    for choice in allowed:
        if value == choice:
            return choice
    raise BadOptions(f"option {name}: use one of {', '.join(allowed)}")


def _texts(options: Mapping[str, object], name: str) -> Mapping[str, str]:
    value = options.get(name, {})
    if isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        return {str(key): str(v) for key, v in value.items()}
    raise BadOptions(f"option {name}: write pairs of text, such as a tag and its reason")


def _facts(options: Mapping[str, object]) -> Mapping[str, str]:
    found = _texts(options, "facts")
    for name in found:
        if _FACT.fullmatch(name) is None:
            raise BadOptions(f"option facts: {name[:40]!r} is not the name of a policy's fact")
        if name.partition(".")[0] in FOUND_OUT:
            raise BadOptions(f"option facts: Amends finds {name} out by itself, from the hosts")
    return found


def _lists(options: Mapping[str, object], name: str) -> Mapping[str, tuple[str, ...]]:
    value = options.get(name, {})
    lists = value.values() if isinstance(value, Mapping) else [None]
    if all(isinstance(words, list) and all(_says(word) for word in words) for words in lists):
        return {
            str(key): tuple(words) for key, words in cast("dict[str, list[str]]", value).items()
        }
    raise BadOptions(f"option {name}: write lists of words, such as `late_delivery: [late]`")


def _says(word: object) -> bool:
    return isinstance(word, str) and bool(_spaced(word))


def _yes(options: Mapping[str, object], name: str) -> bool:
    value = options.get(name, False)
    if isinstance(value, bool):
        return value
    raise BadOptions(f"option {name}: write true or false")


def _percents(options: Mapping[str, object], name: str) -> Mapping[str, int]:
    value = options.get(name, {})
    if isinstance(value, Mapping) and all(
        isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= 100 for v in value.values()
    ):
        return {str(key): v for key, v in value.items()}
    raise BadOptions(f"option {name}: write whole percents from 0 to 100, by remedy")


def _spaced(text: str) -> str:
    """Lower case, with one space in place of all that is no letter, mark or digit."""
    kept = (c if c.isalnum() or unicodedata.combining(c) else " " for c in text.casefold())
    return " ".join("".join(kept).split())


def _tills(value: object) -> tuple[TillChoice, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadOptions("option tills: write a list of connections")
    tills = []
    for entry in value:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("connection"), str):
            raise BadOptions("option tills: each needs `connection`, and may have `tag`")
        tills.append(TillChoice(str(entry["connection"]), _maybe(entry, "tag")))
    return tuple(tills)


def _brand(value: object) -> Brand | None:
    try:
        return None if value is None else read_brand(value)
    except BadBrand as bad:
        raise BadOptions(f"option brand: {bad}") from None
