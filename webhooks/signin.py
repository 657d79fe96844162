"""Sign-in of staff, put together: links are mailed where there is a mail server.

`console.signin` has what pages ask: `current_person`, `sign_in_required`, `form_token`.
"""

from __future__ import annotations

import smtplib

from console.signin import Send, SignIns
from core.errors import AmendsError
from core.message import task as words
from core.people import Person
from core.store import Store
from webhooks.engine.clock import Clock
from webhooks.mail import Line, compose, smtp_sender
from webhooks.settings import Settings


class NotMailed(AmendsError):
    """The mail server did not take the link."""


def make(store: Store, clock: Clock, settings: Settings) -> SignIns:
    return SignIns(store, clock.now, public_url=settings.public_url, send=sender(settings))


def sender(settings: Settings) -> Send | None:
    """Mails a link; None where no mail server is set. Raises `NotMailed`."""
    if settings.smtp_host is None:
        return None
    deliver = smtp_sender(settings)

    def send(person: Person, link: str, language: str) -> None:
        text = words(language, "sign_in_link", {})
        line = Line([person.email], text.title, f"{text.body}\n\n{text.todo}", link)
        try:
            deliver(compose(settings.smtp_from, person.email, [line]))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotMailed(f"the mail server did not take it ({type(error).__name__})") from None

    return send
