"""One factory per model: ``AgentFactory(is_global=True)`` saves a row that is valid as it stands."""

import factory
from factory.django import DjangoModelFactory

from agentos.access.models import Customer, Membership, Plan, Subscription, Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Feedback, IdempotencyKey, Run, RunEvent
from agentos.webhooks.models import WebhookEvent

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


class ChatSessionFactory(DjangoModelFactory[ChatSession]):
    class Meta:
        model = ChatSession

    user = factory.SubFactory(UserFactory)
    agent = factory.SubFactory(AgentFactory, is_global=True)
    title = factory.Sequence(lambda n: f"Chat {n}")


class RunFactory(DjangoModelFactory[Run]):
    """A completed turn. The turn counts up within its session."""

    class Meta:
        model = Run

    session = factory.SubFactory(ChatSessionFactory)
    by = factory.SelfAttribute("session.user")
    turn = factory.LazyAttribute(lambda run: run.session.runs.count() + 1 if run.session.pk else 1)
    input = factory.Sequence(lambda n: f"Question {n}")
    answer = factory.Sequence(lambda n: f"Answer {n}")
    parts = factory.LazyAttribute(lambda run: [{"kind": "text", "text": run.answer}] if run.answer else [])
    status = Run.Status.COMPLETED


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


class WebhookEventFactory(DjangoModelFactory[WebhookEvent]):
    class Meta:
        model = WebhookEvent

    event = "ticket.created"
    data = factory.LazyFunction(lambda: {"ticket": 7})


class AuditRecordFactory(DjangoModelFactory[AuditRecord]):
    class Meta:
        model = AuditRecord

    actor = factory.SubFactory(UserFactory)
    verb = "access.membership.added"
    object_type = "team"
    object_id = "1"
