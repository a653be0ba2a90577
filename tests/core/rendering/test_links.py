"""Which addresses in running text become links by themselves, and where they end."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentos.core.rendering import markdown

PIECES = [
    "http", "https", "ftp", "mailto", ":", "//", "://", "/", ".", "@", "www.", "example", "com", "localhost", "127.0.0.1", " ", "(", ")",
    "ö", "[::1]", "\n", "*", "**", "_", "~~", "。", "、", "（", "「", "\u202e", "\u200b", "?", "#", "a", "|",
]  # fmt: skip


def links(text: str) -> list[tuple[str, str]]:
    """The text of each link and where it leads."""
    return [(link.get_text(), str(link["href"])) for link in BeautifulSoup(markdown.render(text), "html.parser").find_all("a")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://example.com/x.", "https://example.com/x"),
        ("HTTP://example.com/A", "HTTP://example.com/A"),
        ("http://localhost:8000/x?a=1&b=2#c", "http://localhost:8000/x?a=1&b=2#c"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("https://example.com: so", "https://example.com"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("https://example.com/a[]=1]", "https://example.com/a[]=1"),
        ("https://example.com/x_y_z", "https://example.com/x_y_z"),
        ("https://example.com/a*b*c", "https://example.com/a*b*c"),
        ("**https://example.com/x**です", "https://example.com/x"),
        ("~~https://example.com/x~~です", "https://example.com/x"),
        ("*https://example.com/x*", "https://example.com/x"),
        ('"https://example.com/x"', "https://example.com/x"),
        ("'https://example.com/x'", "https://example.com/x"),
        ("見“https://example.com/x”", "https://example.com/x"),
        ("见https://example.com/docs。然后继续", "https://example.com/docs"),
        ("https://example.com/docs，然后", "https://example.com/docs"),
        ("（https://example.com/docs）", "https://example.com/docs"),
        ("「https://example.com/docs」", "https://example.com/docs"),
        ("https://example.com/docs、https", "https://example.com/docs"),
        ("https://example.com/docs：一", "https://example.com/docs"),
        ("https://example.com/docs！", "https://example.com/docs"),
        ("https://example.com。", "https://example.com"),
        ("https://example.com/docs\u3000次", "https://example.com/docs"),
        ("见https://example.com的文档", "https://example.com"),
        ("https://example.com에서", "https://example.com"),
        ("https://example.com:8000的", "https://example.com:8000"),
        ("见www.example.com的文档", "www.example.com"),
        ("https://例え.jp/x", "https://例え.jp/x"),
        ("https://münchen.de", "https://münchen.de"),
        ("https://ja.wikipedia.org/wiki/日本語", "https://ja.wikipedia.org/wiki/日本語"),
        ("https://example.com/a\u202eb", "https://example.com/a"),
        ("https://example.com/a\u200bb", "https://example.com/a"),
        ("www.example.com/x, or", "www.example.com/x"),
        ("见www.example.com。", "www.example.com"),
        ("write to ada+x@example.com.", "ada+x@example.com"),
        ("请写信给ada@example.com。", "ada@example.com"),
        ("mailto:ada@example.com", "ada@example.com"),
    ],
)
def test_an_address_becomes_a_link(text: str, shown: str) -> None:
    [(found, _)] = links(text)
    assert found == shown


@pytest.mark.parametrize(
    "text",
    [
        "Edit README.md, main.py, install.sh and app.rs; see ASP.NET.",
        "example.com",
        "1.2.3.4",
        "ftp://example.com",
        "//localhost/x",
        "xhttp://example.com",
        "svn+http://example.com",
        "http:///x",
        "https://[not an address/",
        "www.",
        "www.x",
        "awww.example.com",
        "ada@example",
        "@ada.example.com",
        "http\\://example.com",
        "`https://example.com`",
        "a" * 70 + "@",
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_nothing_else_does(text: str) -> None:
    assert links(text) == []


def test_a_name_before_a_host_leads_nowhere() -> None:
    """https://bank.example@evil.example leads to evil.example: the rest is a mail address at most."""
    assert [target for _, target in links("https://bank.example@evil.example/x")] == ["mailto:bank.example@evil.example"]


def test_a_link_holds_no_other() -> None:
    assert links("[https://a.example and ada@example.com](https://b.example)") == [
        ("https://a.example and ada@example.com", "https://b.example")
    ]


def test_where_they_lead() -> None:
    assert [target for _, target in links("www.example.com ada@example.com https://例え.jp/a")] == [
        "http://www.example.com", "mailto:ada@example.com", "https://xn--r8jz45g.jp/a",
    ]  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_each_is_shown_as_it_was_written(text: str) -> None:
    for shown, target in links(text):
        assert shown in text
        assert target.lower().startswith(("http://", "https://", "mailto:"))
