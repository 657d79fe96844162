"""What fields hold comes back exactly, or is refused by every store alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.case import Case, CaseState, Harm
from core.connection import Connection, Delivery
from core.store import Store
from core.store.values import NotStorable, decode_doc, encode_doc, from_micros, to_micros
from tests.stores import KINDS, NOW, open_store, sample

_numbers = itertools.count()
_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
_docs = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_instants = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(timezone(timedelta(hours=-9))),
)


@pytest.fixture(scope="module", params=KINDS)
def one_store(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Store]:
    opened = open_store(request.param, tmp_path_factory.mktemp("values"))
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=_text,
    body=st.none() | st.binary(max_size=60),
    number=st.integers(-(2**63) + 1, 2**63 - 1),
    at=_instants,
    on=st.none() | st.dates(),
    doc=st.dictionaries(st.text(max_size=5), _docs, max_size=4) | st.lists(_docs, max_size=4),
    live=st.booleans(),
)
def test_values_come_back_exactly(
    one_store: Store,
    text: str,
    body: bytes | None,
    number: int,
    at: datetime,
    on: date | None,
    doc: Any,
    live: bool,
) -> None:
    id = f"x{next(_numbers)}"
    records = (
        sample(Delivery, id, why=text, body=body, tries=number, received_at=at, headers=doc),
        sample(Harm, id, happened_on=on, subject=text),
        sample(Connection, id, live=live, settings=doc, created_at=at),
    )
    with one_store.write() as tx:
        for record in records:
            tx.add(record)
    with one_store.read() as reader:
        for record in records:
            assert reader.get(type(record), id) == record
        assert [row.id for row in reader.find(Delivery, received_at=at, why=text, id=id)] == [id]
        found = reader.get(Connection, id)
        assert found is not None
        assert found.live is live


@settings(deadline=None)
@given(at=st.datetimes(timezones=st.just(UTC)))
def test_instants_are_whole_microseconds(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


@settings(deadline=None)
@given(doc=st.dictionaries(st.text(max_size=5), _docs, max_size=5))
def test_documents_have_one_text(doc: dict[str, object]) -> None:
    text = encode_doc(doc)
    assert decode_doc(text) == doc
    assert encode_doc(dict(reversed(doc.items()))) == text
    assert text.isascii()


def _deep() -> object:
    value: object = []
    for _ in range(200):
        value = [value]
    return value


BAD: list[tuple[type[Any], str, object]] = [
    (Case, "ticket_id", 7),
    (Case, "ticket_id", None),
    (Case, "ticket_id", "a\x00b"),
    (Case, "ticket_id", "ü\x00b"),
    (Case, "ticket_id", "\ud800"),
    (Case, "tries", True),
    (Case, "tries", 1.0),
    (Case, "tries", 2**63),
    (Case, "opened_at", datetime(2026, 1, 1)),  # noqa: DTZ001
    (Case, "opened_at", date(2026, 1, 1)),
    (Case, "opened_at", "2026-01-01"),
    (Case, "facts", {"a": 1.5}),
    (Case, "facts", {"a": [{"b": float("nan")}]}),
    (Case, "facts", {1: "a"}),
    (Case, "facts", {"a": NOW}),
    (Case, "facts", {"a": b"x"}),
    (Case, "facts", "text"),
    (Case, "facts", _deep()),
    (Harm, "happened_on", NOW),
    (Harm, "happened_on", "2026-01-01"),
    (Connection, "live", 1),
    (Delivery, "body", "text"),
]


@pytest.mark.parametrize(("kind", "column", "value"), BAD)
def test_what_cannot_be_kept_is_refused(
    one_store: Store, kind: type[Any], column: str, value: object
) -> None:
    with one_store.write() as tx:
        with pytest.raises(NotStorable, match=f"{kind.__name__}.{column}"):
            tx.add(sample(kind, "bad", **{column: value}))
        assert tx.get(kind, "bad") is None
    with pytest.raises(NotStorable):
        one_store.append(sample(kind, "bad", **{column: value}))


def test_a_put_is_checked_too(one_store: Store) -> None:
    case = sample(Case, "put", facts={"a": 1})
    with one_store.write() as tx:
        tx.add(case)
        with pytest.raises(NotStorable, match=r"Case\.facts"):
            tx.put(sample(Case, "put", facts={"a": 0.5}))
        assert tx.get(Case, "put") == case


def test_documents_are_plain_after_reading(one_store: Store) -> None:
    odd = MappingProxyType({"a": (1, MappingProxyType({"b": ()}))})
    with one_store.write() as tx:
        tx.add(sample(Case, "plain", facts=odd, state=CaseState.CLOSED))
        found = tx.get(Case, "plain")
        assert found is not None
        assert found.facts == {"a": [1, {"b": []}]}
        assert found.state is CaseState.CLOSED
