"""What Freshworks refuses in an app of platform 3.0, and warns of, as far as it shows offline.

The rules are those of https://github.com/freshworks-developers/marketplace (commit f58dc92 of March
2026) and of https://developers.freshworks.com/docs/app-sdk/v3.0/. What only a developer account can
know is left out, and so are rules for parts that this app has none of (a server, modals).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhooks.manifests import freshdesk_config
from webhooks.manifests.package import Finding, NotPlain, Package, plain_json

MANIFEST = "manifest.json"

_LOCATIONS: Mapping[str, frozenset[str]] = {
    "common": frozenset({"full_page_app", "cti_global_sidebar"}),
    "support_ticket": frozenset({
        "ticket_sidebar", "ticket_requester_info", "ticket_top_navigation", "ticket_background",
        "time_entry_background", "ticket_attachment", "ticket_conversation_editor",
        "new_ticket_requester_info", "new_ticket_background",
    }),
}  # fmt: skip
_WITHOUT_ICON = frozenset({"ticket_background", "time_entry_background", "new_ticket_background"})
_MODULE_KEYS = frozenset({"location", "events", "requests", "functions"})
_OLD = {
    "product": "modules took its place",
    "whitelisted-domains": "request templates took its place",
}
_VERSION = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
_CLIENT = "{{{appclient}}}"
_SECRET = re.compile(
    rb"(?i)(?:client_?secret|api_?key|password|access_?token)[\"']?\s*[:=]\s*[\"'][^\"'<{]{8,}"
)
_INLINE = (
    (re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>", re.I), "scripts stand in files of their own"),
    (re.compile(rb"\son[a-z]+\s*=", re.I), "nothing runs from an attribute"),
    (re.compile(rb"javascript:", re.I), "no address runs a script"),
)

Found = Iterator[Finding]


def findings(package: Package) -> list[Finding]:
    """Everything, the manifest's first."""
    found = [Finding("error", path, "it is a link; put the file itself") for path in package.links]
    manifest = _object(package, MANIFEST)
    if isinstance(manifest, Finding):
        return [*found, manifest]
    configs: dict[str, Any] = dict.fromkeys(freshdesk_config.FILES)
    for path in freshdesk_config.FILES:
        config = _object(package, path)
        if isinstance(config, Finding):
            if path in package.files or path in freshdesk_config.NEEDED:
                found.append(config)
        else:
            configs[path] = config
    return [
        *found,
        *_outline(manifest),
        *_modules(manifest, package),
        *freshdesk_config.findings(manifest, configs),
        *_files(package),
    ]


def _object(package: Package, path: str) -> Any:
    """A file's JSON object, or what is wrong with it."""
    data = package.files.get(path)
    if data is None:
        return Finding("error", path, "it has to be there, and not in a folder more")
    try:
        value = plain_json(data)
    except NotPlain as problem:
        return Finding("error", path, str(problem))
    return value if isinstance(value, dict) else Finding("error", path, "write one JSON object")


def _outline(manifest: Mapping[str, Any]) -> Found:
    if manifest.get("platform-version") != "3.0":
        yield _error('platform-version must be "3.0"')
    for name, why in _OLD.items():
        if name in manifest:
            yield _error(f"{name} is of platform 2; {why}")
    engines = manifest.get("engines")
    if not isinstance(engines, dict):
        yield _error("engines is missing: the versions of node and fdk")
        return
    for name in ("node", "fdk"):
        if not isinstance(engines.get(name), str) or not _VERSION.fullmatch(engines[name]):
            yield _error(f"engines.{name} must be a version such as 18.20.8")


def _modules(manifest: Mapping[str, Any], package: Package) -> Found:
    modules = manifest.get("modules")
    if not isinstance(modules, dict) or not all(isinstance(v, dict) for v in modules.values()):
        yield _error("modules must be an object of objects")
        return
    if not set(modules) - {"common"}:
        yield _error("modules needs a module of a product besides common")
    for name, module in modules.items():
        for key in sorted(set(module) - _MODULE_KEYS):
            yield _error(f"modules.{name} knows no {key}")
        places = module.get("location", {})
        if not isinstance(places, dict):
            yield _error(f"modules.{name}.location must be an object")
            continue
        known = _LOCATIONS.get(name)
        for place, shown in places.items():
            where = f"modules.{name}.location.{place}"
            if known is not None and place not in known:
                yield _error(f"{where}: the places are {', '.join(sorted(known))}")
            yield from _place(where, place, shown, package)


def _place(where: str, place: str, shown: object, package: Package) -> Found:
    if not isinstance(shown, dict):
        yield _error(f"{where} must be an object with a url")
        return
    for key in ("url", "icon"):
        path = shown.get(key)
        if key == "icon" and path is None and place in _WITHOUT_ICON:
            continue
        if not isinstance(path, str) or f"app/{path}" not in package.files:
            yield _error(f"{where}.{key} must name a file in app/")
    icon = shown.get("icon")
    if isinstance(icon, str) and not icon.endswith(".svg"):
        yield _error(f"{where}.icon must be an SVG")


# --------------------------------------------------------------------------------- the front end


def _files(package: Package) -> Found:
    for path, data in sorted(package.files.items()):
        if path.endswith(".html") and path.startswith("app/"):
            yield from _page(path, data, package)
        if path.endswith(".svg") and re.search(rb"<script|\son[a-z]+=|href=", data, re.I):
            yield Finding("error", path, "an icon draws; it neither runs nor loads anything")
        if path.startswith("app/") and _SECRET.search(data):
            yield Finding("error", path, "this looks like a secret, and any agent can read it")
        if path.split("/")[0] not in ("app", "config", "manifest.json", "server", "README.md"):
            yield Finding("error", path, "Freshworks knows no such place")
        if path.endswith((".map", ".swp", ".orig", "~")):
            yield Finding("warning", path, "it has no use in an app")


def _page(path: str, data: bytes, package: Package) -> Found:
    text = data.decode("utf-8", "replace")
    if f'src="{_CLIENT}"' not in text:
        yield Finding("error", path, f'it must load the platform by <script src="{_CLIENT}">')
    for pattern, why in _INLINE:
        if pattern.search(data):
            yield Finding("error", path, why)
    for found in re.findall(r'(?:src|href)="([^"]+)"', text):
        if found == _CLIENT:
            continue
        if "//" in found:
            yield Finding("error", path, f"{json.dumps(found)} is not packed with the app")
        elif f"app/{found}" not in package.files:
            yield Finding("error", path, f"{json.dumps(found)} is not there")


def _error(what: str) -> Finding:
    return Finding("error", MANIFEST, what)
