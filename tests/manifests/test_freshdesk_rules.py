"""Each of Freshworks' rules, found broken, and our own app found whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from webhooks.manifests.package import Finding, Package, app_of, data_of

MANIFEST, PAGE = "manifest.json", "app/index.html"
IPARAMS, REQUESTS, OAUTH = (
    "config/iparams.json",
    "config/requests.json",
    "config/oauth_config.json",
)
Change = Callable[[dict[str, Any]], object]


def app() -> dict[str, bytes]:
    """Our app as it is packed, with a public address filled in."""
    files = data_of("freshdesk")
    for path in ("app/scripts/htmx.min.js", "app/scripts/sidebar.js", "app/styles/sidebar.css"):
        files[path] = b"/* packed */"
    return {
        path: data.replace(b"amends.invalid", b"amends.example") for path, data in files.items()
    }


def checked(files: dict[str, bytes], *links: str) -> list[Finding]:
    return app_of("freshdesk").check(Package(files, links))


def changed(path: str, change: Change) -> list[Finding]:
    files = app()
    value = json.loads(files[path])
    change(value)
    files[path] = json.dumps(value).encode()
    return checked(files)


def test_our_own_app_is_whole() -> None:
    assert checked(app()) == []


def _module(manifest: dict[str, Any]) -> Any:
    return manifest["modules"]["support_ticket"]


def _place(manifest: dict[str, Any]) -> Any:
    return _module(manifest)["location"]["ticket_sidebar"]


MANIFESTS: list[tuple[str, Change]] = [
    ('platform-version must be "3.0"', lambda m: m.update({"platform-version": "2.3"})),
    ('platform-version must be "3.0"', lambda m: m.pop("platform-version")),
    ("product is of platform 2", lambda m: m.update(product={})),
    ("whitelisted-domains is of platform 2", lambda m: m.update({"whitelisted-domains": []})),
    ("engines is missing", lambda m: m.pop("engines")),
    ("engines.node must be a version", lambda m: m["engines"].update(node="latest")),
    ("engines.fdk must be a version", lambda m: m["engines"].pop("fdk")),
    ("modules must be an object", lambda m: m.update(modules=[])),
    ("modules must be an object", lambda m: m["modules"].update(support_ticket=7)),
    ("besides common", lambda m: m["modules"].pop("support_ticket")),
    ("support_ticket knows no places", lambda m: _module(m).update(places={})),
    ("location must be an object", lambda m: _module(m).update(location=[])),
    ("the places are", lambda m: _module(m)["location"].update(top=_place(m))),
    ("must be an object with a url", lambda m: _module(m)["location"].update(ticket_sidebar="x")),
    ("url must name a file in app/", lambda m: _place(m).update(url="other.html")),
    ("url must name a file in app/", lambda m: _place(m).update(url="https://x.example/")),
    ("icon must name a file in app/", lambda m: _place(m).pop("icon")),
    ("icon must be an SVG", lambda m: _place(m).update(icon="index.html")),
    ("does not name beginSession", lambda m: m["modules"]["common"].update(requests={})),
    ("other, named by", lambda m: m["modules"]["common"]["requests"].update(other={})),
]


@pytest.mark.parametrize(("what", "change"), MANIFESTS)
def test_a_manifest_that_would_be_refused(what: str, change: Change) -> None:
    assert what in _said(changed(MANIFEST, change))


def _said(found: list[Finding]) -> str:
    assert all(finding.level == "error" for finding in found)
    return "\n".join(finding.what for finding in found)


def _schema(requests: dict[str, Any]) -> Any:
    return requests["beginSession"]["schema"]


def _options(requests: dict[str, Any]) -> Any:
    return requests["beginSession"]["options"]


TEMPLATES: list[tuple[str, Change]] = [
    ("must be an object with a schema", lambda r: r.update(beginSession=[])),
    ("schema knows no body", lambda r: _schema(r).update(body="{}")),
    ("only https", lambda r: _schema(r).update(protocol="http")),
    ("method is none of", lambda r: _schema(r).update(method="TRACE")),
    ("host is missing", lambda r: _schema(r).pop("host")),
    ("must be a full name", lambda r: _schema(r).update(host="10.1.2.3")),
    ("must be a full name", lambda r: _schema(r).update(host="127.0.0.1:8410")),
    ("must be a full name", lambda r: _schema(r).update(host="localhost:8410")),
    ("must be a full name", lambda r: _schema(r).update(host="https://a.example")),
    ("must be a full name", lambda r: _schema(r).update(host="a.example/path")),
    ("path must begin with /", lambda r: _schema(r).update(path="freshdesk")),
    ("path must begin with /", lambda r: _schema(r).update(path="/x?y=1")),
    ("headers must be an object of texts", lambda r: _schema(r).update(headers={"x": 1})),
    ("query must be an object of texts", lambda r: _schema(r).update(query=[])),
    ("options must be an object", lambda r: r["beginSession"].update(options=7)),
    ("options knows no isOAuth", lambda r: _options(r).update(isOAuth=True)),
    ("oauth names nothing", lambda r: _options(r).update(oauth="other")),
    ("maxAttempts must be", lambda r: _options(r).update(maxAttempts=6)),
    ("maxAttempts must be", lambda r: _options(r).update(maxAttempts=True)),
    ("retryDelay must be", lambda r: _options(r).update(retryDelay=1501)),
    ("access_token needs options.oauth", lambda r: _options(r).pop("oauth")),
    ("belongs into a header", lambda r: _schema(r).update(query={"t": "<%= access_token %>"})),
    (
        "no installation parameter key",
        lambda r: _schema(r).update(query={"t": "<%= iparam.key %>"}),
    ),
    ("is none of iparam", lambda r: _schema(r).update(path="/<%= process.env %>")),
    ("does not name another", lambda r: r.update(another=r["beginSession"])),
    ("at most 100 templates", lambda r: r.update({f"r{n}": r["beginSession"] for n in range(100)})),
]


@pytest.mark.parametrize(("what", "change"), TEMPLATES)
def test_a_template_that_would_be_refused(what: str, change: Change) -> None:
    assert what in _said(changed(REQUESTS, change))


def test_a_name_may_come_from_who_installs_it() -> None:
    files = app()
    told = {"display_name": "Host", "type": "text", "required": True}
    files[IPARAMS] = json.dumps({"host": told}).encode()
    requests = json.loads(files[REQUESTS])
    for host in ("<%= iparam.host %>", "<%= iparam.host %>.example.com"):
        _schema(requests)["host"] = host
        files[REQUESTS] = json.dumps(requests).encode()
        assert checked(files) == []
    files[IPARAMS] = json.dumps({"host": {**told, "secure": True}}).encode()
    assert "host is secret and belongs into a header" in _said(checked(files))


def _ours(oauth: dict[str, Any]) -> Any:
    return oauth["integrations"]["amends"]


def _asked(oauth: dict[str, Any]) -> Any:
    return _ours(oauth)["oauth_iparams"]


CONFIGS: list[tuple[str, Change]] = [
    ("integrations is missing", lambda o: o.pop("integrations")),
    ("client_id belongs into integrations", lambda o: o.update(client_id="x")),
    ("at most 3 integrations", lambda o: o["integrations"].update(b={}, c={}, d={})),
    (
        "only one integration can have",
        lambda o: o["integrations"].update(b={"token_type": "agent"}),
    ),
    ("amends must be an object", lambda o: o["integrations"].update(amends=[])),
    ("display_name is missing", lambda o: _ours(o).pop("display_name")),
    ("client_id is missing", lambda o: _ours(o).update(client_id="")),
    ("amends knows no extra", lambda o: _ours(o).update(extra=1)),
    ("token_type must be", lambda o: _ours(o).update(token_type="user")),
    ("authorize_url must be an https", lambda o: _ours(o).update(authorize_url="http://a.example")),
    ("token_url must be an https", lambda o: _ours(o).update(token_url="https://[")),
    ("nobody is asked for client_secret", lambda o: _asked(o).clear()),
    ("client_secret must be secure", lambda o: _asked(o)["client_secret"].update(secure=False)),
    ("type is none of", lambda o: _asked(o)["client_secret"].update(type="password")),
    ("type is missing", lambda o: _asked(o)["client_secret"].pop("type")),
    ("required must be true or false", lambda o: _asked(o)["client_secret"].update(required="yes")),
    ("letters, digits and _ only", lambda o: _asked(o).update({"a b": {}})),
]


@pytest.mark.parametrize(("what", "change"), CONFIGS)
def test_an_oauth_config_that_would_be_refused(what: str, change: Change) -> None:
    assert what in _said(changed(OAUTH, change))


def test_a_secret_that_lies_in_the_package_is_warned_of() -> None:
    found = changed(OAUTH, lambda o: _ours(o).update(client_secret="s3cret-value"))
    assert [finding.level for finding in found] == ["warning"]


PAGES: list[tuple[str, bytes, bytes]] = [
    ("must load the platform", b'src="{{{appclient}}}"', b'src="scripts/htmx.min.js"'),
    ("scripts stand in files", b"</head>", b"<script>alert(1)</script></head>"),
    ("nothing runs from an attribute", b"<body>", b'<body onload="go()">'),
    ("no address runs a script", b"<body>", b'<body><a data-x="javascript:go()">'),
    ("is not packed with the app", b"scripts/htmx.min.js", b"https://unpkg.com/htmx.org"),
    ("is not packed with the app", b"scripts/htmx.min.js", b"//unpkg.com/htmx.org"),
    ("is not there", b"styles/sidebar.css", b"styles/other.css"),
]


@pytest.mark.parametrize(("what", "old", "new"), PAGES)
def test_a_page_that_would_be_refused(what: str, old: bytes, new: bytes) -> None:
    files = app()
    assert old in files[PAGE]
    files[PAGE] = files[PAGE].replace(old, new)
    assert what in _said(checked(files))


@pytest.mark.parametrize(
    ("path", "data", "what"),
    [
        ("app/scripts/x.js", b'const client_secret = "abcdefgh1234"', "looks like a secret"),
        ("app/scripts/x.js", b'{"api_key": "abcdefgh1234"}', "looks like a secret"),
        ("app/styles/images/icon.svg", b"<svg><script>x</script></svg>", "an icon draws"),
        ("app/styles/images/icon.svg", b'<svg onload="x"/>', "an icon draws"),
        ("secrets/x.txt", b"x", "Freshworks knows no such place"),
        (MANIFEST, b"[]", "write one JSON object"),
        (MANIFEST, b'{"a": 1, "a": 2}', "is there twice"),
        (IPARAMS, b"\xff", "not UTF-8"),
        (REQUESTS, b"{", "not JSON"),
        (OAUTH, b"[" * 100_000, "not JSON"),
        (IPARAMS, b'{"x": 1}', "x must be an object"),
    ],
)
def test_a_file_that_would_be_refused(path: str, data: bytes, what: str) -> None:
    assert what in _said(checked({**app(), path: data}))


@pytest.mark.parametrize("path", [MANIFEST, IPARAMS, PAGE, "app/styles/images/icon.svg"])
def test_what_must_be_there(path: str) -> None:
    files = app()
    del files[path]
    assert _said(checked(files))


def test_a_link_is_no_file() -> None:
    assert "it is a link" in _said(checked(app(), "app/scripts/away.js"))
