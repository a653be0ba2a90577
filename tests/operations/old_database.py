"""`python -m tests.operations.old_database make [CHATS]`, then `migrate`: a database as an older version left it, with chats and answers
that were tried again, and what it takes to bring it up to date. `migrate-as-other` does it while the default database is an empty one."""

import json
import os
import sys
import tempfile
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
django.setup()

from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor

# Before versions of turns, the search's own text, marks of what was read, pictures and asking for access.
OLD = {
    "access": "0005_subscription_end",
    "agents": "0002_starters",
    "chat": "0008_made_of_other_apps",
    "webhooks": "0003_endpoints",
    "webhooks_outgoing": "0003_fewer_indexes",
}
TURNS = 10
AT = datetime(2026, 1, 1, tzinfo=UTC)
ANSWER = "An answer with words such as Ünïcode, and a number of lines.\n" * 20


def make(chats: int) -> None:
    """So many chats of ten turns each; the answer to the third was tried again, so it has a hidden one before it."""
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] not in OLD and not is_new(executor, node)])
    executor.loader.build_graph()
    executor.migrate(list(OLD.items()))
    apps: Any = executor.loader.project_state(list(OLD.items())).apps
    user = apps.get_model("access", "User").objects.create(email="old@example.com", name="Old", password="!")
    agent = apps.get_model("agents", "DjangoAgent").objects.create(agent_id="old", name="Old", model="scripted:echo")
    sessions, runs = apps.get_model("chat", "ChatSession").objects, apps.get_model("chat", "Run").objects
    made = sessions.bulk_create(
        [
            sessions.model(session_id=f"ses_{n}", user=user, agent=agent, title=f"Chat Ä {n}", created_at=AT, updated_at=AT)
            for n in range(chats)
        ],
        batch_size=500,
    )
    for session in made:
        turns = [(turn, False) for turn in range(1, TURNS + 1)] + [(3, True)]
        runs.bulk_create(
            runs.model(
                run_id=f"run_{session.pk}_{turn}_{hidden}",
                session=session,
                by=user,
                turn=turn,
                input=f"Question Ä {turn}",
                answer=ANSWER,
                parts=[{"kind": "text", "text": ANSWER}],
                status="completed",
                is_hidden=hidden,
                attempt=1,
                created_at=AT,
            )
            for turn, hidden in sorted(turns, key=lambda each: (each[0], not each[1]))
        )
    key = apps.get_model("chat", "IdempotencyKey").objects.create(key="old", user=user, run=runs.first())
    apps.get_model("webhooks_outgoing", "DoneOnce").objects.create(key=key, made="made-by-it")


def is_new(executor: MigrationExecutor, node: tuple[str, str]) -> bool:
    """Whether an app's migrations hang on newer ones of those in ``OLD``."""
    plan = executor.loader.graph.forwards_plan(node)
    return any(app in OLD and name > OLD[app] for app, name in plan)


def migrate() -> dict[str, Any]:
    """Bring it up to date; return how many rows there were and are, and how long it took."""
    before = counts()
    began = time.monotonic()
    call_command("migrate", verbosity=0)
    seconds = time.monotonic() - began
    from agentos.chat.models import ChatSession, IdempotencyKey, Run

    hidden = Run.objects.filter(is_hidden=True)
    return {
        "seconds": round(seconds, 1),
        "before": before,
        "after": counts(),
        "messages": Run.objects.filter(input__startswith="Question Ä").count(),
        "searchable": Run.objects.filter(searchable__contains="question").count(),
        "titles": ChatSession.objects.filter(searchable__contains="chat").count(),
        "versions": sorted(set(Run.objects.filter(turn=3).values_list("is_hidden", "version", "versions"))),
        "made": list(IdempotencyKey.objects.values_list("made", flat=True)),
        "unlinked": Run.objects.filter(turn__gt=1, follows=None).exclude(pk__in=hidden).count(),
    }


def migrate_as_other() -> None:
    """Bring it up to date as a project does that has it beside its own: `migrate --database other`."""
    connections.databases["other"] = connections.databases[DEFAULT_DB_ALIAS]
    with tempfile.TemporaryDirectory() as folder:
        sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/empty.sqlite3"}
        connections.databases[DEFAULT_DB_ALIAS] = {**connections.databases[DEFAULT_DB_ALIAS], "OPTIONS": {}, **sqlite}
        connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)
        call_command("migrate", database="other", verbosity=0)
        assert connection.introspection.table_names() == []


def counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        names = ("access_user", "agents_djangoagent", "chat_chatsession", "chat_run")
        found = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            found[name] = cursor.fetchone()[0]
        return found


if __name__ == "__main__":
    word, *more = sys.argv[1:]
    if word == "make":
        make(int(more[0]) if more else 20)
    elif word == "migrate-as-other":
        migrate_as_other()
    else:
        print(json.dumps(migrate()))
