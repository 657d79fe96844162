"""A helpdesk's app as files in memory; how it is read, written, and found for a helpdesk.

The data of an app lies in `manifests/<helpdesk>/`; the module `webhooks.manifests.<helpdesk>` knows
how it is filled in (`build`) and what its helpdesk would refuse (`check`).
"""

from __future__ import annotations

import importlib
import io
import json
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import manifests
from core.connection import Connection
from core.errors import AmendsError
from webhooks.app import Services

_FILE_MAX = 10 * 2**20
_FILES_MAX = 2_000
#: The first day a zip can hold: the same files make the same bytes on any day.
_DAY = (1980, 1, 1, 0, 0, 0)
_MAC = ("__MACOSX/", ".DS_Store")


class BadPackage(AmendsError):
    """It is no app that could be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an app. `where`: its file. `what`: a sentence with what to do."""

    level: Literal["error", "warning"]
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Package:
    """files: path with slashes -> bytes. links: paths that lead elsewhere and were not followed."""

    files: Mapping[str, bytes]
    links: tuple[str, ...] = field(default=())

    def zipped(self) -> bytes:
        """As one file."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(self.files):
                entry = zipfile.ZipInfo(path, _DAY)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, self.files[path])
        return out.getvalue()


class App(Protocol):
    """What `webhooks.manifests.<helpdesk>` has."""

    def build(self, of: Services, row: Connection) -> Package:
        """The app for this connection. Raises an `AmendsError` that says what is missing."""
        ...

    def check(self, package: Package) -> list[Finding]:
        """Everything its helpdesk would refuse or warn of, as far as that shows offline."""
        ...

    def after(self, row: Connection) -> str:
        """What a person does with the file."""
        ...


def names() -> list[str]:
    """The helpdesks there is an app for."""
    root = Path(manifests.__file__).parent
    return sorted(path.parent.name for path in root.glob("*/manifest.json"))


def app_of(name: str) -> App:
    """Raises `BadPackage`."""
    if name not in names():
        raise BadPackage(
            f"there is no app for {name[:40]!r}; there is one for {', '.join(names())}"
        )
    return cast(App, importlib.import_module(f"webhooks.manifests.{name}"))


def data_of(name: str) -> dict[str, bytes]:
    """The files of an app as they are before they are filled in."""
    return dict(read(Path(manifests.__file__).parent / name).files)


def read(path: Path) -> Package:
    """An app from a folder or a zip file. Raises `BadPackage`."""
    try:
        return _folder(path) if path.is_dir() else _archive(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BadPackage(f"{path} cannot be read: {error}") from None


def _folder(path: Path) -> Package:
    files: dict[str, bytes] = {}
    links: list[str] = []
    for found in sorted(path.rglob("*")):
        name = found.relative_to(path).as_posix()
        if found.is_symlink():
            links.append(name)
        elif found.is_file() and not _noise(name):
            _bounded(name, found.stat().st_size, len(files))
            files[name] = found.read_bytes()
    return Package(files, tuple(links))


def _archive(path: Path) -> Package:
    files: dict[str, bytes] = {}
    links: list[str] = []
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename
            if entry.is_dir() or _noise(name):
                continue
            if stat.S_ISLNK(entry.external_attr >> 16):
                links.append(name)
                continue
            if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                raise BadPackage(f"{name[:100]!r} in {path} leads out of the app")
            if name in files:
                raise BadPackage(f"{name[:100]!r} is in {path} twice")
            _bounded(name, entry.file_size, len(files))
            files[name] = archive.read(entry)
    return Package(files, tuple(links))


def _bounded(name: str, size: int, count: int) -> None:
    if size > _FILE_MAX or count >= _FILES_MAX:
        raise BadPackage(f"{name[:100]!r} is too large, or there are too many files")


def _noise(name: str) -> bool:
    return name.startswith(_MAC) or name.endswith(_MAC) or "__pycache__/" in name


# --------------------------------------------------------------------------------- JSON in apps


class NotPlain(AmendsError):
    """JSON that hosts would read in more than one way, or not at all."""


def plain_json(data: bytes) -> Any:
    """JSON as apps have it: UTF-8, no key twice. Raises `NotPlain`."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_never)
    except UnicodeDecodeError:
        raise NotPlain("it is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"it is not JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotPlain(f"the key {name[:60]!r} is there twice")
        found[name] = value
    return found


def _never(name: str) -> Any:
    raise NotPlain(f"{name} is no JSON")


def written(value: object) -> bytes:
    """JSON as it is put into an app."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
