"""Every row can be read by people: in the admin, in logs, in errors."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from agentos.access.models import Invitation, Letter, Preferences, RateCount, RightsVersion, User
from agentos.accounts.models import Deletion, GroupRole, Provider
from agentos.agents.models import AccessRequest, AgentDraft, AgentPin, AgentVersion, OwnPrice, TeamMember
from agentos.chat.models import ChatSummary, RunFile
from agentos.chat.usage_models import Budget, BudgetTold, MonthlyUsage, Usage
from agentos.connections.models import OAuthClient, SignIn
from agentos.core import clock
from agentos.files.models import Attachment, Blob, Slice, Upload
from agentos.gateway.models import SessionName
from agentos.knowledge.models import Chunk, Document, Page
from agentos.memories.models import Memory, MemorySettings
from agentos.operations.models import SetupLink
from agentos.skills.models import SkillFile, SkillVersion
from agentos.webhooks.inbound.models import WebhookInbox, WebhookSession
from agentos.webhooks.outbound.models import Attempt
from tests import factories

Make = Callable[[], Any]
FOUND: list[Any] = list(vars(factories).values())
FACTORIES: dict[type[Model], Make] = {found._meta.model: found for found in FOUND if getattr(getattr(found, "_meta", None), "model", None)}
OTHERS: dict[type[Model], Make] = {
    OwnPrice: lambda: OwnPrice(model="openai:m"),
    Budget: lambda: Budget(key="site"),
    BudgetTold: lambda: BudgetTold(key="site:2026-05:1000000:80"),
    Usage: lambda: Usage(model="openai:m", day=clock.now().date()),
    MonthlyUsage: lambda: MonthlyUsage(model="openai:m", day=clock.now().date()),
    Deletion: lambda: Deletion(user=factories.UserFactory(), due_at=clock.now()),
    GroupRole: lambda: GroupRole(group="staff", team=factories.TeamFactory()),
    Invitation: lambda: Invitation(email="olga@example.com"),
    Provider: lambda: Provider(name="Company"),
    Letter: lambda: Letter(to="olga@example.com", what="an invitation"),
    Preferences: lambda: Preferences(user=factories.UserFactory()),
    RateCount: lambda: RateCount(key="send:7"),
    RightsVersion: lambda: RightsVersion(number=7),
    SessionName: lambda: SessionName(name="my chat"),
    WebhookSession: lambda: WebhookSession(key="thread-1"),
    WebhookInbox: WebhookInbox,
    AccessRequest: lambda: AccessRequest(agent=factories.AgentFactory(), user=factories.UserFactory()),
    AgentDraft: lambda: AgentDraft(agent=factories.AgentFactory()),
    AgentVersion: lambda: AgentVersion(agent=factories.AgentFactory(), number=2),
    TeamMember: lambda: TeamMember(team=factories.AgentFactory(kind="team"), agent=factories.AgentFactory(), position=1),
    SkillVersion: lambda: SkillVersion(skill=factories.SkillFactory(), number=2),
    SkillFile: lambda: SkillFile(skill=factories.SkillFactory(), hash="5d8f2a"),
    Document: lambda: Document(title="rules.pdf"),
    Page: lambda: Page(document=Document(title="rules.pdf"), number=2),
    Chunk: lambda: Chunk(document=Document(title="rules.pdf"), number=2),
    AgentPin: lambda: AgentPin(agent=factories.AgentFactory(), user=factories.UserFactory()),
    Blob: lambda: Blob(sha256="5d8f2a", mime="text/plain"),
    Upload: lambda: Upload(name="report.pdf"),
    Slice: lambda: Slice(upload_id=7, number=2),
    Attachment: lambda: Attachment(name="report.pdf"),
    RunFile: lambda: RunFile(run_id=7, attachment_id=2),
    OAuthClient: lambda: OAuthClient(server=factories.RemoteServerFactory(), issuer="https://example.com"),
    SignIn: lambda: SignIn(server=factories.RemoteServerFactory(), user=factories.UserFactory()),
    ChatSummary: lambda: ChatSummary(session=factories.ChatSessionFactory()),
    Memory: lambda: Memory(user=factories.UserFactory()),
    MemorySettings: lambda: MemorySettings(user=factories.UserFactory()),
    SetupLink: lambda: SetupLink(email="olga@example.com"),
    Attempt: lambda: Attempt(delivery=factories.DeliveryFactory(), at=clock.now(), status_code=200),
}
OURS = [model for model in apps.get_models() if model.__module__.startswith("agentos.")]
MADE = FACTORIES | OTHERS


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_row_has_a_name(model: type[Model], db: None) -> None:
    name = str(MADE[model]())
    assert name.strip()
    assert not name.startswith(f"{model.__name__} object")


def test_a_person_is_called_by_their_first_name_or_by_their_address() -> None:
    person = User(email="olga@example.com", name="Olga Owner")
    assert (person.get_full_name(), person.get_short_name()) == ("Olga Owner", "Olga")
    person.name = ""
    assert (person.get_full_name(), person.get_short_name()) == ("olga", "olga")
