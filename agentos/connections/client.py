"""One connection to an MCP server, by the protocol's own SDK over our guarded way out. Knows no database.

Whatever the SDK opens is opened and closed by one task of the connection's own: its scopes may not be left from another one. Calls come
from any task. The SDK takes half a second to load, so that is done in a thread, at the first call.
"""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from agentos.connections import definitions, problems, questions
from agentos.connections.problems import ConnectionProblem
from agentos.connections.questions import AsksFirst, CannotBeAsked, Questions
from agentos.core.security import guarded_http
from agentos.core.text import clean, cut_before

ANSWER_LIMIT = 2_000_000  # bytes
TEXT_LIMIT = 20_000  # characters of a result
LIST_SECONDS = 20
CLOSE_SECONDS = 8  # a program that is asked to end gets six of them
PAGES = 20  # of a server's list
CUT = "\n… (shortened)"

Answered = tuple[Mapping[str, Mapping[str, Any]], str | None]  # by the server's key; and the state that it gave

_closing: set[asyncio.Task[None]] = set()  # those that still have to end


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is, and how it is asked. ``command``: of one that is started here; it has no ``url``. ``is_personal``: with what is
    one member's, so that what the server says of that says nothing of it. ``is_due``: their sign-in has to be renewed first."""

    slug: str
    name: str
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 10
    is_personal: bool = False
    grant: tuple[int, int] | None = None  # where the member has signed in: the pk of the grant, and its turn
    is_due: bool = False

    @property
    def host(self) -> str:
        """For the audit."""
        return urlsplit(self.url).hostname or "" if self.url else "this machine"


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave, as text. ``size``: in bytes, as far as it was sent."""

    text: str
    size: int


class Connection:
    """To one server, for one run or one look at it. Opened by the first call; not to be used again once it is closed or has broken."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._status = 0
        self._location = ""
        self._asked = False
        self._leave = asyncio.Event()
        self._client: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._end: BaseException | None = None
        self._owner: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        return self._leave.is_set() or (self._owner is not None and self._owner.done())

    async def tools(self) -> list[definitions.Definition]:
        """Return what the server has, as far as it can be told of. Raises ConnectionProblem."""
        raw: list[Any] = []
        async with self._asking("list its tools", LIST_SECONDS) as client:
            cursor: str | None = None
            for _ in range(PAGES):
                page = await _listed(client, cursor)
                listed, cursor = page.get("tools"), page.get("nextCursor")
                raw += listed if isinstance(listed, list) else []
                if not isinstance(cursor, str) or not cursor or len(raw) > definitions.TOOLS:
                    break
        found = {each.name: each for item in raw[: definitions.TOOLS + 1] if (each := await asyncio.to_thread(definitions.read, item))}
        if len(raw) > definitions.TOOLS:
            raise ConnectionProblem(f"{self.target.name} has more than {definitions.TOOLS} tools; that is more than can be looked at.")
        return list(found.values())

    async def call(self, tool: str, arguments: Mapping[str, Any], answered: Answered | None = None) -> Result:
        """Call a tool, once; or go on with a call whose questions were answered. Raises ConnectionProblem, whose ``sent`` says that it may
        have happened, and AsksFirst."""
        more = {} if answered is None else {"input_responses": _typed(answered[0]), "request_state": answered[1]}
        async with self._asking("answer", self.target.seconds, sent=True) as client:
            result = await client.session.call_tool(tool, dict(arguments), allow_input_required=True, **more)
        if result.result_type == "input_required":
            raise AsksFirst(self._questions(result))
        if self._asked and result.is_error:
            raise ConnectionProblem(f"{self.target.name} asks you something in the middle of the call. Only servers of MCP 2026-07-28 can.")
        text, size = _text_of(result)
        if result.is_error:
            raise ConnectionProblem(text or f"{self.target.name} says that the call failed, and not why.", told=True)
        return Result(text, size)

    def _questions(self, result: Any) -> Questions:
        asked = {key: each.model_dump(mode="json", by_alias=True) for key, each in (result.input_requests or {}).items()}
        try:
            if not asked:
                raise CannotBeAsked("to be called again, and not why")  # noqa: TRY301
            return questions.read(asked, result.request_state)
        except CannotBeAsked as error:
            raise ConnectionProblem(f"{self.target.name} wants {error}, before it goes on. The call was given up.") from None

    async def _asked_meanwhile(self, _context: Any, _params: Any) -> Any:
        """What a server of an older era asks while its call is open: nobody can answer that after the run has paused."""
        self._asked = True
        return import_module("mcp_types").ErrorData(code=-32601, message="Nobody can be asked while a call is open.")

    def close(self) -> None:
        """Let go. What is open is closed by its own task, for which nobody has to wait."""
        self._leave.set()
        if self._owner is not None and not self._client.done():
            self._owner.cancel()

    async def closed(self) -> None:
        """Wait until it is."""
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=CLOSE_SECONDS)

    @contextlib.asynccontextmanager
    async def _asking(self, what: str, seconds: float, *, sent: bool = False) -> AsyncIterator[Any]:
        """Give the SDK's client, opened, and turn whatever it raises into a ConnectionProblem."""
        name = self.target.name
        client = await self._opened()
        try:
            async with asyncio.timeout(seconds):
                yield client
        except TimeoutError:
            raise ConnectionProblem(f"{name} did not {what} within {seconds:g} seconds.", sent=sent) from None
        except ConnectionProblem:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK, its streams and pydantic raise
            raise await self._problem(error, sent=sent) from None

    async def _opened(self) -> Any:
        if self._owner is None:
            self._owner = asyncio.create_task(self._own(), name=f"connection to {self.target.slug}")
            _closing.add(self._owner)
            self._owner.add_done_callback(_closing.discard)
        return await asyncio.shield(self._client)

    async def _own(self) -> None:
        """Open, stay until everybody is done, and close."""
        name, seconds = self.target.name, self.target.seconds
        try:
            sdk = await asyncio.to_thread(_sdk)
            async with asyncio.timeout(seconds) as limit, _client_of(sdk, self.target, self._note, self._asked_meanwhile) as client:
                limit.reschedule(None)
                self._client.set_result(client)
                await self._leave.wait()
                limit.reschedule(asyncio.get_running_loop().time() + CLOSE_SECONDS)
        except BaseException as error:
            self._end = error
            if self._client.done():
                if isinstance(error, asyncio.CancelledError):
                    raise
                return
            if isinstance(error, TimeoutError):
                problem = ConnectionProblem(f"{name} did not answer within {seconds:g} seconds.", state=problems.AWAY)
            else:
                problem = self._meaning(error) or ConnectionProblem(f"{name} does not speak MCP as we know it.", state=problems.AWAY)
            problem.sent = False
            self._client.set_exception(problem)
            self._client.exception()  # nobody may be waiting any more
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _problem(self, error: BaseException, *, sent: bool) -> ConnectionProblem:
        """Return what is told of an error of the SDK. Where the connection broke, its owner knows why in a moment."""
        is_told = type(error).__name__ == "MCPError" and error.args[0] not in {_CLOSED, _INTERNAL}
        if not is_told and self._owner is not None:
            await asyncio.wait({self._owner}, timeout=0.5 if not self._status else 0)
        found = self._meaning(self._end) or self._meaning(error)
        if found is None and is_told:
            found = problems.of_server(str(error), self.target.name)
        if found is None and type(error).__name__ in {"ValidationError", "RuntimeError"}:
            found = ConnectionProblem(f"{self.target.name} answered with something that is not MCP.", sent=sent)
        return found or ConnectionProblem(f"The connection to {self.target.name} broke.", state=problems.AWAY, sent=sent)

    def _meaning(self, error: BaseException | None) -> ConnectionProblem | None:
        if self._location:
            return problems.of_redirect(self._location, self.target.name)
        if self._status and (found := problems.of_status(self._status, self.target.name, has_key=bool(self.target.headers))):
            return found
        return problems.of_error(error, self.target.name, limit=ANSWER_LIMIT)

    async def _note(self, answer: httpx2.Response) -> None:
        """Remember the status of the last answer: the SDK tells of none."""
        self._status = answer.status_code if answer.is_error else 0
        self._location = answer.headers.get("location", "") if answer.has_redirect_location else ""


async def finish() -> None:
    """Wait until every connection of this loop that was let go has closed."""
    loop = asyncio.get_running_loop()
    if mine := [task for task in _closing if task.get_loop() is loop]:
        await asyncio.wait(mine, timeout=CLOSE_SECONDS)


_CLOSED, _INTERNAL = -32000, -32603  # codes with which the SDK says itself that a connection broke


@cache
def _sdk() -> Any:
    """Load the SDK. It logs what it cannot read, and with it what was said; we have sentences of our own."""
    for name in ("mcp", "client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("mcp.client.stdio", "mcp.client.streamable_http", "mcp.client.session"):
        import_module(name)
    return import_module("mcp.client.client")


@contextlib.asynccontextmanager
async def _client_of(sdk: Any, target: Target, note: Any, asked: Any) -> AsyncIterator[Any]:
    async with contextlib.AsyncExitStack() as stack:
        if target.command:
            nowhere = stack.enter_context(Path(os.devnull).open("w"))  # noqa: ASYNC230, SIM115 - never waits
            program = sdk.StdioServerParameters(command=target.command[0], args=list(target.command[1:]), env=dict(target.env) or None)
            transport = sdk.stdio_client(program, errlog=nowhere)
        else:
            policy = guarded_http.Policy(total=None, answer_limit=ANSWER_LIMIT)
            http = await stack.enter_async_context(guarded_http.async_client(policy))
            http.headers.update(target.headers)
            http.event_hooks = {"response": [note]}
            transport = sdk.streamable_http_client(target.url, http_client=http, max_sse_event_size=ANSWER_LIMIT)
        client = await stack.enter_async_context(sdk.Client(transport, cache=None, elicitation_callback=asked))
        client.session.validate_tool_result = _unchecked  # it would list the tools before it gives the first result
        yield client


async def _unchecked(_name: str, _result: Any) -> None:
    """What a server says of its results is not held against it: they are text to us."""


async def _listed(client: Any, cursor: str | None) -> dict[str, Any]:
    """Return a page of the server's tools as it sent it. The SDK itself refuses all of them for one that is wrong."""
    session = client.session
    data: dict[str, Any] = {"method": "tools/list", "params": {"cursor": cursor} if cursor else {}}
    options: dict[str, Any] = {}
    session._stamp(data, options)  # noqa: SLF001 - were these two to change, no server would answer in the tests
    found = await session._dispatcher.send_raw_request(data["method"], data.get("params"), options)  # noqa: SLF001
    return found if isinstance(found, dict) else {}


def _typed(responses: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    types = import_module("mcp_types")
    return {key: types.ElicitResult(**each) for key, each in responses.items()}


def _text_of(result: Any) -> tuple[str, int]:
    """Return a result as text for the model, and its size."""
    size, said = 0, []
    for block in result.content:
        text = _block(block)
        size += len(getattr(block, "data", None) or text)
        said.append(text)
    if not said and result.structured_content is not None:
        said = [json.dumps(result.structured_content, ensure_ascii=False)]
        size = len(said[0])
    return _bounded("\n".join(said)), size


def _block(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return f"({block.type}, {block.mime_type}, {len(block.data) * 3 // 4:,} bytes: not shown)"
        case "resource_link":
            return f"{block.name}: {block.uri}"
        case "resource":
            return str(getattr(block.resource, "text", None) or f"(a file, {block.resource.uri}: not shown)")
    return f"({block.type}: not shown)"


def _bounded(text: str) -> str:
    text = clean(text)
    return text if len(text) <= TEXT_LIMIT else text[: cut_before(text, TEXT_LIMIT - len(CUT))] + CUT
