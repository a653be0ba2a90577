"""The people of a benchmark: each with a login and an empty chat, made in the database before the server starts."""

import os
import secrets
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass
class Person:
    """``chats``: empty ones, one for each round, so that a live stream starts with nothing to tell."""

    session: str
    csrf: str
    chats: list[str]

    @property
    def cookies(self) -> str:
        return f"session={self.session}; csrf={self.csrf}"


def make(count: int, model: str, chats: int) -> list[Person]:
    """Make ``count`` people with a login and ``chats`` empty chats each. Django must be set up already."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from agentos.access.models import User
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession

    call_command("migrate", verbosity=0)
    agent, _ = DjangoAgent.objects.get_or_create(agent_id="bench", defaults={"name": "Bench", "model": model, "is_global": True})
    group = secrets.token_hex(4)
    people = []
    for number in range(count):
        user = User.objects.create(email=f"bench-{group}-{number}@example.com", password="!" + secrets.token_hex(8))
        login = SessionStore()
        login.update(
            {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
        )
        login.create()
        opened = ChatSession.objects.bulk_create([ChatSession(user=user, agent=agent) for _ in range(chats)])
        people.append(Person(str(login.session_key), secrets.token_hex(16), [chat.session_id for chat in opened]))
    return people


def for_agno(database_url: str) -> str:
    """Return the URL of a PostgreSQL as Agno wants it: a socket's folder stands in the query there."""
    from sqlalchemy import make_url

    url = make_url(database_url).set(drivername="postgresql+psycopg_async")
    folder = unquote(url.host or "")
    if folder.startswith("/"):
        url = url.set(host="").update_query_dict({"host": folder})
    return url.render_as_string(hide_password=False)


def environment(data_dir: str, model: str, database_url: str = "") -> dict[str, str]:
    """The environment of both servers and of this process. ``database_url``: of a PostgreSQL; without one each has its own SQLite file."""
    env = {
        "AGENTOS_LOCAL": "1",
        "AGENTOS_DATA_DIR": data_dir,
        "AGENTOS_SCRIPTED_MODELS": "1",
        "AGENTOS_LOCAL_MODEL": "0",
        "AGENTOS_SENDS_A_MINUTE": "0",
        "LOG_LEVEL": "WARNING",
        "BENCH_MODEL": model,
        "BENCH_DB": for_agno(database_url) if database_url else f"sqlite+aiosqlite:///{data_dir}/agno.sqlite3",
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "site_config.settings",
    }
    os.environ.update(env)
    return env
