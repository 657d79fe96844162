"""The Freshdesk app (platform 3.0): a packaged front end, served from Freshworks' own address.

What the sidebar shows comes from us; the scripts and styles that show it are packed, and are the
same files that our own pages load. There is no secret in the package: the client secret is asked
for when the app is installed, and kept by Freshworks.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import console
from core.connection import Connection
from webhooks.app import Services
from webhooks.hosts import opened, sealed
from webhooks.manifests.freshdesk_check import findings
from webhooks.manifests.package import (
    BadPackage,
    Finding,
    Package,
    data_of,
    names,
    plain_json,
    written,
)
from webhooks.sidebar.oauth import SCOPE, SECRET

NAME = "freshdesk"
REQUESTS, OAUTH, PAGE = "config/requests.json", "config/oauth_config.json", "app/index.html"
_EXAMPLE = "https://amends.invalid"
_STATIC = Path(console.__file__).parent / "static"


def build(of: Services, row: Connection) -> Package:
    """The first time, the connection gets its client secret."""
    if row.connector != NAME:
        raise BadPackage(
            f"{row.title} is no connection to Freshdesk; see `amends connector connections`"
        )
    _see_to_secret(of, row.id)
    public = of.settings.public_url.rstrip("/")
    files = {**data_of(NAME), **_shared()}
    return Package(
        {
            **files,
            REQUESTS: _requests(files[REQUESTS], public, row.id),
            OAUTH: _oauth(files[OAUTH], public, row.id),
            PAGE: files[PAGE].replace(_EXAMPLE.encode(), public.encode()),
        }
    )


def check(package: Package) -> list[Finding]:
    return findings(package)


def after(row: Connection) -> str:
    return (
        "1. Upload it at https://developers.freshworks.com as a custom app of your account, and "
        "install it in Freshdesk: Admin, Apps. It asks for a client secret; this shows it:\n"
        f"amends connector reveal {row.id} {SECRET}\n"
        "2. For every agent: amends person link, then\n"
        f"amends person invite EMAIL --connection {row.id}\n"
        "3. The first agent who opens a ticket is told where Freshworks serves the app from. "
        "Allow that address:\n"
        f"amends manifest allow {row.id} ORIGIN"
    )


def _see_to_secret(of: Services, connection_id: str) -> None:
    workspace = of.store.workspace_id
    with of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        assert row is not None
        values = opened(row, of.sealer, workspace)
        if not values.get(SECRET):
            values[SECRET] = secrets.token_urlsafe(32)
            tx.put(sealed(row, values, of.sealer, workspace))
    of.hosts.forget(connection_id)


def _shared() -> dict[str, bytes]:
    """What our own pages load too: copied, never kept twice."""
    other = {f"{name}.js" for name in names()}
    scripts = [path for path in _STATIC.glob("sidebar/*.js") if path.name not in other]
    styles = list(_STATIC.glob("sidebar/*.css"))
    htmx = _STATIC / "vendor" / "htmx.min.js"
    if not htmx.exists():
        raise BadPackage(f"{htmx} is missing; run `make install` first")
    return {
        **{f"app/scripts/{path.name}": path.read_bytes() for path in [*scripts, htmx]},
        **{f"app/styles/{path.name}": path.read_bytes() for path in styles},
    }


def _requests(data: bytes, public: str, connection_id: str) -> bytes:
    requests = plain_json(data)
    where = urlsplit(public)
    requests["beginSession"]["schema"] |= {
        "protocol": where.scheme,
        "host": where.netloc,
        "path": f"{where.path}/{NAME}/{connection_id}/session",
    }
    return written(requests)


def _oauth(data: bytes, public: str, connection_id: str) -> bytes:
    config = plain_json(data)
    config["integrations"]["amends"] |= {
        "client_id": connection_id,
        "authorize_url": f"{public}/oauth/authorize",
        "token_url": f"{public}/oauth/token",
        "options": {"scope": SCOPE},
    }
    return written(config)
