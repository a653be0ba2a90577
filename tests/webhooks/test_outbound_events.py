"""What happens to chats becomes messages, in the same transaction, to the team of the agent alone, without a word of a chat."""

import json
from typing import Any

import pytest
from django.db import connection, transaction

from agentos.access.models import Team, User
from agentos.agents.actions import publish_agent, restore_version, save_draft
from agentos.agents.events import Failed, Finished, Interrupted, Stopped, Waiting
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.chat import actions
from agentos.chat.files import bind, keep_made
from agentos.chat.models import Feedback, Run
from agentos.chat.runs.ending import end_run
from agentos.core import events
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes
from agentos.webhooks.outbound import payloads, receivers
from agentos.webhooks.outbound.models import Delivery, Endpoint
from agentos.webhooks.outbound.subscriptions import subscribed
from tests.factories import ChatSessionFactory, MembershipFactory, RunFactory, TeamFactory
from tests.webhooks.outbound import make_endpoint

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, dict[str, Any]]]:
    return [(delivery.event, json.loads(delivery.body)) for delivery in Delivery.objects.order_by("pk")]


@pytest.fixture
def running(team_agent: DjangoAgent, member: User) -> Run:
    session = ChatSessionFactory(user=member, agent=team_agent, title="SECRET-TITLE")
    return RunFactory(session=session, input="SECRET-QUESTION", answer="SECRET-ANSWER", status=Run.Status.RUNNING, attempt=1)


class TestTheEndOfARun:
    @pytest.mark.parametrize(
        ("event", "name"),
        [
            (Finished(messages=[]), "run.completed"),
            (Failed(code="model_error"), "run.failed"),
            (Stopped(), "run.stopped"),
            (Interrupted(), "run.interrupted"),
            (Waiting(requirements=[], output={}), "run.waiting"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_told(self, event: Any, name: str, support: Team, running: Run) -> None:
        make_endpoint(support)
        assert end_run(run_pk=running.pk, event=event)
        [(said, body)] = told()
        assert said == body["type"] == name
        assert body["data"]["run"]["id"] == running.run_id
        assert body["data"]["run"]["status"] == name.removeprefix("run.")
        assert body["data"]["session"]["id"] == running.session.session_id
        assert body["data"]["agent"] == {"id": "support-writer", "name": "Support Writer"}

    def test_says_why_it_failed_and_what_it_took(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        running.events.create(seq=1, attempt=1, kind="usage", data={"input_tokens": 3, "output_tokens": 4})
        end_run(run_pk=running.pk, event=Failed(code="model_error"))
        run = told()[0][1]["data"]["run"]
        assert (run["error_code"], run["input_tokens"], run["output_tokens"]) == ("model_error", 3, 4)
        assert run["finished_at"].endswith("Z")

    def test_says_why_an_answer_is_not_whole(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        end_run(run_pk=running.pk, event=Finished(messages=[], cut="length"))
        run = told()[0][1]["data"]["run"]
        assert (run["cut"], run["error_code"]) == ("length", None)

    def test_is_told_without_a_word_of_the_chat(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        actions.give_feedback(run=running, value=Feedback.Value.BAD, note="SECRET-NOTE", by=running.by)
        end_run(run_pk=running.pk, event=Finished(messages=[{"role": "user", "content": "SECRET-MESSAGE"}]))
        actions.delete_session(session=running.session, by=running.by)
        assert [event for event, _ in told()] == ["feedback.given", "run.completed", "session.deleted"]
        assert "SECRET" not in "".join(Delivery.objects.values_list("body", flat=True))

    def test_names_the_files_by_their_ids(self, support: Team, running: Run, member: User) -> None:
        make_endpoint(support)
        blob = keep_bytes(owner=member, data=b"SECRET-WORDS", name="SECRET-NAME.txt")
        made = [keep_made(run=running, blob=blob, name="SECRET-NAME.txt", origin="tool") for _ in range(payloads.FILES)]
        sent = attach(by=member, blob=blob, name="SECRET-NAME.txt")
        bind(run=running, attachments=[sent])
        end_run(run_pk=running.pk, event=Finished(messages=[]))
        assert told()[0][1]["data"]["run"]["files"] == [file.file_id for file in [sent, *made][: payloads.FILES]]
        assert "SECRET" not in Delivery.objects.get().body

    def test_is_told_once_whoever_asks_again(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        assert end_run(run_pk=running.pk, event=Stopped())
        assert not end_run(run_pk=running.pk, event=Finished(messages=[]))
        assert [event for event, _ in told()] == ["run.stopped"]


class TestWhatPeopleDo:
    def test_is_told(self, support: Team, team_agent: DjangoAgent, member: User) -> None:
        make_endpoint(support)
        session = actions.create_session(agent=team_agent, by=member)
        run = actions.send_message(by=member, session=session, text="Hello")
        actions.stop_run(run=run, by=member)
        answered = RunFactory(session=session)
        actions.give_feedback(run=answered, value=1, by=member)
        actions.give_feedback(run=answered, value=None, by=member)
        fork = actions.fork_session(session=session, through_turn=answered.turn, by=member)
        actions.delete_session(session=fork, by=member)
        assert [event for event, _ in told()] == [
            "session.created",
            "run.stopped",
            "feedback.given",
            "feedback.given",
            "session.created",
            "session.deleted",
        ]
        bodies = [body["data"] for _, body in told()]
        assert bodies[1]["run"]["status"] == "stopped"
        assert [body["feedback"]["value"] for body in bodies[2:4]] == ["good", None]
        assert bodies[4]["forked_from"] == session.session_id
        assert all(event in events.NAMES for event, _ in told())


class TestApprovals:
    def test_are_told_by_the_names_of_what_is_asked_and_answered(self, support: Team, running: Run) -> None:
        """What would be called with which arguments is a part of the chat."""
        make_endpoint(support)
        call = {"call_id": "c1", "kind": "confirm", "name": "send_mail", "args": {"text": "SECRET-MAIL"}, "fields": []}
        end_run(run_pk=running.pk, event=Waiting(requirements=[call], output={}))
        running.refresh_from_db()
        answer = Answer(call_id="c1", confirmed=False, note="SECRET-NOTE")
        actions.answer_run(run=running, answers=[answer], by=running.by)
        (waits, asked), (answered, said) = told()
        assert (waits, answered) == ("run.waiting", "run.answered")
        assert asked["data"]["run"]["waits_for"] == [{"call_id": "c1", "kind": "confirm", "name": "send_mail"}]
        assert said["data"]["answers"] == [{"call_id": "c1", "name": "send_mail", "confirmed": False}]
        assert said["data"]["run"]["status"] == "queued"
        assert "SECRET" not in "".join(Delivery.objects.values_list("body", flat=True))

    def test_are_told_as_far_as_a_message_holds_them(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        calls = [{"call_id": f"c{number}", "kind": "confirm", "name": "n" * 64, "args": {}, "fields": []} for number in range(200)]
        end_run(run_pk=running.pk, event=Waiting(requirements=calls, output={}))
        assert len(told()[0][1]["data"]["run"]["waits_for"]) == payloads.CALLS


class TestPublishedVersions:
    def test_are_told_to_the_team_of_the_agent(self, support: Team, team_agent: DjangoAgent, owner: User, operator: User) -> None:
        make_endpoint(support)
        for by, name in ((owner, "Letter Writer"), (operator, "Reply Writer")):
            save_draft(agent=team_agent, changes={"name": name, "instructions": "SECRET"}, stamp=None, by=by)
            publish_agent(agent=team_agent, by=by)
        assert [event for event, _ in told()] == ["agent.published"] * 2
        first, second = (body["data"] for _, body in told())
        assert first == {"agent": {"id": "support-writer", "name": "Letter Writer"}, "user": {"id": owner.pk}, "version": 2}
        assert (second["user"], second["version"]) == (None, 3)  # the operator is not in the team
        restore_version(agent=team_agent, number=1, by=owner)
        assert told()[-1][1]["data"]["version"] == 4


class TestATeam:
    def test_hears_of_its_own_agents_alone(
        self,
        support: Team,
        team_agent: DjangoAgent,
        everyone_agent: DjangoAgent,
        other_team_agent: DjangoAgent,
        member: User,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A member's chat with an agent of everybody, or of another team of theirs, is not this team's business."""
        make_endpoint(support)
        MembershipFactory(team=other_team_agent.team, user=member)
        for agent in (everyone_agent, other_team_agent):
            actions.create_session(agent=agent, by=member)
        assert (told(), caplog.text) == ([], "")
        actions.create_session(agent=team_agent, by=member)
        assert len(told()) == 1

    def test_hears_who_it_was_of_its_own_members_alone(self, support: Team, team_agent: DjangoAgent, member: User, stranger: User) -> None:
        make_endpoint(support)
        team_agent.is_global = True
        team_agent.save()
        for user in (member, stranger):
            actions.create_session(agent=team_agent, by=user)
        assert [body["data"]["user"] for _, body in told()] == [{"id": member.pk}, None]

    def test_hears_what_each_endpoint_has_chosen(self, support: Team, team_agent: DjangoAgent, member: User) -> None:
        chosen = make_endpoint(support, events=["session.created"])
        make_endpoint(support, events=["session.deleted"])
        make_endpoint(support, is_enabled=False)
        make_endpoint(TeamFactory())
        actions.create_session(agent=team_agent, by=member)
        assert [delivery.endpoint for delivery in Delivery.objects.all()] == [chosen]


class TestAMessage:
    def test_is_stored_with_what_it_tells_of_or_not_at_all(self, support: Team, team_agent: DjangoAgent, member: User) -> None:
        make_endpoint(support)

        def chat_and_break() -> None:
            with transaction.atomic():
                actions.create_session(agent=team_agent, by=member)
                assert len(told()) == 1
                raise RuntimeError

        with pytest.raises(RuntimeError):
            chat_and_break()
        assert told() == []

    def test_that_cannot_be_stored_keeps_nobody_from_chatting(
        self, support: Team, running: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*args: Any) -> None:
            Delivery.objects.create()  # which the database refuses

        monkeypatch.setattr(receivers, "store", broken)
        make_endpoint(support)
        assert end_run(run_pk=running.pk, event=Stopped())
        assert Run.objects.get(pk=running.pk).status == "stopped"
        assert "hear" in caplog.text

    def test_is_small(self, support: Team, running: Run) -> None:
        make_endpoint(support)
        end_run(run_pk=running.pk, event=Finished(messages=[]))
        assert len(Delivery.objects.get().body) < 1000


class TestWhenNobodyListens:
    def test_an_event_costs_no_query(self, running: Run, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            events.emit("run.completed", session=running.session, run=running)

    def test_that_is_noticed_when_an_endpoint_is_made_switched_or_deleted(
        self, support: Team, running: Run, django_assert_num_queries: Any
    ) -> None:
        endpoint = make_endpoint(support, events=["run.failed"])
        with django_assert_num_queries(1):
            events.emit("run.completed", session=running.session, run=running)
        with django_assert_num_queries(0):
            events.emit("run.completed", session=running.session, run=running)
        endpoint.events = ["run.completed"]
        endpoint.save()
        events.emit("run.completed", session=running.session, run=running)
        assert len(told()) == 1
        endpoint.delete()
        events.emit("run.completed", session=running.session, run=running)
        with django_assert_num_queries(0):
            events.emit("run.completed", session=running.session, run=running)

    def test_nobody_is_who_is_switched_off(self, support: Team, running: Run, django_assert_num_queries: Any) -> None:
        make_endpoint(support, is_enabled=False)
        with django_assert_num_queries(1):
            events.emit("run.completed", session=running.session, run=running)
        with django_assert_num_queries(0):
            events.emit("run.completed", session=running.session, run=running)

    def test_what_changes_while_it_is_asked_for_is_asked_for_again(
        self, support: Team, running: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody saves an endpoint after it was read, and before the answer is kept."""
        answer = subscribed.ask
        read = Endpoint.objects.filter

        def changed_meanwhile(*args: Any, **kwargs: Any) -> Any:
            rows = list(read(*args, **kwargs))
            make_endpoint(support)
            return read(pk__in=[row.pk for row in rows])

        with monkeypatch.context() as changing:
            changing.setattr(Endpoint.objects, "filter", changed_meanwhile)
            assert answer() == frozenset()
        events.emit("run.completed", session=running.session, run=running)
        assert len(told()) == 1

    @pytest.mark.django_db(transaction=True)
    def test_what_others_have_read_before_a_change_was_stored_is_forgotten_with_it(self, support: Team) -> None:
        with transaction.atomic():
            make_endpoint(support, events=["run.completed"])
            subscribed.assume(frozenset())  # as another thread still sees it
        assert subscribed.events() == {"run.completed"}

    def test_more_endpoints_cost_no_more_queries(self, support: Team, running: Run, django_assert_num_queries: Any) -> None:
        make_endpoint(support)
        events.emit("session.created", session=running.session)
        for count in (1, 10):
            for _ in range(count):
                make_endpoint(support)
            # What is listened to, the savepoint, endpoints, membership, one insert; on PostgreSQL, the other processes are told.
            with django_assert_num_queries(7 if connection.vendor == "postgresql" else 6):
                events.emit("run.completed", session=running.session, run=running)
