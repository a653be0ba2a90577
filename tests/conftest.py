"""The cast, their browsers, and what holds for every test: no network, an empty cache, committed data for async tests."""

import inspect
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from agentos.access import allowances
from agentos.access.models import Membership, Plan, Team, User
from agentos.agents import own_prices
from agentos.agents.models import DjangoAgent
from agentos.chat import budgets
from agentos.chat.runs.engine import Engine
from agentos.core import clock
from agentos.core import db as database
from agentos.core.ratelimit import limits
from agentos.core.rendering.kept import kept
from agentos.webhooks.outbound.subscriptions import subscribed
from tests import emptying
from tests.factories import AgentFactory, MembershipFactory, PlanFactory, SubscriptionFactory, TeamFactory, UserFactory
from tests.server import migrated

LOOPBACK = ("127.", "::1", "localhost")


# How long a made-up example takes says how busy the machine is.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    """Refuse a connection that leaves this machine: a test that needs it is a test that fails on the train."""
    if event == "socket.connect" and isinstance(args[1], tuple) and not str(args[1][0]).startswith(LOOPBACK):
        msg = f"A test tried to reach {args[1]}."
        raise RuntimeError(msg)


sys.addaudithook(refuse_the_network)
emptying.use()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give async tests committed data: their queries run in another thread, which cannot see a test's open transaction. Give tests that
    start servers the time that several need on a machine with much else to do."""
    for item in items:
        if item.get_closest_marker("server") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))
        if inspect.iscoroutinefunction(getattr(item, "obj", None)) and "db" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(transaction=True), append=False)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Begin on SQLite with a copy of a database that was migrated before: then there is nothing left to migrate."""
    if is_sqlite := connection.vendor == "sqlite":
        shutil.copy(migrated(), connection.settings_dict["TEST"]["NAME"])
    return is_sqlite


@pytest.fixture(scope="session", autouse=True)
def no_connection_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Close what threads of the tests left open: PostgreSQL does not drop a database that somebody is connected to."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


def forget_caches() -> None:
    cache.clear()
    kept.clear()
    allowances.forget()
    own_prices.forget()
    budgets.forget()
    limits.forget()


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    forget_caches()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def minutes_begin_with_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of a limit a minute is cut in two by the turn of one. A clock that a test sets goes before."""
    real = clock.now
    since_then = timedelta(seconds=real().timestamp() % 60)
    monkeypatch.setattr(limits, "clock", SimpleNamespace(now=lambda: real() - since_then if clock.now is real else clock.now()))


@pytest.fixture(autouse=True)
def nobody_listens() -> None:
    """Forget the webhooks of the test before; no event costs a query until a test makes one of its own."""
    subscribed.assume(frozenset())


@pytest.fixture
def support(db: None) -> Team:
    return TeamFactory(name="Support")


@pytest.fixture
def pro(db: None) -> Plan:
    return PlanFactory(name="Pro")


@pytest.fixture
def owner(support: Team, pro: Plan) -> User:
    """Owner of the team Support, subscribed to the plan Pro."""
    user = UserFactory(email="owner@example.com", name="Olga Owner")
    MembershipFactory(team=support, user=user, role=Membership.Role.OWNER)
    SubscriptionFactory(customer__user=user, plan=pro)
    return user


@pytest.fixture
def member(support: Team) -> User:
    """Member of the team Support, without a plan."""
    user = UserFactory(email="member@example.com", name="Mika Member")
    MembershipFactory(team=support, user=user)
    return user


@pytest.fixture
def stranger(db: None) -> User:
    """No team, no plan."""
    return UserFactory(email="stranger@example.com", name="Sam Stranger")


@pytest.fixture
def operator(db: None) -> User:
    """Runs the installation: may enter the admin."""
    return UserFactory(email="operator@example.com", name="Otto Operator", is_staff=True, is_superuser=True)


@pytest.fixture
def suspended(support: Team) -> User:
    """Member of the team Support whose account is switched off."""
    user = UserFactory(email="suspended@example.com", name="Sue Suspended", is_active=False)
    MembershipFactory(team=support, user=user)
    return user


@pytest.fixture
def everyone_agent(db: None) -> DjangoAgent:
    return AgentFactory(agent_id="assistant", name="Assistant", is_global=True)


@pytest.fixture
def team_agent(support: Team) -> DjangoAgent:
    return AgentFactory(agent_id="support-writer", name="Support Writer", team=support)


@pytest.fixture
def plan_agent(pro: Plan) -> DjangoAgent:
    return AgentFactory(agent_id="analyst", name="Analyst", plans=[pro])


@pytest.fixture
def other_team_agent(db: None) -> DjangoAgent:
    """Of a team that nobody of the cast is in."""
    return AgentFactory(agent_id="researcher", name="Researcher", team=TeamFactory(name="Research"))


@pytest.fixture
def inactive_agent(db: None) -> DjangoAgent:
    return AgentFactory(agent_id="retired", name="Retired", is_global=True, is_active=False)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_owner(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def as_member(member: User) -> Client:
    return signed_in(member)


@pytest.fixture
def as_stranger(stranger: User) -> Client:
    return signed_in(stranger)


@pytest.fixture
def as_operator(operator: User) -> Client:
    return signed_in(operator)


@pytest.fixture
def as_suspended(suspended: User) -> Client:
    """A browser that was signed in before its user was suspended."""
    return signed_in(suspended)


@pytest.fixture
def anonymous(db: None) -> Client:
    return Client()


@pytest.fixture
async def engine(transactional_db: None) -> AsyncIterator[Engine]:
    """Drives what is sent."""
    engine = Engine()
    await engine.start()
    yield engine
    await engine.stop(0)
    database.close()
