"""Freshdesk: hears automation rules and app events, writes notes, replies, tags and fields.

The host's contract: https://developers.freshdesk.com/api/ and, for rules that call an address,
https://support.freshdesk.com/support/solutions/articles/132589. Where it lies or is silent is said
beside the code it bites.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.freshdesk.api import FreshdeskApi
from connectors.freshdesk.desk import FreshdeskDesk
from connectors.freshdesk.intake import FreshdeskIntake
from connectors.freshdesk.setup import FreshdeskSetup
from connectors.freshdesk.surveys import FreshdeskSurveys
from connectors.http import Http
from core.ports import Rate, Roles, Setting, Settings, Spec

SPEC = Spec(
    name="freshdesk",
    title="Freshdesk",
    hears=("TicketStatusChanged", "TicketTouched"),
    writes=("note", "reply", "tag", "field"),
    signature="a secret of 256 bits in a header of ours (X-Amends-Secret); Freshdesk signs nothing",
    calls_within=timedelta(seconds=20),
    rate=Rate(most="x-ratelimit-total", left="x-ratelimit-remaining"),
    settings=(
        Setting(
            name="domain",
            title="Freshdesk domain",
            help="Such as acme.freshdesk.com, also where customers see an address of your own.",
        ),
        Setting(
            name="address",
            title="Address",
            help="Only if Freshdesk is reached through a proxy of your own.",
            required=False,
        ),
        Setting(
            name="api_key",
            title="API key",
            help="Of an agent made for Amends: the key may do whatever that agent may.",
            secret=True,
        ),
        Setting(
            name="webhook_secret",
            title="Secret for the X-Amends-Secret header",
            help="Made by installing; to be pasted into the automation rule.",
            secret=True,
            required=False,
        ),
        Setting(
            name="webhook_url",
            title="Webhook address",
            help="Filled in by installing; to be pasted into the automation rule.",
            required=False,
        ),
        Setting(
            name="app_secret",
            title="Client secret of the Amends app in Freshdesk",
            help="Made when the app is built; Freshworks asks for it when the app is installed.",
            secret=True,
            required=False,
        ),
        Setting(
            name="app_origins",
            title="Where Freshworks serves the Amends app from",
            help="Such as https://example.cloudfront.net; `amends manifest allow` fills it in.",
            required=False,
        ),
        Setting(
            name="solved_statuses",
            title="Numbers of the statuses that mean solved",
            help="4 is Resolved, 5 is Closed; statuses of your own have numbers from 6 up.",
            default="4,5",
            required=False,
        ),
        Setting(
            name="case_field",
            title="Ticket field for the Amends case",
            help="Its name, such as cf_amends_case. Filled in by installing, if there is one.",
            required=False,
        ),
    ),
    quality={
        "signed": ("exempt", "Freshdesk signs nothing: a secret header, and the ticket is read"),
        "fresh": ("exempt", "its requests carry no time; an old one only makes us read the ticket"),
        "setup": ("done", ""),
        "recent": ("done", ""),
        "satisfaction": ("done", ""),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    api = FreshdeskApi(settings, http)
    return Roles(
        intake=FreshdeskIntake(settings),
        desk=FreshdeskDesk(api, settings),
        surveys=FreshdeskSurveys(api),
        setup=FreshdeskSetup(api, settings),
    )
