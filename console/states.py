"""How a case stands, in words and with the colour of its mark: the same on every page."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext

from core.case import CaseState, Outcome

#: What is said, and how it is marked: busy, ask (somebody must do something), good or plain.
Saying = tuple[object, str]

STATES: Mapping[CaseState, Saying] = {
    CaseState.GATHERING: (lazy_gettext("Looking into it"), "busy"),
    CaseState.WAITING_APPROVAL: (lazy_gettext("Waiting for approval"), "ask"),
    CaseState.WAITING_CUSTOMER: (lazy_gettext("The customer is choosing"), "busy"),
    CaseState.PAYING: (lazy_gettext("Paying"), "busy"),
    CaseState.WRITING: (lazy_gettext("Writing to the ticket"), "busy"),
    CaseState.WITH_PERSON: (lazy_gettext("Needs a person"), "ask"),
    CaseState.CLOSED: (lazy_gettext("Closed"), "plain"),
}
OUTCOMES: Mapping[Outcome, Saying] = {
    Outcome.MADE_GOOD: (lazy_gettext("Made good"), "good"),
    Outcome.NOTHING_DUE: (lazy_gettext("Nothing due"), "plain"),
    Outcome.REFUSED: (lazy_gettext("Refused"), "plain"),
    Outcome.DUPLICATE: (lazy_gettext("Already made good"), "good"),
    Outcome.SHADOWED: (lazy_gettext("Recorded only"), "plain"),
    Outcome.SUGGESTED: (lazy_gettext("Suggested"), "plain"),
    Outcome.DISMISSED: (lazy_gettext("Closed by a person"), "plain"),
    Outcome.REVERSED: (lazy_gettext("Taken back"), "plain"),
}
