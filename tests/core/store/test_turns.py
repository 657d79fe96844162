"""Turns are given in order; commits are shared by those who wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from core.store.turns import SharedCommits, Turns


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_turns_come_in_the_order_they_were_asked_for() -> None:
    turns = Turns()
    assert turns.acquire(1)
    order: list[int] = []

    def work(number: int) -> None:
        assert turns.acquire(10)
        order.append(number)
        turns.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for number, thread in enumerate(threads):
        thread.start()
        _wait_for(lambda number=number: len(turns._waiting) == number + 1)  # type: ignore[misc]
    turns.release()
    for thread in threads:
        thread.join(30)
    assert order == list(range(10))


def test_who_gives_up_waiting_is_passed_over() -> None:
    turns = Turns()
    assert turns.acquire(1)
    assert not turns.acquire(0.01)
    turns.release()
    assert turns.acquire(0)


def test_those_who_wait_share_a_commit() -> None:
    batches: list[list[int]] = []
    gate = threading.Event()

    def keep(take: Callable[[], list[int]]) -> list[BaseException | None]:
        if not batches:
            gate.wait(30)
        items = take() if batches else take()[:]
        batches.append(items)
        return [ValueError(str(item)) if item % 3 == 0 else None for item in items]

    shared = SharedCommits(keep)
    ended: dict[int, str] = {}

    def add(item: int) -> None:
        try:
            shared.add(item)
            ended[item] = "kept"
        except ValueError as error:
            ended[item] = str(error)

    threads = [threading.Thread(target=add, args=(item,)) for item in range(1, 13)]
    for thread in threads:
        thread.start()
    _wait_for(lambda: len(shared._waiting) == 12)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert [sorted(batch) for batch in batches] == [list(range(1, 13))]
    assert ended == {item: str(item) if item % 3 == 0 else "kept" for item in range(1, 13)}


def test_a_batch_has_an_end_and_leads_to_the_next() -> None:
    sizes: list[int] = []
    gate = threading.Event()

    def keep(take: Callable[[], list[int]]) -> list[BaseException | None]:
        gate.wait(30)
        items = take()
        sizes.append(len(items))
        return [None] * len(items)

    shared = SharedCommits(keep, most=4)
    threads = [threading.Thread(target=shared.add, args=(item,)) for item in range(10)]
    for thread in threads:
        thread.start()
    _wait_for(lambda: len(shared._waiting) == 10)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert sizes == [4, 4, 2]


def test_a_commit_that_fails_is_told_to_all_and_is_not_the_last() -> None:
    def keep(take: Callable[[], list[int]]) -> list[BaseException | None]:
        items = take()
        if 1 in items:
            raise OSError("no")
        return [None] * len(items)

    shared = SharedCommits(keep)
    with pytest.raises(OSError, match="no"):
        shared.add(1)
    shared.add(2)
