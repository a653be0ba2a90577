"""Compiled fragments: as Django's templates would draw them, and as suspicious."""

import os
from pathlib import Path

import pytest
from django.template import Context, Template
from jinja2 import Environment, FileSystemLoader

from agentos.chat.models import ChatSession
from agentos.core import compiled
from agentos.core.compiled import draw
from agentos.core.jinja import environment

HOSTILE = '"><script>alert(1)</script>'


def row(**more: object) -> str:
    session = ChatSession(session_id="session_a", title=HOSTILE)
    return draw("chat/_row.html", {"session": session, "prefix": "row", **more})


def test_escape_what_people_wrote() -> None:
    assert "<script" not in row()
    assert "&#34;&gt;&lt;script&gt;" in row()


def test_take_what_is_not_there_for_nothing() -> None:
    assert "aria-current" not in row()
    assert 'aria-current="page"' in row(current="session_a")
    assert "</textarea>" in draw("chat/_composer.html", {"agent": {"agent_id": "a", "name": "A"}, "text": ""})


@pytest.mark.parametrize(("context", "count"), [({"csrf_token": "abc"}, 1), ({}, 0)])
def test_have_a_token_in_their_forms_when_there_is_one(context: dict[str, str], count: int) -> None:
    html = draw("chat/_composer.html", {"agent": {"agent_id": "a", "name": "A"}, "text": "", **context})
    assert html.count('<input type="hidden" name="csrfmiddlewaretoken" value="abc">') == count


class TestIncluded:
    """What a fragment includes stands in it before it is compiled."""

    @pytest.fixture
    def loaded(self, tmp_path: Path) -> Environment:
        (tmp_path / "outer.html").write_text('{% for word in words %}<{% include "inner.html" %}>{% endfor %}')
        (tmp_path / "inner.html").write_text('{{ word }}{% include "inmost.html" %}')
        (tmp_path / "inmost.html").write_text("{% set mark = '!' %}{{ mark }}")
        return environment(loader=FileSystemLoader(tmp_path), autoescape=True)

    def test_sees_what_is_known_in_its_place(self, loaded: Environment) -> None:
        assert loaded.get_template("outer.html").render(words=["a", "<b>"]) == "<a!><&lt;b&gt;!>"

    def test_is_compiled_with_it(self, loaded: Environment) -> None:
        outer = loaded.get_template("outer.html")
        loaded.loader = None
        assert outer.render(words=["a"]) == "<a!>"

    def test_is_looked_at_again_when_it_has_changed(self, loaded: Environment, tmp_path: Path) -> None:
        """While one writes them (``DEBUG``)."""
        outer = loaded.get_template("outer.html")
        assert outer.is_up_to_date
        os.utime(tmp_path / "inmost.html", (1, 1))
        assert not outer.is_up_to_date


class TestDraw:
    def test_names_the_line_of_a_fragment_that_breaks(self) -> None:
        class Broken:
            session_id = "session_a"

            def __str__(self) -> str:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as broken:
            draw("chat/_row.html", {"session": Broken()})
        (line,) = [Path(entry.path).read_text().splitlines()[entry.lineno] for entry in broken.traceback if "_row.html" in str(entry.path)]
        assert "{{ session }}" in line

    def test_gives_a_fragment_what_its_page_knows_and_what_is_said(self) -> None:
        session = ChatSession(session_id="session_a", title=HOSTILE)
        page = Template('{% for session in sessions %}{% draw "chat/_row.html" prefix=named current="session_a" %}{% endfor %}')
        assert page.render(Context({"sessions": [session], "named": "row"})) == row(current="session_a")

    def test_knows_the_words_of_the_house(self) -> None:
        words: Environment = compiled._environment()
        assert words.autoescape
        assert words.from_string('{{ "send"|icon }}{{ 1204|thousands }}').render().endswith("</svg>1,204")
