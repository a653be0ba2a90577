"""Servers of models that run inside a test, and a short way to run an agent and collect what it does."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Self

from agentos.agents import runtime
from agentos.agents.events import Event, ReasoningDelta, Rethought, TextDelta
from agentos.agents.history import Turn
from agentos.agents.runtime.text import clean
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import AgentSpec

TOLD: dict[str, Any] = {event.kind: event for event in (TextDelta, ReasoningDelta, Rethought)}
Behaviour = Callable[["Exchange"], Awaitable[None]]


def spec(model: str, *tools: str, instructions: str = "") -> AgentSpec:
    return AgentSpec(agent_id="assistant", name="Assistant", model=model, instructions=instructions, tools=tools)


class Notes(list[Event]):
    """What happens in a run, in its order. ``on_event`` is called at each."""

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        super().__init__()
        self.on_event = on_event

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        if text := clean(text):
            self.note(TOLD[kind](text, within, by))

    def has_more(self, read: Callable[[], None]) -> None:
        read()

    def note(self, event: Event) -> None:
        self.append(event)
        if self.on_event:
            self.on_event(event)


async def play(
    agent: AgentSpec | str,
    message: str = "Hello",
    *,
    context: dict[str, Any] | None = None,
    history: Sequence[Turn] = (),
    run_id: str = "run",
    user_id: str = "1",
    on_event: Callable[[Event], None] | None = None,
) -> list[Event]:
    """Run the agent to its end."""
    agent = spec(agent) if isinstance(agent, str) else agent
    notes = Notes(on_event)
    whose: Whose = {"run_id": run_id, "user_id": user_id, "session_id": "s"}
    async for event in runtime.run(agent, follower=notes, **whose, message=message, context=context or {}, history=list(history)):
        notes.note(event)
    return notes


async def go_on(agent: AgentSpec | str, output: dict[str, Any], *answers: runtime.Answer, history: Sequence[Turn] = ()) -> list[Event]:
    """Resume, with the output as it comes back from a database."""
    agent = spec(agent) if isinstance(agent, str) else agent
    stored = json.loads(json.dumps(output))
    notes = Notes()
    whose: Whose = {"run_id": "run", "user_id": "1", "session_id": "s"}
    async for event in runtime.resume(agent, follower=notes, **whose, output=stored, answers=list(answers), history=list(history)):
        notes.note(event)
    return notes


def text_of(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def kinds(events: Iterable[Event]) -> list[str]:
    """Return the kinds in their order, one for each row of the same."""
    found: list[str] = []
    for event in events:
        if not found or found[-1] != event.kind:
            found.append(event.kind)
    return found


class Exchange:
    """One request and the answer to it, written in chunks: what breaks off without ``end`` is broken off."""

    def __init__(
        self, path: str, headers: dict[str, str], body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.path, self.headers, self.body = path, headers, body
        self.reader, self.writer = reader, writer
        self.number = 0

    async def start(self, kind: str = "text/event-stream", status: int = 200) -> None:
        self.writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
        )
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def refuse(self, status: int, body: dict[str, Any] | None = None) -> None:
        await self.start("application/json", status)
        await self.send(json.dumps(body or {"error": {"message": f"no, {status}", "code": None}}).encode())
        await self.end()

    async def delta(self, **delta: Any) -> None:
        """Send a chunk of OpenAI's protocol."""
        await self.send(_line({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))

    async def call(self, name: str, arguments: str, call_id: str = "call_0", index: int = 0) -> None:
        function = {"name": name, "arguments": arguments}
        await self.delta(role="assistant", tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}])

    async def raw(self, chunk: dict[str, Any] | None) -> None:
        """Send a chunk as it is; None ends the stream."""
        await self.send(_line(chunk) if chunk else b"data: [DONE]\n\n")
        if chunk is None:
            await self.end()

    async def done(self, read: int = 7, said: int = 3) -> None:
        usage = {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}
        await self.send(_line({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        await self.end()

    async def say(self, *words: str) -> None:
        """Answer with these words, a chunk each."""
        await self.start()
        for word in words:
            await self.delta(role="assistant", content=word)
        await self.done()

    def messages(self, *roles: str) -> list[dict[str, Any]]:
        return [message for message in self.body["messages"] if not roles or message["role"] in roles]


def _line(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"} | chunk).encode() + b"\n\n"


class FakeServer:
    """An HTTP server on loopback that does as ``behaviour`` does and remembers what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.exchanges: list[Exchange] = []
        self.left = asyncio.Event()
        self.handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for handler in self.handlers:
            handler.cancel()
        await asyncio.gather(*self.handlers, return_exceptions=True)
        await self.server.wait_closed()

    @property
    def asked(self) -> Exchange:
        return self.exchanges[-1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.handlers.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.handlers.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        exchange = Exchange(head[0].split()[1], headers, body, reader, writer)
        exchange.number = len(self.exchanges)
        self.exchanges.append(exchange)
        gone = asyncio.create_task(self._watch(reader))
        try:
            await self.behaviour(exchange)
        finally:
            gone.cancel()

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        if not await reader.read():
            self.left.set()


def says(*words: str) -> Behaviour:
    async def behaviour(exchange: Exchange) -> None:
        await exchange.say(*words)

    return behaviour


def refuses(status: int, body: dict[str, Any] | None = None) -> Behaviour:
    async def behaviour(exchange: Exchange) -> None:
        await exchange.refuse(status, body)

    return behaviour
