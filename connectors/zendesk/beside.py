"""Side conversations: a talk beside the ticket with people who need not be agents, which Zendesk
carries on by mail. https://developer.zendesk.com/api-reference/ticketing/side_conversation/

They come with an add-on; an account without it answers 403 or 404. What was begun is recognised by
an external id of ours.
"""

from __future__ import annotations

from connectors.strict import Json
from connectors.zendesk.api import ZendeskApi
from core.ports import HostDenied, HostNotFound, HostUnclear, Unwritable, WriteBack

EXTERNAL_ID = "amends"
_PAGES_MAX = 10
_WITHOUT = "this account has no side conversations, or our access may not use them"


def find(api: ZendeskApi, ticket: int, back: WriteBack) -> str | None:
    """The id of the conversation that was begun for `back`. Raises `HostError`."""
    params = {"page[size]": "100"}
    for _ in range(_PAGES_MAX):
        try:
            page = api.get(f"tickets/{ticket}/side_conversations", params)
        except (HostDenied, HostNotFound):
            raise Unwritable(_WITHOUT) from None
        listed, meta = page.get("side_conversations"), page.get("meta")
        if not isinstance(listed, list):
            raise HostUnclear("Zendesk's answer has no list of side conversations")
        for one in listed:
            if _is_ours(one, back):
                return _id(one)
        after = meta.get("after_cursor") if isinstance(meta, dict) else None
        if not isinstance(meta, dict) or meta.get("has_more") is not True or not after:
            return None
        params = {**params, "page[after]": str(after)}
    raise HostUnclear(f"ticket {ticket} has too many side conversations to look through")


def begin(api: ZendeskApi, ticket: int, back: WriteBack) -> str:
    body = {
        "message": {
            "subject": back.subject,
            "body": back.text,
            "to": [{"email": address} for address in back.to],
        },
        "external_ids": {EXTERNAL_ID: back.marker},
    }
    try:
        answer = api.write("POST", f"tickets/{ticket}/side_conversations", body)
    except (HostDenied, HostNotFound):
        raise Unwritable(_WITHOUT) from None
    if answer.status in (409, 422):
        raise Unwritable(f"Zendesk refuses a side conversation on ticket {ticket}")
    made = answer.json().get("side_conversation")
    if not _is_ours(made, back):
        raise HostUnclear("Zendesk answered about another side conversation")
    return _id(made)


def _is_ours(one: Json, back: WriteBack) -> bool:
    ids = one.get("external_ids") if isinstance(one, dict) else None
    return isinstance(ids, dict) and ids.get(EXTERNAL_ID) == back.marker


def _id(one: Json) -> str:
    found = one.get("id") if isinstance(one, dict) else None
    if not isinstance(found, str | int) or not found:
        raise HostUnclear("Zendesk's answer has a side conversation without an id")
    return str(found)
