"""The interface in the reader's language: which one, its words, and how it writes sums and times.

Words stand in `translations/<language>/LC_MESSAGES/messages.po` and are read from there as they
are, so there is no compiled copy that could be older than its source. `make messages` brings the
files up to date with the pages.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, g, request
from flask_babel import Babel, Domain, get_locale, refresh

from core import message
from core.message.language import language_of, time_in
from core.money import Money

LANGUAGES = {"en": "English", "ar": "العربية", "fa": "فارسی"}
_COOKIE = "amends_language"
_FOLDER = Path(__file__).with_name("translations")


def install(app: Flask) -> None:
    """Teach the app's templates to speak: gettext, and the filters `money` and `clock`."""
    _Babel(app, locale_selector=_wanted)
    app.jinja_env.filters.update(money=_money, clock=_clock, direction=message.direction)
    app.jinja_env.globals.update(reader=reader, languages=LANGUAGES)
    app.after_request(_remember)


def reader() -> str:
    """The code of the language this page is read in."""
    return str(get_locale())


def expect(tag: str | None) -> None:
    """Whoever reads this page is expected to read this language (None: it is not known). Another
    one is chosen for this page alone: no cookie keeps it."""
    g.amends_expected = (tag or "").partition("-")[0]
    refresh()


class _Domain(Domain):  # type: ignore[misc]  # flask_babel has no types
    """What Flask-Babel asks for words."""

    def get_translations(self) -> NullTranslations:
        return _words(reader())


class _Babel(Babel):  # type: ignore[misc]
    domain_instance = _Domain()


@cache
def _words(language: str) -> NullTranslations:
    path = _FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Translations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _wanted() -> str:
    """Asked for on this page, else expected of its reader, else chosen before, else the
    browser's."""
    browser = [tag.partition("-")[0] for tag in request.accept_languages.values()]
    before = (g.get("amends_expected"), request.cookies.get(_COOKIE))
    for code in (request.args.get("lang"), *before, *browser):
        if code in LANGUAGES:
            return str(code)
    return "en"


def _remember(response: Response) -> Response:
    code = request.args.get("lang")
    if code in LANGUAGES and "amends_expected" not in g:
        response.set_cookie(
            _COOKIE, code, max_age=365 * 24 * 3600, httponly=True, samesite="Lax", path="/"
        )
    return response


def _money(amount: Money) -> str:
    return message.money(reader(), amount)


def _clock(at: datetime, zone: tzinfo) -> str:
    return time_in(language_of(reader()), at, zone)
