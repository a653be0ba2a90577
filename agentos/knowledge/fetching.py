"""Pages of the web, fetched for a base: by the guarded client, as whoever has added them said."""

import asyncio
from email.message import Message

import httpx2

from agentos.core import reading
from agentos.core.reading import File, Heading, Page
from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy
from agentos.core.text import parts_of

LARGEST = 20_000_000  # bytes
SECONDS = 30.0
PART = 6_000  # characters
HTML = {"text/html", "application/xhtml+xml"}
AGENT = "AgentOS-Knowledge/1"
OK = 200


class NotFetched(Exception):
    """There is nothing to be read. ``code``: one of ``models.FAILURES``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def fetched(url: str) -> tuple[File, str]:
    """Return what is at this address, and its title. Raises NotFetched, UnreadableFile."""
    try:
        async with (
            asyncio.timeout(SECONDS + 5),
            guarded_http.async_client(Policy(total=SECONDS, answer_limit=LARGEST), follow_redirects=True) as client,
        ):
            response = await client.get(url, headers={"user-agent": AGENT, "accept": "text/html, application/pdf, */*;q=0.5"})
    except (Forbidden, TimeoutError, httpx2.HTTPError, httpx2.InvalidURL):
        raise NotFetched("not_fetched") from None
    if response.status_code != OK:
        raise NotFetched("not_fetched")
    kind, charset = _kind(response.headers.get("content-type", ""))
    body = response.content
    if kind not in HTML and not (not kind and body.lstrip()[:1] == b"<"):
        return await reading.file(body, str(response.url.path)), ""
    try:
        page = await reading.html(body, url=str(response.url), charset=charset)
    except reading.Unreadable:
        raise NotFetched("no_text") from None
    return as_file(page.text), page.title


def as_file(text: str) -> File:
    """Return a page's text in parts."""
    file = File("html", "part", "")
    for number, part in enumerate(parts_of(text, PART), start=1):
        file.pages.append(Page(number, "", part))
        for line in part.splitlines():
            marks, _, title = line.partition(" ")
            if marks and set(marks) == {"#"} and title.strip():
                file.outline.append(Heading(min(6, len(marks)), title.strip()[:200], number))
    return file


def _kind(header: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = header
    return header.partition(";")[0].strip().lower(), message.get_content_charset("")
