"""People who chat while the server dies under them."""

import asyncio
import random
import re
import uuid
from collections.abc import AsyncIterator, Sequence

from tests.bench.people import Person
from tests.bench.wire import request
from tests.chaos.history import History, Sent, asked
from tests.live_dom import LiveDom

TIMEOUT = 20.0  # seconds for one request
SIP, GULP = 256, 2**16  # bytes that a reader takes at once
PAUSE = 0.05  # seconds between two sips
HALF = 0.5
LOOK_SECONDS = 2.0
FAULTY = (ConnectionError, OSError, TimeoutError, asyncio.IncompleteReadError)


class Visitor:
    """One person with one chat: sends, follows, looks away, stops, sends twice, answers what the agent asks."""

    def __init__(self, person: Person, chat: str, ports: Sequence[int], dice: random.Random, history: History) -> None:
        self.person, self.chat, self.ports, self.dice, self.history = person, chat, ports, dice, history
        self.tab: LiveDom | None = None
        self.tab_url = self.tab_cursor = ""

    async def live(self, over: asyncio.Event) -> None:
        while not over.is_set():
            acts = (self.send, self.send_at_once, self.follow, self.stop, self.answer)
            act = self.dice.choices(acts, (5, 1, 6, 1, 4))[0]
            try:
                async with asyncio.timeout(TIMEOUT):
                    await act()
            except FAULTY as error:
                self.history.error(type(error).__name__)
                await asyncio.sleep(self.dice.uniform(0.1, 0.6))

    async def send(self) -> None:
        await self._send(self._new_message(), uuid.uuid4().hex)

    async def send_at_once(self) -> None:
        """The same submit from several places at the same moment, with one idempotency key."""
        message, key = self._new_message(), uuid.uuid4().hex
        results = await asyncio.gather(*(self._send(message, key) for _ in range(4)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def follow(self) -> None:
        """Load the page, follow its stream for a while, lose the connection, come back with the last event's id."""
        page = await self._get(f"/agentos/session/{self.chat}/")
        dom = LiveDom(page)
        found = re.search(r'hx-sse:connect="([^"]+)"', page)
        if not found:
            return
        url, cursor = found[1].replace("&amp;", "&"), ""
        bite = self.dice.choice((SIP, GULP, GULP))
        for _ in range(self.dice.randint(1, 3)):
            cursor = await self._listen(url, cursor, dom, self.dice.uniform(0.1, 2.0), bite)
            self._note(dom)

    async def stop(self) -> None:
        page = await self._get(f"/agentos/session/{self.chat}/")
        for path in re.findall(r'action="(/agentos/run/[^"]+/stop/)"', page)[:1]:
            await self._post(path, {})

    async def answer(self, decisions: tuple[str, ...] = ("yes", "yes", "no")) -> None:
        """Say yes or no to what waits, to each thing on its own, sometimes both at once, and sometimes twice: one of them counts, once."""
        page = await self._get(f"/agentos/session/{self.chat}/")
        for run_id in re.findall(r'action="/agentos/run/([^"/]+)/answer/"', page)[:1]:
            fields = list(dict.fromkeys(re.findall(r'name="(decision-[^"]+)"', page))) or ["decision"]
            forms = [{field: self.dice.choice(decisions) for field in fields} for _ in range(self.dice.choice((1, 1, 3)))]
            for form in forms:
                for field, said in form.items():
                    self.history.answers.setdefault(asked(run_id, field.partition("-")[2]), set()).add(said)
            posts = (self._post(f"/agentos/run/{run_id}/answer/", form) for form in forms)
            for result in await asyncio.gather(*posts, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def watch(self, over: asyncio.Event) -> None:
        """Have a tab open all the time, which comes back whenever its connection breaks, to any server."""
        while not over.is_set():
            try:
                if self.tab is None:
                    page = await self._get(f"/agentos/session/{self.chat}/")
                    found = re.search(r'hx-sse:connect="([^"]+)"', page)
                    self.tab, self.tab_url = LiveDom(page), found[1].replace("&amp;", "&") if found else ""
                self.tab_cursor = await self._listen(self.tab_url, self.tab_cursor, self.tab, LOOK_SECONDS, GULP)
            except FAULTY:
                await asyncio.sleep(self.dice.uniform(0.1, 0.6))

    async def sees_what_is_there(self) -> bool:
        """Whether the tab that was open all the time shows every turn as a page does that is loaded now."""
        if self.tab is None:
            return False
        fresh = LiveDom(await self._get(f"/agentos/session/{self.chat}/"))
        turns = [str(turn["id"]) for turn in fresh.soup.select("#turns > article")]
        there = {str(turn["id"]) for turn in self.tab.soup.select("#turns > article")}
        return all(turn in there and self.tab.shown(turn) == fresh.shown(turn) for turn in turns)

    def _new_message(self) -> Sent:
        message = Sent(text=f"Message {uuid.uuid4().hex}", chat=self.chat)
        self.history.sent[message.text] = message
        return message

    async def _send(self, message: Sent, key: str) -> None:
        if await self._post(f"/agentos/session/{self.chat}/", {"message": message.text, "idempotency_key": key}):
            message.acked = True

    async def _post(self, path: str, form: dict[str, str]) -> bool:
        port = self.dice.choice(self.ports)
        headers = {"Cookie": self.person.cookies, "X-CSRFToken": self.person.csrf, "Origin": f"http://127.0.0.1:{port}"}
        try:
            reader, writer = await request(port, "POST", path, headers={**headers, "HX-Request": "true"}, form={**form, "x": "1"})
        except ConnectionError as error:
            if " 429 " in str(error) or " 409 " in str(error):
                return False  # refused, in words: nothing was accepted
            raise
        await reader.read()
        writer.close()
        return True

    async def _get(self, path: str) -> str:
        reader, writer = await request(self.dice.choice(self.ports), "GET", path, headers={"Cookie": self.person.cookies})
        body = await reader.read()
        writer.close()
        return body.decode()

    async def _listen(self, url: str, cursor: str, dom: LiveDom, seconds: float, bite: int) -> str:
        """Take frames until the time is over or the connection breaks, and return the id of the last whole one. A small ``bite`` makes
        a slow reader."""
        headers = {"Cookie": self.person.cookies, **({"Last-Event-ID": cursor} if cursor else {})}
        reader, writer = await request(self.dice.choice(self.ports), "GET", url, headers=headers)
        body = b""
        try:
            async with asyncio.timeout(seconds):
                async for data in pieces(reader, bite):
                    body += data
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if self.dice.random() < HALF else writer.close()
        *frames, _ = body.decode(errors="replace").split("\n\n")
        for frame in frames:
            dom.apply("\n".join(line[6:] for line in frame.split("\n") if line.startswith("data: ")))
            if ids := re.search(r"^id: (.+)$", frame, re.MULTILINE):
                cursor = ids[1]
        return cursor

    def _note(self, dom: LiveDom) -> None:
        """Remember what this tab shows of each answer."""
        for turn in dom.soup.select("#turns > article"):
            said, answer = turn.select_one(".said-text"), turn.select_one(f"#{turn['id']}-answer")
            if said and answer:
                self.history.saw(said.get_text(), " ".join(part.get_text() for part in answer.select(":scope > .prose")))


async def pieces(reader: asyncio.StreamReader, bite: int) -> AsyncIterator[bytes]:
    """The pieces of a body that is sent in chunks, read by so many bytes at once."""
    while left := int(await reader.readline() or b"0", 16):
        while left:
            data = await reader.readexactly(min(bite, left))
            left -= len(data)
            yield data
            if bite == SIP:
                await asyncio.sleep(PAUSE)
        await reader.readexactly(2)
