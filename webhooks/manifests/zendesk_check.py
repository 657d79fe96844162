"""What Zendesk's own validator refuses in an app, and warns of, as far as it shows offline.

The rules are those of https://github.com/zendesk/zendesk_apps_support, version 4.52.0 of August
2026. What only Zendesk can know (quotas, features an account lacks) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from webhooks.manifests import zendesk_files
from webhooks.manifests.package import Finding, NotPlain, Package, plain_json

MANIFEST = "manifest.json"

_LOCALE = re.compile(r"[a-z]{2,3}(-\w{2,3})?", re.ASCII)
_BOOLEANS = ("requirementsOnly", "marketingOnly", "singleInstall", "signedUrls", "private")
_PRODUCTS = ("support", "chat", "standalone_chat", "sell")
_LOCATIONS = frozenset({
    "top_bar", "nav_bar", "ticket_sidebar", "new_ticket_sidebar", "user_sidebar",
    "organization_sidebar", "background", "modal", "ticket_editor", "system_top_bar",
    "custom_object_record_sidebar",
})  # fmt: skip
_PLACE_FLAGS = ("autoLoad", "autoHide", "flexible", "signed")
_PLACE_KEYS = {"url", "size", "objectTypes", *_PLACE_FLAGS}
_TYPES = frozenset({"text", "checkbox", "url", "number", "multiline", "hidden", "oauth", "mtls"})
_SCOPES = frozenset({
    "header", "body", "url", "jwt_secret_key", "jwt_claim", "basic_auth_username",
    "basic_auth_password",
})  # fmt: skip
_OAUTH = ("client_id", "client_secret", "authorize_uri", "access_token_uri")
_EXPERIMENTS = {"hashParams", "newCssCompiler"}
_DOMAIN = re.compile(
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9-]{1,63}", re.ASCII
)
_MTLS_MAX = 3

Manifest = Mapping[str, Any]
Found = Iterator[Finding]


def findings(package: Package) -> list[Finding]:
    """Everything, the manifest's first."""
    data = package.files.get(MANIFEST)
    if data is None:
        nested = sorted(path for path in package.files if path.endswith(f"/{MANIFEST}"))
        hint = f"; move what is in {nested[0].rpartition('/')[0]}/ up" if nested else ""
        return [_error(f"it has to be there, and not in a folder{hint}")]
    try:
        manifest = plain_json(data)
    except NotPlain as problem:
        return [_error(str(problem))]
    if not isinstance(manifest, dict):
        return [_error("write one JSON object")]
    return [
        *_outline(manifest),
        *_locale(manifest, package),
        *_places(manifest, package),
        *_parameters(manifest),
        *_oauth(manifest),
        *zendesk_files.findings(package, manifest),
    ]


def _outline(manifest: Manifest) -> Found:
    for name in ("author", "defaultLocale"):
        if not manifest.get(name):
            yield _error(f"{name} is missing")
    only = _only(manifest)
    for name in ("location", "frameworkVersion"):
        if only and name in manifest:
            yield _error(f"{name} has no place in an app that is {only}")
        elif not only and not manifest.get(name):
            yield _error(f"{name} is missing")
    if not only and manifest.get("frameworkVersion", "2.0") != "2.0":
        yield _error('frameworkVersion must be "2.0"')
    for name in _BOOLEANS:
        if name in manifest and not isinstance(manifest[name], bool):
            yield _error(f"{name} must be true or false")
    if manifest.get("marketingOnly") and manifest.get("private", True):
        yield _error("an app that is marketingOnly must not be private")
    author = manifest.get("author")
    addresses = {
        "author.url": author.get("url") if isinstance(author, dict) else None,
        "termsConditionsURL": manifest.get("termsConditionsURL"),
    }
    for name, address in addresses.items():
        if address is not None and not _on_the_web(address):
            yield _error(f"{name} must be an http or https address")
    if "noTemplate" in manifest:
        yield _error("noTemplate is of the old framework; take it out")
    experiments = manifest.get("experiments", {})
    if not isinstance(experiments, dict):
        yield _error("experiments must be an object")
    elif set(experiments) - _EXPERIMENTS:
        yield _error(f"there are no experiments but {', '.join(sorted(_EXPERIMENTS))}")
    domains = manifest.get("domainWhitelist", [])
    if not isinstance(domains, list) or not all(isinstance(d, str) and d for d in domains):
        yield _error("domainWhitelist must be a list of names")


def _locale(manifest: Manifest, package: Package) -> Found:
    locale = manifest.get("defaultLocale")
    if not locale:
        return
    if not isinstance(locale, str) or _LOCALE.fullmatch(locale) is None:
        yield _error("defaultLocale must look like en or pt-br")
    elif f"translations/{locale}.json" not in package.files:
        yield _error(f"translations/{locale}.json, named by defaultLocale, is not there")


# ----------------------------------------------------------------------------------- locations


def _places(manifest: Manifest, package: Package) -> Found:
    location = manifest.get("location")
    if _only(manifest) or not location:
        return
    if not isinstance(location, dict):
        yield _error("location must be an object: product, then place, then what is shown there")
        return
    for product, places in location.items():
        if product not in _PRODUCTS:
            yield _error(f"location.{product}: the products are {', '.join(_PRODUCTS)}")
        elif not isinstance(places, dict) or not places:
            yield _error(f"location.{product} names no place")
        else:
            for place, shown in places.items():
                yield from _place(product, place, shown, package)


def _place(product: str, place: str, shown: object, package: Package) -> Found:
    where = f"location.{product}.{place}"
    if product == "support" and place not in _LOCATIONS:
        yield _error(f"{where}: the places are {', '.join(sorted(_LOCATIONS))}")
    if isinstance(shown, str):
        shown = {"url": shown}
    if not isinstance(shown, dict):
        yield _error(f"{where} must be an address, or an object with a url")
        return
    for name in sorted(set(shown) - _PLACE_KEYS):
        yield _error(f"{where} knows no {name}")
    for name in _PLACE_FLAGS:
        if name in shown and not isinstance(shown[name], bool):
            yield _error(f"{where}.{name} must be true or false")
    if place == "custom_object_record_sidebar" and not shown.get("objectTypes"):
        yield _error(f"{where} needs objectTypes")
    if not _shows(shown.get("url"), package):
        yield _error(
            f"{where}: the address must be https, or on localhost, or a file in assets/; "
            "is AMENDS_PUBLIC_URL the address Zendesk's agents reach this installation by?"
        )


def _shows(url: object, package: Package) -> bool:
    if not isinstance(url, str) or not url:
        return False
    if "{{setting." in url:
        return True
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not parts.scheme:
        return url.startswith("assets/") and url in package.files
    return bool(host) and (parts.scheme == "https" or host == "localhost")


# ---------------------------------------------------------------------------------- parameters


def parameters_of(manifest: Manifest) -> list[Manifest]:
    """The parameters that are written as objects with a name."""
    listed = manifest.get("parameters", [])
    found = listed if isinstance(listed, list) else []
    return [p for p in found if isinstance(p, dict) and isinstance(p.get("name"), str)]


def _parameters(manifest: Manifest) -> Found:
    listed = manifest.get("parameters", [])
    if not isinstance(listed, list):
        yield _error("parameters must be a list")
        return
    found = parameters_of(manifest)
    if len(found) != len(listed):
        yield _error("every parameter must be an object with a name")
    if found and manifest.get("marketingOnly"):
        yield _error("parameters have no place in an app that is marketingOnly")
    names = [p["name"] for p in found]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield _error(f"there are two parameters called {name}")
    if "name" in names:
        yield _error("no parameter can be called name: Zendesk has one of its own")
    if sum(p.get("type") == "oauth" for p in found) > 1:
        yield _error("there can be only one parameter of type oauth")
    if sum(p.get("type") == "mtls" for p in found) > _MTLS_MAX:
        yield _error(f"there can be only {_MTLS_MAX} parameters of type mtls")
    for parameter in found:
        yield from _parameter(parameter)


def _parameter(parameter: Manifest) -> Found:
    where, kind = f"parameter {parameter['name']}", parameter.get("type", "text")
    secure = parameter.get("secure", False)
    if kind not in _TYPES:
        yield _error(f"{where}: the types are {', '.join(sorted(_TYPES))}")
    for name in ("required", "secure"):
        if name in parameter and not isinstance(parameter[name], bool):
            yield _error(f"{where}.{name} must be true or false")
    if kind == "hidden" and parameter.get("required"):
        yield _error(f"{where}: what is hidden cannot be required")
    if kind == "oauth" and secure:
        yield _error(f"{where}: one of type oauth must not be secure")
    if kind == "mtls":
        yield from _mtls(where, parameter)
    if "scopes" in parameter:
        yield from _scopes(where, parameter["scopes"], secure)
    elif secure:
        yield _warning(f"{where} is secure and has no scopes: it could be put anywhere")
    if "default" in parameter and (secure or kind == "hidden"):
        yield _warning(f"{where}: a default of what is secure or hidden can be read by anybody")


def _scopes(where: str, scopes: object, secure: object) -> Found:
    if not secure:
        yield _error(f"{where} has scopes but is not secure")
    if not isinstance(scopes, list) or not scopes:
        yield _error(f"{where}.scopes must be a list with something in it")
    elif not all(isinstance(s, str) for s in scopes) or set(scopes) - _SCOPES:
        yield _error(f"{where}: the scopes are {', '.join(sorted(_SCOPES))}")


def _mtls(where: str, parameter: Manifest) -> Found:
    for name in ("secure", "default", "scopes"):
        if name in parameter:
            yield _error(f"{where}: one of type mtls has no {name}")
    domain = parameter.get("allowed_domain")
    if not isinstance(domain, str) or len(domain) > 253 or _DOMAIN.fullmatch(domain) is None:
        yield _error(f"{where}: one of type mtls needs allowed_domain, a name such as api.acme.com")


def _oauth(manifest: Manifest) -> Found:
    block = manifest.get("oauth")
    if block is None:
        return
    missing = [n for n in _OAUTH if not (isinstance(block, dict) and block.get(n))]
    if missing:
        yield _error(f"oauth lacks {', '.join(missing)}")
    if not any(p.get("type") == "oauth" for p in parameters_of(manifest)):
        yield _error("oauth needs a parameter of type oauth")


# ------------------------------------------------------------------------------------- innards


def _only(manifest: Manifest) -> str | None:
    for name in ("requirementsOnly", "marketingOnly"):
        if manifest.get(name) is True:
            return name
    return None


def _on_the_web(address: object) -> bool:
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _error(what: str) -> Finding:
    return Finding("error", MANIFEST, what)


def _warning(what: str) -> Finding:
    return Finding("warning", MANIFEST, what)
