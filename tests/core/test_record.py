"""Records are made and copied by a way of their own, with the same outcome as any dataclass."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from core.case import CaseStep
from core.money import Money, MoneyError
from core.record import Record, made, replace
from core.store.tables import record_classes

_STEP = CaseStep(
    id="step_1", case_id="case_1", at=datetime(2026, 3, 1, tzinfo=UTC), what="opened", data={}
)


@pytest.mark.parametrize("kind", record_classes(), ids=lambda kind: kind.__name__)
def test_a_copy_is_the_same_as_from_dataclasses(kind: type[Record]) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    values: dict[str, Any] = {name: f"a {name}" for name in names}
    record = kind(**values)
    copied = replace(record, id="another")
    assert made(kind, list(values.values())) == record
    assert type(copied) is kind
    assert copied == dataclasses.replace(record, id="another")
    assert repr(copied) == repr(dataclasses.replace(record, id="another"))


def test_a_copy_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(_STEP, what="closed").what = "paid"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del replace(_STEP, what="closed").what


def test_what_a_record_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match="no field 'sum'"):
        replace(_STEP, sum=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="shorter"):
        made(CaseStep, ["step_1"])


def test_what_checks_itself_is_not_copied_past_its_checks() -> None:
    with pytest.raises(MoneyError):
        replace(Money(1, "EUR"), currency="euro")
    with pytest.raises(TypeError, match="checks itself"):
        replace(_Checked(id="one"), id="two")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Checked(Record):
    def __post_init__(self) -> None:
        assert self.id == "one"
