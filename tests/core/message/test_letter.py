"""The apology, read whole in each language, and what it may claim when."""

import pytest

from core.message import Given, apology, parse_letter
from core.money import Money
from core.ports import Remedy
from core.routing import TONES, Tone

REFUND = Given(remedy="refund", money=Money(1250, "EUR"), order_name="#1001")
COUPON = Given(remedy="coupon", money=Money(1000, "SAR"), code="SORRY-7KQ2")


def say(
    language: str,
    *given: Given,
    tone: Tone = "warm",
    reason: str = "late_delivery",
    name: str | None = "Sara",
    sign_off: str | None = None,
    settled: bool = True,
) -> str:
    return apology(
        language,
        tone=tone,
        reason=reason,
        given=given,
        customer_name=name,
        sign_off=sign_off,
        settled=settled,
    ).plain.replace("\u00a0", " ")


def marks(text: str) -> str:
    """Isolation marks made visible: `<` FSI, `[` LRI, `>` PDI."""
    return text.translate(str.maketrans("\u2068\u2066\u2069", "<[>"))


def test_english() -> None:
    assert say("en", REFUND, tone="formal", sign_off="Nora, Falcon Store") == (
        "Dear Sara,\n\n"
        "We apologise for the delay to your order #1001. We promised you a date and did not keep "
        "it, and the fault is ours.\n\n"
        "We have refunded 12.50 EUR to the payment method you used. Depending on your bank, it may "
        "take a few working days to appear.\n\n"
        "Thank you for your patience, and for giving us the chance to put this right.\n\n"
        "Yours sincerely,\nNora, Falcon Store"
    )


def test_arabic_greets_apologises_gives_and_thanks() -> None:
    assert marks(say("ar-SA", REFUND, tone="formal", name="سارة", sign_off="متجر الصقر")) == (
        "حضرة <سارة>،\nتحية طيبة وبعد،\n\n"
        "نتقدم إليكم بخالص الاعتذار عن تأخر طلبكم رقم [#1001>. لقد وعدناكم بموعد ولم نلتزم به، "
        "والتقصير منا.\n\n"
        "أعدنا إليكم مبلغ ١٢٫٥٠ يورو بوسيلة الدفع التي استخدمتموها. وقد يستغرق ظهوره في حسابكم "
        "بضعة أيام عمل بحسب مصرفكم.\n\n"
        "نشكر لكم صبركم وإتاحتكم لنا فرصة تصحيح ما حدث.\n\n"
        "وتفضلوا بقبول فائق الاحترام والتقدير،\n<متجر الصقر>"
    )


def test_persian() -> None:
    assert marks(say("fa", REFUND, tone="brief", reason="damaged_item", name="سارا")) == (
        "سلام <سارا>،\n\n"
        "بابت اینکه سفارش [#1001> شما آسیب‌دیده رسید عذر می‌خواهیم. نباید چنین می‌شد.\n\n"
        "مبلغ ۱۲٫۵۰ یورو را به همان روش پرداختی که استفاده کرده بودید برگرداندیم. بسته به بانک "
        "شما، شاید چند روز کاری طول بکشد تا در حسابتان دیده شود.\n\n"
        "از شکیبایی شما سپاسگزاریم."
    )


def test_several_remedies_are_a_list() -> None:
    english = say("en", REFUND, COUPON, tone="brief")
    assert (
        "To put it right:\n"
        "• We have refunded 12.50 EUR to the payment method you used. Depending on your bank, it "
        "may take a few working days to appear.\n"
        "• Here is a coupon for 10.00 SAR off your next order: SORRY-7KQ2"
    ) in english
    arabic = marks(say("ar", REFUND, COUPON))
    assert "• هذه قسيمة خصم بقيمة 10.00 ريال سعودي على طلبكم القادم، ورمزها: [SORRY-7KQ2>" in arabic


def test_the_html_says_its_language_and_keeps_codes_left_to_right() -> None:
    html = apology(
        "fa-IR",
        tone="warm",
        reason="other",
        given=[COUPON],
        customer_name="A & B",
        sign_off=None,
        settled=True,
    ).html
    assert html.startswith('<div dir="rtl" lang="fa"><p>سلام <bdi>A &amp; B</bdi> عزیز،<br>')
    assert '<bdi dir="ltr">SORRY-7KQ2</bdi>' in html
    assert html.endswith("</p></div>")
    assert "\u2068" not in html


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
@pytest.mark.parametrize("tone", TONES)
def test_nothing_is_claimed_before_it_is_settled(language: str, tone: Tone) -> None:
    prepared = say(language, REFUND, COUPON, tone=tone, settled=False)
    review = say(language, tone=tone, settled=False)
    for claim in ("12.50", "۱۲٫۵۰", "10.00", "SORRY", "EUR", "يورو", "یورو"):
        assert claim not in prepared
        assert claim not in review
    assert prepared != review
    assert len(prepared.split("\n\n")) >= 4


def test_pending_is_on_its_way_and_not_done() -> None:
    pending = Given(remedy="refund", money=Money(1250, "EUR"), pending=True)
    for settled in (True, False):
        said = say("en", pending, settled=settled)
        assert "Your refund of 12.50 EUR is on its way. Your bank may take" in said
        assert "have refunded" not in said
    assert "في طريقه إليكم" in say("ar", pending)
    assert "در راه بازگشت" in say("fa", pending)


def test_what_is_pending_is_said_and_what_is_not_settled_is_not() -> None:
    pending = Given(remedy="refund", money=Money(1250, "EUR"), pending=True)
    said = say("en", pending, COUPON, settled=False)
    assert "12.50 EUR is on its way" in said
    assert "SORRY-7KQ2" not in said
    assert "We are already working on putting this right" in said


def test_an_apology_alone_gives_nothing_and_promises_nothing() -> None:
    said = say("en", Given(remedy="apology"), name=None, sign_off="Nora")
    assert said == (
        "Hello,\n\n"
        "We are so sorry that your order was delayed. You had a date from us and you planned "
        "around it; we should have kept it.\n\n"
        "Thank you for bearing with us. It means a lot.\n\n"
        "With kind regards,\nNora"
    )


REMEDIES: tuple[Remedy, ...] = (
    "refund", "store_credit", "account_credit", "coupon", "gift_card", "replacement", "points",
    "donation", "voucher", "extension", "cash",
)  # fmt: skip


@pytest.mark.parametrize("remedy", REMEDIES)
@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_every_remedy_can_be_said_with_all_and_with_nothing_known(
    language: str, remedy: Remedy
) -> None:
    full = Given(remedy=remedy, money=Money(1250, "EUR"), quantity=3, code="C-1")
    for given in (full, Given(remedy=remedy), Given(remedy=remedy, pending=True)):
        assert len(say(language, given).split("\n\n")) == 5
    said = say(language, full)
    assert ("C-1" in said) == (remedy in ("coupon", "gift_card", "voucher"))
    counted = remedy in ("points", "extension")
    assert any(three in said for three in "3٣۳") == counted
    money = not counted and remedy != "replacement"
    assert any(amount in said for amount in ("12.50", "۱۲٫۵۰")) == money


@pytest.mark.parametrize(
    "name",
    [None, "", "  ", "sara@example.com", "+966 55 123 4567", "https://evil.example", "‏", "x" * 61,
     "www.evil.example", "evil.example/win", "12"],
)  # fmt: skip
def test_what_is_no_name_is_not_greeted_as_one(name: str | None) -> None:
    assert say("en", REFUND, name=name).startswith("Hello,\n\n")


def test_orders_are_named_where_there_are_several() -> None:
    other = Given(remedy="store_credit", money=Money(500, "EUR"), order_name="#1002")
    said = say("en", REFUND, other)
    assert "sorry that your order was delayed" in said
    assert "• Order #1001: We have refunded 12.50 EUR" in said
    assert "• Order #1002: We have added 5.00 EUR of store credit" in said


def test_a_workspaces_own_letter() -> None:
    letter = parse_letter("{{greeting}}\n\n<b>{{customer_name}}</b>, {{order}}\n\n{{remedies}}")
    said = apology(
        "en",
        tone="brief",
        reason="late_delivery",
        given=[REFUND],
        customer_name="Sara",
        sign_off=None,
        settled=False,
        letter=letter,
    )
    assert said.plain == (
        "Hi Sara,\n\n<b>Sara</b>, #1001\n\n"
        "We are working on putting it right and will write again when it is done."
    )
    assert "&lt;b&gt;<bdi>Sara</bdi>&lt;/b&gt;" in said.html
    assert "<b>" not in said.html
