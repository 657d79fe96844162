"""The page a helpdesk puts into its frame: nothing on it yet but the token and the scripts."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)


def shell(*, host: str, token: str, client_library: str) -> str:
    """The page as HTML. `host` is a helpdesk's name, and so the name of its adaptor
    (`/static/sidebar/<host>.js`); the adaptor reads the token from `meta[name="amends-token"]`,
    takes that away and calls `start(host)`. `client_library` is the helpdesk's own script, at the
    helpdesk's own address. Answer it with `content_policy(frame_ancestors, scripts=[origin])`.
    """
    return _TEMPLATES.get_template("sidebar/shell.html").render(
        host=host, token=token, client_library=client_library, static="/static"
    )
