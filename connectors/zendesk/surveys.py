"""What customers answered to Zendesk's survey of a ticket.

An account has one of two products: satisfaction ratings, which are listed by time, or the newer
surveys, whose responses are asked for by ticket. Which one is in use is not said anywhere, and the
other one answers with nothing, with 403 or with 404: so both are asked.
https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/ and
https://developer.zendesk.com/api-reference/help_center/help-center-api/survey_responses/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connectors.strict import Json
from connectors.zendesk.api import ZendeskApi
from core.ports import HostDenied, HostError, HostNotFound, HostUnclear, Rating

PAGES_MAX = 50
#: Tickets asked about in one address, which has a limit of its own.
AT_ONCE = 50
#: Offered and unoffered ones are no answers.
_SCORES = {"good": 100, "bad": -100}
_WHOLE = re.compile(r"[1-5]", re.ASCII)
_SUBJECT = "zen:ticket:"


class ZendeskSurveys:
    def __init__(self, api: ZendeskApi) -> None:
        self._api = api

    def ratings(self, since: datetime, ticket_ids: Sequence[str]) -> Iterable[Rating]:
        found: list[Rating] = []
        unused: list[HostError] = []
        for product in (self._old(since), self._new(since, ticket_ids)):
            try:
                found += product
            except (HostDenied, HostNotFound) as error:
                unused.append(error)
        if len(unused) == 2:
            raise unused[0]
        return found

    def _old(self, since: datetime) -> Iterator[Rating]:
        params = {"start_time": str(int(since.timestamp()))}
        for one in self._pages("satisfaction_ratings", "satisfaction_ratings", params):
            score = _SCORES.get(str(one.get("score")))
            if score is not None:
                at = _instant(one.get("updated_at"))
                yield _rating("rating", one.get("id"), one.get("ticket_id"), score, at)

    def _new(self, since: datetime, ticket_ids: Sequence[str]) -> Iterator[Rating]:
        for start in range(0, len(ticket_ids), AT_ONCE):
            zrns = [f"{_SUBJECT}{one}" for one in ticket_ids[start : start + AT_ONCE]]
            params = {"filter[subject_zrns]": ",".join(zrns)}
            for one in self._pages("guide/survey_responses", "survey_responses", params):
                answer = _scale(one)
                at = _instant((answer or {}).get("updated_at") or one.get("updated_at"))
                if answer is not None and at >= since:
                    ticket = _ticket_of(one)
                    yield _rating("response", one.get("id"), ticket, _score(answer), at)

    def _pages(
        self, path: str, key: str, params: Mapping[str, str]
    ) -> Iterator[Mapping[str, Json]]:
        asked = {**params, "page[size]": "100"}
        for _ in range(PAGES_MAX):
            page = self._api.get(path, asked)
            entries, meta = page.get(key), page.get("meta")
            if not isinstance(entries, list) or not isinstance(meta, dict):
                raise HostUnclear(f"Zendesk's answer has no list of {key}")
            yield from (entry for entry in entries if isinstance(entry, dict))
            after = meta.get("after_cursor")
            if meta.get("has_more") is not True or not isinstance(after, str):
                return
            asked = {**asked, "page[after]": after}
        raise HostUnclear("Zendesk lists more answers than can be looked through")


def _rating(kind: str, id: Json, ticket_id: Json, score: int, at: datetime) -> Rating:
    if not isinstance(id, str | int) or not isinstance(ticket_id, str | int):
        raise HostUnclear("Zendesk's answer has an answer without an id or a ticket")
    return Rating(host_object=f"{kind}:{id}", ticket_id=str(ticket_id), score=score, at=at)


def _scale(response: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The answer on the scale; a customer may have left it out and written words only."""
    answers = response.get("answers")
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and answer.get("type") == "rating_scale":
            return answer
    return None


def _score(answer: Mapping[str, Json]) -> int:
    """By the category Zendesk puts it in; else by its place on a scale of five."""
    category = _SCORES.get(str(answer.get("rating_category")))
    if category is not None:
        return category
    if _WHOLE.fullmatch(str(answer.get("rating"))) is None:
        raise HostUnclear("Zendesk's answer has a rating that is on no known scale")
    return (int(str(answer["rating"])) - 3) * 50


def _ticket_of(response: Mapping[str, Json]) -> str | None:
    subjects = response.get("subjects")
    for subject in subjects if isinstance(subjects, list) else ():
        zrn = subject.get("zrn") if isinstance(subject, dict) else None
        if isinstance(zrn, str) and zrn.startswith(_SUBJECT):
            return zrn.removeprefix(_SUBJECT)
    return None


def _instant(value: Json) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:
        raise HostUnclear("Zendesk's answer has a time that cannot be read") from None
