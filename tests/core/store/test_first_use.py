"""Threads that begin at one moment use the tables for the first time at one moment."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from core.store.tables import record_classes, table_of


def test_a_table_is_made_once_whoever_asks_first() -> None:
    kinds = record_classes()
    for _ in range(10):
        fresh, start = sa.MetaData(), threading.Barrier(16)
        errors: list[Exception] = []

        def use(
            fresh: sa.MetaData = fresh,
            start: threading.Barrier = start,
            errors: list[Exception] = errors,
        ) -> None:
            start.wait()
            try:
                for kind in kinds:
                    indexed = sum(1 for _ in table_of(kind, fresh).indexes)
                    assert indexed >= len(kind.TABLE.index)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=use) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []
