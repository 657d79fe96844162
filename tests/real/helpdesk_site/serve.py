"""`python serve.py`: make the tables, the people, a queue and the fields, then serve on a free port
of 127.0.0.1. The first line on standard output is the address; it ends when standard input does."""

from __future__ import annotations

import os
import sys
import threading

import django
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

STAFF = {"agent": "agent-password", "amends": os.environ["HELPDESK_PASSWORD"]}
FIELDS = ("reason", "amends_tags", "amends_case")


class Quiet(WSGIRequestHandler):  # type: ignore[misc]  # Django is elsewhere, untyped
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def fill() -> None:
    from django.contrib.auth.models import User
    from helpdesk.models import CustomField, Queue

    for name, password in STAFF.items():
        User.objects.create_user(name, f"{name}@shop.example", password, is_staff=True)
    User.objects.create_user("customer", "customer@example.com", "customer-password")
    Queue.objects.create(title="Orders", slug="orders", allow_public_submission=True)
    for order, name in enumerate(FIELDS):
        CustomField.objects.create(
            name=name, label=name, data_type="varchar", ordering=order, staff_only=True
        )


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("migrate", verbosity=0)
    fill()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, ipv6=False)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


main()
