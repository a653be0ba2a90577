"""What of a page is not clear to whoever only hears it, by the tree that Chromium gives to screen readers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

LINE = re.compile(
    r"""^(?P<indent> *)- '?(?P<role>[a-z]+)(?: "(?P<name>(?:[^"\\]|\\.)*)")?(?P<state>(?: \[[^\]]*\])*)'?:?(?: (?P<text>.*))?$"""
)
URL = re.compile(r"^ *- /url: (?P<url>.*)$")
NAMED = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "dialog", "option", "navigation", "region"}
PICTURES = re.compile("[←-⇿⌀-⏿■-➿⬀-⯿️]")  # which are read as "north east arrow"
OWN = "/session/"  # what people call their chats is theirs


@dataclass(frozen=True, slots=True)
class Part:
    role: str
    name: str
    state: str
    text: str
    url: str


def parts(page: Page) -> Iterator[Part]:
    lines = page.locator("body").aria_snapshot().splitlines()
    for number, line in enumerate(lines):
        if match := LINE.match(line):
            url = URL.match(lines[number + 1]) if number + 1 < len(lines) else None
            yield Part(match["role"], match["name"] or "", match["state"], match["text"] or "", url["url"] if url else "")


def unclear(page: Page) -> list[str]:
    """Return what has no name, what has the name of something else, what is read as a picture, and headings and landmarks amiss."""
    found: list[str] = []
    seen: dict[tuple[str, str], Part] = {}
    heard = list(parts(page))
    for part in heard:
        if part.role in NAMED and not part.name and not (part.role == "link" and part.text):
            found.append(f"a {part.role} without a name: {part}")
        if part.role in NAMED and PICTURES.search(part.name):
            found.append(f"read as a picture: {part}")
        if part.role in {"button", "link"} and part.name:
            other = seen.setdefault((part.role, part.name), part)
            if other is not part and (part.role == "button" or other.url != part.url) and OWN not in part.url:
                found.append(f"two that are called the same: {part}")
    chatter = page.locator("[aria-live] a, [role=status] a").evaluate_all("links => links.map(link => link.outerHTML.slice(0, 120))")
    found += [f"said without being asked: {html}" for html in chatter]
    is_modal = page.locator("dialog[open]").count() > 0
    for what, selector in (("h1", "h1:visible"), ("main", "main:visible")):
        if (number := page.locator(selector).count()) != 1 and not is_modal:
            found.append(f"{number} {what}")
    return found
