"""Approvers told beside the ticket: who may say yes, what is asked, and where to look.

The link only shows; a yes is said in Amends, by a person who is known there. The helpdesk sends
what is written here on as a mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.approval import Approval
from core.authority import today
from core.case import Case
from core.message import task as task_words
from core.store import Reader
from webhooks.mail import may_decide


@dataclass(frozen=True, slots=True)
class Asked:
    """`to` are addresses of people of ours."""

    to: tuple[str, ...]
    subject: str
    text: str


def asked(
    reader: Reader, case: Case, *, language: str, public_url: str, now: datetime
) -> Asked | None:
    """What to write to whom; None where nothing waits any more, or nobody may say yes."""
    waiting = reader.find(Approval, case_id=case.id, state="waiting")
    people = may_decide(reader, waiting[-1], today(reader, now)) if waiting else []
    if not people:
        return None
    known = {
        "case": case.id,
        "order": case.order_name,
        "expires_at": waiting[-1].expires_at.isoformat(),
    }
    words = task_words(language, "to_approve_approval", known)
    link = f"{public_url}/console/cases/{case.id}"
    to = tuple(sorted(person.email for person in people))
    return Asked(to, words.title, f"{words.body}\n\n{words.todo}\n\n{link}")
