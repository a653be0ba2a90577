"""One factory per model: ``AgentFactory(is_global=True)`` saves a row that is valid as it stands."""

from datetime import timedelta
from typing import cast

import factory
from axes.models import AccessAttempt
from factory.django import DjangoModelFactory

from agentos.access.models import ApiToken, Customer, Membership, Plan, Subscription, Team, User
from agentos.agents.blueprint import checked
from agentos.agents.cases import digest
from agentos.agents.models import AgentCase, CaseResult, CaseRound, DjangoAgent
from agentos.agents.prices import Cost
from agentos.audit.models import AuditRecord
from agentos.billing.models import Comparison, Event, Paid, Payer, Price, Reading
from agentos.chat.counting import Asked, count_answer
from agentos.chat.models import ChatSession, Feedback, IdempotencyKey, Run, RunEvent
from agentos.connections.models import Grant, RemoteTool, Server
from agentos.core import clock
from agentos.core.http.request import network_of
from agentos.core.security.secrets import seal
from agentos.knowledge.models import Base
from agentos.skills.models import Skill, SkillVersion
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent
from agentos.webhooks.outbound.models import Delivery, Endpoint

PASSWORD = "correct horse battery"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person-{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password(PASSWORD)


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory)


class PlanFactory(DjangoModelFactory[Plan]):
    class Meta:
        model = Plan

    name = factory.Sequence(lambda n: f"Plan {n}")


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer
        django_get_or_create = ("user",)

    user = factory.SubFactory(UserFactory)


class SubscriptionFactory(DjangoModelFactory[Subscription]):
    """``SubscriptionFactory(customer__user=owner)`` makes the customer where there is none."""

    class Meta:
        model = Subscription

    customer = factory.SubFactory(CustomerFactory)
    plan = factory.SubFactory(PlanFactory)


class PriceFactory(DjangoModelFactory[Price]):
    class Meta:
        model = Price

    plan = factory.SubFactory(PlanFactory)
    stripe_id = factory.Sequence(lambda n: f"price_of_{n}")
    amount = 900
    currency = "eur"
    interval = "month"


class PayerFactory(DjangoModelFactory[Payer]):
    class Meta:
        model = Payer

    customer = factory.SubFactory(CustomerFactory)
    stripe_id = factory.Sequence(lambda n: f"cus_of_{n}")


class PaidFactory(DjangoModelFactory[Paid]):
    class Meta:
        model = Paid

    payer = factory.SubFactory(PayerFactory)
    stripe_id = factory.Sequence(lambda n: f"sub_{n}")
    status = Paid.Status.ACTIVE
    price_id = "price_1"
    created_at = factory.LazyFunction(clock.now)


class StripeEventFactory(DjangoModelFactory[Event]):
    class Meta:
        model = Event

    stripe_id = factory.Sequence(lambda n: f"evt_{n}")
    kind = "invoice.paid"


class ReadingFactory(DjangoModelFactory[Reading]):
    class Meta:
        model = Reading

    stripe_id = factory.Sequence(lambda n: f"sub_{n}")


class ComparisonFactory(DjangoModelFactory[Comparison]):
    class Meta:
        model = Comparison

    done_at = factory.LazyFunction(clock.now)
    next_at = factory.LazyFunction(clock.now)


class ApiTokenFactory(DjangoModelFactory[ApiToken]):
    """A token that nobody knows the text of; ``actions.create_token`` makes one that somebody can use."""

    class Meta:
        model = ApiToken

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Token {n}")
    digest = factory.Sequence(lambda n: f"{n:064x}")
    hint = "agentos_AAAA…zzzz"
    scopes = factory.LazyFunction(lambda: ["agents:read"])
    expires_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=90))


class AccessAttemptFactory(DjangoModelFactory[AccessAttempt]):
    """Wrong passwords of one account from one address."""

    class Meta:
        model = AccessAttempt

    username = factory.Sequence(lambda n: f"guessed-{n}@example.com")
    ip_address = "192.0.2.1"
    failures_since_start = 5


class AgentFactory(DjangoModelFactory[DjangoAgent]):
    """``AgentFactory(plans=[pro])`` opens it to plans; without access arguments nobody may use it."""

    class Meta:
        model = DjangoAgent
        skip_postgeneration_save = True

    agent_id = factory.Sequence(lambda n: f"agent-{n}")
    name = factory.Sequence(lambda n: f"Agent {n}")
    description = "Answers in five words."
    instructions = "SECRET-INSTRUCTIONS"
    model = "scripted:5x0"

    @factory.post_generation
    def plans(self, create: bool, extracted: list[Plan] | None) -> None:
        if create and extracted:
            self.plans.set(extracted)


class AgentCaseFactory(DjangoModelFactory[AgentCase]):
    """A test of an agent, which expects nothing."""

    class Meta:
        model = AgentCase

    agent = factory.SubFactory(AgentFactory)
    message = factory.Sequence(lambda n: f"Question {n}")


class CaseRoundFactory(DjangoModelFactory[CaseRound]):
    """``CaseRoundFactory(instructions="Be brief.")`` tests what echoes and has these."""

    class Meta:
        model = CaseRound

    class Params:
        instructions = ""

    agent = factory.SubFactory(AgentFactory)
    blueprint = factory.LazyAttribute(lambda made: checked({"model": "scripted:echo", "instructions": made.instructions}))
    digest = factory.LazyAttribute(lambda made: digest(made.blueprint))
    lease_until = factory.LazyFunction(lambda: clock.now() + timedelta(minutes=1))


class CaseResultFactory(DjangoModelFactory[CaseResult]):
    class Meta:
        model = CaseResult

    case = factory.SubFactory(AgentCaseFactory)
    round = factory.SubFactory(CaseRoundFactory, agent=factory.SelfAttribute("..case.agent"))
    revision = factory.SelfAttribute("case.revision")


class ChatSessionFactory(DjangoModelFactory[ChatSession]):
    class Meta:
        model = ChatSession

    user = factory.SubFactory(UserFactory)
    agent = factory.SubFactory(AgentFactory, is_global=True)
    title = factory.Sequence(lambda n: f"Chat {n}")


class RunFactory(DjangoModelFactory[Run]):
    """A completed turn, which is counted as used. The turn counts up within its session."""

    class Meta:
        model = Run
        skip_postgeneration_save = True

    session = factory.SubFactory(ChatSessionFactory)
    by = factory.SelfAttribute("session.user")
    turn = factory.LazyAttribute(lambda run: run.session.runs.count() + 1 if run.session.pk else 1)
    input = factory.Sequence(lambda n: f"Question {n}")
    answer = factory.Sequence(lambda n: f"Answer {n}")
    parts = factory.LazyAttribute(lambda run: [{"kind": "text", "text": run.answer}] if run.answer else [])
    status = Run.Status.COMPLETED

    @factory.post_generation
    def counted(self, create: bool, extracted: bool | None) -> None:
        run = cast("Run", self)
        if create and extracted is not False and run.status in Run.ENDED:
            cost = None if run.cost_micro is None else Cost(run.cost_micro)
            used = Asked(run.model, run.input_tokens, run.output_tokens, run.cached_tokens, run.reasoning_tokens, cost)
            count_answer(run=run, agent_pk=run.session.agent_id, asked=[used])


class RunEventFactory(DjangoModelFactory[RunEvent]):
    class Meta:
        model = RunEvent

    run = factory.SubFactory(RunFactory)
    seq = factory.LazyAttribute(lambda event: event.run.events.count() + 1 if event.run.pk else 1)
    attempt = 1
    kind = "text"
    data = factory.LazyFunction(lambda: {"text": "word "})


class FeedbackFactory(DjangoModelFactory[Feedback]):
    class Meta:
        model = Feedback

    run = factory.SubFactory("tests.factories.RunFactory")
    by = factory.SelfAttribute("run.by")
    value = Feedback.Value.GOOD


class IdempotencyKeyFactory(DjangoModelFactory[IdempotencyKey]):
    class Meta:
        model = IdempotencyKey

    run = factory.SubFactory(RunFactory)
    user = factory.SelfAttribute("run.by")
    key = factory.Sequence(lambda n: f"key-{n}")
    fingerprint = "0" * 64


class WebhookEndpointFactory(DjangoModelFactory[WebhookEndpoint]):
    """``secret`` is given in clear, and stored sealed as the product does."""

    class Meta:
        model = WebhookEndpoint

    name = factory.Sequence(lambda n: f"Sender {n}")
    agent = factory.SubFactory(AgentFactory, is_global=True)
    identity = factory.SubFactory(UserFactory, email=factory.Sequence(lambda n: f"endpoint-{n}@service.invalid"))
    secret = "whsec_" + "c2VjcmV0" * 4

    @classmethod
    def _create(cls, model_class, *args, secret, **kwargs):
        return super()._create(model_class, *args, secret=seal(secret), **kwargs)


class HookFactory(DjangoModelFactory[Endpoint]):
    """Where a team wants to hear of its chats."""

    class Meta:
        model = Endpoint

    team = factory.SubFactory(TeamFactory)
    name = factory.Sequence(lambda n: f"Receiver {n}")
    url = "https://hooks.example.com/agentos"
    events = factory.LazyFunction(lambda: ["run.completed"])
    secret = factory.LazyFunction(lambda: seal("whsec_" + "c2VjcmV0" * 4))


class DeliveryFactory(DjangoModelFactory[Delivery]):
    class Meta:
        model = Delivery

    endpoint = factory.SubFactory(HookFactory)
    event = "run.completed"
    body = "{}"


class RemoteServerFactory(DjangoModelFactory[Server]):
    """An MCP server. ``secret`` is given in clear, and stored sealed as the product does."""

    class Meta:
        model = Server

    slug = factory.Sequence(lambda n: f"server-{n}")
    name = factory.Sequence(lambda n: f"Server {n}")
    url = "https://mcp.example.com/mcp"

    @classmethod
    def _create(cls, model_class, *args, secret="", **kwargs):
        return super()._create(model_class, *args, secret=seal(secret) if secret else "", **kwargs)


class RemoteToolFactory(DjangoModelFactory[RemoteTool]):
    """A tool that was accepted, and asks first."""

    class Meta:
        model = RemoteTool

    server = factory.SubFactory(RemoteServerFactory)
    name = factory.Sequence(lambda n: f"tool_{n}")
    description = "Does something."
    schema = factory.LazyFunction(lambda: {"type": "object", "properties": {}})
    hash = "0" * 64


class GrantFactory(DjangoModelFactory[Grant]):
    class Meta:
        model = Grant

    server = factory.SubFactory(RemoteServerFactory, auth="member_key")
    user = factory.SubFactory(UserFactory)
    secret = factory.LazyFunction(lambda: seal("their-key"))


class WebhookEventFactory(DjangoModelFactory[WebhookEvent]):
    class Meta:
        model = WebhookEvent

    event = "ticket.created"
    data = factory.LazyFunction(lambda: {"ticket": 7})
    source_address: str | None = None
    source_network = factory.LazyAttribute(lambda event: network_of(event.source_address or ""))


class AuditRecordFactory(DjangoModelFactory[AuditRecord]):
    class Meta:
        model = AuditRecord

    actor = factory.SubFactory(UserFactory)
    verb = "access.membership.added"
    object_type = "team"
    object_id = "1"


class BaseFactory(DjangoModelFactory[Base]):
    """A knowledge base of everyone, without documents."""

    class Meta:
        model = Base

    name = factory.Sequence(lambda n: f"Base {n}")


class SkillFactory(DjangoModelFactory[Skill]):
    """With its first version."""

    class Meta:
        model = Skill
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"skill-{n}")
    description = "What to do in a case."
    version = 1

    @factory.post_generation
    def first(obj, create: bool, extracted: object, **kwargs: object) -> None:  # noqa: N805
        if create:
            text = f"---\nname: {obj.name}\ndescription: {obj.description}\n---\n\n{extracted or 'Do it well.'}\n"
            SkillVersion.objects.create(skill=obj, number=1, text=text)
