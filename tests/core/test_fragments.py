"""Fragments that code draws: as a page would draw them, and as suspicious."""

import pytest

from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.core.fragments import STAND_IN, draw, draw_without_token, fragment, with_token

HOSTILE = '"><script>alert(1)</script><input type="hidden" name="csrfmiddlewaretoken" value="stand-in">'
FIELD = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
COMPOSER = {"agent": DjangoAgent(agent_id="a", name="A", model="scripted:echo"), "text": HOSTILE}


def row(**more: object) -> str:
    session = ChatSession(session_id="session_a", title=HOSTILE)
    return draw("chat/_row.html", {"session": session, "prefix": "row", **more})


class TestDraw:
    def test_escapes_what_people_wrote(self) -> None:
        assert "<script" not in row()
        assert "&quot;&gt;&lt;script&gt;" in row()

    def test_takes_what_is_not_there_for_nothing(self) -> None:
        assert "aria-current" not in row()
        assert 'aria-current="page"' in row(current="session_a")

    def test_draws_a_part_of_a_page(self) -> None:
        session = ChatSession(session_id="session_a", title="Where is it?")
        html = draw("agentos/session.html#header", {"session": session, "agent": {"name": "Ada", "agent_id": "ada", "model": "x:y"}})
        assert html.strip().startswith('<header id="chat-header"')
        assert html.strip().endswith("</header>")

    def test_leaves_the_token_of_forms_to_the_header_that_htmx_sends(self) -> None:
        html = draw("chat/_composer.html", COMPOSER)
        assert 'name="csrfmiddlewaretoken"' not in html
        assert 'name="idempotency_key"' in html


class TestToken:
    @pytest.mark.parametrize(("token", "field"), [("abc", FIELD.format("abc")), ('"<', FIELD.format("&quot;&lt;")), ("", "")])
    def test_is_put_in_afterwards(self, token: str, field: str) -> None:
        html = with_token(draw_without_token("chat/_composer.html", COMPOSER), token)
        assert html == draw_without_token("chat/_composer.html", COMPOSER).replace(FIELD.format(STAND_IN), field)
        assert html.count('<input type="hidden" name="csrfmiddlewaretoken"') == bool(token)

    def test_is_never_put_where_a_person_wrote_its_stand_in(self) -> None:
        html = with_token(draw_without_token("chat/_composer.html", COMPOSER), "secret")
        assert html.count("secret") == 1
        assert "&lt;input type=&quot;hidden&quot;" in html


def test_have_an_address() -> None:
    assert fragment("<p></p>", "#turns", "beforeend") == '<hx-partial hx-target="#turns" hx-swap="beforeend"><p></p></hx-partial>'
