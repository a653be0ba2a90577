"""What stands in the database before a browser comes: agents of every temper, people with a login, long chats.

``python -m tests.browser.seed`` makes it and prints the people as JSON. ``suspend <e-mail>`` switches an account off, ``open <agent>``
makes an agent for everyone or switches it on again, ``model <agent>=<model>`` gives it a model, ``close <agent>`` switches it off,
``lend <e-mail>`` opens the agent Loan to somebody by a subscription, which ends by itself a few seconds after ``limit <e-mail>``: what an
operator does meanwhile. ``sign-in-at <url>`` adds a connection at which members sign in.
"""

import json
import secrets
import sys
from datetime import timedelta
from typing import Any

PEOPLE = 400  # more than there are tests: one worker may run most of them
LONG = 1000  # turns
LOAN = timedelta(seconds=8)  # longer than it takes until the change itself was heard of
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"

AGENTS = {
    "quick": ("Quick", "scripted:30x5"),
    "steady": ("Steady", "scripted:200x20"),
    "slow": ("Slow", "scripted:900x20"),
    "silent": ("Silent", "scripted:hang@5x5"),
    "broken": ("Broken", "scripted:fail@5x5"),
    "parrot": ("Parrot", "scripted:echo"),
    "titled": ("Titled", "scripted:title"),
    "hostile": (HOSTILE, "scripted:echo"),
    "careful": ("Careful", "scripted:approve"),
    "curious": ("Curious", "scripted:ask"),
    "surfer": ("Surfer", "scripted:calls"),
}
TOOLS = {"surfer": ["calculator", "web-search", "fetch-page"]}


def seed() -> dict[str, Any]:
    from django.core.management import call_command

    from agentos.agents.models import DjangoAgent

    call_command("agentos_demo", verbosity=0, stdout=sys.stderr)
    for agent_id, (name, model) in AGENTS.items():
        about = f"{name} is scripted." if agent_id != "hostile" else HOSTILE
        tools = TOOLS.get(agent_id, [])
        DjangoAgent.objects.create(agent_id=agent_id, name=name, model=model, description=about, is_global=True, tools=tools)
    people = [make_person(number) for number in range(PEOPLE)]
    return {"people": people, "reader": {**make_person(PEOPLE), "chat": long_chat(f"guest-{PEOPLE}@example.com")}}


def make_person(number: int) -> dict[str, str]:
    from agentos.access.models import User

    user = User.objects.create(email=f"guest-{number}@example.com", name=f"Guest {number}", password="!" + secrets.token_hex(8))
    return {"email": user.email, "login": login_of(user)}


def login_of(user: Any) -> str:
    """Return the cookie of a browser in which this user is signed in."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    login = SessionStore()
    login[SESSION_KEY] = str(user.pk)
    login[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    login[HASH_SESSION_KEY] = user.get_session_auth_hash()
    login.create()
    return str(login.session_key)


def long_chat(email: str) -> str:
    from agentos.access.models import User
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession, Run, searchable_text
    from agentos.core import clock

    user, agent = User.objects.get(email=email), DjangoAgent.objects.get(agent_id="quick")
    chat = ChatSession.objects.create(user=user, agent=agent, title="A long one", revision=LONG)
    began = clock.now() - timedelta(days=1)
    Run.objects.bulk_create(
        Run(
            session=chat,
            by=user,
            turn=number,
            revision=number,
            input=f"Question {number}",
            status=Run.Status.COMPLETED,
            answer=f"Answer {number}",
            searchable=searchable_text(f"Question {number}", f"Answer {number}"),
            parts=[{"kind": "text", "text": f"Answer {number}. " + "It has some words. " * (number % 40)}],
            started_at=began,
            finished_at=began,
        )
        for number in range(1, LONG + 1)
    )
    return chat.session_id


def suspend(email: str) -> None:
    from agentos.access.models import User

    User.objects.filter(email=email).update(is_active=False)


def open_agent(agent_id: str) -> None:
    from agentos.agents.models import DjangoAgent

    fields = {"name": agent_id.title(), "model": "scripted:echo", "is_global": True, "is_active": True}
    DjangoAgent.objects.update_or_create(agent_id=agent_id, defaults=fields)


def set_model(words: str) -> None:
    from agentos.agents.models import DjangoAgent

    agent_id, _, model = words.partition("=")
    DjangoAgent.objects.update_or_create(agent_id=agent_id, defaults={"name": agent_id.title(), "model": model, "is_global": True})


def close_agent(agent_id: str) -> None:
    from agentos.agents.models import DjangoAgent

    agent = DjangoAgent.objects.get(agent_id=agent_id)
    agent.is_active = False
    agent.save()


def lend(email: str) -> None:
    from agentos.access.models import Customer, Plan, Subscription, User
    from agentos.agents.models import DjangoAgent

    plan, _ = Plan.objects.get_or_create(name="Lent")
    agent, _ = DjangoAgent.objects.get_or_create(agent_id="loan", defaults={"name": "Loan", "model": "scripted:echo"})
    agent.plans.add(plan)
    customer, _ = Customer.objects.get_or_create(user=User.objects.get(email=email))
    Subscription.objects.create(customer=customer, plan=plan)


def limit(email: str) -> None:
    from agentos.access.models import Subscription
    from agentos.core import clock

    loan = Subscription.objects.get(customer__user__email=email)
    loan.current_period_end = clock.now() + LOAN
    loan.save()


def sign_in_at(url: str) -> None:
    from agentos.agents.models import DjangoAgent
    from agentos.connections.models import RemoteTool, Server

    server, made = Server.objects.update_or_create(slug="guarded", defaults={"name": "Guarded", "url": url, "auth": "oauth"})
    if not made:
        return
    fields = {"description": "Say who calls.", "schema": {"type": "object", "properties": {}}, "hash": "0" * 64, "policy": "auto"}
    tool = RemoteTool.objects.create(server=server, name="whoami", **fields)
    DjangoAgent.objects.create(agent_id="caller", name="Caller", model="scripted:calls", is_global=True, tools=[tool.slug])


OPERATOR = {
    "sign-in-at": sign_in_at,
    "suspend": suspend,
    "open": open_agent,
    "model": set_model,
    "close": close_agent,
    "lend": lend,
    "limit": limit,
}


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1:]:
        OPERATOR[sys.argv[1]](sys.argv[2])
    else:
        from django.core.management import call_command
        from django.db import transaction

        call_command("migrate", verbosity=0)
        with transaction.atomic():
            sys.stdout.write(json.dumps(seed()))
