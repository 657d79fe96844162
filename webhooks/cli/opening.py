"""What most commands begin with: opening the installation, and who acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import click

from core.errors import AmendsError
from core.people import Person
from core.store import Reader
from webhooks.app import Services, services
from webhooks.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


class NoSuchPerson(AmendsError):
    """Nobody with that e-mail address is known here."""


def opened(command: Callable[Concatenate[Services, P], R]) -> Callable[P, R]:
    """Hand the command what it works with, and close it afterwards."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        settings = click.get_current_context().find_object(Settings)
        assert settings is not None  # `amends` itself puts it there
        of = services(settings)
        try:
            return command(of, *args, **kwargs)
        finally:
            of.store.close()

    return run


class HasLeft(AmendsError):
    """Somebody who left does nothing any more."""


def acting(reader: Reader, email: str) -> Person:
    """Who does something. Raises `NoSuchPerson`, `HasLeft`."""
    person = as_person(reader, email)
    if not person.active:
        raise HasLeft(f"{person.name} left and does nothing here any more")
    return person


def as_person(reader: Reader, email: str) -> Person:
    """Raises `NoSuchPerson`."""
    found = reader.find(Person, email=email.strip().lower(), limit=1)
    if not found:
        raise NoSuchPerson(f"nobody here has the address {email}; see `amends person list`")
    return found[0]
