"""django-helpdesk: hears follow-ups, writes notes, replies and custom fields by its REST API.

The host's contract: https://django-helpdesk.readthedocs.io/ and its source,
https://github.com/django-helpdesk/django-helpdesk (2.6.1), which the tests run. Where it lies or is
silent is said beside the code it bites.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.django_helpdesk.api import HelpdeskApi
from connectors.django_helpdesk.desk import HelpdeskDesk
from connectors.django_helpdesk.intake import HelpdeskIntake
from connectors.django_helpdesk.setup import HelpdeskSetup
from connectors.http import Http
from core.ports import Roles, Setting, Settings, Spec

SPEC = Spec(
    name="django_helpdesk",
    title="django-helpdesk",
    hears=("TicketStatusChanged", "TicketTouched"),
    writes=("note", "reply", "tag", "field"),
    signature="a secret of 256 bits in the address (?secret=); django-helpdesk signs nothing",
    calls_within=timedelta(seconds=20),
    settings=(
        Setting(
            name="address",
            title="Address of the helpdesk",
            help="Where its pages begin, as in https://shop.example/helpdesk; the API is under it.",
        ),
        Setting(
            name="username",
            title="User name",
            help="Of a staff user made for Amends, who may see the queues it works on.",
        ),
        Setting(name="password", title="Password of that user", secret=True),
        Setting(
            name="webhook_secret",
            title="Secret of the webhook address",
            help="Made by installing; to be put behind ?secret= in the helpdesk's settings.",
            secret=True,
            required=False,
        ),
        Setting(
            name="webhook_url",
            title="Webhook address",
            help="Filled in by installing.",
            required=False,
        ),
        Setting(
            name="solved_statuses",
            title="Numbers of the statuses that mean solved",
            help="3 is Resolved, 4 is Closed, unless the helpdesk's settings changed them.",
            default="3,4",
            required=False,
        ),
        Setting(
            name="tags_field",
            title="Custom field for tags",
            help="django-helpdesk has no tags: the name of a text field whose words count as some.",
            required=False,
        ),
        Setting(
            name="case_field",
            title="Custom field for the Amends case",
            help="Filled in by installing, if there is a field named amends_case.",
            required=False,
        ),
    ),
    quality={
        "signed": ("exempt", "it signs nothing: a secret in the address, and the ticket is read"),
        "fresh": ("exempt", "its requests carry no time; an old one only makes us read the ticket"),
        "setup": ("done", ""),
        "recent": ("done", ""),
        "language": ("exempt", "neither tickets nor submitters have one"),
        "satisfaction": ("exempt", "it asks nobody whether they are satisfied"),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    api = HelpdeskApi(settings, http)
    return Roles(
        intake=HelpdeskIntake(settings),
        desk=HelpdeskDesk(api, settings),
        setup=HelpdeskSetup(api, settings),
    )
