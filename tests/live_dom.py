"""What htmx does to a page with the frames of the live stream, so that a live tab can be held against a fresh one."""

import re
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag


def parsed(html: str) -> BeautifulSoup:
    """Read HTML as a browser does: what is white space alone stays as it is, too."""
    return BeautifulSoup(html, "html.parser", preserve_whitespace_tags={"hx-partial", "div", "pre", "textarea"})


class LiveDom:
    """A page that takes fragments. Only what the product sends is understood; anything else is an error."""

    def __init__(self, html: str) -> None:
        self.soup = parsed(html)

    def apply(self, html: str) -> None:
        """Put the fragments of one frame where they belong. As htmx does: all places are looked for before the first is filled."""
        parts = parsed(html).find_all("hx-partial", recursive=False)
        places = [self.soup.find(id=str(part["hx-target"]).removeprefix("#")) for part in parts]
        for part, place in zip(parts, places, strict=True):
            if isinstance(place, Tag):  # as htmx: a fragment without its place is dropped
                self._swap(place, str(part["hx-swap"]), list(part.contents))

    def _swap(self, element: Tag, swap: str, nodes: list[Any]) -> None:
        if swap == "beforeend":
            element.extend(nodes)
        elif swap == "afterbegin":
            for place, node in enumerate(nodes):
                element.insert(place, node)
        elif swap in {"innerHTML", "innerMorph"}:
            element.clear()
            element.extend(nodes)
        elif swap in {"outerHTML", "outerMorph"}:
            element.replace_with(*nodes)
        elif swap == "delete":
            element.decompose()
        elif swap == "upsert":
            self._upsert(element, [node for node in nodes if isinstance(node, Tag)])
        else:
            msg = f"No swap called {swap}."
            raise AssertionError(msg)

    def _upsert(self, parent: Tag, nodes: list[Tag]) -> None:
        for node in nodes:
            there = self.soup.find(id=str(node["id"]))
            if there is not None:
                there.replace_with(node)
                continue
            after = next((child for child in parent.find_all(True, recursive=False) if number(child) > number(node)), None)
            if after is None:
                parent.append(node)
            else:
                after.insert_before(node)

    def words(self) -> list[str]:
        """All that the page says, in its order."""
        return self.soup.get_text(" ").split()

    def shown(self, element_id: str) -> str:
        element = self.soup.find(id=element_id)
        assert isinstance(element, Tag)
        return normalised(element)


def number(element: Tag) -> int:
    found = re.search(r"(\d+)$", str(element.get("id", "")))
    return int(found[1]) if found else 0


def normalised(element: Tag) -> str:
    """The HTML of an element without what differs between two readings of the same state: forgery tokens, fresh keys, and
    white space beside tags. Text that touches is one text."""
    copy = parsed(str(element))
    for field in copy.find_all("input", attrs={"name": ["csrfmiddlewaretoken", "idempotency_key"]}):
        field.decompose()
    copy.smooth()
    for text in list(copy.find_all(string=True)):
        if text.find_parent(class_="open-block") or text.find_parent("pre"):
            continue
        text.replace_with(NavigableString(" ".join(text.split())))
    return str(copy)
