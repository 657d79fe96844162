"""A desk's options: what the page about them shows is what is read, and nothing else is."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from core.routing import BadOptions, Routing, read_routing

PAGE = (Path(__file__).parents[2] / "docs/desk.md").read_text(encoding="utf-8")


def example() -> dict[str, object]:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    shown: dict[str, object] = json.loads(found[1])
    return shown


def test_the_page_names_every_option_in_its_order_and_shows_it() -> None:
    known = [option.name for option in fields(Routing)]
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(known)
    assert set(known) - set(example()) <= {"reason_field"}


def test_the_example_is_read_as_it_says() -> None:
    routing = read_routing(example())
    assert (routing.owed, routing.policy, routing.mode) == ("eu261", "online-shop", "suggest")
    assert routing.cause_of("missing_item") == routing.cause_of("wrong_item")
    assert [till.tag for till in routing.tills] == [None, "paid_by_link"]


@pytest.mark.parametrize(
    ("name", "says"), [("polcy", "did you mean policy?"), ("approved_by", "there are policy, owed")]
)
def test_an_option_that_is_none_is_refused(name: str, says: str) -> None:
    with pytest.raises(BadOptions, match=re.escape(says)):
        read_routing({**example(), name: "act"})
