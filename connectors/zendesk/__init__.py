"""Zendesk Support: hears ticket events, writes notes, replies, tags and fields.

The host's contract: https://developer.zendesk.com/api-reference/ticketing/introduction/ and
https://developer.zendesk.com/documentation/webhooks/. What it does not say, and where it misleads,
stands beside the code it bites.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.http import Http
from connectors.zendesk.api import ZendeskApi
from connectors.zendesk.desk import ZendeskDesk
from connectors.zendesk.grant import ZendeskGrant
from connectors.zendesk.intake import ZendeskIntake
from connectors.zendesk.panel import ZendeskPanel
from connectors.zendesk.setup import ZendeskSetup
from connectors.zendesk.surveys import ZendeskSurveys
from core.ports import Rate, Roles, Setting, Settings, Spec

SPEC = Spec(
    name="zendesk",
    title="Zendesk",
    hears=("TicketStatusChanged", "TicketTouched", "TicketsMerged", "TicketErased"),
    writes=("note", "reply", "tag", "field", "side"),
    signature="HMAC-SHA256 over timestamp and body, base64 (X-Zendesk-Webhook-Signature)",
    calls_within=timedelta(seconds=20),
    rate=Rate(most="ratelimit-limit", left="ratelimit-remaining", resets="ratelimit-reset"),
    settings=(
        Setting(
            name="subdomain",
            title="Subdomain",
            help="The part before .zendesk.com in your helpdesk's address.",
        ),
        Setting(
            name="address",
            title="Address",
            help="Only if it is not https://<subdomain>.zendesk.com.",
            required=False,
        ),
        Setting(
            name="client_id",
            title="OAuth client: identifier",
            required=False,
            agreeing="needs",
        ),
        Setting(
            name="client_secret",
            title="OAuth client: secret",
            secret=True,
            required=False,
            agreeing="needs",
        ),
        Setting(
            name="access_token",
            title="Access token",
            help="Filled in by connecting; lives half an hour and is renewed by itself.",
            secret=True,
            required=False,
            agreeing="spares",
        ),
        Setting(
            name="refresh_token",
            title="Refresh token",
            secret=True,
            required=False,
            agreeing="spares",
        ),
        Setting(
            name="access_expires_at",
            title="Access token valid until",
            help="Seconds since 1970; empty for a token that does not expire.",
            required=False,
            agreeing="spares",
        ),
        Setting(
            name="email",
            title="E-mail of the API token's user",
            help="Only with an API token. Zendesk ends API tokens on 30 April 2027.",
            required=False,
            agreeing="spares",
        ),
        Setting(
            name="api_token",
            title="API token",
            secret=True,
            required=False,
            agreeing="spares",
        ),
        Setting(
            name="signing_secret",
            title="Signing secret of the event webhook",
            help="Filled in by installing.",
            secret=True,
            required=False,
        ),
        Setting(
            name="trigger_signing_secret",
            title="Signing secret of the trigger's webhook",
            help="Filled in by installing.",
            secret=True,
            required=False,
        ),
        Setting(
            name="window_seconds",
            title="How old a delivery may be, in seconds",
            default="300",
            required=False,
        ),
        Setting(
            name="case_field",
            title="Ticket field for the Amends case",
            help="Its id. Filled in by installing.",
            required=False,
        ),
        Setting(
            name="language_field",
            title="Ticket field with the language",
            help="Its id, if agents or forms set one; else the requester's language is taken.",
            required=False,
        ),
        Setting(
            name="app_installation_id",
            title="Installation of the Amends app",
            help="Its number. Filled in by `amends connector app`.",
            required=False,
        ),
        Setting(
            name="app_public_key",
            title="Public key of the Amends app",
            help="In PEM. Filled in by `amends connector app`.",
            required=False,
        ),
    ),
    quality={
        "signed": ("done", ""),
        "fresh": ("done", ""),
        "setup": ("done", ""),
        "recent": ("done", ""),
        "satisfaction": ("done", ""),
        "side conversations": ("done", ""),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    api = ZendeskApi(settings, http)
    return Roles(
        intake=ZendeskIntake(settings),
        desk=ZendeskDesk(api, settings),
        surveys=ZendeskSurveys(api),
        setup=ZendeskSetup(api, settings),
        grant=ZendeskGrant(settings, api.signer),
        panel=ZendeskPanel(api, settings),
    )
