"""Mail to staff: tasks and approvals, at once or as a digest, by SMTP.

A mail only says what is there and links to where it can be looked at; nothing in it acts, so a
scanner that follows links changes nothing. Notices are rows that wait (`core.notices`): a mail
server that does not answer makes them wait longer, and never holds up a case.
"""

from __future__ import annotations

import logging
import os
import secrets
import smtplib
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import cast

from core.approval import Approval
from core.authority import today
from core.case import Case, Task
from core.likeness import mailbox
from core.limits import APPROVERS, roles_of
from core.message import task as task_words
from core.moment import Moment
from core.notices import Notice
from core.payout import wait_of
from core.people import Delegation, Person
from core.store import Lease, LeaseLost, Reader, Store, StoreUnavailable
from core.writeback import readable
from webhooks.engine.clock import Clock
from webhooks.settings import Settings

log = logging.getLogger(__name__)

#: Half of it must be longer than one mail can take: some twelve steps of `_SECONDS` each.
_LEASE = timedelta(minutes=15)
_IN_A_DIGEST = 50
#: A notice that could not be sent for so long is given up: the task itself stays open.
_GIVE_UP = timedelta(days=3)
_SECONDS = 20
#: What is said of one mail or one address. Everything else is the server, and so it is with others.
_OF_ONE = (
    smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError, ValueError,
)  # fmt: skip

Send = Callable[[EmailMessage], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to tell: to whom, under which heading, and where to look."""

    to: Sequence[str]
    title: str
    body: str
    link: str


class Mailer:
    """Works off notices. `start` and `stop` once each; `run_due` does one round by hand."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, send: Send) -> None:
        self._store, self._clock, self._settings, self._send = store, clock, settings, send
        self._owner = f"mail-{os.getpid()}-{secrets.token_hex(4)}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="amends-mail", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=2 * _SECONDS)

    def _run(self) -> None:
        pause = self._settings.smtp_digest_minutes * 60 or 5
        while not self._stopping.wait(pause):
            try:
                while self.run_due():
                    pass
            except StoreUnavailable as error:
                log.warning("mail waits: %s", error)
            except Exception:
                log.exception("mail failed; it goes on after a pause")

    def run_due(self) -> int:
        """Send what waits: one notice, or a digest, one mail a person; answers how many notices
        were looked at."""
        limit = _IN_A_DIGEST if self._settings.smtp_digest_minutes else 1
        leases = self._store.claim(
            Notice, owner=self._owner, now=self._clock.now(), length=_LEASE, limit=limit
        )
        lines: dict[str, Line] = {}
        with self._store.read() as reader:
            for lease in leases:
                notice = reader.get(Notice, lease.id)
                line = self._line(reader, notice) if notice is not None else None
                if line is not None:
                    lines[lease.id] = line
        held = list(leases)
        try:
            failed = self._deliver(list(lines.values()), held)
        except LeaseLost:
            log.info("somebody else sends what this process could not hold on to")
            return len(leases)
        for lease in held:
            self._conclude(lease, lines.get(lease.id), failed)
        return len(leases)

    def _deliver(self, lines: Sequence[Line], held: list[Lease]) -> Mapping[str, str]:
        """Address -> why nothing could be sent to it. A server that is away is tried once."""
        failed: dict[str, str] = {}
        away: str | None = None
        for address in sorted({address for line in lines for address in line.to}):
            if away is not None:
                failed[address] = away
                continue
            self._hold(held)
            theirs = [line for line in lines if address in line.to]
            try:
                self._send(compose(self._settings.smtp_from, address, theirs))
            except (OSError, ValueError) as error:  # smtplib's own are `OSError` as well
                log.warning("a mail could not be sent: %s", type(error).__name__)
                failed[address] = type(error).__name__
                away = None if isinstance(error, _OF_ONE) else failed[address]
        return failed

    def _hold(self, held: list[Lease]) -> None:
        """Hold on to what is being sent where half the time is over, so that nobody else sends it.
        Raises `LeaseLost`."""
        now = self._clock.now()
        if any(lease.until - now < _LEASE / 2 for lease in held):
            held[:] = [self._store.renew(lease, now=now, length=_LEASE) for lease in held]

    def _conclude(self, lease: Lease, line: Line | None, failed: Mapping[str, str]) -> None:
        moment = Moment(self._clock.now())
        whys = [failed[address] for address in line.to if address in failed] if line else []
        try:
            with self._store.write(lease) as tx:
                notice = tx.get(Notice, lease.id)
                assert notice is not None
                if line is None or len(whys) < max(len(line.to), 1):
                    # Whoever has it must not get it again because of somebody who cannot.
                    state = "sent" if line and line.to else "dropped"
                    tx.put(replace(notice, state=state, due_at=None, why=whys[0] if whys else None))
                elif moment.now - notice.made_at > _GIVE_UP:
                    tx.put(replace(notice, state="failed", due_at=None, why=whys[0]))
                else:
                    tries = notice.tries + 1
                    due = moment.now + max(wait_of(tries), timedelta(minutes=1))
                    tx.put(replace(notice, tries=tries, due_at=due, why=whys[0]))
                tx.release(lease)
        except LeaseLost:
            log.info("notice %s: somebody else has it by now", lease.id)

    # ------------------------------------------------------------------------- what is told

    def _line(self, reader: Reader, notice: Notice) -> Line | None:
        """None: it is over by now."""
        if notice.kind == "task":
            task = reader.get(Task, notice.about)
            return self._task(reader, task) if task and task.state == "open" else None
        approval = reader.get(Approval, notice.about)
        if approval is None:
            return None
        rows = reader.find(Approval, case_id=approval.case_id, state="waiting")
        waiting = [row for row in rows if row.offer_id == approval.offer_id]
        return self._approval(reader, waiting[0], notice.kind) if waiting else None

    def _task(self, reader: Reader, task: Task) -> Line:
        known = {"case": task.case_id, "task": task.id, **cast("Mapping[str, object]", task.known)}
        text = task_words(self._settings.smtp_language, task.kind, readable(known, {}))
        people = [p for p in _human(reader) if roles_of(p) & set(APPROVERS)]
        body = f"{text.body}\n\n{text.todo}"
        return Line([p.email for p in people], text.title, body, self._link(task.case_id))

    def _approval(self, reader: Reader, approval: Approval, kind: str) -> Line:
        case = reader.get(Case, approval.case_id)
        known = {"case": approval.case_id, "order": case.order_name if case else None,
                 "expires_at": approval.expires_at.isoformat()}  # fmt: skip
        text = task_words(self._settings.smtp_language, f"to_approve_{kind}", known)
        people = may_decide(reader, approval, today(reader, self._clock.now()))
        body = f"{text.body}\n\n{text.todo}"
        return Line([p.email for p in people], text.title, body, self._link(approval.case_id))

    def _link(self, case_id: str | None) -> str:
        base = self._settings.public_url
        return f"{base}/console/cases/{case_id}" if case_id else f"{base}/console/tasks"


def may_decide(reader: Reader, approval: Approval, day: date) -> list[Person]:
    """Whoever is worth telling: the roles that may agree and who stands in for them, but not who
    asked, and no AI agent. `core.approval.decide` has the last word."""
    roles = set(cast("Sequence[str]", approval.roles))
    everybody = {person.id: person for person in _human(reader)}
    may = {id for id, p in everybody.items() if roles_of(p) & roles}
    may |= {
        row.delegate_id
        for row in reader.find(Delegation, person_id=tuple(may))
        if row.holds(day) and row.delegate_id in everybody
    }
    asked = everybody.get(approval.requested_by or "")
    theirs = mailbox(asked.email) if asked else None
    return [everybody[id] for id in sorted(may) if mailbox(everybody[id].email) != theirs]


def _human(reader: Reader) -> list[Person]:
    """Those who work here. An AI agent agrees to nothing and does no task, whatever its roles."""
    return [p for p in reader.find(Person) if p.active and "ai_agent" not in roles_of(p)]


def compose(sender: str, to: str, lines: Sequence[Line]) -> EmailMessage:
    """One mail. Header values are held to one line by the e-mail policy; `ValueError` otherwise."""
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = lines[0].title if len(lines) == 1 else f"Amends: {len(lines)}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        "\n\n----\n\n".join(f"{line.title}\n\n{line.body}\n\n{line.link}" for line in lines) + "\n"
    )
    return message


def smtp_sender(settings: Settings) -> Send:
    """Sends one mail on a connection of its own. Raises `OSError` or `smtplib.SMTPException`."""
    host, port = settings.smtp_host, settings.smtp_port
    assert host is not None

    def send(message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if settings.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=_SECONDS)
        with server:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user and settings.smtp_password:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.send_message(message)

    return send


def make_mailer(store: Store, clock: Clock, settings: Settings) -> Mailer | None:
    """None: no mail server is set, so nobody is mailed."""
    if settings.smtp_host is None:
        return None
    return Mailer(store, clock, settings, smtp_sender(settings))
