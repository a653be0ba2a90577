"""A page in a browser, with its live stream."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from asgiref.sync import sync_to_async
from bs4 import BeautifulSoup, Tag
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

from agentos.access.models import User
from agentos.dashboard.live import Tab, open_tab
from tests.conftest import signed_in
from tests.dashboard.asking import HTMX
from tests.live_dom import LiveDom

PATIENCE = 20  # seconds
AGAIN = '[hx-trigger="agents from:#live"]'


class OpenPage:
    """A page in a browser with its stream. ``agents`` makes the page ask for itself again, as htmx does."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, url
        self.dom = LiveDom(self.get(url))
        self.live_url = str(self.one("#live")["hx-sse:connect"])
        self.cursor = ""
        self.events: list[str] = []
        self.tab = self.connect()
        self.frames = self.tab.frames()

    def connect(self) -> Tab:
        headers = {"Last-Event-ID": self.cursor} if self.cursor else {}
        request = RequestFactory().get(self.live_url, headers=headers)
        request.session = SessionStore(self.client.session.session_key)
        tab = open_tab(request)
        assert isinstance(tab, Tab)
        return tab

    def get(self, url: str, **options: Any) -> str:
        response = self.client.get(url, **options)
        assert response.status_code == 200
        return response.content.decode()

    def one(self, selector: str) -> Tag:
        found = self.dom.soup.select(selector)
        assert len(found) == 1, selector
        return found[0]

    def text(self, selector: str) -> str:
        return " ".join(self.one(selector).get_text(" ").split())

    async def start(self) -> "OpenPage":
        assert b"connected" in await anext(self.frames)
        return self

    async def hear(self, wanted: str) -> None:
        """Take frames, until one of them says this."""
        async with asyncio.timeout(PATIENCE):
            while wanted not in await self._next():
                pass

    async def hear_the_end(self) -> None:
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self._next()
            except StopAsyncIteration:
                pass

    async def come_back(self) -> None:
        """As hx-sse and stream.js do when a stream ends."""
        self.live_url = self.address_now()
        self.tab = await sync_to_async(self.connect)()
        self.frames = self.tab.frames()
        await self.start()

    def address_now(self) -> str:
        address = urlsplit(self.live_url)
        said = parse_qs(address.query)
        if "composer" in said:
            said["composer"] = ["closed" if self.dom.soup.select("#composer.closed") else "open"]
        if "agents" in self.events:
            for name in ("rights", "digest"):
                said.pop(name, None)
        return f"{address.path}?{urlencode(said, doseq=True)}"

    async def leave(self) -> None:
        await self.frames.aclose()  # type: ignore[attr-defined]

    async def _next(self) -> str:
        """Take what the stream sends next, which may be several frames."""
        sent = (await anext(self.frames)).decode()
        for frame in filter(None, sent.split("\n\n")):
            await self._take(frame)
        return sent

    async def _take(self, frame: str) -> None:
        fields = [line.partition(": ")[::2] for line in frame.split("\n")]
        event = "".join(value for name, value in fields if name == "event")
        self.cursor = next((value for name, value in fields if name == "id"), self.cursor)
        self.events.append(event)
        if event == "agents":
            await sync_to_async(self.ask_again)()
        elif not event:
            self.dom.apply("\n".join(value for name, value in fields if name == "data"))

    def ask_again(self) -> None:
        element = self.one(AGAIN)
        asked = [("again", "1")] if element.get("hx-vals") else []
        if included := element.get("hx-include"):
            asked += [
                (str(field["name"]), str(field.get("value", "")))
                for field in self.one(str(included)).select("input")
                if field.get("type") != "checkbox" or field.has_attr("checked")
            ]
        html = self.get(f"{element['hx-get']}?{urlencode(asked)}", headers=HTMX)
        soup = BeautifulSoup(html, "html.parser")
        partials = [str(part.extract()) for part in soup.find_all("hx-partial", recursive=False)]
        target = element.get("hx-target", f"#{element.get('id')}")
        self.dom.apply(f'<hx-partial hx-target="{target}" hx-swap="{element["hx-swap"]}">{soup}</hx-partial>' + "".join(partials))

    def expect_fresh(self, *elements: str) -> None:
        fresh = LiveDom(self.get(self.url))
        for element in elements:
            assert self.dom.shown(element) == fresh.shown(element)


async def opened(user: User, url: str) -> OpenPage:
    page = await sync_to_async(lambda: OpenPage(signed_in(user), url))()
    return await page.start()
