"""A form on a web page as a browser would send it, unchanged."""

from __future__ import annotations

from html.parser import HTMLParser


class _Form(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self._wanted, self._inside, self._text = form_id, False, ""
        self._select: str | None = None
        self._area: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self._inside = has.get("id") == self._wanted
        if not self._inside or ("disabled" in has and tag != "option"):
            return
        name, value = has.get("name") or "", has.get("value")
        if tag == "input" and name and has.get("type") not in ("file", "submit"):
            if has.get("type") not in ("radio", "checkbox") or "checked" in has:
                self.fields[name] = value or ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in has or self._select not in self.fields:
                self.fields[self._select] = value or ""
        elif tag == "textarea":
            self._area, self._text = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area:
            # HTML drops one line end at the beginning.
            self.fields[self._area] = self._text.removeprefix("\n")
            self._area = None

    def handle_data(self, data: str) -> None:
        self._text += data


def form_of(page: str, form_id: str) -> dict[str, str]:
    """The fields of the form `form_id`, by name. Fails where the page has no such form."""
    reader = _Form(form_id)
    reader.feed(page)
    assert reader.fields, f"the page has no form {form_id}"
    return reader.fields
