"""Try again, stop, withdraw."""

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from tests.dashboard.asking import post
from tests.factories import RunFactory
from tests.html import page

STATUS = Run.Status


@pytest.fixture
def running(session: ChatSession) -> Run:
    return RunFactory(session=session, status=STATUS.RUNNING, started_at=clock.now(), parts=[], answer="")


@pytest.fixture
def queued(session: ChatSession, running: Run) -> Run:
    return RunFactory(session=session, status=STATUS.QUEUED, input="A long message", parts=[], answer="")


class TestRetry:
    def test_puts_a_new_answer_in_the_place_of_the_old(self, as_member: Client, run: Run) -> None:
        found = page(post(as_member, f"/agentos/run/{run.run_id}/retry/"))
        assert found.one("hx-partial[hx-target='#turns'] #turn-1")["data-status"] == "queued"

    def test_leads_back_without_htmx(self, as_member: Client, run: Run, url: str) -> None:
        response = as_member.post(f"/agentos/run/{run.run_id}/retry/")
        assert (response.status_code, response.headers["Location"]) == (303, f"{url}#turn-1")

    def test_of_an_answer_that_is_not_the_last_is_refused(self, as_member: Client, run: Run) -> None:
        RunFactory(session=run.session)
        response = post(as_member, f"/agentos/run/{run.run_id}/retry/")
        assert response.status_code == 409
        assert response.headers["HX-Retarget"] == "#notices"
        assert "Only the last answer" in page(response).text(".notice.error[role=alert]")
        plain = as_member.post(f"/agentos/run/{run.run_id}/retry/")
        assert plain.status_code == 409
        assert "Only the last answer" in page(plain).text("main")

    def test_with_an_agent_that_was_taken_away_is_refused(self, as_member: Client, member: User, run: Run) -> None:
        member.memberships.all().delete()
        assert post(as_member, f"/agentos/run/{run.run_id}/retry/").status_code == 409


class TestStop:
    def test_ends_the_answer_and_keeps_its_text(self, as_member: Client, running: Run) -> None:
        response = post(as_member, f"/agentos/run/{running.run_id}/stop/")
        assert page(response).one("#turn-1")["data-status"] == "stopped"
        assert AuditRecord.objects.filter(verb="chat.run.stopped").exists()

    def test_twice_is_as_good_as_once(self, as_member: Client, running: Run, url: str) -> None:
        for _ in range(2):
            response = as_member.post(f"/agentos/run/{running.run_id}/stop/")
            assert (response.status_code, response.headers["Location"]) == (303, f"{url}#turn-1")

    def test_is_for_its_owner(self, as_owner: Client, running: Run) -> None:
        assert as_owner.post(f"/agentos/run/{running.run_id}/stop/").status_code == 404
        running.refresh_from_db()
        assert running.status == STATUS.RUNNING


class TestWithdraw:
    def test_gives_the_message_back(self, as_member: Client, queued: Run) -> None:
        found = page(post(as_member, f"/agentos/run/{queued.run_id}/stop/", {"message": "typed since"}))
        assert found.one("hx-partial[hx-swap=delete]")["hx-target"] == "#turn-2"
        assert found.one("#message").get_text().removeprefix("\n") == "A long message\n\ntyped since"

    def test_gives_the_message_back_without_htmx(self, as_member: Client, queued: Run) -> None:
        found = page(as_member.post(f"/agentos/run/{queued.run_id}/stop/"))
        assert found.one("#message").get_text() == "\nA long message"
        assert not found.has("#turn-2")
