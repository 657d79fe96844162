"""What customers answered to Freshdesk's survey: https://developers.freshdesk.com/api/#surveys"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.freshdesk.api import FreshdeskApi
from connectors.strict import Json
from core.ports import HostUnclear, Rating

PAGE = 100
PAGES_MAX = 50

#: 103 is extremely happy, 100 neutral, -103 extremely unhappy; 1 to 3 are the older survey's.
_SCORES = {103: 100, 102: 67, 101: 33, 100: 0, -101: -33, -102: -67, -103: -100,
           1: 100, 2: 0, 3: -100}  # fmt: skip


class FreshdeskSurveys:
    def __init__(self, api: FreshdeskApi) -> None:
        self._api = api

    def ratings(self, since: datetime, ticket_ids: Sequence[str]) -> Iterable[Rating]:
        """All of them since, whichever ticket: they are listed by time."""
        for page in range(1, PAGES_MAX + 1):
            found = self._api.read(_listing(since, page))
            if not isinstance(found, list):
                raise HostUnclear("Freshdesk's answer has no list of ratings")
            for one in found:
                yield _rating(one)
            if len(found) < PAGE:
                return
        raise HostUnclear("Freshdesk lists more ratings than can be looked through")


def _listing(since: datetime, page: int) -> Callable[[Any], Json]:
    stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"created_since": stamp, "page": page, "per_page": PAGE}
    # The library has no call for it, but its own way of asking.
    return lambda api: api._get("surveys/satisfaction_ratings", params=asked)


def _rating(one: Json) -> Rating:
    if not isinstance(one, dict):
        raise HostUnclear("Freshdesk's answer has something that is no rating")
    ratings, id, ticket = one.get("ratings"), one.get("id"), one.get("ticket_id")
    given = ratings.get("default_question") if isinstance(ratings, dict) else None
    score = _SCORES.get(given) if type(given) is int else None
    if score is None or type(id) is not int or type(ticket) is not int:
        raise HostUnclear("Freshdesk's answer has a rating that cannot be read")
    try:
        at = datetime.fromisoformat(str(one.get("updated_at") or one.get("created_at")))
    except ValueError:
        raise HostUnclear("Freshdesk's answer has a time that cannot be read") from None
    return Rating(
        host_object=f"rating:{id}", ticket_id=str(ticket), score=score, at=at.astimezone(UTC)
    )
