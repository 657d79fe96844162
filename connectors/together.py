"""Several reads of one host at the same moment: what each takes, not what they take together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
_AT_ONCE = 8


def side_by_side(reads: Sequence[Callable[[], T]]) -> list[T]:
    """What each answers, in their order. Raises what the first of them that fails raises, once all
    have ended. A deadline they are under (`Http.attempt`) holds for each."""
    if len(reads) < 2:
        return [read() for read in reads]
    with ThreadPoolExecutor(min(len(reads), _AT_ONCE)) as pool:
        running = [pool.submit(copy_context().run, read) for read in reads]
    return [one.result() for one in running]
