"""What OpenAI-compatible servers really send, as it arrives: in the page, in a live tab, in our JSON and at ``/v1``."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup
from openai import OpenAI

from tests.agents import odd_streams
from tests.agents.fakes import FakeServer
from tests.api.openai.server import Server

# What is shown of each: the answer, the sentence below it, and how /v1 calls the end.
SHOWN: dict[str, tuple[str, str, str]] = {
    "same-id-three-calls": ("It is done.", "", "stop"),
    "cut-by-length": ("Once upon", "reached its limit", "length"),
    "cut-by-filter": ("Once upon", "withheld the rest", "content_filter"),
    "refusal-field": ("I cannot help with that.", "", "stop"),
    "cumulative-usage": ("1 2 3 4 5", "", "stop"),
    "content-as-list": ("List content", "", "stop"),
    "split-surrogates": ("Hi \U0001f600!", "", "stop"),
    "unknown-tool": ("It is done.", "", "stop"),
    "no-stream": ("Whole answer.", "", "stop"),
    "ends-without-finish": ("Once upon", "did not say that it was done", "length"),
    "think-tags-split": ("42", "", "stop"),
}
FAILED = {"only-white-space": "gave no answer", "tool-then-nothing": "added nothing", "withheld": "withheld the answer"}


@pytest.fixture(scope="module")
def models() -> Iterator[str]:
    """The address of a server of models."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[str] = []

    async def serve() -> None:
        async with FakeServer(odd_streams.odd) as server:
            found.append(server.url + "/v1")
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: str) -> Iterator[Server]:
    agents = {name: f"openai-like:{name}" for name in (*SHOWN, *FAILED)}
    started = Server(tmp_path_factory.mktemp("odd"), agents=agents, AGENTOS_OPENAI_LIKE_URL=models)
    yield started
    started.stop()


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.origin, cookies=server.cookies, timeout=30) as client:
        yield client


def of_stream(client: OpenAI, name: str, session: str) -> tuple[str, str, int]:
    text, finish, tokens = "", "", 0
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}, "metadata": {"session_id": session}}
    for chunk in client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Go"}], **options):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
        tokens = chunk.usage.total_tokens if chunk.usage else tokens
    return text, finish, tokens


def turn_in(html: str) -> dict[str, str]:
    turn = BeautifulSoup(html, "html.parser").select_one("article.turn")
    assert turn is not None
    said = [" ".join(part.get_text(" ").split()) for part in turn.select(".answer-parts > .prose")]
    state = turn.select_one("[id$=-state]")
    return {
        "answer": " ".join(said),
        "state": " ".join(state.get_text(" ").split()) if state else "",
        "buttons": " ".join(str(button["aria-label"]) for button in turn.select("button[aria-label]")),
        "tools": " ".join(" ".join(tool.get_text(" ").split()) for tool in turn.select(".tool")),
        "thoughts": " ".join(" ".join(thought.get_text(" ").split()) for thought in turn.select(".reasoning")),
    }


def live_turn(browser: httpx.Client, session: str) -> dict[str, str]:
    """The turn as a tab is sent it that has not seen it yet."""
    with browser.stream("GET", "/agentos/live/", params={"session": session, "cursor": "0"}) as stream:
        frame = ""
        for line in stream.iter_lines():
            if line.startswith("data:"):
                frame += line[5:].removeprefix(" ") + "\n"
            if "</article>" in frame:
                return turn_in(frame)
    raise AssertionError(frame)


@pytest.mark.parametrize("name", SHOWN)
def test_is_the_same_everywhere(server: Server, browser: httpx.Client, client: Callable[..., OpenAI], name: str) -> None:
    answer, sentence, finish = SHOWN[name]
    session = server.sessions[name][0]
    text, told, tokens = of_stream(client("ada"), name, session)
    assert (" ".join(text.split()), told) == (answer, finish)

    whole = client("ada").chat.completions.create(model=name, messages=[{"role": "user", "content": "Go"}])
    assert (" ".join((whole.choices[0].message.content or "").split()), whole.choices[0].finish_reason) == (answer, finish)

    (run,) = browser.get(f"/api/v1/agentos/sessions/{session}/runs/").raise_for_status().json()["runs"]
    assert " ".join(run["answer"].split()) == answer
    assert (run["status"], bool(run["cut"])) == ("completed", finish != "stop")
    assert run["input_tokens"] + run["output_tokens"] == tokens

    page = turn_in(browser.get(f"/agentos/session/{session}/").raise_for_status().text)
    assert page == live_turn(browser, session)
    assert page["answer"] == answer
    assert sentence in page["state"]
    assert ("Continue answer 1" in page["buttons"]) == (finish != "stop")
    if name == "cumulative-usage":
        assert tokens == 10
    if name == "same-id-three-calls":
        assert [part["result"] for part in run["parts"] if part["kind"] == "tool"] == ["2", "4", "9"]
    if name == "unknown-tool":
        assert "failed" in page["tools"]
        assert "does not exist" in page["tools"]
    if name == "think-tags-split":
        assert "Hm, yes." in page["thoughts"]


@pytest.mark.parametrize("name", FAILED)
def test_of_an_empty_answer_says_so_and_offers_another_try(server: Server, browser: httpx.Client, name: str) -> None:
    session = server.sessions[name][0]
    headers = {"Authorization": f"Bearer {server.tokens['ada']}"}
    body = {"model": name, "messages": [{"role": "user", "content": "Go"}], "metadata": {"session_id": session}}
    refused = httpx.post(f"{server.url}/chat/completions", headers=headers, json=body)
    assert refused.status_code >= 400
    assert FAILED[name] in json.dumps(refused.json())
    page = turn_in(browser.get(f"/agentos/session/{session}/").raise_for_status().text)
    assert page == live_turn(browser, session)
    assert page["answer"] == ""
    assert FAILED[name] in page["state"]
    assert "Try again: answer 1" in page["buttons"]


def test_goes_on_where_a_cut_answer_stopped(server: Server, browser: httpx.Client, client: Callable[..., OpenAI]) -> None:
    session = server.sessions["cut-by-length"][1]
    of_stream(client("ada"), "cut-by-length", session)
    page = BeautifulSoup(browser.get(f"/agentos/session/{session}/").text, "html.parser")
    form = page.select_one("form[action$='/continue/']")
    assert form is not None
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    browser.post(str(form["action"]), data=fields, headers={"Origin": server.origin}, follow_redirects=True).raise_for_status()
    going_on = browser.get(f"/api/v1/agentos/sessions/{session}/runs/").json()["runs"][0]
    assert going_on["turn"] == 2
    assert going_on["message"] == "Continue where you stopped."
