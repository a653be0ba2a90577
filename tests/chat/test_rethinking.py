"""Text that turns out to be reasoning, since its closing tag was never opened: folded in the page, in a live tab, for programs."""

from asgiref.sync import sync_to_async

from agentos.agents.events import Finished
from agentos.api.differences import events_between
from agentos.chat.live.buffer import live_buffers
from agentos.chat.live.parts import fold, text_of
from agentos.chat.models import Run, RunEvent
from agentos.chat.runs.ending import end_run
from tests.dashboard.test_live import fresh, running, tab_of, tell
from tests.live_dom import LiveDom

__all__ = ["running"]
LINES = (
    ("text", "Hm, "),
    ("text", "let me see.\n\nYes."),
    ("rethought", "</think>"),
    ("text", "The answer "),
    ("text", "is 42."),
)


async def test_is_folded_in_a_live_tab_as_on_a_fresh_page(running: Run) -> None:
    page, start = await sync_to_async(fresh)(running.session)
    buffer, tab = live_buffers.open(running), tab_of(running, start)
    late = [(str(page.soup), start)]
    for number, (kind, text) in enumerate(LINES, 1):
        await RunEvent.objects.acreate(run=running, seq=number, attempt=1, kind=kind, data={"text": text})
        buffer.take(number, kind, {"text": text})
        await tell(page, tab, {"draft"})
        late.append((str(page.soup), tab.cursor))
        expected = (await sync_to_async(fresh)(running.session))[0]
        assert page.shown("turns") == expected.shown("turns"), number
    for html, cursor in late:
        dom = LiveDom(html)
        await tell(dom, tab_of(running, cursor), {"session", "draft"})
        assert dom.shown("turns") == expected.shown("turns")
    live_buffers.close(buffer)
    await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=1)
    ended = await Run.objects.aget(pk=running.pk)
    assert ended.answer == "The answer is 42."
    assert [part["kind"] for part in ended.parts] == ["reasoning", "text"]


def test_reaches_programs_that_have_seen_a_part_of_it() -> None:
    events = [(kind, {"text": text}) for kind, text in LINES]
    whole = fold(events)
    for seen in range(len(events)):
        parts = fold(events[:seen])
        more = list(events_between(parts, whole))
        assert fold([*events[:seen], *more]) == whole
    assert text_of(whole) == "The answer is 42."
