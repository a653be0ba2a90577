"""`manage.py agentos_demo`: made once, through the actions, and never against what people did since."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client, override_settings

from agentos.access.models import Membership, User
from agentos.agents import demo
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for, locked_agents_for
from agentos.audit.models import AuditRecord


def run_it(*options: str) -> str:
    out = StringIO()
    call_command("agentos_demo", *options, stdout=out)
    return out.getvalue()


def usable(email: str) -> set[str]:
    return set(agents_for(User.objects.get(email=email)).values_list("agent_id", flat=True))


@pytest.mark.django_db
class TestAgentosDemo:
    def test_makes_agents_of_each_kind_of_access(self) -> None:
        run_it()
        for_all = {"assistant", "tour", "errand", "onlooker", "librarian", "desk", "notebook"}
        assert usable("owner@example.com") == {*for_all, "support-writer", "analyst"}
        assert usable("member@example.com") == {*for_all, "support-writer"}
        assert usable("stranger@example.com") == for_all
        locked = locked_agents_for(User.objects.get(email="owner@example.com"))
        assert [agent.opened_by for agent in locked] == ["Ask to join team Research"]

    def test_makes_accounts_that_can_sign_in(self, client: Client) -> None:
        run_it()
        for email in demo.PEOPLE:
            assert client.post("/sign-in/", {"email": email, "password": "demo", "next": "/x"}).status_code == 302
        assert client.login(email="owner@example.com", password="demo")
        assert client.get("/admin/").status_code == 200

    @override_settings(AGENTOS_DEMO_PASSWORD="another one")
    def test_takes_the_password_from_the_environment(self, client: Client) -> None:
        assert "another one" in run_it()
        assert client.login(email="member@example.com", password="another one")

    def test_is_made_once(self) -> None:
        assert "made just now" in run_it()
        counts = [model.objects.count() for model in (User, DjangoAgent, Membership, AuditRecord)]
        assert "made just now" not in run_it()
        assert [model.objects.count() for model in (User, DjangoAgent, Membership, AuditRecord)] == counts

    def test_leaves_what_people_changed_and_deleted(self) -> None:
        run_it()
        DjangoAgent.objects.filter(agent_id="assistant").update(name="Ours")
        DjangoAgent.objects.get(agent_id="tour").delete()
        owner = User.objects.get(email="owner@example.com")
        owner.set_password("my own")
        owner.save()
        out = run_it()
        assert DjangoAgent.objects.get(agent_id="assistant").name == "Ours"
        assert not DjangoAgent.objects.filter(agent_id="tour").exists()
        assert "(the password was changed)" in out
        assert "my own" not in out

    def test_joins_what_is_there_by_name(self, owner: User, team_agent: DjangoAgent) -> None:
        run_it()
        team_agent.refresh_from_db()
        assert team_agent.instructions == "SECRET-INSTRUCTIONS"
        assert owner.memberships.get().role == Membership.Role.OWNER
        assert not User.objects.get(pk=owner.pk).is_staff

    def test_prints_only_accounts_that_may_sign_in(self) -> None:
        run_it()
        User.objects.filter(email="member@example.com").update(is_active=False)
        assert "member@" not in run_it()
        User.objects.update(is_active=False)
        assert "removed or suspended" in run_it()

    def test_refuses_a_production_unless_forced(self) -> None:
        with override_settings(AGENTOS_LOCAL=False):
            with pytest.raises(CommandError, match="production"):
                run_it()
            assert not User.objects.exists()
            run_it("--force")
            assert User.objects.count() == 3

    def test_leaves_a_trace_of_everything_in_the_audit(self) -> None:
        run_it()
        verbs = set(AuditRecord.objects.values_list("verb", flat=True))
        assert verbs >= {"access.user.created", "access.team.created", "access.subscription.started", "agents.agent.created", demo.MADE}

    def test_uses_a_provider_whose_key_is_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        run_it()
        assert DjangoAgent.objects.get(agent_id="analyst").model.startswith("openai:")

    @override_settings(AGENTOS_SCRIPTED_MODELS=False)
    def test_has_no_scripted_agent_where_they_are_off(self) -> None:
        run_it()
        assert not DjangoAgent.objects.filter(model__startswith="scripted:").exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time.")
@pytest.mark.django_db(transaction=True)
def test_two_servers_that_start_together_make_it_once() -> None:
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""

    def second() -> bool:
        try:
            return demo.make_demo()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            assert demo.make_demo()
            other = thread.submit(second)
            over = time.monotonic() + 20
            with connection.cursor() as cursor:
                while not other.done() and time.monotonic() < over:
                    cursor.execute(waiting)
                    if cursor.fetchone()[0]:
                        break
        assert other.result() is False
