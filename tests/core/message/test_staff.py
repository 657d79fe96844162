"""Notes, tasks and steps: what happened, what is safe, what to do next."""

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.message import Given, languages, note, step, task
from core.message.words import load
from core.money import Money

REFUND = Given(remedy="refund", money=Money(1250, "EUR"), code="SECRET-CODE")
FACTS: dict[str, Any] = {
    "order": "#1001",
    "reason": "late_delivery",
    "rule": "4",
    "rule_words": "seven days late or more",
    "cap": Money(1250, "EUR"),
    "uncapped": Money(1500, "EUR"),
    "approver": "Sara",
    "host": "Shopify",
    "confirmation": "gid://shopify/Refund/99",
    "policy": "starter",
    "policy_version": "0123456789abcdef",
    "case": "case_1",
}
TASKS = sorted({key.split(".")[1] for key in load("en").entries if key.startswith("task.")})
STEPS = sorted(key.split(".")[1] for key in load("en").entries if key.startswith("step."))


def plain(text: str) -> str:
    return re.sub("[\u2066-\u2069]", "", text.replace("\u00a0", " "))


def test_a_note_tells_what_was_given_and_why() -> None:
    assert plain(note("en", kind="given", given=[REFUND], **FACTS).plain) == (
        "This was made good. The customer has been given:\n\n"
        "• Refund: 12.50 EUR\n\n"
        "Order: #1001\n"
        "Reason: late delivery\n"
        "Rule 4: seven days late or more\n"
        "Held to the cap of 12.50 EUR; without it, 15.00 EUR\n"
        "Decided by: Sara\n"
        "Confirmed by Shopify: gid://shopify/Refund/99\n"
        "Policy: starter, version 01234567\n"
        "Case: case_1"
    )


def test_a_note_in_arabic_and_persian() -> None:
    facts: dict[str, Any] = {
        name: FACTS[name] for name in ("order", "reason", "host", "confirmation")
    }
    assert note("ar-SA", kind="given", given=[REFUND], **facts).plain == (
        "تم تعويض العميل عما حدث، وقد أُعطي:\n\n"
        "• رد المبلغ: ١٢٫٥٠\u00a0يورو\n\n"
        "الطلب: \u2066#1001\u2069\n"
        "السبب: تأخر التوصيل\n"
        "تأكيد \u2068Shopify\u2069: \u2066gid://shopify/Refund/99\u2069"
    )
    assert note("fa", kind="given", given=[REFUND], **facts).plain == (
        "موضوع جبران شد. به مشتری داده شد:\n\n"
        "• بازگشت وجه: ۱۲٫۵۰\u00a0یورو\n\n"
        "سفارش: \u2066#1001\u2069\n"
        "دلیل: تأخیر در تحویل\n"
        "تأیید \u2068Shopify\u2069: \u2066gid://shopify/Refund/99\u2069"
    )


def test_a_code_that_can_be_spent_is_in_no_note() -> None:
    card = Given(remedy="gift_card", money=Money(1250, "EUR"), code="SECRET-CODE")
    assert "SECRET" not in note("en", kind="given", given=[REFUND, card], **FACTS).plain


def test_only_a_note_that_waits_says_who_may_approve_and_how() -> None:
    facts: dict[str, Any] = {
        "approvers": ["Sara", "Omid"],
        "case": "case_1",
        "limit": Money(5000, "EUR"),
    }
    waiting = plain(note("en", kind="waiting_approval", given=[REFUND], **facts).plain)
    assert "nothing has been given yet" in waiting
    assert "May approve: Sara, Omid\nTo approve: amends case approve case_1 --as EMAIL" in waiting
    assert "Limit that applied: 50.00 EUR" in waiting
    assert "approve" not in note("en", kind="given", **facts).plain


def test_a_suggestion_gives_nothing() -> None:
    said = plain(note("en", kind="suggested", given=[REFUND], **FACTS).plain)
    assert said.startswith("A suggestion only; nothing has been given.")


def test_a_note_for_a_person_carries_the_tasks_words() -> None:
    known: dict[str, Any] = {"order": "#1001", "paid": "50.00 EUR", "refunded": "50.00 EUR"}
    said = plain(note("en", kind="needs_person", task="already_refunded", **known).plain)
    title, body, todo, facts = said.split("\n\n")
    assert title == "The order has already been refunded"
    assert body == (
        "Nothing is left to refund on order #1001. Paid: 50.00 EUR; already refunded: 50.00 EUR. "
        "Nothing more was given."
    )
    assert todo.startswith("Check in the shop who refunded it")
    assert facts == "Order: #1001"


def test_a_note_says_why_once() -> None:
    for task_ in ("declined_by_host", "cannot_decide"):
        said = note("en", kind="needs_person", task=task_, why="too late").plain
        assert said.count("too late") == 1


def test_a_task_points_to_what_was_already_given() -> None:
    known = {
        "made_good_on": "2025-03-12",
        "made_good": {"amount": "15.00", "currency": "EUR"},
        "other_case": "case_7",
    }
    english = task("en", "harm_already_made_good", known)
    assert plain(english.body) == (
        "On 12 March 2025 the customer was given 15.00 EUR for the same thing. See case case_7. "
        "Nothing more was given."
    )
    persian = task("fa", "harm_already_made_good", {**known, "made_good_on": date(2025, 3, 12)})
    assert "در ۱۲ مارس ۲۰۲۵" in persian.body
    assert "۱۵٫۰۰\u00a0یورو" in persian.body


def test_a_list_is_cut_and_joined_as_the_language_does() -> None:
    orders = [f"#{n}" for n in range(1001, 1010)]
    said = task("en", "several_orders", {"orders": orders}).body
    assert "Orders: #1001, #1002, #1003, #1004, #1005, …." in said
    assert (
        "\u2066#1001\u2069، \u2066#1002\u2069"
        in task("ar", "several_orders", {"orders": orders}).body
    )


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("kind", TASKS)
def test_every_task_says_what_happened_and_what_to_do(language: str, kind: str) -> None:
    said = task(language, kind, {})
    assert said.title
    assert not said.title.endswith(".")
    assert said.body.endswith(".")
    assert said.todo
    assert "{" not in f"{said}"


def test_no_task_leaves_the_reader_to_guess_about_the_money() -> None:
    safe = r"[Nn]othing|not (been )?paid|not send|not sent|stands|will be paid|has been given|kept"
    unsafe = {kind for kind in TASKS if not re.search(safe, task("en", kind, {}).body)}
    assert unsafe == set()


def test_an_unknown_task_and_step_still_say_something() -> None:
    unheard = task("en", "volcano", {"why": "lava."})
    assert unheard.title == "A person is needed"
    assert "What it is about: volcano. Why: lava. Nothing more" in unheard.body
    assert step("en", "volcano", {}) == "Recorded: volcano."
    assert step("fa", "title", {}).startswith("ثبت شد")


def test_steps_of_a_payout() -> None:
    at = datetime(2025, 3, 12, 14, 2, tzinfo=UTC)
    known = {"remedy": "refund", "amount": "12.50 EUR", "host": "Shopify", "at": at.isoformat()}
    assert (
        plain(step("en", "payout_settled", known))
        == "Refunded 12.50 EUR. Shopify confirmed at 14:02."
    )
    assert step("en", "payout_settled", {"host": "Shopify", "remedy": "refund", "at": at}) == (
        "Refunded. Shopify confirmed at 14:02."
    )
    assert step("en", "payout_unknown", known) == (
        "We do not know yet whether Shopify paid this. We are asking; nothing will be paid twice."
    )
    assert plain(step("fa", "payout_settled", known)) == (
        "مبلغ ۱۲٫۵۰ یورو برگردانده شد. Shopify ساعت ۱۴:۰۲ تأیید کرد."
    )
    extended = {"remedy": "extension", "quantity": 1}
    assert step("en", "payout_settled", extended) == "Extended by 1 day."


@pytest.mark.parametrize(
    ("what", "stored", "said"),
    [
        ("closed", {"outcome": "made_good"}, "Closed: made good."),
        ("task_opened", {"task": "task_1", "kind": "no_order"},
         "A person is needed: No order was found."),
        ("approval_granted", {"by": "Sara"}, "Sara approved."),
        ("approval_refused", {"by": None, "note": "too much"},
         "Approval was refused. Why: too much."),
        ("decided", {"rule": "4", "why": "seven_days_late", "given": []},
         "The policy decided by rule 4. Why: seven days late."),
        ("echo", {"till": "Shopify", "host_object": "9"},
         "Shopify told us about our own payment; nothing new."),
        ("closed", {"outcome": ["a"], "minor": True, "currency": "EUR"}, "Closed: a."),
        ("payout_settled", {"minor": 10**30, "currency": "EUR"}, "Given."),
        ("payout_settled", {"minor": 5, "currency": "???"}, "Given."),
    ],
)  # fmt: skip
def test_steps_read_documents_as_they_are_stored(
    what: str, stored: dict[str, object], said: str
) -> None:
    assert step("en", what, stored) == said


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("what", STEPS)
def test_every_step_is_a_sentence(language: str, what: str) -> None:
    assert step(language, what, {}).endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "1e5 EUR"), ("amount", "12.50"), ("amount", "12.50 eur"), ("amount", 12),
        ("amount", {"amount": 1250, "currency": "EUR"}), ("amount", "-1.00 EUR"),
        ("amount", {"amount": "1", "currency": None}), ("host", True), ("host", {"a": 1}),
        ("until", "yesterday"), ("until", "2025-03-12T14:02:00"), ("until", 5), ("host", ""),
        ("made_good_on", "12/03/2025"), ("quantity", -1), ("quantity", 10**20), ("why", []),
        ("why", [None, {}]), ("done", "x"), ("approve_command", "rm"), ("nonsense", "x"),
    ],
)  # fmt: skip
def test_a_fact_that_makes_no_sense_is_not_shown(name: str, value: object) -> None:
    for what in ("payout_settled", "host_unavailable", "duplicate", "payout_declined"):
        assert step("en", what, {name: value}) == step("en", what, {})


def test_instants_at_the_end_of_the_calendar_are_left_out() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    said = step("en", "host_unavailable", {"until": last}, zone=ZoneInfo("Asia/Tehran"))
    assert said == step("en", "host_unavailable", {})
