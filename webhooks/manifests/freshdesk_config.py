"""The rules for an app's `config/`: installation parameters, request templates, OAuth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from webhooks.manifests.package import Finding

IPARAMS, REQUESTS, OAUTH = (
    "config/iparams.json",
    "config/requests.json",
    "config/oauth_config.json",
)
FILES, NEEDED = (IPARAMS, REQUESTS, OAUTH), (IPARAMS,)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?::\d{1,5})?", re.ASCII)
_VARIABLE = re.compile(r"<%=\s*(.*?)\s*%>")
_TYPES = frozenset({
    "text", "textarea", "number", "email", "date", "checkbox", "radio", "dropdown", "multiselect",
    "paragraph", "api_key", "domain", "phone_number", "url",
})  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_SCHEMA = frozenset({"protocol", "method", "host", "path", "headers", "query"})
_OPTIONS = frozenset({"oauth", "maxAttempts", "retryDelay"})
_OAUTH_NEEDED = (
    "display_name", "client_id", "client_secret", "authorize_url", "token_url", "token_type",
)  # fmt: skip
_TEMPLATES_MAX, _OAUTH_MAX, _ATTEMPTS_MAX, _DELAY_MAX_MS = 100, 3, 5, 1500

Found = Iterator[Finding]
Config = Mapping[str, Any]


def findings(manifest: Config, configs: Mapping[str, Config | None]) -> Found:
    """`configs`: what each of `FILES` holds, None where it is not there or cannot be read."""
    iparams, requests = configs[IPARAMS] or {}, configs[REQUESTS] or {}
    yield from _parameters(IPARAMS, "", iparams)
    oauth = configs[OAUTH]
    if oauth is not None:
        yield from _oauth(oauth)
    integrations = (oauth or {}).get("integrations")
    yield from _declared(manifest, requests)
    if len(requests) > _TEMPLATES_MAX:
        yield _wrong(f"at most {_TEMPLATES_MAX} templates")
    for name, template in requests.items():
        yield from _template(
            name, template, iparams, integrations if isinstance(integrations, dict) else {}
        )


def _parameters(file: str, within: str, parameters: object) -> Found:
    if not isinstance(parameters, dict):
        yield Finding("error", file, f"{within or 'it'} must be an object")
        return
    for name, told in parameters.items():
        where = f"{within}.{name}" if within else name
        if not _NAME.fullmatch(name):
            yield Finding("error", file, f"{where}: letters, digits and _ only")
        if not isinstance(told, dict):
            yield Finding("error", file, f"{where} must be an object")
            continue
        for needed in ("display_name", "type"):
            if not told.get(needed):
                yield Finding("error", file, f"{where}.{needed} is missing")
        if told.get("type") and told["type"] not in _TYPES:
            yield Finding("error", file, f"{where}.type is none of {', '.join(sorted(_TYPES))}")
        for flag in ("required", "secure"):
            if flag in told and not isinstance(told[flag], bool):
                yield Finding("error", file, f"{where}.{flag} must be true or false")


# ------------------------------------------------------------------------------ request templates


def _declared(manifest: Config, requests: Config) -> Found:
    """The manifest names each template, and each one it names is there."""
    modules = manifest.get("modules")
    declared: set[str] = set()
    for module in modules.values() if isinstance(modules, dict) else ():
        named = module.get("requests", {}) if isinstance(module, dict) else {}
        declared |= set(named) if isinstance(named, dict) else set()
    for name in sorted(declared - set(requests)):
        yield _wrong(f"{name}, named by manifest.json, is not there")
    for name in sorted(set(requests) - declared):
        yield Finding("error", "manifest.json", f"modules.common.requests does not name {name}")


def _template(name: str, template: object, iparams: Config, integrations: Config) -> Found:
    schema = template.get("schema") if isinstance(template, dict) else None
    if not isinstance(template, dict) or not isinstance(schema, dict):
        yield _wrong(f"{name} must be an object with a schema")
        return
    for key in sorted(set(schema) - _SCHEMA):
        yield _wrong(f"{name}.schema knows no {key}")
    if schema.get("protocol", "https") != "https":
        yield _wrong(f"{name}: only https; is AMENDS_PUBLIC_URL the address of this installation?")
    if schema.get("method") not in _METHODS:
        yield _wrong(f"{name}.schema.method is none of {', '.join(sorted(_METHODS))}")
    yield from _host(name, schema.get("host"))
    path = schema.get("path")
    if not isinstance(path, str) or not path.startswith("/") or "?" in path:
        yield _wrong(f"{name}.schema.path must begin with / and have no query")
    for part in ("headers", "query"):
        values = schema.get(part, {})
        if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
            yield _wrong(f"{name}.schema.{part} must be an object of texts")
    options = template.get("options", {})
    yield from _options(name, options, integrations)
    with_oauth = isinstance(options, dict) and "oauth" in options
    yield from _variables(name, schema, iparams, with_oauth=with_oauth)


def _host(name: str, host: object) -> Found:
    if not isinstance(host, str) or not host:
        yield _wrong(f"{name}.schema.host is missing")
        return
    if _VARIABLE.fullmatch(host):
        return
    if _HOST.fullmatch(_VARIABLE.sub("x", host)) is None:
        yield _wrong(
            f"{name}.schema.host must be a full name, without protocol, path or IP address; "
            "is AMENDS_PUBLIC_URL the address Freshworks reaches this installation by?"
        )


def _options(name: str, options: object, integrations: Config) -> Found:
    if not isinstance(options, dict):
        yield _wrong(f"{name}.options must be an object")
        return
    for key in sorted(set(options) - _OPTIONS):
        yield _wrong(f"{name}.options knows no {key}")
    if "oauth" in options and options["oauth"] not in integrations:
        yield _wrong(f"{name}.options.oauth names nothing in {OAUTH}")
    bounds = (("maxAttempts", 1, _ATTEMPTS_MAX), ("retryDelay", 0, _DELAY_MAX_MS))
    for key, least, most in bounds:
        value = options.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield _wrong(f"{name}.options.{key} must be a whole number from {least} to {most}")


def _variables(name: str, schema: Config, iparams: Config, *, with_oauth: bool) -> Found:
    """What stands in <%= %> must come from somewhere; secrets go into headers only."""
    for part, value in schema.items():
        for variable in _VARIABLE.findall(repr(value)):
            source, _, key = variable.partition(".")
            if variable == "access_token":
                if not with_oauth:
                    yield _wrong(f"{name}: access_token needs options.oauth")
                if part != "headers":
                    yield _wrong(f"{name}: access_token belongs into a header")
            elif source == "iparam":
                told = iparams.get(key)
                if not isinstance(told, dict):
                    yield _wrong(f"{name}: there is no installation parameter {key}")
                elif told.get("secure") and part != "headers":
                    yield _wrong(f"{name}: {key} is secret and belongs into a header")
            elif source != "context":
                yield _wrong(f"{name}: {variable} is none of iparam, context, access_token")


# ------------------------------------------------------------------------------------------ OAuth


def _oauth(oauth: Config) -> Found:
    for key in sorted(set(oauth) - {"integrations"}):
        yield _bad(f"{key} belongs into integrations")
    integrations = oauth.get("integrations")
    if not isinstance(integrations, dict) or not integrations:
        yield _bad("integrations is missing")
        return
    if len(integrations) > _OAUTH_MAX:
        yield _bad(f"at most {_OAUTH_MAX} integrations")
    agents = [v for v in integrations.values() if isinstance(v, dict) and _by_agent(v)]
    if len(agents) > 1:
        yield _bad("only one integration can have the token_type agent")
    for name, told in integrations.items():
        yield from _integration(name, told)


def _by_agent(told: Config) -> bool:
    return told.get("token_type") == "agent"


def _integration(name: str, told: object) -> Found:
    if not isinstance(told, dict):
        yield _bad(f"{name} must be an object")
        return
    for key in _OAUTH_NEEDED:
        if not told.get(key) or not isinstance(told[key], str):
            yield _bad(f"{name}.{key} is missing")
    for key in sorted(set(told) - {*_OAUTH_NEEDED, "options", "oauth_iparams"}):
        yield _bad(f"{name} knows no {key}")
    if told.get("token_type") not in ("account", "agent"):
        yield _bad(f"{name}.token_type must be account or agent")
    for key in ("authorize_url", "token_url"):
        if not _on_https(str(told.get(key, ""))):
            yield _bad(f"{name}.{key} must be an https address")
    asked = told.get("oauth_iparams", {})
    yield from _parameters(OAUTH, f"{name}.oauth_iparams", asked)
    secret = str(told.get("client_secret", ""))
    used = re.fullmatch(r"(?:<%=|\{\{)\s*oauth_iparams\.(\w+)\s*(?:%>|\}\})", secret)
    if used is None and secret:
        yield Finding(
            "warning", OAUTH, f"{name}.client_secret lies in the package; ask for it instead"
        )
    if used is None:
        return
    if not isinstance(asked, dict) or not isinstance(asked.get(used[1]), dict):
        yield _bad(f"{name}.client_secret: nobody is asked for {used[1]}")
    elif asked[used[1]].get("secure") is not True:
        yield _bad(f"{name}.oauth_iparams.{used[1]} must be secure")


def _on_https(address: str) -> bool:
    try:
        where = urlsplit(address)
        return where.scheme == "https" and bool(where.hostname)
    except ValueError:
        return False


def _wrong(what: str) -> Finding:
    return Finding("error", REQUESTS, what)


def _bad(what: str) -> Finding:
    return Finding("error", OAUTH, what)
