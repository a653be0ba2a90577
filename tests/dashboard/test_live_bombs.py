"""A text that is hard to read is its chat's own trouble: the loop, on which everybody's tabs are served, does not feel it."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from statistics import median
from time import perf_counter, thread_time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from markdown_it import MarkdownIt

from agentos.agents.events import Finished
from agentos.chat.live.buffer import LiveBuffer, live_buffers
from agentos.chat.models import Run, RunEvent
from agentos.chat.runs.ending import end_run
from agentos.core.rendering import markdown
from agentos.core.rendering.away import LIGHT
from tests.core.rendering.bombs import BOMBS
from tests.dashboard.test_live import fresh, running, tab_of, tell  # noqa: F401 - a fixture

SIZE, PIECE = 12_000, 1_500  # characters
LONGEST = 0.05  # seconds of the loop's work; what is allowed is 0.02, on a machine that has nothing else to do
KINDS = [
    "http://[", "//a.b/", "<http://", "*a **b ", "[a](", "- a\n", "`a", "a. *b*. ", "words, then addresses", "empty lines of a language",
    "blanks of C", "much code", "a deep list", "\\(a\\) ", "deep images",
]  # fmt: skip
HARD = "\n\n".join(BOMBS[name][:4_000] for name in KINDS)

Renders = list[tuple[int, str]]


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> Renders:
    """What was rendered from now on, and by which thread."""
    seen: Renders = []
    render = MarkdownIt.render

    def noted(self: MarkdownIt, src: str, env: Any = None) -> Any:
        seen.append((threading.get_ident(), src))
        return render(self, src, env)

    markdown.render("warm *up*")
    monkeypatch.setattr(MarkdownIt, "render", noted)
    return seen


async def say(run: Run, draft: LiveBuffer, text: str) -> AsyncIterator[None]:
    for start in range(0, len(text), PIECE):
        data = {"text": text[start : start + PIECE]}
        await RunEvent.objects.acreate(run=run, seq=draft.seq + 1, attempt=1, kind="text", data=data)
        draft.take(draft.seq + 1, "text", data)
        yield


@pytest.fixture
def _nothing_to_look_through() -> Iterator[None]:
    """What hundreds of other tests have left in memory costs a collection of garbage more than a step may take."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_nothing_to_look_through")
@pytest.mark.parametrize("name", KINDS)
async def test_the_loop_renders_nothing_long(running: Run, renders: Renders, name: str) -> None:  # noqa: F811 - the fixture
    _, start = await sync_to_async(fresh)(running.session)
    draft, tab, costs = live_buffers.open(running), tab_of(running, start), []
    renders.clear()
    async for _ in say(running, draft, BOMBS[name][:SIZE]):
        before = thread_time()
        await tab._told({"draft"}, set())
        costs.append(thread_time() - before)
    live_buffers.close(draft)
    await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=1)
    assert await tab._told({"session"}, set())
    assert renders
    assert [text[:20] for thread, text in renders if thread == threading.get_ident() and len(text) > LIGHT] == []
    assert max(costs) < LONGEST


async def test_a_step_is_rendered_once_for_all_tabs(running: Run, renders: Renders) -> None:  # noqa: F811
    _, start = await sync_to_async(fresh)(running.session)
    draft, tabs = live_buffers.open(running), [tab_of(running, start) for _ in range(5)]
    renders.clear()
    async for _ in say(running, draft, "Some *words* of it. " * 300):
        told = await asyncio.gather(*(tab._told({"draft"}, set()) for tab in tabs))
        assert told.count(told[0]) == len(tabs)
    live_buffers.close(draft)
    assert 0 < len(renders) <= draft.seq


async def test_a_tab_that_goes_takes_nothing_from_the_others(running: Run) -> None:  # noqa: F811
    page, start = await sync_to_async(fresh)(running.session)
    draft, leaving, staying = live_buffers.open(running), tab_of(running, start), tab_of(running, start)
    async for _ in say(running, draft, "Some *words* of it. " * 300):
        gone = asyncio.ensure_future(leaving._told({"draft"}, set()))
        stays = asyncio.ensure_future(tell(page, staying, {"draft"}))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
    live_buffers.close(draft)
    assert page.shown("turns") == (await sync_to_async(fresh)(running.session))[0].shown("turns")


@pytest.mark.timeout(300)
async def test_anothers_page_comes_in_time(running: Run, async_client: AsyncClient) -> None:  # noqa: F811
    async def page() -> float:
        before = perf_counter()
        assert (await async_client.get("/sign-in/")).status_code == 200
        return perf_counter() - before

    await page()
    alone = median([await page() for _ in range(5)])
    _, start = await sync_to_async(fresh)(running.session)
    draft, tab, waited = live_buffers.open(running), tab_of(running, start), []
    async for _ in say(running, draft, HARD):
        _, took = await asyncio.gather(tab._told({"draft"}, set()), page())
        waited.append(took)
    live_buffers.close(draft)
    assert median(waited) < 10 * alone + 0.2
    assert max(waited) < 40 * alone + 5
