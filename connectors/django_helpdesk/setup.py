"""What Amends needs at django-helpdesk. Webhooks are lines of its settings and fields are made in
Django's admin: an admin does both by hand, and `check` says what to write."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from connectors.django_helpdesk.api import HelpdeskApi
from connectors.django_helpdesk.shapes import CUSTOM
from core.ports import Check, HostError, HostUnclear, Settings

CASE_FIELD = "amends_case"
TAGS_FIELD = "amends_tags"


class HelpdeskSetup:
    def __init__(self, api: HelpdeskApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Makes the secret, once, and looks for the fields. Nothing is created at the helpdesk."""
        there = self._fields()
        learned = {"webhook_url": webhook_url}
        if not self._settings.get("webhook_secret"):
            learned["webhook_secret"] = secrets.token_urlsafe(32)
        if CASE_FIELD in there:
            learned["case_field"] = CASE_FIELD
        if TAGS_FIELD in there and not self._settings.get("tags_field"):
            learned["tags_field"] = TAGS_FIELD
        return learned

    def check(self) -> Sequence[Check]:
        try:
            there = self._fields()
            self._api.get("tickets/", {"page_size": "1"})
        except HostError as error:
            todo = f"{error}; the user has to be staff, and REST must allow Basic authentication"
            return [Check(ok=False, what="the helpdesk can be asked", todo=todo)]
        named = [("tags_field", "tags"), ("case_field", "the Amends case")]
        checked = [self._field(setting, what, there) for setting, what in named]
        return [Check(ok=True, what="the helpdesk can be asked"), *checked, self._webhook()]

    def remove(self) -> None:
        """Nothing was created at the helpdesk; its settings are the admin's to change."""

    def _fields(self) -> set[str]:
        """The custom fields, as the API says what a ticket may be made of."""
        actions = self._api.options("tickets/").get("actions")
        form = actions.get("POST") if isinstance(actions, Mapping) else None
        if not isinstance(form, Mapping):
            raise HostUnclear("django-helpdesk does not say what a ticket is made of")
        return {name.removeprefix(CUSTOM) for name in form if str(name).startswith(CUSTOM)}

    def _field(self, setting: str, what: str, there: set[str]) -> Check:
        name = self._settings.get(setting)
        ok = name is None or name in there
        todo = f"optional: in Django's admin add a custom field of text and name it in {setting}"
        if not ok:
            todo = f"there is no custom field {name}: make it, or correct {setting}"
        return Check(ok=ok, what=f"a field for {what}", todo="" if ok and name else todo)

    def _webhook(self) -> Check:
        """The secret itself is not in here: this text is shown in browsers."""
        url = self._settings.get("webhook_url") or "(install first)"
        return Check(
            ok=bool(self._settings.get("webhook_secret")),
            what="the webhooks, which django-helpdesk cannot be asked about",
            todo=(
                "set HELPDESK_FOLLOWUP_WEBHOOK_URLS and HELPDESK_NEW_TICKET_WEBHOOK_URLS in the"
                f" helpdesk's environment to {url}?secret= followed by this connection's"
                " webhook_secret (amends connector reveal shows it)"
            ),
        )
