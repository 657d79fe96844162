"""SQL text for tables whose rows are work: claimed, held, woken and let go."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa

from core.record import Record
from core.store.statements import Plan, Statement

R = TypeVar("R", bound=Record)


class WorkPlan(Plan[R]):
    """The statements of a leased table besides the plain ones."""

    def __init__(self, kind: type[R], dialect: sa.Dialect, workspace_id: str) -> None:
        super().__init__(kind, dialect, workspace_id)
        if not self.leased:
            raise TypeError(f"{self.name} is not leased")
        t = self._table
        held = sa.and_(t.c.fence == sa.bindparam("with_fence"), t.c.lease_owner.is_not(None))
        self.held = self._compile(self._by_id(sa.select(t.c.fence)).where(held).with_for_update())
        until = sa.bindparam("until", type_=sa.BigInteger())
        self.renew = self._compile(
            self._by_id(t.update().values(lease_until=_raw(until))).where(held)
        )
        seen = t.c.woken_under < sa.bindparam("with_fence")
        left = sa.case((seen, sa.null()), else_=t.c.wake_at)
        self.release = self._compile(
            self._by_id(
                t.update().values(lease_owner=sa.null(), lease_until=sa.null(), wake_at=left)
            ).where(held)
        )
        at = _raw(sa.bindparam("at", type_=sa.BigInteger()))
        later = sa.or_(t.c.wake_at.is_(None), _raw(t.c.wake_at) > at)
        self.wake = self._compile(
            self._by_id(
                t.update().values(
                    wake_at=sa.case((later, at), else_=_raw(t.c.wake_at)), woken_under=t.c.fence
                )
            )
        )
        self.claim = self._claim()
        self.ready = self._compile(
            sa.select(_raw(t.c.ready_at))
            .where(t.c.workspace_id == sa.bindparam("in_workspace"), t.c.ready_at.is_not(None))
            .order_by(t.c.ready_at)
            .limit(sa.literal_column("1"))
        )

    def _claim(self) -> Statement:
        """Takes what is ready; gives id, the new fence, `due_at` and `wake_at`. Rows another worker
        is taking at this moment are passed over (PostgreSQL; SQLite has one writer).

        Plain columns only: SQLite 3.40 answers `wake_at IS NULL` in RETURNING with no for a NULL.
        """
        t = self._table
        here = t.c.workspace_id == sa.bindparam("in_workspace")
        now = sa.bindparam("now", type_=sa.BigInteger())
        ready = (
            sa.select(t.c.id)
            .where(here, _raw(t.c.ready_at) <= now)
            .order_by(t.c.ready_at, t.c.id)
            .limit(sa.bindparam("limit", type_=sa.BigInteger()))
            .with_for_update(skip_locked=True)
            .cte("ready")
        )
        unseen = sa.case(
            (_raw(t.c.wake_at) > now, t.c.fence + sa.literal_column("1")), else_=t.c.woken_under
        )
        return self._compile(
            t.update()
            .where(here, t.c.id.in_(sa.select(ready.c.id)))
            .values(
                lease_owner=sa.bindparam("owner", type_=sa.Text()),
                lease_until=_raw(sa.bindparam("until", type_=sa.BigInteger())),
                fence=t.c.fence + sa.literal_column("1"),
                woken_under=unseen,
            )
            .returning(t.c.id, t.c.fence, _raw(t.c.due_at), _raw(t.c.wake_at))
        )


def _raw(value: Any) -> Any:
    """The stored number of an instant, not the instant."""
    return sa.type_coerce(value, sa.BigInteger())
