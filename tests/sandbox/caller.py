"""Plain HTTP calls to one stand-in and its control API. Nothing of the connectors is used."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.host import HostState


class Caller:
    def __init__(self, url: str, state: HostState, headers: dict[str, str]) -> None:
        self.url = url
        self.state = state
        self.session = requests.Session()
        self.session.headers.update(headers)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 30)
        return self.session.request(method, self.url + path, json=body, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options).json()

    def control(self, path: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body or {}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def books(self) -> Any:
        return requests.get(f"{self.url}/_sandbox/books", timeout=30).json()
