"""Refusals as WordPress writes them."""

from __future__ import annotations

from typing import Any

from sandbox.answers import Refused


def refusal(code: str, message: str, status: int, **data: Any) -> Refused:
    return Refused(status, {"code": code, "message": message, "data": {"status": status, **data}})


def critical() -> Refused:
    """PHP died under the request."""
    message = (
        "<p>There has been a critical error on this website.</p>"
        '<p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">'
        "Learn more about troubleshooting WordPress.</a></p>"
    )
    return refusal("internal_server_error", message, 500)
