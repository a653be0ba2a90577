"""Pages and fragments as CSS selectors see them."""

from bs4 import BeautifulSoup, Tag
from django.http import HttpResponseBase


class Page:
    """The HTML of an answer. ``one`` insists on exactly one match, so that a selector cannot quietly go stale."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.soup = BeautifulSoup(html, "html.parser")

    def all(self, selector: str) -> list[Tag]:
        return list(self.soup.select(selector))

    def one(self, selector: str) -> Tag:
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} elements match {selector!r} in:\n{self.html[:4000]}"
        return found[0]

    def has(self, selector: str) -> bool:
        return bool(self.all(selector))

    def texts(self, selector: str) -> list[str]:
        """Return the text of every match, with white space folded."""
        return [" ".join(tag.get_text(" ").split()) for tag in self.all(selector)]

    def text(self, selector: str = "") -> str:
        """Return the text of the one match, or of the whole page."""
        tag = self.one(selector) if selector else self.soup
        return " ".join(tag.get_text(" ").split())


def page(response: HttpResponseBase | str) -> Page:
    """Return the HTML of an answer, or of a string of HTML."""
    if isinstance(response, str):
        return Page(response)
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return Page(body.decode())
