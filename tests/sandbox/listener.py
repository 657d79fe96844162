"""A receiver of webhooks that keeps what it got and answers as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Got:
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


Answer = tuple[int, dict[str, str]]


class Listener:
    """`answers` are given one after the other, then 200; `on_request` runs before each answer."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[Answer] = []
        self.pause_s = 0.0
        self.on_request: Callable[[], None] = lambda: None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                names = {name.lower(): value for name, value in self.headers.items()}
                listener.on_request()
                listener.got.append(Got(self.path, names, body))
                time.sleep(listener.pause_s)
                status, headers = listener.answers.pop(0) if listener.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wait(self, count: int, timeout_s: float = 30.0) -> list[Got]:
        """What arrived, once there are `count`; fails if they do not come."""
        end = time.monotonic() + timeout_s
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.005)
        assert len(self.got) >= count, f"{len(self.got)} webhooks came, {count} were awaited"
        return self.got

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
