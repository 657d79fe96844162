"""`amends policy`, run as a person runs it: where nothing was set up, and where something was."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.policies import PolicyVersion
from core.policy import all_packs, load_pack
from core.store.sql import SqlStore
from webhooks.cli import main

LATE = """\
policy: late
basis: goodwill
currency: EUR
facts: {days_late: days, price: money}
give:
  - {when: {days_late: 3..}, refund: 10% of price}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and nothing about Amends in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "KEY_FILE", "KEYS", "WORKSPACE"):
        monkeypatch.delenv(f"AMENDS_{name}", raising=False)
    (tmp_path / "late.yaml").write_text(LATE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def installed(here: Path) -> Path:
    """The same with keys, tables, two admins and an agent."""
    for command in (
        ["keys", "new"], ["db", "upgrade"],
        ["person", "add", "jo@example.com", "--name", "Jo", "--role", "admin"],
        ["person", "add", "mo@example.com", "--name", "Mo", "--role", "admin"],
        ["person", "add", "al@example.com", "--name", "Al"],
    ):  # fmt: skip
        assert run(*command).exit_code == 0
    return here


def run(*args: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, args, input=given, catch_exceptions=False)


def policy(*args: str, given: str | None = None) -> Result:
    return run("policy", *args, given=given)


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=str) for line in result.stdout.splitlines()]


# ------------------------------------------------------------------------- without a database


def test_list_and_show_need_nothing_to_be_set_up(here: Path) -> None:
    rows = json.loads(policy("list", "--json").stdout)
    assert {row["name"] for row in rows} == set(all_packs())
    assert all(row["from"] == "pack" and len(row["version"]) == 64 for row in rows)
    shown = json.loads(policy("show", "eu261", "--json").stdout)
    assert shown["version"] == load_pack("eu261").version_hash
    assert {"name": "passengers", "type": "number", "default": "1"} in shown["facts"]
    assert policy("show", "./late.yaml", "--text").stdout == LATE
    assert not list(here.glob("amends.*"))


def test_a_name_nobody_knows_is_said_so_without_a_traceback(here: Path) -> None:
    result = policy("show", "nonsense")
    assert result.exit_code == 2
    assert "amends policy list" in result.stderr
    assert policy("decide", "nonsense.yaml", "--facts", "-", given="{}").exit_code == 2


def test_decide_answers_in_the_words_of_the_published_cases(here: Path) -> None:
    case = {"incident": "delay", "distance_km": 1500, "arrival_delay_min": 180}
    lines = [
        {"case_id": "a", "inputs": case},
        case | {"arrival_delay_min": 179},
        {"case_id": "c", "inputs": {"incident": "delay"}},
    ]
    result = policy("decide", "eu261", "--facts", "-", given="\n".join(map(json.dumps, lines)))
    assert result.exit_code == 0
    paid, refused, unknown = answers(result)
    assert paid["case_id"] == "a"
    assert (paid["remedy"], paid["amount"], paid["currency"]) == ("cash", "250.00", "EUR")
    assert paid["components"] == [{"remedy": "cash", "amount": "250.00", "currency": "EUR"}]
    assert (paid["reason"], paid["rule"]) == ("band_a", "give.2")
    assert "case_id" not in refused
    assert (refused["remedy"], refused["amount"]) == ("none", "0.00")
    assert (refused["reason"], refused["components"]) == ("delay_below_3h", [])
    assert (unknown["outcome"], unknown["missing"]) == ("cannot_decide", ["arrival_delay_min"])
    assert not list(here.glob("amends.*"))


@pytest.mark.parametrize(
    "line",
    [
        '{"days_late": "soon", "price": "5.00"}',
        '{"days_late": 3, "days_late": 9}',
        '{"days_late": NaN}',
        '{"days_late": 1e400, "price": "5.00"}',
        f'{{"days_late": {"9" * 5000}}}',
        '["days_late", 3]',
        '{"inputs": 3}',
        "{" * 9_000,
        "not json",
    ],
)
def test_a_line_that_does_not_fit_is_an_error_on_its_line_and_2_in_the_end(
    here: Path, line: str
) -> None:
    good = '{"days_late": 3, "price": "5.00"}'
    result = policy("decide", "late.yaml", "--facts", "-", given=f"{good}\n{line}\n\n{good}\n")
    assert result.exit_code == 2
    first, wrong, last = answers(result)
    assert first == last
    assert first["amount"] == "0.50"
    assert "error" in wrong
    assert "amount" not in wrong


def test_numbers_are_read_without_floats(here: Path) -> None:
    result = policy("decide", "late.yaml", "--facts", "-", given='{"days_late": 3, "price": 0.15}')
    (answer,) = answers(result)
    assert answer["amount"] == "0.02"


def test_decide_explains_when_it_is_asked_to(here: Path) -> None:
    facts = '{"days_late": 3, "price": "5.00"}'
    arguments = ("decide", "late.yaml", "--facts", "-", "--explain", "--language")
    (answer,) = answers(policy(*arguments, "en", given=facts))
    assert answer["explain"]["amounts"][0]["steps"][0]["step"] == "percent"
    assert {"fact": "days_late", "value": "2 days", "answer": "nothing: no_rule_fits",
            "outcome": "nothing"} in answer["explain"]["changes"]  # fmt: skip
    assert answer["explain"]["words"][0] == "Refund 0.50\u00a0EUR. Rule 1."
    (answer,) = answers(policy(*arguments, "fa", given=facts))
    assert "۰٫۵۰" in answer["explain"]["words"][0]


def test_check_ends_with_1_only_for_errors(here: Path) -> None:
    assert policy("check", "late.yaml").exit_code == 0
    (here / "lost.yaml").write_text(LATE + "  - {when: {days_late: 5..}, apology: yes}\n")
    result = policy("check", "lost.yaml", "--json")
    assert result.exit_code == 1
    kinds = {one["kind"]: one for one in json.loads(result.stdout)}
    assert (kinds["unreachable"]["line"], kinds["unreachable"]["severity"]) == (7, "error")
    (here / "wrong.yaml").write_text(LATE.replace("refund", "refnud"))
    result = policy("check", "wrong.yaml", "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)
    assert (finding["kind"], finding["line"]) == ("unreadable", 6)


def test_a_file_with_variants_is_checked_variant_by_variant(here: Path) -> None:
    text = LATE.replace("currency: EUR\n", "variants: {eu: {currency: EUR}, uk: {currency: GBP}}\n")
    (here / "two.yaml").write_text(text)
    result = policy("check", "two.yaml", "--json")
    assert {one["policy"] for one in json.loads(result.stdout)} == {"eu", "uk"}


# ----------------------------------------------------------------------------- publishing


def versions(here: Path) -> list[PolicyVersion]:
    store = SqlStore(f"sqlite:///{here}/amends.sqlite3", "main")
    try:
        with store.read() as reader:
            return list(reader.find(PolicyVersion))
    finally:
        store.close()


def day(offset: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


def drafted(file: str = "late.yaml", author: str = "jo@example.com") -> str:
    """The id of a new draft."""
    result = policy("draft", file, "--as", author)
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()[0].rpartition(" ")[2]


def test_one_writes_another_publishes_and_the_published_policy_decides(installed: Path) -> None:
    draft = drafted()
    assert versions(installed) == []
    own = policy("publish", draft, "--as", "jo@example.com")
    assert own.exit_code == 2
    assert "another admin" in own.stderr
    assert policy("publish", draft, "--as", "mo@example.com").exit_code == 0
    (version,) = versions(installed)
    assert None not in (version.author, version.published_by)
    assert version.author != version.published_by
    assert version.effective_from.isoformat() == day(0)
    (installed / "late.yaml").unlink()
    facts = '{"days_late": 3, "price": "5.00"}'
    (answer,) = answers(policy("decide", "late", "--facts", "-", given=facts))
    assert answer["amount"] == "0.50"
    assert answer["policy_hash"] == version.version_hash


def test_a_draft_can_be_read_checked_and_tried_by_its_id(installed: Path) -> None:
    draft = drafted()
    assert policy("show", draft, "--text").stdout == LATE
    assert policy("check", draft).exit_code == 0
    facts = '{"days_late": 3, "price": "5.00"}'
    (answer,) = answers(policy("decide", draft, "--facts", "-", given=facts))
    assert answer["amount"] == "0.50"


def test_list_says_who_wrote_and_who_published(installed: Path) -> None:
    def stored() -> list[dict[str, Any]]:
        return [r for r in json.loads(policy("list", "--json").stdout) if r["from"] != "pack"]

    draft = drafted()
    (row,) = stored()
    assert (row["from"], row["id"], row["name"], row["author"]) == ("draft", draft, "late", "Jo")
    assert policy("publish", draft, "--as", "mo@example.com", "--from", day(2)).exit_code == 0
    (row,) = stored()
    assert (row["from"], row["name"], row["effective_from"]) == ("published", "late", day(2))
    assert (row["author"], row["published_by"]) == ("Jo", "Mo")
    assert len(row["version"]) == 64
    assert "Mo" in policy("list").stdout


def test_a_pack_as_it_ships_needs_one_admin(installed: Path) -> None:
    result = policy("publish", "uk261", "--as", "jo@example.com", "--from", day(30))
    assert result.exit_code == 0
    (version,) = versions(installed)
    assert (version.name, version.variant, version.author) == ("uk261", "uk261", None)
    assert version.effective_from.isoformat() == day(30)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("DRAFT", "--as", "al@example.com"), "not an admin"),
        (("DRAFT", "--as", "nobody@example.com"), "nobody here"),
        (("DRAFT", "--as", "mo@example.com", "--from", day(-1)), "is past"),
        (("DRAFT", "--as", "mo@example.com", "--from", "yesterday"), "--from"),
        (("uk261", "--as", "al@example.com"), "not an admin"),
        (("late.yaml", "--as", "mo@example.com"), "amends policy draft"),
        (("late", "--as", "mo@example.com"), "DRAFT"),
        (("draft_0", "--as", "mo@example.com"), "no draft"),
    ],
)
def test_what_may_not_be_published_is_not(
    installed: Path, arguments: tuple[str, ...], why: str
) -> None:
    draft = drafted()
    result = policy("publish", *(draft if one == "DRAFT" else one for one in arguments))
    assert result.exit_code == 2
    assert why.replace("DRAFT", draft) in result.stderr
    assert versions(installed) == []


@pytest.mark.parametrize(
    ("text", "author", "why"),
    [
        (LATE, "al@example.com", "not an admin"),
        (LATE + "  - {when: {days_late: 5..}, apology: yes}\n", "jo@example.com", "never reached"),
        (LATE.replace("refund", "refnud"), "jo@example.com", "line 6"),
    ],
)
def test_what_may_not_be_drafted_is_not(installed: Path, text: str, author: str, why: str) -> None:
    (installed / "late.yaml").write_text(text)
    result = policy("draft", "late.yaml", "--as", author)
    assert result.exit_code == 2
    assert why in result.stderr


def test_replay_needs_a_case(installed: Path) -> None:
    result = policy("replay", "case_0")
    assert result.exit_code == 2
    assert "amends case list" in result.stderr


def test_the_commands_of_the_page_publish(installed: Path) -> None:
    """In a folder with `late.yaml`, by two admins, as docs/policy.md tells it."""
    for name in ("ann", "ben"):
        address = f"{name}@shop.example"
        assert run("person", "add", address, "--name", name, "--role", "admin").exit_code == 0
    page = Path(__file__).parents[3] / "docs" / "policy.md"
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    draft = ""
    for line in "".join(blocks).splitlines():
        result = run(*line.replace("DRAFT", draft).split()[1:])
        assert result.exit_code == 0, (line, result.output)
        draft = (re.search(r"draft_\S+", result.output) or [draft])[0]
    assert [version.name for version in versions(installed)] == ["late", "uk261"]
