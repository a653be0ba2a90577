"""Runs as nouns: started, found, stopped, retried, continued, answered, judged."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Feedback, IdempotencyKey, Run
from tests.api.calls import ROOT, SEND, assert_refused, post
from tests.factories import ChatSessionFactory, RunEventFactory, RunFactory

pytestmark = pytest.mark.django_db

ASKED: dict[str, Any] = {
    "call_id": "call_1",
    "kind": "input",
    "name": "book",
    "args": {"city": "Lisbon"},
    "fields": [{"name": "nights", "type": "int", "description": "How many", "value": None}],
}


@pytest.fixture
def session(owner: User, everyone_agent: DjangoAgent) -> ChatSession:
    return ChatSessionFactory(user=owner, agent=everyone_agent)


def url(run: Run, verb: str = "") -> str:
    return f"{ROOT}runs/{run.run_id}/" + (f"{verb}/" if verb else "")


class TestStart:
    def test_answers_at_once_with_the_run(self, as_owner: Client, session: ChatSession) -> None:
        response = post(as_owner, f"{ROOT}sessions/{session.session_id}/runs/", {"message": "Hi", "context": {"a": 1}})
        assert response.status_code == 201
        body = response.json()
        run = Run.objects.get()
        assert (body["id"], body["status"], body["message"], body["turn"]) == (run.run_id, "queued", "Hi", 1)
        assert response.headers["Location"] == body["url"] == url(run)
        assert body["events_url"] == url(run, "events")
        assert run.context == {"a": 1}
        assert as_owner.get(body["url"]).json() == body

    def test_is_done_once_for_a_key(self, as_owner: Client, session: ChatSession) -> None:
        path, key = f"{ROOT}sessions/{session.session_id}/runs/", {"Idempotency-Key": "k"}
        assert len({post(as_owner, path, {"message": "Hi"}, **key).json()["id"] for _ in range(2)}) == 1
        assert_refused(post(as_owner, path, {"message": "Ho"}, **key), 422, "key_reused")

    def test_finds_no_session_of_somebody_else(self, as_stranger: Client, session: ChatSession) -> None:
        assert_refused(post(as_stranger, f"{ROOT}sessions/{session.session_id}/runs/", {"message": "Hi"}), 404, "session_not_found")

    def test_happens_in_the_background_when_the_message_says_so(self, as_owner: Client, everyone_agent: DjangoAgent) -> None:
        response = post(as_owner, SEND, {"agent_id": "assistant", "message": "Hi", "background": True})
        assert response.status_code == 202
        run = Run.objects.select_related("session").get()
        assert response.headers["Location"] == url(run)
        assert response.json() == {
            "success": True,
            "run_id": run.run_id,
            "status": "queued",
            "session_id": run.session.session_id,
            "agent_id": "assistant",
            "url": url(run),
            "events_url": url(run, "events"),
        }


class TestList:
    def test_is_newest_first_in_pages(self, as_owner: Client, session: ChatSession) -> None:
        runs = RunFactory.create_batch(5, session=session)
        RunFactory(session=session, turn=5, is_hidden=True)
        path = f"{ROOT}sessions/{session.session_id}/runs/"
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = as_owner.get(f"{path}?limit=2&cursor={cursor}").json()
            seen += [row["id"] for row in page["runs"]]
            cursor = page["next"]
        assert seen == [run.run_id for run in reversed(runs)]

    def test_asks_as_many_queries_for_many(self, as_owner: Client, session: ChatSession) -> None:
        counts = []
        for more in (1, 15):
            for run in RunFactory.create_batch(more, session=session):
                Feedback.objects.create(run=run, by=session.user, value=1)
            with CaptureQueriesContext(connection) as queries:
                assert as_owner.get(f"{ROOT}sessions/{session.session_id}/runs/").json()["runs"][0]["feedback"]
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestOne:
    def test_says_how_it_ended(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.FAILED, error_code="model_busy", answer="So far")
        body = as_owner.get(url(run)).json()
        assert (body["status"], body["answer"], body["error"]["code"]) == ("failed", "So far", "model_busy")
        assert "busy" in body["error"]["message"]

    def test_shows_what_was_said_so_far(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.RUNNING, answer="")
        RunEventFactory.create_batch(3, run=run)
        body = as_owner.get(url(run)).json()
        assert (body["status"], body["answer"], body["parts"]) == ("running", "word word word", [{"kind": "text", "text": "word " * 3}])

    def test_is_not_for_strangers(self, as_stranger: Client, as_operator: Client, session: ChatSession) -> None:
        run = RunFactory(session=session)
        for client in (as_stranger, as_operator):
            assert_refused(client.get(url(run)), 404, "run_not_found")


class TestStop:
    def test_ends_it_as_often_as_one_asks(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.RUNNING, answer="")
        assert [post(as_owner, url(run, "stop"), {}).json()["status"] for _ in range(2)] == ["stopped", "stopped"]

    def test_withdraws_what_waits(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.QUEUED, answer="")
        body = as_owner.post(url(run, "stop")).json()
        assert (body["status"], body["hidden"]) == ("stopped", True)


class TestRetry:
    def test_takes_the_place_of_the_last_answer(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session)
        response = as_owner.post(url(run, "retry"))
        assert response.status_code == 201
        assert (response.json()["turn"], response.json()["message"], response.json()["status"]) == (1, run.input, "queued")
        assert response.headers["Location"] == response.json()["url"] != url(run)
        assert as_owner.get(url(run)).json()["hidden"] is True

    def test_is_done_once_for_a_key(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session)
        answers = [as_owner.post(url(run, "retry"), headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert_refused(as_owner.post(url(run, "retry")), 409, "wrong_state")
        assert_refused(as_owner.post(url(run, "continue"), headers={"Idempotency-Key": "k"}), 422, "key_reused")

    def test_that_was_refused_leaves_its_key_unused(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.RUNNING)
        assert_refused(as_owner.post(url(run, "retry"), headers={"Idempotency-Key": "k"}), 409, "wrong_state")
        assert not IdempotencyKey.objects.exists()
        Run.objects.filter(pk=run.pk).update(status=Run.Status.COMPLETED)
        assert as_owner.post(url(run, "retry"), headers={"Idempotency-Key": "k"}).status_code == 201


class TestContinue:
    def test_goes_on_with_what_broke_off(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.INTERRUPTED)
        body = as_owner.post(url(run, "continue")).json()
        assert (body["turn"], body["status"]) == (2, "queued")

    def test_has_nothing_to_do_for_what_is_complete(self, as_owner: Client, session: ChatSession) -> None:
        assert_refused(as_owner.post(url(RunFactory(session=session), "continue")), 409, "wrong_state")


class TestEdit:
    def test_makes_another_version_of_the_message(self, as_owner: Client, session: ChatSession) -> None:
        first, second = RunFactory.create_batch(2, session=session)
        key = {"Idempotency-Key": "k"}
        answers = [post(as_owner, url(second, "edit"), {"message": "Otherwise"}, **key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        run = answers[0].json()
        assert run == answers[1].json()
        assert (run["message"], run["turn"], run["status"]) == ("Otherwise", 2, "queued")
        assert (run["session_id"], run["edition"], run["editions"]) == (session.session_id, 2, 2)
        assert [each["message"] for each in as_owner.get(f"{ROOT}sessions/{run['session_id']}/runs/").json()["runs"]] == [
            "Otherwise",
            first.input,
        ]
        assert as_owner.get(url(second)).json()["hidden"] is True

    def test_can_be_taken_back_by_choosing_the_first_version(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session)
        edited = post(as_owner, url(run, "edit"), {"message": "Otherwise"}).json()
        assert post(as_owner, url(run, "choose"), {}).status_code == 409  # while it is being answered
        Run.objects.filter(run_id=edited["id"]).update(status=Run.Status.COMPLETED)
        versions = as_owner.get(url(run, "versions")).json()["runs"]
        assert [(each["id"], each["edition"], each["hidden"]) for each in versions] == [(run.run_id, 1, True), (edited["id"], 2, False)]
        assert post(as_owner, url(run, "choose"), {}).json()["hidden"] is False
        assert as_owner.get(url(Run.objects.get(run_id=edited["id"]))).json()["hidden"] is True

    def test_that_says_nothing_makes_none(self, as_owner: Client, session: ChatSession) -> None:
        assert_refused(post(as_owner, url(RunFactory(session=session), "edit"), {"message": " "}), 422, "invalid_fields", "message")
        assert ChatSession.objects.count() == 1


class TestAnswer:
    @pytest.fixture
    def waiting(self, session: ChatSession) -> Run:
        return RunFactory(session=session, status=Run.Status.WAITING, requirements=[ASKED], agno_output={}, answer="", attempt=1)

    def test_lets_the_run_go_on_with_the_values_that_were_asked_for(self, as_owner: Client, waiting: Run) -> None:
        asked = {**ASKED, "fields": [{**ASKED["fields"][0], "optional": None, "choices": None}]}
        assert as_owner.get(url(waiting)).json()["requirements"] == [{**asked, "lasting": False, "message": "", "by": ""}]
        said = {"call_id": "call_1", "confirmed": True, "values": {"nights": "3"}}
        body = post(as_owner, url(waiting, "answer"), {"answers": [said]}).json()
        assert (body["status"], body["requirements"]) == ("queued", [])
        waiting.refresh_from_db()
        assert waiting.answers[0]["values"] == {"nights": 3}

    def test_says_yes_or_no_and_changes_no_argument(self, as_owner: Client, waiting: Run) -> None:
        said = {"call_id": "call_1", "confirmed": True, "values": {"nights": 3, "city": "Rome"}, "args": {"city": "Rome"}}
        assert_refused(post(as_owner, url(waiting, "answer"), {"answers": [said]}), 422, "invalid_fields", "city")

    @pytest.mark.parametrize("answers", [[], [{"call_id": "call_2", "confirmed": True}], [{"call_id": "call_1", "confirmed": False}] * 2])
    def test_is_one_for_each_call(self, as_owner: Client, waiting: Run, answers: list[object]) -> None:
        assert_refused(post(as_owner, url(waiting, "answer"), {"answers": answers}), 422, "invalid_fields", "answer")

    def test_is_taken_once(self, as_owner: Client, waiting: Run) -> None:
        body, key = {"answers": [{"call_id": "call_1", "confirmed": False}]}, {"Idempotency-Key": "k"}
        assert [post(as_owner, url(waiting, "answer"), body, **key).status_code for _ in range(2)] == [200, 200]
        assert_refused(post(as_owner, url(waiting, "answer"), body), 409, "wrong_state")


class TestFeedback:
    def test_is_given_changed_and_taken_back(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session)
        path = url(run, "feedback")
        for body in ({"value": "good", "note": ""}, {"value": "bad", "note": "Too long"}):
            assert as_owner.put(path, body, content_type="application/json").json() == body
            assert as_owner.get(url(run)).json()["feedback"] == body
        assert as_owner.delete(path).status_code == 204
        assert as_owner.get(url(run)).json()["feedback"] is None

    @pytest.mark.parametrize("body", ['{"value": "up"}', '{"value": 1}', "{}", '{"value": "good", "note": 3}'])
    def test_is_good_or_bad(self, as_owner: Client, session: ChatSession, body: str) -> None:
        response = as_owner.put(url(RunFactory(session=session), "feedback"), body, content_type="application/json")
        assert response.status_code == 422

    def test_needs_an_answer(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, answer="")
        assert_refused(as_owner.put(url(run, "feedback"), {"value": "good"}, content_type="application/json"), 409, "wrong_state")
