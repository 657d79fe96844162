"""What every page says to the browser about itself: nothing from elsewhere, nothing inline."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Request, Response


def content_policy(
    frame_ancestors: Sequence[str] = (), scripts: Sequence[str] = (), forms: Sequence[str] = ()
) -> str:
    """The Content-Security-Policy of a page that these origins may put into a frame; by default
    nobody may. `scripts`: addresses of scripts that are not ours (a helpdesk's client library).
    `forms`: origins besides ours to which the answer to a form may lead on."""
    forms_to = " ".join(("'self'", *forms))
    framed_by = " ".join(frame_ancestors) or "'none'"
    scripts_from = " ".join(("'self'", *scripts))
    return (
        f"default-src 'none'; script-src {scripts_from}; style-src 'self'; img-src 'self'; "
        f"font-src 'self'; connect-src 'self'; form-action {forms_to}; base-uri 'none'; "
        f"frame-ancestors {framed_by}"
    )


def secure(response: Response) -> Response:
    """Add the headers that are not set yet: a view that needs another one sets its own."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", content_policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    return response


def from_elsewhere(request: Request) -> bool:
    """Whether another site's page made the browser send this.

    Browsers say where a request comes from; with `no-referrer` the Origin of our own forms is
    `null`, so it counts only where `Sec-Fetch-Site` is missing. Callers that are no browsers send
    neither and act in nobody's name.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and origin != request.host_url.rstrip("/")
