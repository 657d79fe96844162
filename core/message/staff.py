"""What staff read: notes on the ticket, tasks, and the story of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from core.message.facts import fill, outside_value
from core.message.language import Language, language_of
from core.message.letter import Given, given_line
from core.message.page import bullets, page, stack
from core.message.values import Text, own
from core.message.vocabulary import ALIASES
from core.money import EXPONENTS, LIMIT_MINOR, Money

NoteKind = Literal[
    "given", "pending", "asking", "suggested", "waiting_approval", "choice_sent", "nothing_due",
    "cannot_decide", "needs_person", "already_made_good", "refused", "reversed",
]  # fmt: skip

#: The lines of a note below its first words, in this order; one without its facts is left out.
NOTE_LINES = (
    "order", "reason", "rule", "why", "cap", "limit", "made_good", "deadline", "requester",
    "approver", "confirmation", "approvers", "approve", "policy", "case",
)  # fmt: skip

#: Commands by the facts they name, and by what only the reader knows, in capitals.
_COMMANDS = {
    "approve_command": ("case approve {} --as EMAIL", "case"),
    "done_command": ("task done {} --as EMAIL", "task"),
    "absent_command": ("payout absent {} --as EMAIL --note WHY", "payout"),
    "settle_command": ("payout settle {} --object {} --as EMAIL", "payout", "host_object"),
    "found_command": ("payout settle {} --object ID --as EMAIL", "payout"),
    "export_command": ("person-data export --customer {}", "customer_id"),
}

#: Lines that only make sense while somebody is asked to agree.
_WHILE_WAITING = frozenset({"approvers", "approve"})


@dataclass(frozen=True, slots=True)
class TaskText:
    """What happened and what is safe (`body`), under a `title`, and what to do next (`todo`)."""

    title: str
    body: str
    todo: str


def note(
    language: str | None,
    *,
    kind: NoteKind,
    given: Sequence[Given] = (),
    task: str | None = None,
    zone: tzinfo = UTC,
    **facts: object,
) -> Text:
    """A private note for staff. `facts` by the names of `core.message.vocabulary`.

    given: the remedies it is about. task: for `needs_person`, the kind of task it is.
    """
    spoken = language_of(language)
    values = _values(spoken, facts, zone)
    if kind == "needs_person":
        parts = _task(spoken, task or "other", values)
        if "why" in values and values["why"].plain in parts[1].plain:
            del values["why"]  # said already
    else:
        parts = [spoken.words.say(f"note.{kind}", values) or Text("", "")]
    remedies = [given_line(spoken, one) for one in given]
    if remedies:
        parts.append(bullets(remedies))
    lines = [one for one in NOTE_LINES if kind == "waiting_approval" or one not in _WHILE_WAITING]
    said = [spoken.words.say(f"note.line.{line}", values) for line in lines]
    parts.append(stack([line for line in said if line is not None], "\n"))
    return page(spoken, stack(parts, "\n\n"))


def task(
    language: str | None, kind: str, known: Mapping[str, object], *, zone: tzinfo = UTC
) -> TaskText:
    """The words of a task. A kind there are no words for says so and shows what is known."""
    spoken = language_of(language)
    title, body, todo = _task(spoken, kind, _values(spoken, known, zone))
    return TaskText(title.plain, body.plain, todo.plain)


def step(language: str | None, what: str, data: Mapping[str, object], *, zone: tzinfo = UTC) -> str:
    """One line of a case's story: `Refunded 12.50 EUR. Shopify confirmed at 14:02.`"""
    spoken = language_of(language)
    words = spoken.words
    values = _values(spoken, data, zone)
    remedy = data.get("remedy")
    done = f"done.{remedy}" if words.has(f"done.{remedy}") else "done.other"
    values["done"] = words.say(done, values) or Text("", "")
    if words.has(f"task.{data.get('kind')}.title"):
        values["task_title"] = own(words.phrase(f"task.{data['kind']}.title"))
    key = f"step.{what}"
    if not words.has(key):
        key, values = "step.other", {**values, **fill(spoken, {"what": what})}
    said = words.say(key, values)
    return said.plain if said else ""


def _task(language: Language, kind: str, values: Mapping[str, Text]) -> list[Text]:
    if not language.words.has(f"task.{kind}.title"):
        kind, values = "other", {**fill(language, {"what": kind}), **values}
    parts = ("title", "body", "todo")
    return [language.words.say(f"task.{kind}.{part}", values) or Text("", "") for part in parts]


def _values(language: Language, facts: Mapping[str, object], zone: tzinfo) -> dict[str, Text]:
    """The facts, and what can be made of them: what goes by another name, and commands."""
    known = dict(facts)
    for name, others in ALIASES.items():
        if known.get(name) is None:
            known[name] = next((facts[o] for o in others if facts.get(o) is not None), None)
    if known.get("amount") is None:
        known["amount"] = _minor(facts)
    if known.get("remedy") == "extension":
        known = {"days": known.get("quantity"), **known}
    values = fill(language, known, zone)
    for name, (words, *about) in _COMMANDS.items():
        what = [facts.get(one) for one in about]
        command = f"amends {words.format(*what)}" if all(what) else None
        shown = outside_value(language, "code", command) if command else None
        if shown:
            values[name] = shown
    return values


def _minor(facts: Mapping[str, object]) -> Money | None:
    """The amount of a stored document that has `minor` and `currency`."""
    minor, currency = facts.get("minor"), facts.get("currency")
    if type(minor) is not int or not isinstance(currency, str) or currency not in EXPONENTS:
        return None
    return Money(minor, currency) if minor <= LIMIT_MINOR else None
