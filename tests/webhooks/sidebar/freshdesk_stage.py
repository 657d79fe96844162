"""The whole of it: the stand-ins in a process of their own, Amends with its runner on SQLite, and
the app as it is built, beside a ticket of the practice desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from tests.console.stage import Demo
from webhooks.app import Services
from webhooks.demo.freshdesk import Freshdesk, connect_freshdesk


class Stage(Demo):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        shop = self.world._stage.tills["shopify"]
        self.desk: Freshdesk = connect_freshdesk(self._of, self.hosts["freshdesk"], shop)

    @property
    def of(self) -> Services:
        return self._of

    def ticket_at_desk(self, ticket_id: str) -> dict[str, Any]:
        books = requests.get(f"{self.desk.address}/_sandbox/books", timeout=30).json()
        found: dict[str, Any] = next(t for t in books["tickets"] if str(t["id"]) == ticket_id)
        return found

    def requests(self, host: str) -> list[dict[str, Any]]:
        """What a stand-in received."""
        url = f"{self.hosts[host]}/_sandbox/requests"
        found: list[dict[str, Any]] = requests.get(url, timeout=30).json()["requests"]
        return found
