"""What is told to a reader who has a part of an answer, for every answer and every part of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentos.api.differences import events_between
from agentos.chat.live.parts import add, end_open_tools, fold

WORDS = st.sampled_from(["a", "b ", "\n\n", "é"])
CALLS = st.sampled_from(["call_1", "call_2"])


def text_event(kind: str, word: str) -> tuple[str, dict[str, Any]]:
    return kind, {"text": word}


PLACE = {"within": "d1", "by": "ann"}
DELEGATION = st.sampled_from(
    [
        ("delegated", {"call_id": "d1", "by": "ann", "name": "Ann", "task": "Go."}),
        ("delegation_ended", {"call_id": "d1", "seconds": 0.1, "error": ""}),
        ("delegation_ended", {"call_id": "d1", "seconds": 0.1, "error": "The model is busy."}),
        ("text", {"text": "Hm", **PLACE}),
        ("tool_started", {"call_id": "call_1", "name": "clock", "args": {}, **PLACE}),
        ("tool_finished", {"call_id": "call_1", "name": "clock", "result": "ok", "seconds": 0.1, **PLACE}),
    ]
)
EVENTS = st.lists(
    st.one_of(
        DELEGATION,
        st.builds(text_event, st.sampled_from(["text", "reasoning"]), WORDS),
        CALLS.map(lambda call: ("tool_started", {"call_id": call, "name": "clock", "args": {}})),
        CALLS.map(lambda call: ("tool_finished", {"call_id": call, "name": "clock", "result": "ok", "seconds": 0.1})),
        CALLS.map(
            lambda call: ("tool_finished", {"call_id": call, "name": "clock", "result": "ok", "seconds": 0.1, "shown": {"kind": "chart"}})
        ),
        CALLS.map(lambda call: ("tool_failed", {"call_id": call, "name": "clock", "error": "no", "seconds": 0.1})),
        st.just(("usage", {"input_tokens": 1, "output_tokens": 1})),
    ),
    max_size=12,
)


def unique_calls(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """A call starts once, and ends at most once, after it has started; so does a delegation, and what is in it happens while it goes on."""
    state: dict[tuple[str, str], str] = {}
    kept = []
    for kind, data in events:
        within, call = data.get("within", ""), data.get("call_id", "")
        if within and state.get(("", within)) != "delegated":
            continue
        starts = "delegated" if kind in {"delegated", "delegation_ended"} else "tool_started"
        if call and state.get((within, call)) != (None if kind == starts else starts):
            continue
        if call:
            state[within, call] = kind
        kept.append((kind, data))
    return kept


class TestGrowth:
    @given(EVENTS, st.integers(0, 12), st.booleans())
    def test_makes_any_beginning_into_the_whole(self, events: list[tuple[str, dict[str, Any]]], cut: int, ended: bool) -> None:
        story = unique_calls(events)
        seen, whole = fold(story[:cut]), fold(story)
        if ended:
            end_open_tools(whole)
        for kind, data in events_between(seen, whole):
            add(seen, kind, data)
        assert seen == whole

    @given(EVENTS)
    def test_says_nothing_to_whoever_has_it_all(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        story = unique_calls(events)
        assert list(events_between(fold(story), fold(story))) == []
