"""What somebody reads who has to decide, or knows somebody by a name: no page has a character in it that is not seen."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from agentos.access.models import ApiToken, Plan, Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.chat.models import ChatSession, Run
from agentos.core.security.invisible import UNSEEN
from agentos.webhooks.outbound.mail import write
from tests.factories import ApiTokenFactory, ChatSessionFactory, RunFactory, WebhookEndpointFactory, WebhookEventFactory
from tests.html import page
from tests.webhooks.outbound import make_endpoint

pytestmark = pytest.mark.django_db

HIDDEN = re.compile(f"[{UNSEEN}]")
# Read in a browser as "ada@example.com", while it is sent to mallory.
TO = "\u202emoc.elpmaxe@ada\u202c\u200b<mallory@evil.example>"
SHOWN = "\\u202emoc.elpmaxe@ada\\u202c\\u200b<mallory@evil.example>"
NAME = "Sup\u200bport\u2066\ufeff"
SEEN = "Sup\\u200bport\\u2066\\ufeff"
CONFIRM = {"call_id": "c1", "kind": "confirm", "name": "post\u200b_letter", "args": {"to": TO, "ok": "a\u00a0b"}, "fields": []}
FORM: dict[str, Any] = {
    "call_id": "c2",
    "kind": "input",
    "name": "get_user_input",
    "args": {},
    "fields": [{"name": "ci\u202ety", "type": "str", "description": "Whe\u2067re?", "value": None}],
}


@pytest.fixture
def chat(owner: User, team_agent: DjangoAgent) -> ChatSession:
    team_agent.name, team_agent.description = NAME, TO
    team_agent.save()
    session: ChatSession = ChatSessionFactory(user=owner, agent=team_agent, title=NAME)
    part = {"kind": "tool", "call_id": "c0", "name": "fetch\u2028", "args": {"to": TO}, "status": "finished", "result": TO, "seconds": 1.0}
    RunFactory(session=session, turn=1, parts=[part], answer="")
    RunFactory(
        session=session, turn=2, status=Run.Status.WAITING, attempt=1, parts=[], answer="", requirements=[CONFIRM, FORM], agno_output={}
    )
    return session


def test_an_approval_shows_what_will_happen(chat: ChatSession, as_owner: Client) -> None:
    found = page(as_owner.get(f"/agentos/session/{chat.session_id}/"))
    assert HIDDEN.findall(re.sub(r'name="value-[^"]*"', "", found.html)) == []  # what a form is sent back by, nobody sees
    asks = found.text("#turn-2-asks")
    assert f"To {SHOWN}" in asks
    assert "Ok a\\u00a0b" in asks
    assert SEEN in asks
    assert "\\u200b" in found.texts("#turn-2-asks legend")[0]
    assert "Ci\\u202ety" in found.texts("#turn-2-asks label")
    assert "Whe\\u2067re?" in asks
    assert found.texts("#turn-1-answer pre") == [SHOWN, SHOWN]
    assert found.text("#chat-header h1") == SEEN
    assert found.text("title").startswith(SEEN)


@pytest.mark.parametrize(
    "path", ["/agentos/", "/agentos/agents/", "/agentos/sessions/", "/agentos/chat/AGENT/", "/agentos/settings/tokens/"]
)
def test_names_are_shown_with_what_is_hidden_in_them(chat: ChatSession, as_owner: Client, owner: User, path: str) -> None:
    ApiTokenFactory(user=owner, name=NAME)
    html = page(as_owner.get("/agentos/" + path.replace("AGENT", chat.agent.agent_id))).html
    assert SEEN in html
    assert HIDDEN.findall(html) == []


def test_an_operator_reads_the_same(chat: ChatSession, as_operator: Client, operator: User, owner: User, support: Team, pro: Plan) -> None:
    User.objects.filter(pk=owner.pk).update(name=NAME)
    Team.objects.filter(pk=support.pk).update(name=NAME)
    Plan.objects.filter(pk=pro.pk).update(name=NAME, description=TO)
    endpoint = WebhookEndpointFactory(name=NAME, agent=chat.agent)
    event = WebhookEventFactory(endpoint=endpoint, event=NAME, outcome=TO, data={"to": TO})
    make_endpoint(Team.objects.get(pk=support.pk), name=NAME)
    ApiTokenFactory(user=owner, name=NAME)
    record("access.team.created", by=operator, object_type="team", object_id="1", name=NAME)
    admin = (
        "access/user",
        "access/team",
        "access/plan",
        "access/apitoken",
        "agents/djangoagent",
        "audit/auditrecord",
        "webhooks/webhookendpoint",
    )
    pages = [f"/admin/{name}/" for name in (*admin, "webhooks/webhookevent", "chat/chatsession")]
    for path in (*pages, "/agentos/settings/inbox/", "/agentos/settings/endpoints/", f"/agentos/settings/inbox/{event.pk}/"):
        answer = as_operator.get(path)
        assert answer.status_code == 200, path
        html = page(answer).html
        assert SEEN in html, path
        assert HIDDEN.findall(html) == [], path


def test_a_mail_says_it_too(owner: User, support: Team) -> None:
    User.objects.filter(pk=owner.pk).update(name=NAME)
    (letter, *_) = write(make_endpoint(support, name=NAME))
    assert SEEN in letter.subject
    assert HIDDEN.findall(f"{letter.subject}{letter.body}") == []
    assert mail.outbox == []


def test_a_program_is_given_what_is_stored(chat: ChatSession, as_owner: Client) -> None:
    body = as_owner.get(f"/api/v1/agentos/sessions/{chat.session_id}/").json()
    assert body["title"] == NAME
    runs = as_owner.get(f"/api/v1/agentos/sessions/{chat.session_id}/runs/").json()["runs"]
    assert runs[0]["requirements"][0]["args"]["to"] == TO


def test_models_are_called_by_what_can_be_seen() -> None:
    for model in (DjangoAgent(name=NAME), Team(name=NAME), Plan(name=NAME), ChatSession(title=NAME), ApiToken(name=NAME, hint="x")):
        assert str(model).startswith(SEEN)
        assert not HIDDEN.search(str(model))
