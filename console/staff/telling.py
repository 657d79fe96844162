"""What is kept, in the reader's words: where a case stands, its story, its tasks, its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from flask_babel import gettext, lazy_gettext

from console.language import reader as language
from console.states import OUTCOMES, STATES
from core import message
from core.case import Case, CaseStep, Task
from core.connection import Connection
from core.message import Given, TaskText
from core.message.language import language_of, moment_in
from core.money import Money
from core.offer import Part
from core.payout import Payout, PayoutState
from core.people import Person, Workspace
from core.ports import Remedy
from core.restore import is_held
from core.settling import must_look_first
from core.store import Reader
from core.writeback import readable

ENDINGS: Mapping[PayoutState, tuple[object, str]] = {
    PayoutState.PLANNED: (lazy_gettext("Not sent yet"), "busy"),
    PayoutState.SENDING: (lazy_gettext("Being sent"), "busy"),
    PayoutState.SETTLED: (lazy_gettext("Arrived: the host confirmed it"), "good"),
    PayoutState.PENDING: (lazy_gettext("Under way: the host has taken it on"), "busy"),
    PayoutState.DECLINED: (lazy_gettext("Not paid: the host said no"), "plain"),
    PayoutState.NOT_SENT: (lazy_gettext("Not paid yet: the host could not be reached"), "busy"),
    PayoutState.UNKNOWN: (
        lazy_gettext("Not known yet: the host is being asked, and nothing is paid twice"),
        "ask",
    ),
    PayoutState.FAILED: (lazy_gettext("Did not arrive: booked back"), "ask"),
    PayoutState.REVERSING: (lazy_gettext("Being taken back"), "busy"),
    PayoutState.REVERSED: (lazy_gettext("Taken back"), "plain"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """Words, and good, busy, ask, or plain."""

    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class Told:
    """What names and times mean in this workspace."""

    names: Mapping[str, str]
    zone: ZoneInfo

    def at(self, moment: datetime | None) -> str:
        return moment_in(language_of(language()), moment, self.zone) if moment else ""

    def name(self, id: str | None) -> str | None:
        return self.names.get(id, id) if id else None

    def step(self, step: CaseStep) -> str:
        data = dict(cast("Mapping[str, object]", step.data))
        given = data.get("given")
        if isinstance(given, Sequence) and len(given) == 1 and isinstance(given[0], Mapping):
            data = {**given[0], **data}
        shown = {**self._readable(data), "at": step.at}
        return message.step(language(), step.what, shown, zone=self.zone)

    def task(self, task: Task) -> TaskText:
        known = cast("Mapping[str, object]", task.known)
        shown = {**self._readable(known), "task": task.id, "case": task.case_id}
        return message.task(language(), task.kind, shown, zone=self.zone)

    def _readable(self, data: Mapping[str, object]) -> dict[str, object]:
        till = data.get("till")
        host = {"host": self.names[till]} if isinstance(till, str) and till in self.names else {}
        return {**readable(data, self.names), **host}


def told(reader: Reader) -> Told:
    names = {row.id: row.title for row in reader.find(Connection)}
    names |= {row.id: row.name for row in reader.find(Person)}
    workspace = reader.get(Workspace, "workspace")
    return Told(names, ZoneInfo(workspace.zone if workspace else "UTC"))


def standing(case: Case) -> Badge:
    words, tone = OUTCOMES[case.outcome] if case.outcome else STATES[case.state]
    return Badge(str(words), tone)


def ending(payout: Payout) -> Badge:
    if must_look_first(payout):
        return Badge(gettext("Perhaps paid: the host said no in a way that is not plain"), "ask")
    if is_held(payout):
        return Badge(gettext("Not sent: a person looks first whether it was given before"), "ask")
    words, tone = ENDINGS[payout.state]
    return Badge(str(words), tone)


def part(of: Part) -> str:
    """`Refund: 12.50 EUR`."""
    return thing(of.remedy, of.amount, of.quantity)


def thing(remedy: Remedy, amount: Money | None, quantity: int | None) -> str:
    worth = message.worth(language(), Given(remedy=remedy, money=amount, quantity=quantity))
    name = message.remedy(language(), remedy)
    return f"{name}: {worth}" if worth else name


def reason(case: Case) -> str | None:
    return message.reason(language(), case.reason) if case.reason else None
