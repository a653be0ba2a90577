"""Searching the web: each engine's protocol, what is missing, what is found, and what goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentos.agents import tools
from agentos.agents.events import ToolFailed, ToolFinished
from agentos.agents.runtime import call_context
from agentos.agents.runtime import tools as agno_tools
from agentos.agents.runtime.text import RESULT_LIMIT
from agentos.agents.tools import Refused, outgoing, search_engines
from agentos.agents.tools.external import CALLED
from agentos.agents.tools.web_search import found_in, web_search
from agentos.audit.models import AuditRecord
from agentos.core import db as database
from agentos.core.security.guarded_http import Policy
from tests.agents.fakes import play, spec
from tests.agents.web import Asked, Site, answer, redirect, silence

RESULTS = [
    {
        "title": "Tea",
        "url": "https://tea.example/green?cup=1",
        "content": "Green\ntea.",
        "description": "Green\ntea.",
        "text": "Green\ntea.",
    },
    {"title": "", "url": "https://cups.example/", "content": "Address: https://sly.example/", "description": "x", "text": "x"},
]


@pytest.fixture
async def site(transactional_db: None, settings: Any) -> AsyncIterator[Site]:
    async with Site() as site:
        settings.AGENTOS_SEARCH_URL = site.url
        settings.AGENTOS_SEARCH_KEY = "key-of-the-operator"
        yield site
    await asyncio.to_thread(database.close)


def given(data: Any) -> bytes:
    return answer(json.dumps(data), kind="application/json")


async def search(query: str = "green tea", **more: Any) -> str:
    return str(await web_search.functions[0].call(query=query, **more))


class TestEngines:
    async def test_searxng(self, site: Site) -> None:
        site.pages["/search"] = given({"results": RESULTS})
        assert await search() == (
            "1. Tea\nAddress: https://tea.example/green?cup=1\nSays: Green tea.\n\n"
            "2. Without a title\nAddress: https://cups.example/\nSays: Address: https://sly.example/"
        )
        assert site.targets == ["/search?q=green+tea&format=json"]

    @pytest.mark.parametrize(
        ("engine", "wrapped", "header"),
        [
            ("brave", lambda results: {"web": {"results": results}}, "x-subscription-token"),
            ("tavily", lambda results: {"results": results}, "authorization"),
            ("exa", lambda results: {"results": results}, "x-api-key"),
        ],
    )
    async def test_with_a_key(self, site: Site, settings: Any, engine: str, wrapped: Any, header: str) -> None:
        settings.AGENTOS_SEARCH_ENGINE = engine
        site.pages["/"] = given(wrapped(RESULTS))
        assert (await search(count=1)).startswith("1. Tea\nAddress: https://tea.example/green?cup=1\nSays: Green tea.")
        (asked,) = site.asked
        assert asked.headers[header].endswith("key-of-the-operator")
        assert "green" in asked.target + asked.body.decode()
        assert "key-of-the-operator" not in asked.target

    def test_say_what_is_missing(self, settings: Any) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert "AGENTOS_SEARCH_URL" in tools.fixed()["web-search"].needs()
        settings.AGENTOS_SEARCH_ENGINE = "exa"
        settings.AGENTOS_SEARCH_URL = "https://exa.example"
        assert tools.fixed()["web-search"].needs() == "To search the web with exa, set AGENTOS_SEARCH_KEY."
        settings.AGENTOS_SEARCH_KEY = "k"
        assert tools.fixed()["web-search"].needs() == ""

    async def test_are_rehearsed_in_trials_and_say_so(self, settings: Any) -> None:
        found = await search(count=2)
        assert "rehearsal" in found.splitlines()[0]
        assert found.count("Address: https://rehearsal.example/") == 2

    async def test_are_not_rehearsed_once_there_is_one(self, site: Site) -> None:
        assert search_engines.chosen() is search_engines.searxng


class TestWorstInputs:
    async def test_takes_no_endless_query(self) -> None:
        for query in ("", " \n", "a" * 401):
            with pytest.raises(Refused, match="a few words"):
                await search(query)

    @pytest.mark.parametrize(("count", "expected"), [(-5, 1), (0, 1), (3, 3), (10_000, 10)])
    async def test_bounds_the_results(self, site: Site, count: int, expected: int) -> None:
        site.pages["/search"] = given({"results": RESULTS[:1] * 50})
        assert (await search(count=count)).count("Address: ") == expected

    async def test_bounds_what_each_says(self, site: Site) -> None:
        long = {"title": "t" * 5000, "url": "https://tea.example/", "content": "s" * 50_000}
        too_long = {"title": "t", "url": "https://tea.example/" + "u" * 1500, "content": ""}
        site.pages["/search"] = given({"results": [long, too_long] * 5})
        found = await search(count=10)
        assert found.count("Address: ") == 5
        assert len(found) < RESULT_LIMIT

    async def test_leaves_out_what_cannot_be_opened(self, site: Site) -> None:
        urls = [
            "file:///etc/passwd",
            "http://127.0.0.1/",
            "http://[::ffff:10.0.0.1]/",
            "javascript:alert(1)",
            "https://a b.example/",
            7,
            None,
        ]
        site.pages["/search"] = given({"results": [{"url": url, "title": "x"} for url in urls] + [None, "x"]})
        assert await search(count=9) == "Nothing was found for “green tea”."

    @pytest.mark.parametrize(
        ("page", "sentence"),
        [
            (answer("no", 403), "refused to answer (403). SearXNG answers only when json"),
            (answer("no", 429), "asked too often"),
            (answer("no", 500), "answered with 500"),
            (answer("<html>"), "cannot be read"),
            (answer("[" * 100_000), "cannot be read"),
            (given({"results": "none"}), "cannot be read"),
            (answer(b"\xff\xfe{"), "cannot be read"),
            (answer(b" " * 3_000_000), "larger than 1 MB"),
            (answer(b"\x1f\x8b", Content_Encoding="gzip"), "compressed"),
            (redirect("http://10.0.0.1/"), "answered with 302"),
            (b"nonsense\r\n\r\n", "could not be reached"),
        ],
    )
    async def test_says_what_is_wrong_with_an_answer(self, site: Site, page: bytes, sentence: str) -> None:
        site.pages["/search"] = page
        with pytest.raises(Refused) as refused:
            await search()
        assert sentence in str(refused.value)

    async def test_says_nothing_was_found_in_an_empty_answer(self, site: Site) -> None:
        site.pages["/search"] = given({})
        assert await search() == "Nothing was found for “green tea”."

    async def test_says_that_the_server_is_dead(self, site: Site, settings: Any, unused_tcp_port: int) -> None:
        settings.AGENTOS_SEARCH_URL = f"http://127.0.0.1:{unused_tcp_port}"
        with pytest.raises(Refused, match="could not be reached"):
            await search()

    async def test_does_not_wait_for_ever(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outgoing, "SECONDS", 0.05)
        site.pages["/search"] = silence
        with pytest.raises(Refused, match="did not answer within"):
            await search()

    async def test_leaves_nothing_open_when_it_is_stopped(self, site: Site) -> None:
        site.pages["/search"] = silence
        task = asyncio.create_task(search())
        await site.came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await site.left.wait()


class TestAudit:
    async def test_has_a_line_for_each_call_and_none_of_its_content(self, site: Site) -> None:
        site.pages["/search"] = given({"results": RESULTS})
        events = await play(spec("scripted:calls", "web-search"), 'web_search {"query": "secret tea"}')
        assert [event for event in events if isinstance(event, ToolFinished)]
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert (line.object_type, line.object_id) == ("run", "run")
        assert line.data == line.data | {"agent": "assistant", "tool": "web-search", "host": "127.0.0.1", "ok": True}
        assert line.data["received"] == len(json.dumps({"results": RESULTS}))
        assert "secret" not in json.dumps(line.data)

    async def test_names_whose_run_it_was(self, site: Site, member: Any) -> None:
        box = agno_tools.toolbox(["web-search"], {})
        call_context.opened(spec("scripted:calls"), box, run_id="r", user_id=str(member.pk), session_id="s", history=[], said=[])
        site.pages["/search"] = answer("no", 500)
        with pytest.raises(Refused):
            await search()
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert (line.actor_id, line.data["ok"]) == (member.pk, True)

    async def test_has_a_line_for_a_call_that_was_stopped(self, site: Site) -> None:
        site.pages["/search"] = silence
        task = asyncio.create_task(search())
        await site.came.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert (line.data["ok"], line.data["received"]) == (False, 0)

    async def test_names_where_it_was_sent_on_to(self, site: Site) -> None:
        site.pages["/a"] = redirect("http://10.0.0.1/")
        with pytest.raises(Refused, match="private or special"):
            await outgoing.send("x", "GET", f"{site.url}/a", follow=True, policy=Policy(trusted=("127.0.0.1",)))
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert line.data["led_to"] == ["10.0.0.1"]

    async def test_holds_up_nobody_when_the_database_is_away(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def gone(*_: object, **__: object) -> None:
            from django.db import OperationalError

            raise OperationalError("gone")

        monkeypatch.setattr("agentos.agents.tools.external.record", gone)
        site.pages["/search"] = given({"results": RESULTS})
        assert "tea.example" in await search()
        assert "could not be noted in the audit" in caplog.text


class TestFound:
    def test_are_addresses_that_no_page_can_have_written(self) -> None:
        text = "1. Address: https://sly.example/\nAddress: https://Tea.example:443/green?cup=1#top\nSays: Address: https://sly.example/"
        assert list(found_in(None, text)) == ["https://tea.example/green?cup=1"]  # type: ignore[arg-type]

    async def test_are_known_to_the_run(self, site: Site) -> None:
        seen = []

        async def page(asked: Asked) -> bytes:
            return given({"results": RESULTS})

        site.pages["/search"] = page
        real = call_context.opened

        def noted(*args: Any, **more: Any) -> Any:
            seen.append(real(*args, **more))
            return seen[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(call_context, "opened", noted)
            await play(spec("scripted:calls", "web-search"), 'web_search {"query": "tea"}')
        assert seen[0].found == {"https://tea.example/green?cup=1", "https://cups.example/"}

    async def test_a_failed_call_finds_nothing(self, site: Site) -> None:
        site.pages["/search"] = answer("no", 500)
        events = await play(spec("scripted:calls", "web-search"), 'web_search {"query": "tea"}')
        assert [event.error for event in events if isinstance(event, ToolFailed)] == [
            "The search engine does not work now: it answered with 500."
        ]
