"""The app inside the demo's helpdesk, uploaded and made known as an admin would do it."""

from __future__ import annotations

import requests

from core.errors import AmendsError
from webhooks import connecting
from webhooks.app import Services
from webhooks.demo.stage import Stage
from webhooks.manifests import app_of

_ANSWER_SECONDS = 15


def install_app(of: Services, stage: Stage) -> None:
    """Build the Zendesk app, install it in the sandbox, and learn the key that signs its pages."""
    packed = app_of("zendesk").build(of, connecting.existing(of, stage.desk_id)).zipped()
    try:
        answer = requests.post(
            f"{stage.urls['zendesk']}/_sandbox/apps", data=packed, timeout=_ANSWER_SECONDS
        )
        answer.raise_for_status()
        made = answer.json()
    except requests.RequestException as error:
        raise AmendsError(f"the sandbox did not install the app: {error}") from None
    connecting.set_up_app(
        of, stage.desk_id, str(made["app_id"]), str(made["installation_id"])
    )  # fmt: skip


def ticket_page(stage: Stage, ticket_id: str) -> str:
    """Where an agent works on a ticket."""
    return f"{stage.urls['zendesk']}/agent/tickets/{ticket_id}"
