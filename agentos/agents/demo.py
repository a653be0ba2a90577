"""Demo data: three accounts, a team, two plans, and an agent of each kind of access. Made once, through the actions.

What people change or delete afterwards stays as they left it: the audit remembers that the demo has been made.
"""

from dataclasses import dataclass

from django.db import connection, transaction

from agentos.access.actions import add_member, create_plan, create_team, create_user, subscribe
from agentos.access.models import Membership, Plan, Team
from agentos.access.users import User
from agentos.agents import demo_knowledge
from agentos.agents.actions import create_agent
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import SMOLLM2, best_model
from agentos.audit.actions import record
from agentos.audit.models import AuditRecord
from agentos.conf import app_settings
from agentos.skills.actions import create_skill
from agentos.skills.document import composed
from agentos.skills.models import Skill

MADE = "agents.demo.made"
MAKING = 4_705_140_216  # the number of an advisory lock; any that nobody else uses
TOUR, ERRAND, LIBRARY = "scripted:tour", "scripted:errand", "scripted:library"
CALCULATING = "scripted:tool"
GIVEN = "scripted:given"


@dataclass(frozen=True, slots=True)
class Account:
    """``password`` is empty when its owner has chosen another one."""

    email: str
    password: str
    about: str


PEOPLE = {
    "owner@example.com": ("Olivia Owner", "owns the team Support, holds the plan Pro, may enter /admin/"),
    "member@example.com": ("Marco Member", "member of the team Support"),
    "stranger@example.com": ("Sasha Stranger", "no team, no plan"),
}


def make_demo() -> bool:
    """Make what is missing of the demo, unless it has been made before; return whether it was made now."""
    is_made = _make_demo()
    if is_made and app_settings.SCRIPTED_MODELS:
        demo_knowledge.make_knowledge(by=account("owner@example.com"))
    return is_made


@transaction.atomic
def _make_demo() -> bool:
    _wait_for_others()
    if AuditRecord.objects.filter(verb=MADE).exists():
        return False
    owner, member, _ = (account(email) for email in PEOPLE)
    support, research = team("Support", owner), team("Research", None)
    if not member.memberships.filter(team=support).exists():
        add_member(team=support, user=member, by=None)
    plan("Free", "What everybody has.")
    pro = plan("Pro", "Agents that calculate and think aloud.")
    if not Plan.objects.filter(subscriptions__customer__user=owner, pk=pro.pk).exists():
        subscribe(user=owner, plan=pro, by=None)
    make_agents(support, research, pro)
    record(MADE, by=None, object_type="demo", object_id="demo")
    return True


def _wait_for_others() -> None:
    """Servers of a cluster may start at the same moment. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])


def account(email: str) -> User:
    name, _ = PEOPLE[email]
    found = User.objects.filter(email=email).first()
    return found or create_user(email=email, name=name, password=app_settings.DEMO_PASSWORD, is_operator=email.startswith("owner"), by=None)


def team(name: str, owner: User | None) -> Team:
    found = Team.objects.filter(name=name).first()
    if found is None:
        return create_team(name=name, owner=owner, by=None)
    if owner and not owner.memberships.filter(team=found).exists():
        add_member(team=found, user=owner, role=Membership.Role.OWNER, by=None)
    return found


def plan(name: str, description: str) -> Plan:
    return Plan.objects.filter(name=name).first() or create_plan(name=name, description=description, by=None)


def make_agents(support: Team, research: Team, pro: Plan) -> None:
    model = best_model() or SMOLLM2
    small = " It is a small demo model: quick to try, often wrong." if model == SMOLLM2 else ""
    agent(
        "assistant",
        "Assistant",
        model,
        description=f"Answers questions and drafts texts.{small}",
        instructions="You are a helpful assistant. Answer briefly and in plain words.",
        capabilities=["Questions", "Drafts"],
        starters=[
            "What can you do for me?",
            "Draft a friendly mail that moves our meeting to Friday.",
            "Explain a hash table in five sentences.",
        ],
        is_global=True,
    )
    agent(
        "support-writer",
        "Support Writer",
        model,
        description="Drafts friendly replies to customers.",
        instructions="You draft short, friendly replies to customers. Say what happens next.",
        capabilities=["Replies", "Drafts"],
        starters=[
            "The parcel of a customer is a week late. Write a reply.",
            "A customer wants a refund after 40 days. Say no, kindly.",
        ],
        team=support,
    )
    agent(
        "researcher",
        "Researcher",
        model,
        description="Summarises long texts into a page.",
        instructions="You summarise texts. Keep to what the text says.",
        capabilities=["Summaries"],
        team=research,
    )
    make_agents_with_tools(model, pro)


def make_agents_with_tools(model: str, pro: Plan) -> None:
    """Show tools even where there is only the embedded model, which cannot use them: with scripted models, and said so."""
    is_scripted = model == SMOLLM2 and app_settings.SCRIPTED_MODELS
    note = " Scripted, until a real model is chosen for it." if is_scripted else ""
    agent(
        "analyst",
        "Analyst",
        CALCULATING if is_scripted else model,
        description=f"Calculates, and shows how it came to a result.{note}",
        instructions="You answer questions with numbers. Use the calculator for every calculation.",
        tools=["calculator", "clock", "reasoning"],
        capabilities=["Numbers", "Reasoning"],
        starters=["What is 17 % of 2,340?", "What does 250 a month grow to in ten years at 4 %?"],
        plans=[pro],
    )
    if app_settings.SCRIPTED_MODELS:
        make_team()
        make_onlooker()
        make_notebook()
        agent(
            "tour",
            "Tour",
            TOUR,
            description="Shows what an answer can hold: reasoning, tool calls, code, tables. Scripted: no model answers here.",
            capabilities=["Tour"],
            starters=["Show me what an answer can hold."],
            is_global=True,
        )
        agent(
            "errand",
            "Errand",
            ERRAND,
            description="Shows tools at work: searches, reads, calculates, draws, and writes a mail that you approve. Scripted.",
            tools=["web-search", "fetch-page", "python", "chart", "send-mail"],
            tool_options={"send-mail": {"domains": ["example.com"]}},
            capabilities=["Tour", "Tools"],
            starters=["Find out what tea costs, and tell the team."],
            is_global=True,
        )
        agent(
            "librarian",
            "Librarian",
            LIBRARY,
            description="Answers from the handbook of a library of things, and names its sources. Scripted: no model answers here.",
            bases=[demo_knowledge.NAME],
            capabilities=["Tour", "Knowledge"],
            starters=["How long can I keep a tent?", "What does it cost when a power tool is late?", "When is the library open?"],
            is_global=True,
        )


def make_onlooker() -> None:
    """Show that files reach a model, and come again in the next turns."""
    agent(
        "onlooker",
        "Onlooker",
        GIVEN,
        description="Says which pictures, recordings and files it was given. Scripted: no model answers here.",
        capabilities=["Tour", "Files"],
        starters=["What have I given you?"],
        is_global=True,
    )


def make_notebook() -> None:
    """Show memory, a skill, and what members may choose: its model does what a message says, word by word."""
    text = composed(
        name="plain-letters",
        description="How letters are written here: short, friendly, without set phrases.",
        body="# Letters\n\n1. Say first what happens next.\n2. Five sentences at most.\n3. No set phrases.",
    )
    if not Skill.objects.filter(name=text.name, team=None).exists():
        create_skill(document=text, by=None)
    agent(
        "notebook",
        "Notebook",
        "scripted:calls",
        description="Remembers what you want it to, reads a skill, and lets you choose its model. Scripted: it does what you write.",
        tools=["memory", "clock"],
        skills=[text.name],
        choices=["scripted:effort"],
        effort_choice=True,
        capabilities=["Tour", "Memory"],
        starters=['remember {"text": "I like short answers."}', 'read_skill {"name": "plain-letters"}'],
        is_global=True,
    )


def make_team() -> None:
    """Show a team at work, two of whose members do something, and one of whom asks before it does."""
    agent(
        "desk-counter",
        "Counter",
        CALCULATING,
        description="Calculates for the desk. Scripted.",
    )
    agent(
        "desk-post",
        "Post",
        "scripted:approve",
        description="Writes a letter, and asks before it is posted. Nothing is sent. Scripted.",
    )
    members = {each.agent_id: each for each in DjangoAgent.objects.filter(agent_id__in=("desk-counter", "desk-post"))}
    agent(
        "desk",
        "Desk",
        "scripted:lead",
        description="A team: one member calculates, one posts a letter when you approve it. Scripted: no model answers here.",
        capabilities=["Team"],
        starters=["Work out what we owe Ada, and write to her."],
        kind=DjangoAgent.Kind.TEAM,
        is_global=True,
        members=[(members["desk-counter"], "Works out figures."), (members["desk-post"], "Writes letters.")],
    )


def agent(agent_id: str, name: str, model: str, **fields: object) -> None:
    if not DjangoAgent.objects.filter(agent_id=agent_id).exists():
        create_agent(agent_id=agent_id, name=name, model=model, by=None, **fields)  # type: ignore[arg-type]


def accounts() -> list[Account]:
    """Return the demo accounts that may sign in, for the terminal."""
    users = User.objects.filter(email__in=PEOPLE, is_active=True)
    password = app_settings.DEMO_PASSWORD
    return [
        Account(user.email, password if user.check_password(password) else "", PEOPLE[user.email][1])
        for user in sorted(users, key=lambda user: list(PEOPLE).index(user.email))
    ]
