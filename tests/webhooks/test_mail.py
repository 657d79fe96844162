"""Mail to staff, against a mail server of this process: told once, and never in anybody's way."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage, Message

import pytest

from core import approval
from core.case import CaseState, Outcome
from core.moment import Moment
from core.notices import Notice
from core.people import Delegation, Person
from tests.webhooks.rig import Rig
from webhooks.demo.stage import MANAGER
from webhooks.mail import Line, Mailer, compose, smtp_sender

TABLES, WITHOUT_REASON = 16, 10
AGENT = "jo.marsh@shop.example"


class _Session(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as `smtplib` needs; `refused` recipients get a 550."""

    server: Postbox

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        to: list[str] = []
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (row := self.rfile.readline()) != b".\r\n":
                    text += row
                self.server.mails.append((to, email.message_from_bytes(text)))
                to = []
                self.wfile.write(b"250 kept\r\n")
            elif verb == b"RCPT":
                address = line.decode().split("<")[1].split(">")[0]
                refused = address in self.server.refused
                self.wfile.write(b"550 no such box\r\n" if refused else b"250 ok\r\n")
                to += [] if refused else [address]
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Postbox(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[tuple[list[str], Message]] = []
        self.refused: set[str] = set()

    @property
    def told(self) -> list[tuple[str, str]]:
        return sorted((to, str(mail["Subject"])) for tos, mail in self.mails for to in tos)


@contextmanager
def listening() -> Iterator[Postbox]:
    box = Postbox()
    thread = threading.Thread(target=box.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.shutdown()
        box.server_close()
        thread.join()


@pytest.fixture
def box() -> Iterator[Postbox]:
    with listening() as box:
        yield box


def mailer(rig: Rig, box: Postbox, **changes: object) -> Mailer:
    said = {
        "smtp_host": "127.0.0.1",
        "smtp_port": box.server_address[1],
        "smtp_security": "none",
        "smtp_from": "amends@shop.example",
        **changes,
    }
    settings = rig.of.settings.model_copy(update=said)
    return Mailer(rig.store, rig.of.clock, settings, smtp_sender(settings))


def work_off(mails: Mailer) -> None:
    while mails.run_due():
        pass


def notices(rig: Rig) -> list[tuple[str, str]]:
    with rig.store.read() as reader:
        return [(row.kind, row.state) for row in reader.find(Notice)]


def test_an_approval_is_told_to_who_may_give_it_and_not_to_who_asked(
    rig: Rig, box: Postbox
) -> None:
    with rig.store.write() as tx:
        (jo,) = tx.find(Person, email=AGENT)
        tx.put(replace(jo, roles=["agent", "approver"]))
    rig.solve(TABLES)
    mails = mailer(rig, box)
    work_off(mails)
    work_off(mails)
    assert box.told == [(MANAGER, "Somebody has to approve this")]
    body = str(box.mails[0][1].get_payload())
    assert f"/console/cases/{rig.case(TABLES).id}" in body
    assert "amends case approve" in body
    assert notices(rig) == [("approval", "sent")]


def test_an_ai_agent_is_told_of_nothing_whatever_its_roles_and_whomever_it_stands_in_for(
    rig: Rig, box: Postbox
) -> None:
    day = rig.of.clock.now().date()
    with rig.store.write() as tx:
        (manager,) = tx.find(Person, email=MANAGER)
        for id, roles in (("bot", ["ai_agent", "approver", "admin"]), ("aid", ["ai_agent"])):
            tx.add(replace(manager, id=f"per_{id}", email=f"{id}@shop.example", roles=roles))
        tx.add(
            Delegation(
                id="dele_1", person_id=manager.id, delegate_id="per_aid", first_day=day,
                last_day=day, made_at=rig.of.clock.now(),
            )
        )  # fmt: skip
    rig.solve(TABLES)
    rig.solve(WITHOUT_REASON)
    work_off(mailer(rig, box))
    assert [to for to, _ in box.told] == [MANAGER, MANAGER]


def test_a_task_that_is_done_by_then_is_told_to_nobody(rig: Rig, box: Postbox) -> None:
    rig.solve(WITHOUT_REASON)
    rig.desk.post(f"tickets/{WITHOUT_REASON}/reopen")
    rig.desk.post(f"tickets/{WITHOUT_REASON}/tag", tags=["amends_damaged_item"])
    rig.later(minutes=2)
    rig.solve(WITHOUT_REASON)
    work_off(mailer(rig, box))
    assert (box.told, notices(rig)) == ([], [("task", "dropped")])


def test_a_mail_server_that_is_away_holds_up_no_case(rig: Rig) -> None:
    with listening() as gone:
        pass
    rig.solve(TABLES)
    work_off(mailer(rig, gone))
    assert notices(rig) == [("approval", "new")]
    manager, case, moment = rig.person(MANAGER), rig.case(TABLES), Moment(rig.clock.now())
    with rig.store.write() as tx:
        approval.decide(tx, case.id, manager, agree=True, note=None, moment=moment)
    rig.settle()
    assert rig.case(TABLES).outcome is Outcome.MADE_GOOD


def test_it_is_told_once_the_server_is_back(rig: Rig, box: Postbox) -> None:
    rig.solve(TABLES)
    box.refused.add(MANAGER)
    mails = mailer(rig, box)
    work_off(mails)
    assert box.told == []
    box.refused.clear()
    work_off(mails)  # not due yet
    assert box.told == []
    rig.clock.ahead += timedelta(minutes=2)
    work_off(mails)
    assert len(box.told) == 1


def test_one_who_cannot_be_reached_makes_nobody_else_hear_twice(rig: Rig, box: Postbox) -> None:
    moment = Moment(rig.clock.now())
    with rig.store.write() as tx:
        tx.add(
            Person(
                id="per_2", name="K", email="k@shop.example", roles=["admin"],
                created_at=moment.now,
            )
        )  # fmt: skip
    box.refused.add("k@shop.example")
    rig.solve(TABLES)
    mails = mailer(rig, box)
    for _ in range(3):
        work_off(mails)
        rig.clock.ahead += timedelta(hours=1)
    assert [to for to, _ in box.told] == [MANAGER]


def _more_people(rig: Rig) -> None:
    manager = rig.person(MANAGER)
    with rig.store.write() as tx:
        for id in ("k", "l", "m"):
            row = replace(manager, id=f"per_{id}", email=f"{id}@shop.example")
            tx.add(row)


@pytest.mark.parametrize("minutes", [0, 60])
def test_a_slow_server_makes_nobody_hear_twice(rig: Rig, minutes: int) -> None:
    """However long the mails take: another process must not send the same ones meanwhile."""
    rig.solve(TABLES)
    rig.solve(WITHOUT_REASON)
    _more_people(rig)
    told: list[tuple[str, str]] = []
    settings = rig.of.settings.model_copy(update={"smtp_digest_minutes": minutes})

    def quick(message: EmailMessage) -> None:
        told.append((str(message["To"]), str(message["Subject"])))

    def slow(message: EmailMessage) -> None:
        quick(message)
        rig.clock.ahead += timedelta(minutes=4)
        other.run_due()

    other = Mailer(rig.store, rig.of.clock, settings, quick)
    work_off(Mailer(rig.store, rig.of.clock, settings, slow))
    assert len(told) == len(set(told)) == (4 if minutes else 8)
    assert {state for _, state in notices(rig)} == {"sent"}


def test_a_server_that_is_away_is_tried_once_and_not_for_everybody(rig: Rig) -> None:
    rig.solve(TABLES)
    _more_people(rig)
    tried: list[str] = []

    def away(message: EmailMessage) -> None:
        tried.append(str(message["To"]))
        raise ConnectionRefusedError

    work_off(Mailer(rig.store, rig.of.clock, rig.of.settings, away))
    assert len(tried) == 1
    assert notices(rig) == [("approval", "new")]


def test_what_arrived_is_not_sent_again_because_a_later_one_did_not(rig: Rig) -> None:
    rig.solve(TABLES)
    rig.solve(WITHOUT_REASON)
    told: list[str] = []

    def once(message: EmailMessage) -> None:
        if told:
            raise ConnectionResetError
        told.append(str(message["Subject"]))

    work_off(Mailer(rig.store, rig.of.clock, rig.of.settings, once))
    assert sorted(state for _, state in notices(rig)) == ["new", "sent"]


def test_a_digest_is_one_mail_a_person(rig: Rig, box: Postbox) -> None:
    rig.solve(TABLES)
    rig.solve(WITHOUT_REASON)
    work_off(mailer(rig, box, smtp_digest_minutes=60))
    assert box.told == [(MANAGER, "Amends: 2")]
    assert rig.case(TABLES).state is CaseState.WAITING_APPROVAL


def test_no_header_can_be_slipped_in() -> None:
    line = Line(["a@shop.example"], "Hello\r\nBcc: eve@evil.example", "body", "link")
    with pytest.raises(ValueError, match=r"newline|linefeed|CR|header"):
        compose("amends@shop.example", "a@shop.example", [line])
