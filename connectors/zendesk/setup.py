"""What Amends needs at Zendesk: two webhooks, a ticket field and a trigger; made, checked, removed.

A webhook either subscribes to events or is called by triggers, for good
(https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/), so there are two of
them at one address. Things of ours are recognised by their names, so installing twice changes
nothing, and an address that moved is corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zenpy import Zenpy

from connectors.strict import Json
from connectors.zendesk.api import ZendeskApi
from connectors.zendesk.intake import FAMILY
from core.ports import Check, HostError, HostUnclear, Settings

EVENTS = "Amends: ticket events"
CALLS = "Amends: triggers"
FIELD = "Amends case"
TRIGGER = "Amends: ticket solved"

SUBSCRIPTIONS = [
    FAMILY + name
    for name in (
        "status_changed",
        "merged",
        "soft_deleted",
        "undeleted",
        "permanently_deleted",
        "tags_changed",
        "custom_field_changed",
    )
]
#: Ids only: placeholders are pasted in as raw text, and a status would be a word of the account's
#: language.
TRIGGER_BODY = '{"v":1,"ticket_id":"{{ticket.id}}","agent_id":"{{current_user.id}}"}'


class ZendeskSetup:
    def __init__(self, api: ZendeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        events = self._webhook(EVENTS, SUBSCRIPTIONS, webhook_url)
        calls = self._webhook(CALLS, ["conditional_ticket_events"], webhook_url)
        field = self._find(_fields, "title", FIELD)
        if field is None:
            wanted = {"type": "text", "title": FIELD, "description": "Written by Amends."}
            field = self._created("ticket_fields", "ticket_field", wanted)
        self._trigger(calls)
        return {
            "signing_secret": self._secret(events),
            "trigger_signing_secret": self._secret(calls),
            "case_field": field,
        }

    def check(self) -> Sequence[Check]:
        try:
            me = self._api.get("users/me").get("user")
            checks = [_may_act(me if isinstance(me, dict) else {})]
            checks += [
                _there(f"webhook “{name}”", self._find(_webhooks, "name", name))
                for name in (EVENTS, CALLS)
            ]
            checks.append(_there("ticket field", self._find(_fields, "title", FIELD)))
            checks.append(_there("trigger", self._find(_triggers, "title", TRIGGER)))
        except HostError as error:
            return [Check(ok=False, what="Zendesk can be asked", todo=str(error))]
        stored = self._settings.get("signing_secret")
        checks.append(
            Check(
                ok=bool(stored),
                what="the signing secret is stored",
                todo="" if stored else "install again: deliveries cannot be proved",
            )
        )
        return checks

    def remove(self) -> None:
        """The field stays: its values on old tickets are the helpdesk's records, not ours."""
        for ask, key, name, path in (
            (_triggers, "title", TRIGGER, "triggers"),
            (_webhooks, "name", EVENTS, "webhooks"),
            (_webhooks, "name", CALLS, "webhooks"),
        ):
            found = self._find(ask, key, name)
            if found is not None:
                self._accepted(self._api.write("DELETE", f"{path}/{found}"), name)

    # ---------------------------------------------------------------------------------- innards

    def _find(self, ask: Callable[[Zenpy], Iterable[Any]], key: str, name: str) -> str | None:
        """The id of the thing with our name, compared whole."""

        def read(zenpy: Zenpy) -> str | None:
            found = [thing for thing in ask(zenpy) if getattr(thing, key) == name]
            return str(found[0].id) if found else None

        return self._api.read(read)

    def _webhook(self, name: str, subscriptions: Sequence[str], url: str) -> str:
        wanted = {
            "name": name,
            "status": "active",
            "subscriptions": list(subscriptions),
            "endpoint": url,
            "http_method": "POST",
            "request_format": "json",
        }
        found = self._find(_webhooks, "name", name)
        if found is None:
            return self._created("webhooks", "webhook", wanted)
        self._accepted(self._api.write("PATCH", f"webhooks/{found}", {"webhook": wanted}), name)
        return found

    def _trigger(self, webhook_id: str) -> None:
        wanted = {
            "title": TRIGGER,
            # "value" is "changed to": "is" would hold again at every later update of a solved
            # ticket, our own note included.
            "conditions": {"all": [{"field": "status", "operator": "value", "value": "solved"}]},
            "actions": [{"field": "notification_webhook", "value": [webhook_id, TRIGGER_BODY]}],
        }
        found = self._find(_triggers, "title", TRIGGER)
        if found is None:
            self._created("triggers", "trigger", wanted)
        else:
            answer = self._api.write("PUT", f"triggers/{found}", {"trigger": wanted})
            self._accepted(answer, TRIGGER)

    def _created(self, path: str, kind: str, wanted: Mapping[str, Json]) -> str:
        answer = self._api.write("POST", path, {kind: wanted})
        self._accepted(answer, kind)
        made = answer.json().get(kind)
        if not isinstance(made, dict) or not made.get("id"):
            raise HostUnclear(f"Zendesk's answer does not show the new {kind}")
        return str(made["id"])

    def _accepted(self, answer: Any, what: str) -> None:
        if answer.status in (409, 422):
            raise HostUnclear(f"Zendesk refuses what Amends wants for {what}; look at it there")

    def _secret(self, webhook_id: str) -> str:
        shown = self._api.get(f"webhooks/{webhook_id}/signing_secret").get("signing_secret")
        secret = shown.get("secret") if isinstance(shown, dict) else None
        if not isinstance(secret, str) or not secret:
            raise HostUnclear("Zendesk does not show the webhook's signing secret")
        return secret


def _webhooks(zenpy: Zenpy) -> Iterable[Any]:
    found: Iterable[Any] = zenpy.webhooks.list()
    return found


def _fields(zenpy: Zenpy) -> Iterable[Any]:
    found: Iterable[Any] = zenpy.ticket_fields()
    return found


def _triggers(zenpy: Zenpy) -> Iterable[Any]:
    found: Iterable[Any] = zenpy.triggers()
    return found


def _may_act(me: Mapping[str, Json]) -> Check:
    role = me.get("role")
    return Check(
        ok=role in ("agent", "admin"),
        what="the connected user may write on tickets",
        todo="" if role in ("agent", "admin") else "connect with an agent or an admin",
    )


def _there(what: str, found: str | None) -> Check:
    return Check(ok=found is not None, what=what, todo="" if found else "install again")
