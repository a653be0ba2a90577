"""No text costs a thread more than a quarter of a second, and none brings an error."""

from time import thread_time

import pytest
from bs4 import BeautifulSoup

from agentos.core.rendering import deadline, markdown
from tests.core.rendering.bombs import BOMBS

MOST = 0.25 * 2  # seconds of work: a machine that is busy with others may need twice as long for the same
TRIES = 4  # of which the shortest counts


def work(text: str) -> float:
    took = MOST + 1
    for _ in range(TRIES):
        before = thread_time()
        markdown.render(text)
        took = min(took, thread_time() - before)
        if took <= MOST:
            break
    return took


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    markdown.render("# *a* `b` https://example.com\n\n| a |\n|---|\n| $b$ |\n\n```python\nx\n```")


@pytest.mark.parametrize("name", BOMBS)
def test_no_text_takes_long(name: str) -> None:
    assert work(BOMBS[name]) <= MOST


@pytest.mark.parametrize("name", ["[", "http://a.b/(", "*a ", "www.a.b/(", "- a\n", "# a\n", "&", "```\n"])
def test_nor_does_one_at_the_limit(name: str) -> None:
    assert work((name * markdown.RENDERED_LIMIT)[: markdown.RENDERED_LIMIT]) <= MOST


def shown(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text()


class TestDeadline:
    def test_keeps_the_blocks_that_are_complete(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parse = deadline.Deadline.check
        steps = iter(range(10_000))

        def check(self: deadline.Deadline) -> None:
            if next(steps) == 40:
                raise deadline.TooSlow
            parse(self)

        monkeypatch.setattr(deadline.Deadline, "check", check)
        html = markdown.render("# Head\n\n" + "- <b>\n" * 300 + "\nThe *end*.")
        assert "<h2>Head</h2>" in html
        assert '<p class="as-written">- &lt;b&gt;\n- &lt;b&gt;' in html
        assert "The *end*." in html

    def test_shows_one_hard_paragraph_as_it_is_written_and_the_others_rendered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deadline, "ONE_PARAGRAPH", 0.005)
        html = markdown.render("One *word*.\n\n" + "*a **b [c](" * 4_000 + "\n\nAnother *word*.")
        assert html.count("<em>word</em>") == 2
        assert '<span class="as-written">*a **b [c](' in html

    def test_loses_no_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for budget in ("BLOCKS", "TEXT", "DRAWN"):
            with monkeypatch.context() as patch:
                patch.setattr(deadline, budget, -1)
                text = shown(markdown.render("One <b> *two*.\n\n- three\n- four\n\n```python\nfive\n```\n"))
                assert all(word in text for word in ("One <b>", "two", "three", "four", "five")), budget

    def test_gives_a_short_text_a_second_chance(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parse = deadline.Deadline.check
        pauses = iter([True])

        def check(self: deadline.Deadline) -> None:
            if next(pauses, False):
                raise deadline.TooSlow
            parse(self)

        monkeypatch.setattr(deadline.Deadline, "check", check)
        assert markdown.render("One *word*.") == "<p>One <em>word</em>.</p>\n"

    def test_ends_nesting_that_is_too_deep_for_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(markdown.parser().options, "maxNesting", 100_000)
        assert "a" in shown(markdown.render(">" * 5_000 + "a"))
        assert "a" in shown(markdown.render("![" * 3_000 + "a" + "](b)" * 3_000))
