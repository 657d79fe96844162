"""django-helpdesk's REST API as the rest of this connector calls it.

It is Django REST framework with its defaults: a staff user signs in with each request, and a list
answers {"count", "next", "previous", "results"}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from requests.auth import HTTPBasicAuth

from connectors.http import Answer, Http, answered
from core.ports import HostDenied, HostUnclear, Settings

Node = Mapping[str, Any]
PAGE = 100


class Refused(HostUnclear):
    """django-helpdesk understood and said no (400): nothing was changed."""


class HelpdeskApi:
    """Safe to share among threads."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Node:
        """Raises `HostError`."""
        return self._http.get_json(self._url(path), params=params, auth=self._auth())

    def options(self, path: str) -> Node:
        """What may be sent to `path`. Raises `HostError`."""
        return self._http.request("OPTIONS", self._url(path), auth=self._auth()).json()

    def newest(self, path: str, params: Mapping[str, str], *, pages_max: int) -> Iterator[Node]:
        """The entries of a list that is kept oldest first, from its end to its beginning.

        What is added meanwhile lands behind us. Raises `HostError`; `HostUnclear` where there is
        more than that, for a part of a list must never look like all of it.
        """
        asked = {**params, "page_size": str(PAGE)}
        page, left = "last", pages_max
        while left:
            body = self.get(path, {**asked, "page": page})
            found, count = body.get("results"), body.get("count")
            if not isinstance(found, list) or type(count) is not int:
                raise HostUnclear("django-helpdesk's answer is not a list")
            yield from reversed([one for one in found if isinstance(one, dict)])
            number = -(-count // PAGE) if page == "last" else int(page)
            if number <= 1:
                return
            page, left = str(number - 1), left - 1
        raise HostUnclear("django-helpdesk lists more than can be looked through")

    def write(self, method: str, path: str, body: Mapping[str, object]) -> Node:
        """Change something, sent once. Raises `HostError`; `Refused` where it was not done."""
        url, auth = self._url(path), self._auth()
        answer = answered(self._http.send(method, url, json=body, auth=auth))
        if answer.status == 400:
            raise Refused(f"django-helpdesk does not take it{_fields(answer)}")
        return answer.checked().json()

    def one_call(self) -> AbstractContextManager[Any]:
        """Around several requests that together may take no longer than one."""
        return self._http.attempt()

    def address(self) -> str:
        """Without a slash at the end. Raises `HostDenied`."""
        named = (self._settings.get("address") or "").rstrip("/")
        parts = urlsplit(named)
        if parts.scheme not in ("https", "http") or "." not in (parts.hostname or ""):
            raise HostDenied("this connection has no usable address of a helpdesk; correct it")
        return named

    def _url(self, path: str) -> str:
        return f"{self.address()}/api/{path}"

    def _auth(self) -> HTTPBasicAuth:
        """The password as it is now. Raises `HostDenied`."""
        name, password = self._settings.get("username"), self._settings.get("password")
        if not name or not password:
            raise HostDenied("no user name and password are set: connect the helpdesk")
        return HTTPBasicAuth(name.encode(), password.encode())


def _fields(answer: Answer) -> str:
    """Which fields it did not like, without the values it was given."""
    named = sorted(str(name)[:40] for name in answer.json())
    return f": something is wrong with {', '.join(named[:5])}" if named else ""
