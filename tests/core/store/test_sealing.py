"""Sealed secrets open in their place, with their key, unchanged; or not at all."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.store.sealing import BadKey, Place, SealBroken, Sealer, new_key, read_keys

PLACE = Place("ws", "connections", "conn_1", "sealed")
OLD, NEW = new_key(), new_key()


def _sealer(*keys: str) -> Sealer:
    return Sealer(read_keys(" ".join(keys)))


@settings(deadline=None)
@given(plain=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens(plain: str) -> None:
    sealer = _sealer(NEW)
    sealed = sealer.seal(plain, PLACE)
    assert sealer.open(sealed, PLACE) == plain
    assert sealed.startswith(f"v1.{read_keys(NEW)[0].id}.")
    assert sealer.seal(plain, PLACE) != sealed


@pytest.mark.parametrize(
    "elsewhere",
    [
        PLACE._replace(workspace="ws2"),
        PLACE._replace(table="people"),
        PLACE._replace(row="conn_2"),
        PLACE._replace(column="settings"),
        Place("ws", "connections", "conn_1sealed", ""),
        Place('ws","connections', "conn_1", "sealed", ""),
    ],
)
def test_it_does_not_open_elsewhere(elsewhere: Place) -> None:
    sealer = _sealer(NEW)
    with pytest.raises(SealBroken, match="moved"):
        sealer.open(sealer.seal("s3cret", PLACE), elsewhere)


def test_any_changed_character_is_seen() -> None:
    sealer = _sealer(NEW)
    sealed = sealer.seal("s3cret", PLACE)
    for index in range(len(sealed)):
        for other in {"A", "b", ".", "_"} - {sealed[index]}:
            with pytest.raises(SealBroken) as caught:
                sealer.open(sealed[:index] + other + sealed[index + 1 :], PLACE)
            assert "s3cret" not in str(caught.value)
    for bad in ("", "v1", sealed[:-1], sealed + "A", sealed + "=", sealed + "\n", sealed.upper()):
        with pytest.raises(SealBroken):
            sealer.open(bad, PLACE)


def test_keys_are_rotated() -> None:
    sealed = _sealer(OLD).seal("s3cret", PLACE)
    both = _sealer(NEW, OLD)
    assert both.open(sealed, PLACE) == "s3cret"
    assert both.is_old(sealed)
    renewed = both.renew(sealed, PLACE)
    assert not both.is_old(renewed)
    assert _sealer(NEW).open(renewed, PLACE) == "s3cret"
    with pytest.raises(SealBroken, match="not among ours"):
        _sealer(NEW).open(sealed, PLACE)


def test_a_damaged_key_is_refused_without_being_shown() -> None:
    secret = NEW.split(".")[2]
    flipped = NEW.replace(secret, secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1])
    for bad in ("", " , ", NEW[:-1], NEW.upper(), flipped, "amk1.a.b.c", secret, f"{NEW} {NEW}"):
        with pytest.raises(BadKey) as caught:
            read_keys(bad)
        assert secret[:8] not in str(caught.value)
    with pytest.raises(BadKey):
        Sealer([])
    assert len(read_keys(f"{NEW},{OLD}\n")) == 2


def test_no_key_is_printed() -> None:
    (key,) = read_keys(NEW)
    sealer = _sealer(NEW)
    for shown in (repr(key), str(key), repr(sealer), f"{sealer}", repr([key])):
        assert NEW.split(".")[2] not in shown
        assert repr(key.secret)[2:10] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(sealer)
