"""Every rule of Zendesk's validator that shows offline: the app as it is passes, and each way to
break it is found."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from webhooks.manifests.package import Package, data_of, plain_json
from webhooks.manifests.zendesk import check

Change = Callable[[dict[str, Any]], None]

_PLACE = ("location", "support", "ticket_sidebar")


def _app(
    manifest: Mapping[str, Any] | None = None, files: Mapping[str, bytes | None] | None = None
) -> Package:
    found: dict[str, bytes | None] = {**data_of("zendesk"), **(files or {})}
    if manifest is not None:
        found["manifest.json"] = json.dumps(manifest).encode()
    return Package({path: data for path, data in found.items() if data is not None})


def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(plain_json(data_of("zendesk")["manifest.json"]))
    return found


def _said(package: Package) -> str:
    return "\n".join(f"{f.level}: {f.where}: {f.what}" for f in check(package))


def test_the_app_that_ships_has_nothing_wrong_with_it() -> None:
    assert check(_app()) == []


def _set(*path: str, to: object) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        for name in path[:-1]:
            manifest = manifest[name]
        manifest[path[-1]] = to

    return change


def _drop(*names: str) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        for name in names:
            del manifest[name]

    return change


def _parameter(**what: object) -> Change:
    return _set("parameters", to=[{"name": "one", "type": "text", **what}])


def _only(kind: str) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        manifest[kind] = True

    return change


def _shown(url: str) -> Change:
    return _set(*_PLACE, "url", to=url)


_WRONG: dict[str, tuple[Change, str]] = {
    "no author": (_drop("author"), "author is missing"),
    "no default locale": (_drop("defaultLocale"), "defaultLocale is missing"),
    "no location": (_drop("location"), "location is missing"),
    "no framework version": (_drop("frameworkVersion"), "frameworkVersion is missing"),
    "another framework": (_set("frameworkVersion", to="1.0"), 'must be "2.0"'),
    "a number for a framework": (_set("frameworkVersion", to=2.0), 'must be "2.0"'),
    "requirements only, with a location": (_only("requirementsOnly"), "location has no place"),
    "marketing only, with a version": (_only("marketingOnly"), "frameworkVersion has no place"),
    "marketing only, and private": (_only("marketingOnly"), "must not be private"),
    "a locale with capitals": (_set("defaultLocale", to="EN"), "must look like en"),
    "a locale without words": (_set("defaultLocale", to="de"), "translations/de.json"),
    "a word for a boolean": (_set("signedUrls", to="true"), "signedUrls must be true or false"),
    "a number for a boolean": (_set("private", to=1), "private must be true or false"),
    "an author elsewhere": (_set("author", "url", to="ftp://x.example"), "author.url must be"),
    "terms elsewhere": (_set("termsConditionsURL", to="x"), "termsConditionsURL must be"),
    "an unknown product": (_set("location", to={"talk": {"x": "https://x"}}), "products are"),
    "a location that is a list": (_set("location", to=["ticket_sidebar"]), "must be an object"),
    "a product without places": (_set("location", "support", to={}), "names no place"),
    "an unknown place": (
        _set("location", "support", "sidebar", to="https://x.example"), "the places are",
    ),
    "a place that is a number": (_set(*_PLACE, to=7), "must be an address, or an object"),
    "a place without an address": (_set(*_PLACE, to={"flexible": True}), "must be https"),
    "an unknown word in a place": (_set(*_PLACE, "colour", to="red"), "knows no colour"),
    "a word for a flag": (_set(*_PLACE, "flexible", to="yes"), "flexible must be true or false"),
    "records without types": (
        _set("location", "support", "custom_object_record_sidebar", to="https://x.example"),
        "needs objectTypes",
    ),
    "plain http": (_shown("http://amends.example/x"), "must be https"),
    "plain http on a loopback address": (_shown("http://127.0.0.1:8410/x"), "must be https"),
    "another scheme": (_shown("ftp://amends.example/x"), "must be https"),
    "a script": (_shown("javascript:alert(1)"), "must be https"),
    "no host": (_shown("https:///x"), "must be https"),
    "a file that is not there": (_shown("assets/iframe.html"), "must be https"),
    "a file elsewhere": (_shown("manifest.json"), "must be https"),
    "a whitelist that is text": (_set("domainWhitelist", to="x.example"), "list of names"),
    "a whitelist of numbers": (_set("domainWhitelist", to=[1]), "list of names"),
    "parameters that are no list": (_set("parameters", to={}), "parameters must be a list"),
    "a parameter without a name": (_set("parameters", to=[{}]), "an object with a name"),
    "two of one name": (_set("parameters", to=[{"name": "a"}] * 2), "two parameters called a"),
    "one called name": (_set("parameters", to=[{"name": "name"}]), "can be called name"),
    "an unknown type": (_parameter(type="colour"), "the types are"),
    "required in words": (_parameter(required="yes"), "required must be true or false"),
    "secure in words": (_parameter(secure=1), "secure must be true or false"),
    "hidden and required": (_parameter(type="hidden", required=True), "cannot be required"),
    "two sign-ins": (
        _set("parameters", to=[{"name": n, "type": "oauth"} for n in "ab"]), "only one parameter",
    ),
    "a secure sign-in": (_parameter(type="oauth", secure=True, scopes=["body"]), "must not be sec"),
    "scopes of what is not secure": (_parameter(scopes=["header"]), "is not secure"),
    "no scopes in a list": (_parameter(secure=True, scopes=[]), "with something in it"),
    "scopes that are text": (_parameter(secure=True, scopes="header"), "with something in it"),
    "unknown scopes": (_parameter(secure=True, scopes=["cookie"]), "the scopes are"),
    "scopes that are objects": (_parameter(secure=True, scopes=[{}]), "the scopes are"),
    "mtls without a domain": (_parameter(type="mtls"), "needs allowed_domain"),
    "mtls with an odd domain": (_parameter(type="mtls", allowed_domain="a..b"), "needs allowed_do"),
    "mtls and secure": (
        _parameter(type="mtls", allowed_domain="a.example", secure=False), "mtls has no secure",
    ),
    "four of mtls": (
        _set("parameters", to=[{"name": n, "type": "mtls", "allowed_domain": "a.example"}
                               for n in "abcd"]),
        "only 3 parameters",
    ),
    "a parameter nobody labelled": (_parameter(), "app.parameters.one.label is missing"),
    "sign-in half described": (
        _set("oauth", to={"client_id": "x"}), "lacks client_secret, authorize_uri",
    ),
    "sign-in without a parameter": (
        _set("oauth", to=dict.fromkeys(
            ("client_id", "client_secret", "authorize_uri", "access_token_uri"), "x")),
        "needs a parameter of type oauth",
    ),
    "the old framework": (_set("noTemplate", to=True), "noTemplate is of the old framework"),
    "an unknown experiment": (_set("experiments", to={"x": True}), "no experiments but"),
    "experiments that are a list": (_set("experiments", to=[]), "experiments must be an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(_WRONG))
def test_a_broken_manifest_is_found(name: str) -> None:
    change, expected = _WRONG[name]
    manifest = _manifest()
    change(manifest)
    assert any(
        f.level == "error" and expected in f.what for f in check(_app(manifest))
    ), _said(_app(manifest))  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        _shown("http://localhost:4567/x"),
        _shown("https://{{setting.host}}/x"),
        _shown("assets/logo.png"),
        _set(*_PLACE, to="https://amends.example/x"),
        _set("experiments", to={"hashParams": True}),
        _set("defaultLocale", to="ar"),
        _set("termsConditionsURL", to="https://amends.example/terms"),
        _drop("parameters", "domainWhitelist", "private", "singleInstall"),
    ],
    ids=["localhost", "setting", "asset", "address", "experiment", "locale", "terms", "bare"],
)
def test_what_zendesk_takes_is_not_found(change: Change) -> None:
    manifest = _manifest()
    change(manifest)
    assert _said(_app(manifest)) == ""


def test_a_secure_parameter_is_warned_of() -> None:
    manifest = _manifest()
    manifest["parameters"] = [{"name": "one", "secure": True, "default": "x"}]
    said = _said(_app(manifest))
    assert "warning: manifest.json: parameter one is secure and has no scopes" in said
    assert "warning: manifest.json: parameter one: a default of what is secure" in said


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"name":"a","name":"b"}', "the key 'name' is there twice"),
        (b'{"author":{"url":"x","url":"y"}}', "the key 'url' is there twice"),
        (b"{", "it is not JSON"),
        (b'{"version":NaN}', "NaN is no JSON"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "write one JSON object"),
        (None, "it has to be there"),
    ],
)
def test_a_manifest_that_cannot_be_read_once(data: bytes | None, expected: str) -> None:
    assert expected in _said(_app(files={"manifest.json": data}))


def test_an_app_packed_with_its_folder_is_told_so() -> None:
    files = {f"amends/{path}": data for path, data in data_of("zendesk").items()}
    assert "move what is in amends/ up" in _said(Package(files))


# --------------------------------------------------------------------------------------- files


def _png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06\0\0\0"


_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">%s</svg>'


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("assets/logo.png", None, "320 x 320"),
        ("assets/logo.png", _png(128, 128), "320 x 320"),
        ("assets/logo-small.png", b"GIF89a", "128 x 128"),
        ("assets/banner.png", _png(800, 200), "830 x 200"),
        ("assets/manual.pdf", b"x", "takes no files of this kind"),
        ("assets/data.png", b"PK\x03\x04rest", "takes no files of this kind"),
        ("assets/install.SH", b"x", "takes no files of this kind"),
        ("assets/a.svg", b"<svg", "it is no drawing"),
        ("assets/a.svg", b"<!DOCTYPE x [<!ENTITY a 'b'>]><svg/>", "must not define"),
        ("translations/en.json", b'{"app":{"name":"a","name":"b"}}', "is there twice"),
        ("translations/en.json", b'{"app":{}}', "app.name is missing"),
        ("translations/en.json", b'{"app":{"name":""}}', "app.name is missing"),
        ("translations/ar.json", b"[]", "with app in it"),
        ("translations/ENGLISH.json", b'{"app":{"name":"x"}}', "name it by a language"),
        (
            "translations/en.json",
            b'{"app":{"name":"x","parameters":{"p":{"helpText":"x"}}}}',
            "app.parameters.p.label is missing",
        ),
        ("translations/en.json", b'{"app":{"name":"x","parameters":[]}}', "must be an object"),
        ("translations/en.json", b'{"app":{"package":"x","name":"y"}}', "{title, value}"),
    ],
)
def test_a_broken_file_is_found(path: str, data: bytes | None, expected: str) -> None:
    found = check(_app(files={path: data}))
    assert any(f.level == "error" and f.where == path and expected in f.what for f in found), found


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("assets/a.svg", _SVG % b"<script>1</script>", "no plain shape"),
        ("assets/a.svg", _SVG % b'<image href="data:image/png;base64,AA"/>', "no plain shape"),
        ("assets/a.svg", _SVG % b'<path onclick="x()" d="M0 0"/>', "no plain shape"),
        ("assets/a.js", b"fetch('http://acme.example/x')", "is not https"),
        ("assets/a.js", b"const api_key = 'k1234567890'", "seems to have a secret"),
        ("assets/a.js", b"-----BEGIN RSA PRIVATE KEY-----", "seems to have a secret"),
    ],
)
def test_a_doubtful_file_is_warned_of(path: str, data: bytes, expected: str) -> None:
    found = check(_app(files={path: data}))
    assert [f.level for f in found] == ["warning"], found
    assert expected in found[0].what


def test_pictures_and_pairs_that_are_fine() -> None:
    pair = {"title": "where it stands", "value": "Amends"}
    words = json.dumps({"app": {"package": "amends", "name": pair, "deep": {"er": pair}}}).encode()
    found = check(_app(files={"assets/banner.png": _png(1660, 400), "translations/en.json": words}))
    assert found == []


def test_a_link_is_found() -> None:
    said = _said(Package(data_of("zendesk"), ("assets/away.png",)))
    assert said.startswith("error: assets/away.png: it is a link")


def test_a_public_app_has_more_to_say() -> None:
    manifest = {**_manifest(), "private": False}
    assert check(_app(manifest)) == []  # ours has it all
    said = _said(_app(manifest, {"translations/en.json": b'{"app":{"name":"Amends"}}'}))
    for name in ("short_description", "long_description", "installation_instructions"):
        assert f"app.{name} is missing" in said


# -------------------------------------------------------------------------------- requirements

_HOOK = {
    "name": "x", "status": "active", "endpoint": "https://x.example", "http_method": "POST",
    "request_format": "json",
}  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"dashboards": {}}, "the kinds are"),
        ({"macros": []}, "kind, then name"),
        ({"macros": {"a": {"title": ""}}}, "macros.a lacks title"),
        ({"macros": {"a": 7}}, "macros.a must be an object"),
        ({"webhooks": {"a": {"name": "x"}}}, "lacks status, endpoint, http_method, request_format"),
        ({"user_fields": {"a": {"title": "x"}}}, "user_fields.a lacks key"),
        ({"targets": {"a": {"title": "x", "type": "http_target"}}}, "ended targets"),
        ({"macros": {str(n): {"title": "x"} for n in range(5001)}}, "at most 5000"),
        ({"custom_objects_v2": {"records": []}}, "has the lists"),
        ({"custom_objects_v2": {"objects": [{"key": "{{setting.x}}"}]}}, "cannot have settings"),
        ({"custom_objects_v2": {"objects": [{}] * 51}}, "at most 50 objects"),
        ({"custom_objects_v2": {"object_fields": [{"object_key": "a"}] * 21}}, "at most 20"),
        ({"custom_objects_v2": {"object_triggers": [{"object_key": "a"}] * 11}}, "at most 10"),
        ({"custom_objects_v2": {"objects": [{"key": "x" * 2**20}]}}, "larger than 1 MB"),
    ],
)
def test_broken_requirements_are_found(wanted: object, expected: str) -> None:
    said = _said(_app(files={"requirements.json": json.dumps(wanted).encode()}))
    assert said.startswith("error: requirements.json: ")
    assert expected in said


def test_requirements_that_are_fine() -> None:
    wanted = {
        "webhooks": {"a": _HOOK},
        "ticket_fields": {"a": {"title": "x", "type": "text"}},
        "user_fields": {"a": {"title": "x", "key": "x"}},
        "custom_objects_v2": {"objects": [{"key": "a"}], "object_fields": [{"object_key": "a"}]},
    }
    assert check(_app(files={"requirements.json": json.dumps(wanted).encode()})) == []


def test_requirements_that_nobody_can_read() -> None:
    assert "it is not JSON" in _said(_app(files={"requirements.json": b"{"}))
    manifest = {k: v for k, v in _manifest().items() if k not in ("location", "frameworkVersion")}
    said = _said(_app({**manifest, "requirementsOnly": True}))
    assert said == "error: requirements.json: an app that is requirementsOnly has to have it"
