"""Compiled fragments: as Django's templates would draw them, and as suspicious."""

import pytest
from django.template import Context, Template
from jinja2 import Environment

from agentos.chat.models import ChatSession
from agentos.core import compiled
from agentos.core.compiled import draw

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


class TestDraw:
    def test_gives_a_fragment_what_its_page_knows_and_what_is_said(self) -> None:
        session = ChatSession(session_id="session_a", title=HOSTILE)
        page = Template('{% for session in sessions %}{% draw "chat/_row.html" prefix=named current="session_a" %}{% endfor %}')
        assert page.render(Context({"sessions": [session], "named": "row"})) == row(current="session_a")

    def test_knows_the_words_of_the_house(self) -> None:
        environment: Environment = compiled._environment()
        assert environment.autoescape
        assert environment.from_string('{{ "send"|icon }}{{ 1204|thousands }}').render().endswith("</svg>1,204")
