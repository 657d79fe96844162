"""The Zendesk app (ZAF v2): its page lies with us, and Zendesk signs who opens it."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.connection import Connection
from webhooks.app import Services
from webhooks.manifests.package import BadPackage, Finding, Package, data_of, plain_json, written
from webhooks.manifests.zendesk_check import findings

NAME = "zendesk"


def build(of: Services, row: Connection) -> Package:
    if row.connector != NAME:
        raise BadPackage(
            f"{row.title} is no connection to Zendesk; see `amends connector connections`"
        )
    public = of.settings.public_url.rstrip("/")
    files = data_of(NAME)
    manifest = plain_json(files["manifest.json"])
    manifest["author"]["url"] = public
    manifest["location"]["support"]["ticket_sidebar"]["url"] = f"{public}/{NAME}/{row.id}/sidebar"
    manifest["domainWhitelist"] = [urlsplit(public).hostname]
    return Package({**files, "manifest.json": written(manifest)})


def check(package: Package) -> list[Finding]:
    return findings(package)


def after(row: Connection) -> str:
    return (
        "Upload it in Zendesk's Admin Center: Apps and integrations, Zendesk Support apps, Upload "
        "private app. Then, as an admin, open /api/v2/apps/installations.json at your Zendesk, "
        "find Amends there, and tell us its numbers:\n"
        f"amends connector app {row.id} --app-id APP_ID --installation-id ID"
    )
