"""The other files of a Zendesk app: pictures, translations, requirements, and what must not be in
it. See `webhooks.manifests.zendesk_check` for where the rules come from."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from webhooks.manifests.package import Finding, NotPlain, Package, plain_json

REQUIREMENTS = "requirements.json"

_BLOCKED = frozenset({
    "rar", "zip", "gz", "gzip", "pdf", "doc", "docx", "avi", "bin", "bz", "bz2", "csh", "sh",
    "jar", "mp3", "mpeg", "odt", "pptx", "ppt", "xls", "xlsx", "7z",
})  # fmt: skip
#: How such files begin, whatever they are called.
_BEGINNINGS = (
    b"PK\x03\x04",
    b"%PDF",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"Rar!",
    b"BZh",
    b"\xd0\xcf\x11\xe0",
)
_PICTURES = {"assets/logo.png": 320, "assets/logo-small.png": 128}
_BANNERS = {(830, 200), (1660, 400)}
_SVG = "{http://www.w3.org/2000/svg}"
_DRAWING = frozenset({
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "symbol",
    "use", "defs", "title", "desc", "clipPath", "mask", "linearGradient", "radialGradient",
    "stop", "text", "tspan",
})  # fmt: skip
_TEXT = (".js", ".html", ".htm", ".css", ".json", ".svg", ".xml", ".md", ".txt", ".map")
_INSECURE = re.compile(r"""http://(?!www\.w3\.org/)[^\s"'<>)]+""")
_SECRET = re.compile(
    r"(password|secret|auth_?key|auth_?pass|auth_?user|api_key)\W{1,4}[\w+/.-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bxox[pboa]-\w|\bAKIA[0-9A-Z]{16}\b",
    re.IGNORECASE,
)
_LOCALE_FILE = re.compile(r"translations/(.*)\.json")
_LOCALE = re.compile(r"[a-z]{2,3}(-\w{2,3})?", re.ASCII)
_PUBLIC = ("short_description", "long_description", "installation_instructions")

_KINDS = frozenset({
    "automations", "channel_integrations", "custom_objects", "macros", "targets", "views",
    "ticket_fields", "triggers", "user_fields", "organization_fields", "webhooks",
    "custom_objects_v2",
})  # fmt: skip
_UNTITLED = {"channel_integrations", "custom_objects", "webhooks", "custom_objects_v2"}
_WEBHOOK = ("name", "status", "endpoint", "http_method", "request_format")
_ITEMS_MAX = 5000
_OBJECTS_MAX, _FIELDS_MAX, _TRIGGERS_MAX, _OBJECTS_BYTES_MAX = 50, 20, 10, 2**20

Found = Iterator[Finding]


def findings(package: Package, manifest: Mapping[str, Any]) -> list[Finding]:
    return [
        *_unwanted(package),
        *_pictures(package),
        *_drawings(package),
        *_told(package),
        *_translations(package, manifest),
        *_requirements(package, manifest),
    ]


# --------------------------------------------------------------------------------------- files


def _unwanted(package: Package) -> Found:
    for path in package.links:
        yield Finding("error", path, "it is a link to somewhere else; put the file itself there")
    for path, data in package.files.items():
        ending = path.rpartition(".")[2].lower()
        if ending in _BLOCKED or data.startswith(_BEGINNINGS):
            yield Finding("error", path, "Zendesk takes no files of this kind; take it out")


def _pictures(package: Package) -> Found:
    for path, side in _PICTURES.items():
        data = package.files.get(path)
        if data is None or png_size(data) != (side, side):
            yield Finding("error", path, f"it has to be a PNG of {side} x {side} pixels")
    banner = package.files.get("assets/banner.png")
    if banner is not None and png_size(banner) not in _BANNERS:
        yield Finding(
            "error", "assets/banner.png", "it has to be a PNG of 830 x 200 pixels, or twice"
        )


def png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 24 or not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _drawings(package: Package) -> Found:
    """Zendesk rewrites a drawing that has more in it than shapes, or puts another in its place."""
    for path, data in package.files.items():
        if not path.lower().endswith(".svg"):
            continue
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            yield Finding("error", path, "a drawing must not define a document type or entities")
            continue
        try:
            root = ElementTree.fromstring(data)  # noqa: S314 - no entities, and it is our own file
        except ElementTree.ParseError as problem:
            yield Finding("error", path, f"it is no drawing: {problem}")
            continue
        if not all(_is_plain(part) for part in root.iter()):
            yield Finding("warning", path, "Zendesk will take out all that is no plain shape")


def _is_plain(part: ElementTree.Element) -> bool:
    name = part.tag.removeprefix(_SVG) if isinstance(part.tag, str) else "comment"
    active = any(
        key.lower().startswith("on") or "javascript:" in value.lower()
        for key, value in part.attrib.items()
    )
    return name in _DRAWING and not active


def _told(package: Package) -> Found:
    for path, data in package.files.items():
        if not path.lower().endswith(_TEXT):
            continue
        text = data.decode("utf-8", "replace")
        if path.lower().endswith((".js", ".html", ".htm")) and (plain := _INSECURE.search(text)):
            yield Finding("warning", path, f"{plain[0][:80]} is not https")
        if _SECRET.search(text):
            yield Finding("warning", path, "it seems to have a secret in it; anybody can read it")


# -------------------------------------------------------------------------------- translations


def _translations(package: Package, manifest: Mapping[str, Any]) -> Found:
    named = manifest.get("parameters", [])
    parameters = [
        p["name"]
        for p in (named if isinstance(named, list) else [])
        if isinstance(p, dict) and isinstance(p.get("name"), str) and p.get("type") != "hidden"
    ]
    for path, data in package.files.items():
        match = _LOCALE_FILE.fullmatch(path)
        if match is None:
            continue
        if _LOCALE.fullmatch(match[1]) is None:
            yield Finding("error", path, "name it by a language, such as en or pt-br")
        try:
            words = plain_json(data)
        except NotPlain as problem:
            yield Finding("error", path, str(problem))
            continue
        public = manifest.get("private", True) is False
        yield from _words(path, words, parameters, public=public)


def _words(path: str, words: object, parameters: list[str], *, public: bool) -> Found:
    app = words.get("app") if isinstance(words, dict) else None
    if not isinstance(words, dict) or not isinstance(app, dict):
        yield Finding("error", path, "write one object, with app in it")
        return
    if "package" in app:
        rest = {**words, "app": {name: value for name, value in app.items() if name != "package"}}
        if not _leaves_are_pairs(rest):
            yield Finding("error", path, "with app.package, every text is {title, value}")
        return
    described = {"short_description" if name == "description" else name for name in app}
    for name in ("name", *(_PUBLIC if public else ())):
        if name not in described or app.get(name) == "":
            yield Finding("error", path, f"app.{name} is missing")
    labelled = app.get("parameters", {})
    if not isinstance(labelled, dict):
        yield Finding("error", path, "app.parameters must be an object")
        return
    for name in sorted({*labelled, *parameters}):
        told = labelled.get(name)
        if not isinstance(told, dict) or not told.get("label"):
            yield Finding("error", path, f"app.parameters.{name}.label is missing")


def _leaves_are_pairs(node: object) -> bool:
    if not isinstance(node, dict):
        return False
    if set(node) == {"title", "value"} and all(isinstance(v, str) for v in node.values()):
        return True
    return all(_leaves_are_pairs(value) for value in node.values())


# -------------------------------------------------------------------------------- requirements


def _requirements(package: Package, manifest: Mapping[str, Any]) -> Found:
    data = package.files.get(REQUIREMENTS)
    if data is None:
        if manifest.get("requirementsOnly") is True:
            yield _wrong("an app that is requirementsOnly has to have it")
        return
    if manifest.get("marketingOnly") is True:
        yield _wrong("it has no place in an app that is marketingOnly")
    try:
        wanted = plain_json(data)
    except NotPlain as problem:
        yield _wrong(str(problem))
        return
    if not isinstance(wanted, dict) or not all(isinstance(v, dict) for v in wanted.values()):
        yield _wrong("write one object: kind, then name, then what is wanted")
        return
    if sum(len(items) for items in wanted.values()) > _ITEMS_MAX:
        yield _wrong(f"at most {_ITEMS_MAX} things can be wanted")
    for kind, items in wanted.items():
        if kind not in _KINDS:
            yield _wrong(f"{kind}: the kinds are {', '.join(sorted(_KINDS))}")
        elif kind == "custom_objects_v2":
            yield from _objects(items)
        else:
            for name, item in items.items():
                yield from _wanted(kind, name, item)


def _wanted(kind: str, name: str, item: object) -> Found:
    where = f"{kind}.{name}"
    if not isinstance(item, dict):
        yield _wrong(f"{where} must be an object")
        return
    needed: tuple[str, ...] = ("title",) if kind not in _UNTITLED else ()
    if kind == "webhooks":
        needed = _WEBHOOK
    if kind in ("user_fields", "organization_fields"):
        needed = ("title", "key")
    missing = [field for field in needed if not item.get(field)]
    if missing:
        yield _wrong(f"{where} lacks {', '.join(missing)}")
    if kind == "targets" and item.get("type") in ("http_target", "url_target_v2"):
        yield _wrong(f"{where}: Zendesk has ended targets of this type; want a webhook")


def _objects(wanted: Mapping[str, Any]) -> Found:
    where = "custom_objects_v2"
    lists = {name: wanted.get(name, []) for name in ("objects", "object_fields", "object_triggers")}
    if set(wanted) - set(lists) or not all(isinstance(v, list) for v in lists.values()):
        yield _wrong(f"{where} has the lists {', '.join(lists)} and nothing else")
        return
    text = repr(wanted)
    if len(text.encode()) > _OBJECTS_BYTES_MAX:
        yield _wrong(f"{where} is larger than 1 MB")
    if "{{setting." in text:
        yield _wrong(f"{where} cannot have settings in it")
    if len(lists["objects"]) > _OBJECTS_MAX:
        yield _wrong(f"{where}: at most {_OBJECTS_MAX} objects")
    for name, most in (("object_fields", _FIELDS_MAX), ("object_triggers", _TRIGGERS_MAX)):
        owners = [item.get("object_key") for item in lists[name] if isinstance(item, dict)]
        if any(owners.count(owner) > most for owner in set(owners)):
            yield _wrong(f"{where}: at most {most} {name} for an object")


def _wrong(what: str) -> Finding:
    return Finding("error", REQUIREMENTS, what)
