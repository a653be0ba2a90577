"""The page about the API, and that its examples do what they say."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from agentos.access.invitations import invite
from agentos.access.models import Invitation, Team, User
from agentos.agents.actions import keep_version, save_draft
from agentos.agents.models import AccessRequest, DjangoAgent
from agentos.api import sending
from agentos.api.agent_test_resources import TEST_ID
from agentos.api.app import api
from agentos.api.knowledge_resources import BASE_ID, DOCUMENT_ID
from agentos.api.resources import RUN_ID
from agentos.api.schemas import SESSION
from agentos.api.scopes import NEEDED
from agentos.api.teams import INVITATION_ID, PERSON_ID
from agentos.api.webhook_resources import HOOK_ID, MESSAGE_ID, TEAM
from agentos.chat.registry import registry
from agentos.connections import looking
from agentos.knowledge.models import Document
from agentos.memories.actions import add_memory
from tests.factories import (
    AgentCaseFactory,
    AgentFactory,
    BaseFactory,
    ChatSessionFactory,
    MembershipFactory,
    RemoteToolFactory,
    RunFactory,
    TeamFactory,
    UserFactory,
)
from tests.files.made import NOTES, make_files, picture
from tests.skills.made import make_skill
from tests.test_permissions import look_at_nothing
from tests.webhooks.outbound import make_delivery, make_endpoint

EXAMPLES = Path(__file__).parents[2] / "docs" / "integrations.md"

pytestmark = pytest.mark.django_db

# The run is complete, one agent open and the other published.
IN_THE_WRONG_STATE = {"continue_run": 409, "answer_run": 409, "ask_for_access": 409, "delete_agent": 409, "write_down_file": 409}
FOR_OPERATORS = {"all_usage": 403}
UNANSWERED = {"send_message": 504}  # nothing answers in this test
# What these keep is written by another connection.
BY_OTHER_THREADS = {
    name: pytest.param(name, marks=pytest.mark.django_db(transaction=True))
    for name in ("add_file", "create_file", "finish_upload", "import_chats")
}
OPERATIONS = {
    operation["operationId"]: operation for methods in api.get_openapi_schema()["paths"].values() for operation in methods.values()
}


@pytest.fixture(scope="module")
def page() -> BeautifulSoup:
    """The same for everybody: no database is asked."""
    return BeautifulSoup(Client().get(reverse("api:docs")).content, "html.parser")


class TestPage:
    def test_tells_of_every_operation(self, page: BeautifulSoup) -> None:
        articles = {str(article["id"]): article.get_text(" ", strip=True) for article in page.select("article")}
        assert set(articles) == set(OPERATIONS)
        for name, text in articles.items():
            assert OPERATIONS[name]["summary"] in text
            assert NEEDED[name] in text
        assert {link["href"] for link in page.select("nav a[href^='#']")} == {f"#{name}" for name in OPERATIONS}

    def test_tells_of_every_error(self, page: BeautifulSoup) -> None:
        text = page.get_text(" ", strip=True)
        for code in ("invalid_token", "insufficient_scope", "quota_reached", "run_not_found", "wrong_state", "key_reused"):
            assert code in text

    def test_needs_nothing_from_elsewhere(self, client: Client) -> None:
        response = client.get(reverse("api:docs"))
        html = response.content.decode()
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html)
        assert not re.findall(r"\sstyle=|<style|\son\w+=|<script>", html)

    def test_is_only_read(self, client: Client) -> None:
        assert client.post(reverse("api:docs")).status_code == 405

    def test_escapes_the_host_that_it_names(self, client: Client, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        html = client.get(reverse("api:docs"), headers={"Host": "chat.example.com:8443"}).content.decode()
        assert "http://chat.example.com:8443/api/v1/agentos/send-message/" in BeautifulSoup(html, "html.parser").get_text()


class TestExamples:
    @pytest.fixture
    def support(self, db: None) -> Team:
        return TeamFactory(pk=TEAM["id"], name="Support", personal_agents=True)

    @pytest.fixture(autouse=True)
    def _world(self, owner: User, everyone_agent: DjangoAgent, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        settings.AGENTOS_RUN_TIMEOUT = 0
        monkeypatch.setattr(sending, "MARGIN", 0.0)
        session = ChatSessionFactory(user=owner, agent=everyone_agent, session_id=SESSION["id"])
        RunFactory(session=session)
        RunFactory(session=session, run_id=RUN_ID)
        team = owner.memberships.get().team
        make_delivery(make_endpoint(team, hook_id=HOOK_ID), message_id=MESSAGE_ID)
        AccessRequest.objects.create(pk=7, agent=AgentFactory(team=team), user=UserFactory())
        made = AgentFactory(agent_id="letter-helper", team=team)
        for text in ("One", "Two", "Three"):
            made.description = text
            made.save()
            keep_version(agent=made, by=owner)
        save_draft(agent=made, changes={"description": "Writes letters."}, stamp=None, by=owner)
        AgentCaseFactory(pk=TEST_ID, agent=made)
        RemoteToolFactory(server__slug="issue-tracker", server__team=team, name="find", hash="5d8f2s6a9k1m")
        for text in ("Likes tea.", "Likes green tea."):
            add_memory(text=text, agent=None, by=owner)
        make_skill(team, owner)
        make_files(owner)
        base = BaseFactory(pk=BASE_ID, team=team)
        Document.objects.create(pk=DOCUMENT_ID, base=base, title="rules.pdf", source="file", status="failed")
        MembershipFactory(team=team, user=UserFactory(pk=int(PERSON_ID)))
        Invitation.objects.filter(pk=invite(email="nils@example.com", team=team, by=owner)[0].pk).update(id=INVITATION_ID)
        monkeypatch.setattr(looking, "look", look_at_nothing)
        yield
        for stream in list(registry.streams):  # opened by an example that nobody read to its end
            registry.close(stream)

    # The trial of a draft is looked at by another connection: tests/api/test_workshop.py has it.
    @pytest.mark.parametrize("name", [*sorted(OPERATIONS.keys() - {"try_agent", *BY_OTHER_THREADS}), *BY_OTHER_THREADS.values()])
    def test_can_be_pasted_into_a_shell(self, page: BeautifulSoup, client: Client, secret: str, name: str) -> None:
        command = page.select_one(f"article#{name} .code code").get_text().replace("\\\n", " ")  # type: ignore[union-attr]
        words = shlex.split(command.replace("$AGENTOS_TOKEN", secret))
        assert words.pop(0) == "curl"
        headers, method, url = {}, "", ""
        body: str | bytes = ""
        while words:
            match words.pop(0):
                case "-H":
                    header, _, value = words.pop(0).partition(": ")
                    headers[header] = value
                case "-X":
                    method = words.pop(0)
                case "-d":
                    body = words.pop(0)
                case "--data-binary":
                    body = {"@chart.png": picture("PNG"), "@slice": NOTES}[words.pop(0)]
                case "-N":
                    pass
                case word:
                    url = word
        content_type = headers.pop("Content-Type", "application/json")
        path = url.removeprefix("http://testserver")
        response = client.generic(method or ("POST" if body else "GET"), path, body, content_type=content_type, headers=headers)
        refused = IN_THE_WRONG_STATE | FOR_OPERATORS | UNANSWERED
        assert response.status_code == refused.get(name, response.status_code)
        assert name in refused or 200 <= response.status_code < 300, (command, body, response.content)
        response.close()


class TestIntegrations:
    """The page of examples, which tests/docs runs."""

    def test_shows_each_example_with_this_address(self, client: Client, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["chat.example.com"]
        response = client.get(reverse("api:integrations"), headers={"Host": "chat.example.com:8443"})
        html = BeautifulSoup(response.content, "html.parser")
        assert html.h1
        assert html.h1.text == "Other systems and AgentOS"
        assert len(html.select(".prose pre")) == EXAMPLES.read_text(encoding="utf-8").count("```") / 2
        assert "AGENTOS_URL=http://chat.example.com:8443" in html.text
        assert "localhost:8000" not in html.text
        assert "<!--" not in html.text

    def test_may_be_read_by_anybody_and_written_by_nobody(self, client: Client) -> None:
        assert client.get(reverse("api:integrations")).status_code == 200
        assert client.post(reverse("api:integrations")).status_code == 405
