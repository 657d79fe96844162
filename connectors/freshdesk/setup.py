"""What Amends needs at Freshdesk. Its rules have no API: an admin makes the one rule by hand, and
`check` says what to paste into it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.freshdesk.api import FreshdeskApi
from core.ports import Check, HostError, HostUnclear, Settings

FIELD = "cf_amends_case"
#: Ids only: placeholders are pasted in as raw text, and a status would be a word of the account's
#: language.
RULE_BODY = '{"v":1,"ticket_id":"{{ticket.id}}"}'
#: `ticket_scope` of an agent who sees every ticket.
_ALL_TICKETS = 1


class FreshdeskSetup:
    def __init__(self, api: FreshdeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Makes the secret, once, and looks for the field. Nothing is created at Freshdesk."""
        learned = {"webhook_url": webhook_url}
        if not self._settings.get("webhook_secret"):
            learned["webhook_secret"] = secrets.token_urlsafe(32)
        return {**learned, "case_field": FIELD} if self._has_field() else learned

    def check(self) -> Sequence[Check]:
        try:
            me = self._api.read(lambda api: api.agents.currently_authenticated_agent())
            field = self._has_field()
        except HostError as error:
            return [Check(ok=False, what="Freshdesk can be asked", todo=str(error))]
        return [_sees_all(me), _field(field), self._secret(), self._rule()]

    def remove(self) -> None:
        """Nothing was created at Freshdesk; the rule is the admin's to delete."""

    def _has_field(self) -> bool:
        # Not through the library's own list, which falls over a field without a date.
        fields = self._api.read(lambda api: api._get("ticket_fields"))
        if not isinstance(fields, list):
            raise HostUnclear("Freshdesk's answer has no ticket fields")
        return any(isinstance(field, dict) and field.get("name") == FIELD for field in fields)

    def _secret(self) -> Check:
        kept = bool(self._settings.get("webhook_secret"))
        todo = "" if kept else "install: without a secret no delivery is believed"
        return Check(ok=kept, what="the secret of the webhook is kept", todo=todo)

    def _rule(self) -> Check:
        """The secret itself is not in here: this text is shown in browsers."""
        url = self._settings.get("webhook_url") or "(install first)"
        return Check(
            ok=True,
            what="the automation rule, which Freshdesk cannot be asked about",
            todo=(
                "In Freshdesk: Admin, Workflows, Automations, Ticket updates, New rule. "
                "When: Status is changed to Resolved. Action: Trigger webhook. "
                f"Request type POST, URL {url} , encoding JSON, content Advanced: {RULE_BODY} "
                "Custom header: X-Amends-Secret with this connection's webhook_secret "
                "(amends connector reveal shows it)."
            ),
        )


def _sees_all(me: Any) -> Check:
    ok = getattr(me, "ticket_scope", None) == _ALL_TICKETS
    todo = "" if ok else "give the agent of the API key global ticket access"
    return Check(ok=ok, what="the API key's agent sees every ticket", todo=todo)


def _field(there: bool) -> Check:
    todo = "" if there else (
        "optional: in Admin, Ticket fields, add a single-line text called Amends case, then install"
    )  # fmt: skip
    return Check(ok=True, what="a ticket field for the case", todo=todo)
