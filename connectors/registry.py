"""Finds the connectors that are there: our own folders, and outside packages by entry point.

No list is kept by hand. A package is a connector when it has `SPEC` and `connect`. An outside
package that cannot be loaded is reported by `problems()` and hurts nothing else; one of ours that
cannot be loaded is a fault and raises.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Protocol, cast

import connectors
from connectors.http import Http
from core.errors import AmendsError
from core.ports import Roles, Settings, Spec

log = logging.getLogger(__name__)

ENTRY_POINTS = "amends.connectors"


class NoSuchConnector(AmendsError):
    """No connector of that name is installed."""


class Connector(Protocol):
    """A connector package: two names."""

    SPEC: Spec
    connect: Callable[[Settings, Http], Roles]


@dataclass(frozen=True, slots=True)
class _Found:
    connectors: Mapping[str, Connector]
    problems: Mapping[str, str]


def specs() -> Mapping[str, Spec]:
    """Every connector's SPEC by name, in order of name."""
    return {name: module.SPEC for name, module in sorted(_found().connectors.items())}


def problems() -> Mapping[str, str]:
    """Outside packages that could not be loaded: entry point name -> why."""
    return _found().problems


def spec(name: str) -> Spec:
    """Raises `NoSuchConnector`."""
    return _connector(name).SPEC


def is_ours(name: str) -> bool:
    """Whether a connector belongs to this project. Raises `NoSuchConnector`."""
    return getattr(_connector(name), "__name__", "") == f"connectors.{name}"


def connect(name: str, settings: Settings, http: Http) -> Roles:
    """The roles of one connection. Raises `NoSuchConnector`. No request goes out."""
    return _connector(name).connect(settings, http)


def _connector(name: str) -> Connector:
    try:
        return _found().connectors[name]
    except KeyError:
        known = ", ".join(sorted(_found().connectors)) or "none"
        raise NoSuchConnector(f"there is no connector {name[:40]!r}; installed: {known}") from None


@cache
def _found() -> _Found:
    ours: dict[str, Connector] = {}
    for module in pkgutil.iter_modules(connectors.__path__):
        if module.ispkg:
            loaded = importlib.import_module(f"connectors.{module.name}")
            if hasattr(loaded, "SPEC"):
                ours[_checked(loaded, module.name).SPEC.name] = cast(Connector, loaded)
    failed: dict[str, str] = {}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            outside = _checked(point.load(), point.name)
            if outside.SPEC.name in ours:
                raise TypeError(f"the name {outside.SPEC.name} is taken")
            ours[outside.SPEC.name] = outside
        except Exception as error:  # whatever an outside package does while it is imported
            failed[point.name] = f"{type(error).__name__}: {error}"
            log.warning("connector %s of %s cannot be loaded: %s", point.name, point.value, error)
    return _Found(MappingProxyType(ours), MappingProxyType(failed))


def _checked(module: object, name: str) -> Connector:
    found = getattr(module, "SPEC", None)
    if not isinstance(found, Spec) or not callable(getattr(module, "connect", None)):
        raise TypeError("a connector package needs SPEC (a core.ports.Spec) and connect()")
    if found.name != name:
        raise TypeError(f"SPEC.name is {found.name!r} but the package is called {name!r}")
    return cast(Connector, module)
