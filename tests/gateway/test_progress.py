"""How much of an answer was told: whoever goes on from any place ends up with the same text, and hears of every call."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.gateway.progress import Progress

text = st.builds(lambda kind, text: {"kind": kind, "text": text}, st.sampled_from(["text", "reasoning"]), st.text(max_size=6))
tool = st.builds(lambda name, status: {"kind": "tool", "call_id": name, "status": status}, st.text("ab", max_size=2), st.just("finished"))
answers = st.lists(st.one_of(text, tool), max_size=6)


def cut(parts: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the answer as it was when ``count`` characters and calls were there."""
    found = []
    for part in parts:
        if count <= 0:
            break
        if part["kind"] == "tool":
            found.append({**part, "status": "finished" if count > 1 else "running"})
            count -= 2
        else:
            found.append({**part, "text": part["text"][:count]})
            count -= len(part["text"])
    return found


class TestProgress:
    @settings(deadline=None, max_examples=200)
    @given(answers, st.integers(0, 40))
    def test_goes_on_from_any_place(self, parts: list[dict[str, Any]], count: int) -> None:
        first = Progress()
        told = list(first.steps(cut(parts, count)))
        index = told[-1].index if told else 0
        rest = list(Progress.at(index, parts).steps(parts))
        assert "".join(step.text for step in [*told, *rest]) == "".join(part.get("text", "") for part in parts)
        ended = [id(step.part) for step in rest if step.what == "ended"]
        assert len(ended) == len(set(ended))
        calls = sum(part["kind"] == "tool" for part in parts)
        assert calls <= sum(step.what == "ended" for step in [*told, *rest])

    def test_tells_of_calls_that_ran_side_by_side_again(self) -> None:
        calls = [{"kind": "tool", "call_id": name, "status": "running"} for name in "ab"]
        first = Progress()
        told = list(first.steps(calls))
        assert [step.what for step in told] == ["began", "began"]
        done = [{**call, "status": "finished"} for call in calls]
        rest = list(Progress.at(told[-1].index, done).steps(done))
        assert {step.part["call_id"] for step in rest if step.what == "ended"} == {"a", "b"}

    def test_counts_the_same_while_a_run_runs_and_after(self) -> None:
        parts = [
            {"kind": "text", "text": "Hello "},
            {"kind": "tool", "call_id": "1", "status": "finished"},
            {"kind": "text", "text": "you"},
        ]
        growing, whole = Progress(), Progress()
        for count in range(12):
            list(growing.steps(cut(parts, count)))
        list(whole.steps(parts))
        assert growing.index == whole.index == 2 * (6 + 2 + 3)
