"""The page of what agents remember of a person."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.memories import actions, queries
from agentos.memories.models import Memory

pytestmark = pytest.mark.django_db
PAGE = "/agentos/settings/memory/"


@pytest.fixture
def keeper(everyone_agent: DjangoAgent) -> DjangoAgent:
    everyone_agent.tools = ["memory"]
    everyone_agent.save()
    return everyone_agent


def html_of(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


def test_says_that_it_is_off_and_turns_it_on_and_off(as_member: Client, member: User, keeper: DjangoAgent) -> None:
    assert "Memory is off" in html_of(as_member)
    for on in (True, False):
        assert as_member.post(f"{PAGE}switch/", {"on": str(int(on))}).status_code == 303
        assert queries.is_on(member.pk) is on
        assert f"Memory is {'on' if on else 'off'}" in html_of(as_member)


def test_says_which_agents_have_one(as_member: Client, keeper: DjangoAgent) -> None:
    assert "Agents of yours that have one" in html_of(as_member)
    keeper.tools = []
    keeper.save()
    assert "None of your agents has a memory" in html_of(as_member)


def test_notes_for_one_agent_or_all(as_member: Client, member: User, keeper: DjangoAgent) -> None:
    for agent in ("", "assistant"):
        assert as_member.post(PAGE, {"text": "Likes <b>tea</b>.", "agent": agent}).status_code == 303
    assert [memory.agent for memory in queries.memories_for(member)] == [keeper, None]
    html = html_of(as_member)
    assert "Likes &lt;b&gt;tea&lt;/b&gt;." in html
    assert "you noted it" in html


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": " "}, "Write what is to be remembered."),
        ({"text": "x" * 301}, "A memory can have 300 characters; this one has 301."),
        ({"text": "Likes tea.", "agent": "support-writer"}, "support-writer"),  # which has none
    ],
)
def test_says_at_the_field_what_is_wrong(
    as_member: Client, keeper: DjangoAgent, team_agent: DjangoAgent, given: dict[str, str], sentence: str
) -> None:
    answer = as_member.post(PAGE, given)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert sentence in html
    assert given["text"].strip() in html
    assert not Memory.objects.exists()


def test_changes_and_deletes_one(as_member: Client, member: User, keeper: DjangoAgent, team_agent: DjangoAgent) -> None:
    memory = actions.add_memory(text="Likes tea.", agent=team_agent, by=member)
    assert "Likes tea." in html_of(as_member, f"{PAGE}1/")
    assert as_member.post(f"{PAGE}1/", {"text": "x" * 400, "agent": ""}).status_code == 422
    assert as_member.post(f"{PAGE}1/", {"text": "Likes cups.", "agent": team_agent.agent_id}).status_code == 303
    memory.refresh_from_db()
    assert (memory.text, memory.agent) == ("Likes cups.", team_agent)
    assert as_member.post(f"{PAGE}1/", {"text": "Likes cups.", "agent": ""}).status_code == 303
    memory.refresh_from_db()
    assert memory.agent is None
    assert as_member.post(f"{PAGE}1/delete/").status_code == 303
    assert not Memory.objects.exists()


def test_gives_all_of_it_as_a_file_and_deletes_it(as_member: Client, member: User, owner: User, keeper: DjangoAgent) -> None:
    actions.add_memory(text="Likes tea.", agent=keeper, by=member)
    actions.add_memory(text="Somebody else's.", agent=None, by=owner)
    answer = as_member.get(f"{PAGE}export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="memories.json"'
    (found,) = json.loads(answer.content)["memories"]
    assert (found["text"], found["agent_id"], found["noted_by"]) == ("Likes tea.", "assistant", "user")
    as_member.post(f"{PAGE}delete/")
    assert Memory.objects.get().user == owner


def test_asks_no_more_of_the_database_for_more_of_them(as_member: Client, member: User, keeper: DjangoAgent) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        for number in range(5):
            actions.add_memory(text=f"Fact {number}", agent=keeper, by=member)
        with CaptureQueriesContext(connection) as captured:
            html_of(as_member)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_is_found_in_the_settings(as_member: Client) -> None:
    assert reverse("dashboard:memories") in html_of(as_member, "/agentos/settings/person/")
