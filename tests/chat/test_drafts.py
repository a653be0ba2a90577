"""A draft: what the journal has stored of a running answer, line by line, for tabs that come from any of them."""

from agentos.chat.live.buffer import NO_TEXT, LiveBuffer, LiveBuffers
from agentos.chat.models import Run


def buffer(pk: int = 1) -> LiveBuffer:
    return LiveBuffer(Run(pk=pk, session_id=7, turn=1, attempt=1))


class TestADraft:
    def test_knows_where_in_its_part_each_text_stands(self) -> None:
        made = buffer()
        for seq, text in enumerate(("One", " two"), 1):
            made.take(seq, "text", {"text": text})
        assert [(line.seq, line.part, line.start, line.end) for line in made.lines] == [(1, 0, 0, 3), (2, 0, 3, 7)]

    def test_begins_anew_with_each_part(self) -> None:
        made = buffer()
        made.take(1, "reasoning", {"text": "Some\n\nthoughts"})
        assert made.lines[-1].after.closed == len("Some\n\n")
        made.take(2, "text", {"text": "W"})
        assert (made.lines[-1].start, made.lines[-1].before) == (0, NO_TEXT)
        assert made.lines[-1].after.closed == 0

    def test_gives_the_lines_after_a_number(self) -> None:
        made = buffer()
        assert made.after(0) == []
        for seq in range(3, 6):  # what was before is in the page already
            made.take(seq, "text", {"text": "a"})
        for seq, left in ((0, [3, 4, 5]), (2, [3, 4, 5]), (3, [4, 5]), (4, [5]), (5, []), (9, [])):
            assert [line.seq for line in made.after(seq)] == left, seq


class TestDrafts:
    def test_are_found_by_their_session_until_they_are_closed(self) -> None:
        kept = LiveBuffers()
        first = kept.open(Run(pk=1, session_id=7, turn=1, attempt=1))
        assert kept.of_session(7) is first
        assert kept.of_session(8) is None
        second = kept.open(Run(pk=2, session_id=7, turn=2, attempt=1))
        kept.close(first)  # which is not the one that is there now
        assert kept.of_session(7) is second
        kept.close(second)
        assert kept.of_session(7) is None
