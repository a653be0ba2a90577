"""What is done every few seconds, whoever is there, costs no more when a hundred thousand things have ended.

Everything periodic is named in ``PERIODIC``. Each is done over few rows that have ended and over many: on SQLite the steps of its virtual
machine are counted, on PostgreSQL the rows that it touched, and both are asked for their plans.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agentos.access import counting, outbox, rights
from agentos.access.models import ApiToken, Customer, Plan, RateCount, Subscription, Team, User
from agentos.accounts import deleting
from agentos.agents.models import DjangoAgent
from agentos.billing import comparing, waiting
from agentos.chat import ephemeral
from agentos.chat.models import ChatSession, IdempotencyKey, Run
from agentos.chat.registry import OpenStream, Registry
from agentos.chat.runs import entitlement, reaper
from agentos.core import clock
from agentos.files import sweeping
from agentos.operations import metrics
from agentos.webhooks.outbound import results
from agentos.webhooks.outbound.models import Delivery
from agentos.webhooks.outbound.subscriptions import subscribed
from tests.factories import AgentFactory
from tests.webhooks.outbound import make_endpoint

FEW, MANY = 20, 1000
AS_MUCH = 1.5  # as for the few: pages of an index may be one more
A_FEW_ROWS = 100
INDEXES = {"run_open", "session_deleted", "session_to_erase", "subscription_end", "webhook_delivery_due", "webhook_delivery_age"}

pytestmark = pytest.mark.django_db


def look_at_streams() -> None:
    by_login, by_token = OpenStream(1, "", "of-nobody", 1), OpenStream(1, "", "", 1, token_pk=1)
    Registry()._lost([by_login, by_token])


PERIODIC: dict[str, Callable[[], Any]] = {
    "orphans are seen to": reaper.reap_orphans,
    "orphans are seen to at a start": lambda: reaper.reap_orphans(everything=True),
    "leases are renewed": lambda: reaper.renew_leases({1: 1, 2: 1, 3: 1}, timedelta(seconds=30)),
    "queued runs are looked for": reaper.sessions_with_queued_runs,
    "deleted chats are erased": reaper.erase_deleted_sessions,
    "ephemeral runs are erased": ephemeral.sweep,
    "files that nobody holds are looked for": sweeping.sweep,
    "old keys are forgotten": reaper.forget_old_keys,
    "mails that wait are looked for": outbox.has_due,
    "subscriptions to read are looked for": waiting.has_due,
    "the comparison with Stripe is looked for": comparing.is_due,
    "accounts to delete are looked for": deleting.is_due,
    "rights are looked at": look_at_streams,
    "runs that may not go on are looked for": lambda: entitlement.RunRights().lost(),
    "the next end of a right is looked for": lambda: rights.next_end(clock.now()),
    "what is open is counted": metrics.ask,
    "due webhooks are looked for": lambda: results.due(16),
    "old webhooks are forgotten": results.forget_old,
    "listeners are looked for": subscribed.ask,
    "counts of past windows are dropped": lambda: counting.TableCounter().sweep() if connection.vendor == "postgresql" else None,
}


def make_ended(count: int, user: User, agent: DjangoAgent) -> None:
    """So many of everything that ends."""
    now, last_month = clock.now(), clock.now() - timedelta(days=20)
    begin = ChatSession.objects.count()
    sessions = ChatSession.objects.bulk_create(
        ChatSession(user=user, agent=agent, is_ephemeral=number % 4 == 0, erased_at=now if number % 4 == 0 else None, updated_at=last_month)
        for number in range(begin, begin + count)
    )
    runs = Run.objects.bulk_create(
        Run(session=session, by=user, turn=1, input="x", status=Run.ENDED[number % 4], attempt=1, finished_at=now, created_at=last_month)
        for number, session in enumerate(sessions)
    )
    IdempotencyKey.objects.bulk_create(IdempotencyKey(user=user, key=run.run_id, fingerprint="x", run=run) for run in runs)
    endpoint = make_endpoint(Team.objects.create(name=f"Team {begin}"), "https://example.com/")
    ended = (Delivery.Status.DELIVERED, Delivery.Status.FAILED)
    Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, event="run.completed", body="{}", status=ended[number % 2], due_at=last_month, created_at=last_month)
        for number in range(count)
    )
    customer, _ = Customer.objects.get_or_create(user=user)
    plans = Plan.objects.bulk_create(Plan(name=f"Plan {number}") for number in range(begin, begin + count))
    status = (Subscription.Status.ACTIVE, Subscription.Status.CANCELED)  # over by time, and by a decision
    Subscription.objects.bulk_create(
        Subscription(customer=customer, plan=plan, status=status[number % 2], current_period_end=last_month)
        for number, plan in enumerate(plans)
    )
    ApiToken.objects.bulk_create(
        ApiToken(user=user, name="x", digest=f"{number:x}", hint="x", expires_at=last_month) for number in range(begin, begin + count)
    )
    Session.objects.bulk_create(
        Session(session_key=f"ended-{number}", session_data="", expire_date=last_month) for number in range(begin, begin + count)
    )
    RateCount.objects.bulk_create(
        RateCount(key=f"limit-{number}", window=1, count=1, ends=int(now.timestamp()) + 60) for number in range(begin, begin + count)
    )


@pytest.fixture
def world(member: User) -> Callable[[int], None]:
    agent = AgentFactory(is_global=True)

    def grow(count: int) -> None:
        make_ended(count, member, agent)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")

    return grow


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def steps(work: Callable[[], Any]) -> int:
    """How many steps SQLite makes."""
    made = 0

    def count() -> int:
        nonlocal made
        made += 1
        return 0

    with undone():
        work()  # what is prepared once is prepared
    with undone():
        connection.connection.set_progress_handler(count, 1)
        try:
            work()
        finally:
            connection.connection.set_progress_handler(None, 1)
    return made


def statements(work: Callable[[], Any]) -> list[str]:
    with undone(), CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]


def plan_of(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]


def touched(sql: str) -> int:
    """How many rows PostgreSQL reads for a statement."""
    with undone(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    return rows_of((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])


def rows_of(plan: dict[str, Any]) -> int:
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return int(own * plan["Actual Loops"]) + sum(rows_of(part) for part in plan.get("Plans", ()))


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="It counts SQLite's steps.")
def test_sqlite_makes_no_more_steps_when_more_has_ended(world: Callable[[int], None]) -> None:
    world(FEW)
    before = {name: steps(work) for name, work in PERIODIC.items()}
    world(MANY)
    after = {name: steps(work) for name, work in PERIODIC.items()}
    assert {name: (before[name], now) for name, now in after.items() if now > before[name] * AS_MUCH + 20} == {}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="It reads SQLite's plans.")
def test_sqlite_plans_to_read_no_whole_table(world: Callable[[int], None]) -> None:
    world(FEW)
    plans = [(name, step) for name, work in PERIODIC.items() for sql in statements(work) for step in plan_of(sql)]
    scans = [(name, step) for name, step in plans if step.startswith("SCAN ") and "endpoint" not in step]  # a team has a handful of these
    of_what_is_open = [step for _, step in scans if any(step.endswith(f"INDEX {index}") for index in INDEXES)]
    assert [step for _, step in scans if step not in of_what_is_open] == []
    assert {index for index in INDEXES if any(f"INDEX {index} " in step for _, step in plans)} == INDEXES


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="It asks PostgreSQL.")
def test_postgresql_touches_few_rows_when_many_have_ended(world: Callable[[int], None]) -> None:
    world(MANY)
    asked = [(name, sql) for name, work in PERIODIC.items() for sql in statements(work)]
    assert {sql: (name, count) for name, sql in asked if (count := touched(sql)) > A_FEW_ROWS} == {}
