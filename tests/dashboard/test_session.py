"""A chat that goes on: its page, its composer, its earlier turns."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from tests.dashboard.asking import get, post, queries
from tests.factories import AgentFactory, ChatSessionFactory, RunEventFactory, RunFactory
from tests.html import page

STATUS = Run.Status
QUERIES = 12  # of a chat that is opened by a server that has just started; every ten seconds one asks whether there are budgets


@pytest.mark.django_db
class TestSessionPage:
    def test_has_what_the_spec_names(self, as_member: Client, session: ChatSession, url: str) -> None:
        response = as_member.get(url)
        assert response.context["session"] == session
        assert response.context["agent"] == session.agent
        assert "agents_count" in response.context["agentos_info"]
        assert "agentos/session.html" in [template.name for template in response.templates]

    def test_works_out_nothing_that_it_does_not_show(self, as_member: Client, url: str, run: Run) -> None:
        """The spec wants all agents in the context, and nothing of them is on this page: whoever asks for them is told then."""
        cache.clear()
        with CaptureQueriesContext(connection) as opening:
            response = as_member.get(url)
        assert len(opening) == QUERIES
        with CaptureQueriesContext(connection) as asking:
            assert response.context["agentos_info"]["agents_count"] == 1
        assert len(asking) > 0

    def test_is_a_look_at_what_was_unread(self, as_member: Client, session: ChatSession, url: str) -> None:
        ChatSession.objects.update(unseen=ChatSession.Unseen.ANSWER)
        assert not page(as_member.get(url)).has("[data-unseen]")
        session.refresh_from_db()
        assert session.unseen == ChatSession.Unseen.NOTHING

    def test_of_earlier_turns_is_no_look(self, as_member: Client, session: ChatSession, url: str) -> None:
        ChatSession.objects.update(unseen=ChatSession.Unseen.ANSWER)
        as_member.get(f"{url}?before=2")
        session.refresh_from_db()
        assert session.unseen == ChatSession.Unseen.ANSWER

    def test_leads_to_the_turn_that_was_found(self, as_member: Client, session: ChatSession, url: str) -> None:
        runs = RunFactory.create_batch(40, session=session)
        found = page(as_member.get(f"{url}?run={runs[35].run_id}"))
        assert found.one("#transcript")["data-found"] == "turn-36"
        assert "session=" in str(found.one("#live")["hx-sse:connect"])

    def test_leads_to_a_turn_above_the_last_ones(self, as_member: Client, session: ChatSession, url: str) -> None:
        ChatSession.objects.update(unseen="answer")
        runs = RunFactory.create_batch(60, session=session)
        found = page(as_member.get(f"{url}?run={runs[9].run_id}"))
        assert [turn["id"] for turn in found.all(".turn")] == [f"turn-{number}" for number in range(1, 21)]
        assert found.one("#transcript")["data-found"] == "turn-10"
        assert found.one(".transcript .older a.quiet")["href"] == url
        session.refresh_from_db()
        assert session.unseen  # the newest answer was not shown

    def test_leads_to_a_version_that_is_not_chosen(self, as_member: Client, session: ChatSession, url: str) -> None:
        first = RunFactory(session=session, input="First")
        other = RunFactory(session=session, input="Not chosen", is_hidden=True, turn=2, follows=first.pk, versions=2)
        RunFactory(session=session, input="Chosen", turn=2, follows=first.pk, version=2, versions=2)
        found = page(as_member.get(f"{url}?run={other.run_id}"))
        assert found.texts(".said-text") == ["First", "Not chosen"]
        assert not found.has("#message")
        response = as_member.post(str(found.one("form#composer")["action"]), {"stay": "1"})
        assert response["Location"] == f"{url}?run={other.run_id}#turn-2"
        assert page(as_member.get(url)).texts(".said-text") == ["First", "Not chosen"]

    @pytest.mark.parametrize("run_id", ["", "x", "run_1", "\x00"])
    def test_bears_any_turn_in_the_address(self, as_member: Client, session: ChatSession, url: str, run_id: str) -> None:
        RunFactory(session=session)
        withdrawn, other = RunFactory(session=session, is_hidden=True, version=0), RunFactory()
        for each in (run_id, withdrawn.run_id, other.run_id):
            found = page(as_member.get(url, {"run": each}))
            assert len(found.all(".turn")) == 1
            assert not found.has("[data-found]")

    def test_shows_both_speakers(self, as_member: Client, run: Run, url: str) -> None:
        found = page(as_member.get(url))
        assert found.text("h1") == "Refund case"
        assert found.texts(".turn h2") == ["You", "Support Writer"]
        assert found.text(".said-text") == "Draft a reply"
        assert found.text("#turn-1-answer strong") == "customer"
        assert found.one("#turn-1-copy")["aria-label"] == "Copy answer 1"

    def test_never_takes_words_for_html(self, as_member: Client, session: ChatSession, url: str) -> None:
        evil = "<img src=x onerror=alert(1)><script>1</script>"
        tool = {"kind": "tool", "call_id": "1", "name": evil, "args": {"a": evil}, "status": "finished", "result": evil, "seconds": 1.0}
        RunFactory(session=session, input=evil, answer=evil, parts=[tool, {"kind": "text", "text": evil}])
        ChatSession.objects.update(title=evil)
        DjangoAgent.objects.update(name=evil)
        found = page(as_member.get(url))
        assert not found.has("body img, body script")
        assert evil in found.one(".said-text").get_text()
        assert len(found.texts(".tool pre")) == 2

    def test_of_somebody_else_is_not_found(self, as_owner: Client, as_operator: Client, session: ChatSession, url: str) -> None:
        for client in (as_owner, as_operator):
            assert client.get(url).status_code == 404
            assert client.post(url, {"message": "Hi"}).status_code == 404

    def test_opens_on_the_last_thirty_turns(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory.create_batch(40, session=session)
        found = page(as_member.get(url))
        assert [turn["id"] for turn in found.all(".turn")] == [f"turn-{number}" for number in range(11, 41)]
        assert found.one("#older-link")["href"] == f"{url}?before=11"

    def test_follows_the_chat_live_from_what_it_shows(self, as_member: Client, run: Run, session: ChatSession, url: str) -> None:
        live = str(page(as_member.get(url)).one("#live")["hx-sse:connect"])
        assert live.startswith(f"/agentos/live/?session={session.session_id}&cursor=")

    def test_of_earlier_turns_stands_still(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory.create_batch(40, session=session)
        found = page(as_member.get(f"{url}?before=11"))
        assert [turn["id"] for turn in found.all(".turn")] == [f"turn-{number}" for number in range(1, 11)]
        assert "session=" not in str(found.one("#live")["hx-sse:connect"])
        assert found.one(".transcript .older a.quiet")["href"] == url

    @pytest.mark.parametrize("before", ["", "x", "-1", "0", "9" * 5000, "١"])
    def test_bears_any_place_in_the_address(self, as_member: Client, run: Run, url: str, before: str) -> None:
        assert as_member.get(url, {"before": before}).status_code == 200

    def test_of_an_empty_chat_introduces_the_agent(self, as_member: Client, url: str) -> None:
        found = page(as_member.get(url))
        assert found.has("#intro")
        assert found.has("#turns")

    def test_stays_readable_when_the_agent_is_taken_away(self, as_member: Client, run: Run, member: User, url: str) -> None:
        member.memberships.all().delete()
        found = page(as_member.get(url))
        assert "Dear" in found.text("#turn-1-answer")
        assert "no longer use this agent" in found.text("#composer")
        assert not found.has("#message, .retry")
        assert found.one("#new-chat")["href"] == "/agentos/chat/"

    def test_says_when_the_model_is_down(self, as_member: Client, session: ChatSession, url: str) -> None:
        DjangoAgent.objects.update(model="openai:gpt-5.4")
        assert "not available now" in page(as_member.get(url)).text("#composer.closed")

    def test_takes_the_same_queries_however_much_there_is(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory(session=session)
        few = queries(as_member, url)
        RunFactory.create_batch(35, session=session)
        for more in ChatSessionFactory.create_batch(35, user=session.user):
            RunFactory(session=more)
        AgentFactory.create_batch(10, is_global=True)
        assert queries(as_member, url) == few


ENDINGS: list[tuple[dict[str, Any], str]] = [
    ({"status": STATUS.FAILED, "error_code": "model_silent"}, "The model did not answer for 60 s. Your message is saved. Try again."),
    ({"status": STATUS.INTERRUPTED}, "The server stopped midway. Everything written so far is kept."),
    ({"status": STATUS.STOPPED}, "Stopped"),
]


@pytest.mark.django_db
class TestTurn:
    @pytest.mark.parametrize(("state", "sentence"), ENDINGS, ids=lambda value: str(value)[:20])
    def test_says_how_it_ended_and_offers_another_try(
        self, as_member: Client, session: ChatSession, url: str, state: dict[str, Any], sentence: str
    ) -> None:
        run = RunFactory(session=session, **state)
        found = page(as_member.get(url))
        assert found.text("#turn-1-state") == sentence
        assert found.one("#turn-1 .retry")["action"] == f"/agentos/run/{run.run_id}/retry/"
        assert found.one("#turn-1-retry")["aria-label"] == "Try again: answer 1"

    def test_offers_another_try_of_the_last_answer_only(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory.create_batch(2, session=session)
        found = page(as_member.get(url))
        assert found.has("#turn-2 .retry")
        assert not found.has("#turn-1 .retry")

    def test_that_is_complete_says_what_it_took(self, as_member: Client, session: ChatSession, url: str) -> None:
        now = clock.now()
        RunFactory(session=session, input_tokens=800, output_tokens=404, started_at=now, finished_at=now + timedelta(seconds=3.24))
        assert page(as_member.get(url)).text(".facts") == "1,204 tokens · 3.2 s"

    def test_that_runs_shows_what_was_said_so_far(self, as_member: Client, session: ChatSession, url: str) -> None:
        run = RunFactory(session=session, status=STATUS.RUNNING, parts=[], answer="", started_at=clock.now())
        RunEventFactory(run=run, data={"text": "Done.\n\nOpen\n*bl"})
        RunEventFactory(run=run, data={"text": "ock <b>"})
        found = page(as_member.get(url))
        assert found.text("#turn-1-part-0-done") == "Done."
        assert found.one("#turn-1-part-0-open .settled > p").get_text() == "Open\n*block <b>"
        assert found.one("#turn-1-part-0-open .settled > p > .tail").get_text() == "\n*block <b>"
        assert found.one("#turn-1-answer")["aria-busy"] == "true"
        assert found.text("#turn-1-now") == "Writing"
        assert found.one("#turn-1 form")["action"] == f"/agentos/run/{run.run_id}/stop/"
        assert found.has("#turn-1 noscript a")

    def test_that_waits_in_the_queue_can_be_withdrawn(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory(session=session, status=STATUS.QUEUED, parts=[], answer="")
        found = page(as_member.get(url))
        assert "Waiting for its turn" in found.text("#turn-1")
        assert found.one("#turn-1-stop")["aria-label"] == "Withdraw message 1"
        assert not found.has("#turn-1-answer")

    def test_that_waits_shows_exactly_what_would_be_called(self, as_member: Client, session: ChatSession, url: str) -> None:
        asked = {"call_id": "c1", "kind": "confirm", "name": "send_mail", "args": {"to": "<b>ada</b>"}, "fields": []}
        RunFactory(session=session, status=STATUS.WAITING, parts=[], answer="", requirements=[asked])
        found = page(as_member.get(url))
        assert "wants to call Send mail" in found.text("#turn-1-asks legend")
        assert found.text("#turn-1-asks .arguments") == "To <b>ada</b>"
        assert found.texts("#turn-1-asks .asks-end button") == ["Approve", "Refuse"]

    def test_that_asks_for_values_is_a_form(self, as_member: Client, session: ChatSession, url: str) -> None:
        fields = [{"name": "city", "type": "str", "description": "Where to?", "value": None}]
        asked = {"call_id": "c1", "kind": "input", "name": "get_user_input", "args": {}, "fields": fields}
        RunFactory(session=session, status=STATUS.WAITING, parts=[], answer="", requirements=[asked])
        found = page(as_member.get(url))
        assert found.one("#turn-1-asks input[name=value-c1-city]")["type"] == "text"
        assert "Where to?" in found.text("#turn-1-asks")

    def test_folds_thoughts_and_tools_into_a_line(self, as_member: Client, session: ChatSession, url: str) -> None:
        tool = {
            "kind": "tool",
            "call_id": "1",
            "name": "search",
            "args": {"q": "refund"},
            "status": "failed",
            "result": "No",
            "seconds": 0.42,
        }
        RunFactory(session=session, parts=[{"kind": "reasoning", "text": "Hm *well*"}, tool])
        found = page(as_member.get(url))
        assert found.text("#turn-1-part-0 summary") == "Thought it through"
        assert found.text("#turn-1-part-0-done em") == "well"
        assert found.text("#turn-1-part-1 summary") == "Search failed 0.4 s"
        assert found.text("#turn-1-part-1 .arguments") == "Q refund"


@pytest.mark.django_db
class TestSend:
    def test_gives_htmx_the_turn_and_a_fresh_composer(self, as_member: Client, url: str) -> None:
        key = page(as_member.get(url)).one("[name=idempotency_key]")["value"]
        response = post(as_member, url, {"message": "And now?", "idempotency_key": key})
        found = page(response)
        assert response.status_code == 200
        assert found.text("hx-partial[hx-target='#turns'][hx-swap=upsert] #turn-1 .said-text") == "And now?"
        assert found.one("#message").get_text().strip() == ""
        assert found.one("[name=idempotency_key]")["value"] != key

    def test_twice_with_one_key_gives_the_same_turn(self, as_member: Client, session: ChatSession, url: str) -> None:
        first, second = (post(as_member, url, {"message": "Hi", "idempotency_key": "key_1"}) for _ in range(2))
        assert page(first).text(".turn") == page(second).text(".turn")
        assert session.runs.count() == 1

    def test_without_htmx_leads_back_to_the_turn(self, as_member: Client, run: Run, url: str) -> None:
        response = as_member.post(url, {"message": "And now?"})
        assert (response.status_code, response.headers["Location"]) == (303, f"{url}#turn-2")

    def test_while_an_answer_runs_is_queued(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory(session=session, status=STATUS.RUNNING, started_at=clock.now())
        assert page(post(as_member, url, {"message": "Next"})).one("#turn-2")["data-status"] == "queued"

    def test_refuses_what_cannot_be_sent_and_keeps_it(self, as_member: Client, url: str) -> None:
        for response in (as_member.post(url, {"message": "x" * 32_001}), post(as_member, url, {"message": "x" * 32_001})):
            assert response.status_code == 422
            assert "32,001" in page(response).text("#composer-error")
            assert len(page(response).one("#message").get_text().strip()) == 32_001

    def test_to_an_agent_that_was_taken_away_keeps_the_text(self, as_member: Client, member: User, url: str) -> None:
        member.memberships.all().delete()
        response = post(as_member, url, {"message": "Still there?"})
        assert response.status_code == 409
        assert page(response).one("#message").get_text().strip() == "Still there?"
        plain = as_member.post(url, {"message": "Still there?"})
        assert plain.status_code == 409
        assert "no longer use" in page(plain).text("#composer")

    def test_has_no_end_of_queue(self, as_member: Client, session: ChatSession, url: str) -> None:
        for _ in range(actions.QUEUE_LIMIT):
            actions.send_message(by=session.user, text="Hi", session=session)
        response = post(as_member, url, {"message": "One more"})
        assert response.status_code == 429
        assert page(response).one("#message").get_text().strip() == "One more"


@pytest.mark.django_db
class TestEarlierTurns:
    def test_come_above_those_that_are_there(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory.create_batch(70, session=session)
        found = page(get(as_member, f"{url}turns/?before=41"))
        assert [turn["id"] for turn in found.all("hx-partial[hx-target='#turns'][hx-swap=afterbegin] .turn")] == [
            f"turn-{number}" for number in range(11, 41)
        ]
        assert found.one("#older a")["hx-get"] == f"{url}turns/?before=11"

    def test_end_at_the_beginning(self, as_member: Client, run: Run, url: str) -> None:
        found = page(get(as_member, f"{url}turns/?before=2"))
        assert found.has("#older")
        assert not found.has("#older a")

    def test_are_a_page_without_htmx(self, as_member: Client, run: Run, url: str) -> None:
        assert as_member.get(f"{url}turns/?before=2").headers["Location"] == f"{url}?before=2"
        assert as_member.get(f"{url}turns/?before=x").headers["Location"] == url
