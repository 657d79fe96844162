import pytest

from core.message import LETTER_NAMES, TemplateError, parse_letter
from core.message.template import LIMIT_LENGTH, parse
from core.message.values import Text, outside, own


def test_names_are_replaced_once_and_never_read_again() -> None:
    template = parse("{{greeting}} {{ thanks }}!", {"greeting", "thanks"})
    said = template.render({"greeting": own("{{thanks}}"), "thanks": own("a & b")})
    assert said == Text("{{thanks}} a & b!", "{{thanks}} a &amp; b!")


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{{'a'*200000000}}", "line 1, column 1"),
        ("Hello\n  {{7*7}}", "line 2, column 3"),
        ("{{greeting.__class__}}", "line 1, column 1"),
        ("{{customer_name}} {{card_number}}", "line 1, column 19"),
        ("{{greeting|safe}}", "line 1, column 1"),
        ("{{#if greeting}}", "line 1, column 1"),
        ("{% for x in range(9) %}", "line 1, column 1"),
        ("ok\n\nthen {# secret #}", "line 3, column 6"),
        ("{{greeting", "line 1, column 1"),
        ("greeting}}", "line 1, column 9"),
        ("{{ {{greeting}} }}", "line 1, column 1"),
        ("{{grееting}}", "line 1, column 1"),  # Cyrillic letters
        ("a\u202eb", "line 1, column 2"),
        ("a\x00b", "line 1, column 2"),
        ("a\rb", "line 1, column 2"),
        ("x" * (LIMIT_LENGTH + 1), "end"),
        ("{{order}}" * 41, "end"),
    ],
)
def test_anything_but_a_known_name_is_refused_with_its_place(source: str, place: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse_letter(source)
    assert refused.value.place == place
    assert str(refused.value).startswith(place)


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(TemplateError, match="customer_name"):
        parse_letter("{{customer}}")


def test_every_letter_name_is_accepted() -> None:
    template = parse_letter("\r\n".join(f"{{{{{name}}}}}" for name in sorted(LETTER_NAMES)))
    assert template.names == tuple(sorted(LETTER_NAMES))
    assert "\r" not in "".join(template.literals)


def test_a_single_brace_is_text() -> None:
    assert parse("{a} {{order}}", {"order"}).literals == ("{a} ", "")


def test_a_name_next_to_a_brace_cannot_build_a_placeholder() -> None:
    value = outside("{order}}", rtl=False, code=False, limit=20)
    assert value is not None
    said = parse("{ {{order}}}", {"order"}).render({"order": value})
    assert "{{" not in said.plain
    assert "}}" not in said.plain
