"""Signed events: what is proven, what is done, and that it is done once."""

import asyncio
import json
import threading
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions as chat
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.engine import Engine
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.security.signatures import new_secret
from agentos.webhooks.inbound import actions
from agentos.webhooks.inbound.actions import deliveries
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent, WebhookSession
from agentos.webhooks.inbound.views import receiving
from tests.api.calls import assert_refused
from tests.factories import WebhookEndpointFactory, WebhookEventFactory
from tests.webhooks.sending import SECRET, headers_of, message, send, url_of

MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(everyone_agent: DjangoAgent) -> WebhookEndpoint:
    return WebhookEndpointFactory(name="Helpdesk", agent=everyone_agent)


def refused_as_unsigned(response: Any) -> None:
    assert_refused(response, 401, "invalid_signature", "The signature is missing or not valid.")


class TestASignedEvent:
    def test_starts_a_run_of_the_service_identity(self, endpoint: WebhookEndpoint) -> None:
        response = send(endpoint, message())
        run = Run.objects.select_related("session").get()
        assert (response.status_code, response.json()) == (
            200,
            {
                "status": "success",
                "outcome": "accepted",
                "detail": "A run was started.",
                "session_id": run.session.session_id,
                "run_id": run.run_id,
                "repeated": False,
            },
        )
        assert (run.input, run.by, run.session.user, run.session.agent) == ("Hello", endpoint.identity, endpoint.identity, endpoint.agent)
        assert run.session.title == "ticket-7"
        event = WebhookEvent.objects.get()
        assert (event.status, event.run, event.session, event.is_verified) == ("accepted", run, run.session, True)
        assert (event.event, event.message_id, event.source_address) == ("message_received", "msg_1", "127.0.0.1")
        assert json.loads(event.body) == message()
        assert AuditRecord.objects.filter(verb="chat.message.sent", actor=endpoint.identity, object_id=run.run_id).exists()

    async def test_is_answered_by_the_agent(self, everyone_agent: DjangoAgent, engine: Engine) -> None:
        endpoint = await sync_to_async(WebhookEndpointFactory)(agent=everyone_agent)
        await sync_to_async(send)(endpoint, message())
        while (run := await Run.objects.aget()).status not in Run.ENDED:
            await asyncio.sleep(0.01)
        assert run.status == Run.Status.COMPLETED
        assert run.answer

    def test_speaks_in_the_session_of_its_key(self, endpoint: WebhookEndpoint) -> None:
        for number, thread in enumerate(("a", "b", "a")):
            send(endpoint, message(thread=thread), message_id=f"msg_{number}")
        assert {session.title: session.runs.count() for session in ChatSession.objects.all()} == {"a": 2, "b": 1}

    def test_of_another_endpoint_speaks_in_another_session(self, endpoint: WebhookEndpoint, everyone_agent: DjangoAgent) -> None:
        other = WebhookEndpointFactory(agent=everyone_agent)
        assert [send(each, message()).status_code for each in (endpoint, other)] == [200, 200]
        assert set(ChatSession.objects.values_list("user", flat=True)) == {endpoint.identity_id, other.identity_id}

    def test_opens_a_new_session_when_the_old_one_was_deleted(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        first = ChatSession.objects.get()
        chat.delete_session(session=first, by=endpoint.identity)
        send(endpoint, message(), message_id="msg_2")
        assert WebhookSession.objects.get().session != first

    def test_opens_a_new_session_when_the_endpoint_has_another_agent(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        endpoint.agent = WebhookEndpointFactory().agent
        endpoint.save()
        send(endpoint, message(), message_id="msg_2")
        assert WebhookSession.objects.get().session.agent == endpoint.agent

    def test_has_a_session_of_its_own_without_a_key(self, endpoint: WebhookEndpoint) -> None:
        WebhookEndpoint.objects.update(key_path="")
        for number in range(2):
            assert send(endpoint, {"event": "message_received", "data": {"text": "Hi"}}, message_id=f"msg_{number}").status_code == 200
        assert sorted(ChatSession.objects.values_list("title", flat=True)) == ["msg_0", "msg_1"]

    def test_keeps_only_headers_that_are_nobodys_secret(self, endpoint: WebhookEndpoint) -> None:
        body = json.dumps(message())
        headers = {**headers_of(body), "Cookie": "session=1", "Authorization": "Bearer x", "X-Api-Key": "k", "User-Agent": "Helpdesk/1"}
        Client().post(url_of(endpoint), body, content_type="application/json", headers=headers)
        kept = WebhookEvent.objects.get().headers
        assert set(kept) == {"content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"}

    def test_needs_no_csrf_token_and_reads_no_cookie(self, endpoint: WebhookEndpoint, as_owner: Client) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = as_owner.cookies
        assert send(endpoint, message(), client=strict).status_code == 200
        assert Run.objects.get().by == endpoint.identity

    def test_that_is_unknown_is_stored_and_answered(self, endpoint: WebhookEndpoint) -> None:
        response = send(endpoint, {"event": "ticket.closed"})
        assert (response.status_code, response.json()["outcome"]) == (200, "ignored")
        assert WebhookEvent.objects.get().status == "ignored"
        assert not Run.objects.exists()

    def test_drops_those_that_are_a_month_old(self, endpoint: WebhookEndpoint) -> None:
        old = clock.now() - timedelta(days=31)
        gone = WebhookEventFactory(endpoint=endpoint, message_id="old", received_at=old)
        kept = WebhookEventFactory(endpoint=endpoint, message_id="new")
        elsewhere = WebhookEventFactory(received_at=old)
        send(endpoint, message())
        assert set(WebhookEvent.objects.filter(pk__in=(gone.pk, kept.pk, elsewhere.pk))) == {kept, elsewhere}


class TestSessionCreate:
    def test_opens_the_session_that_messages_then_use(self, endpoint: WebhookEndpoint) -> None:
        create = {"event": "session.create", "data": {"thread": "t"}}
        first = send(endpoint, create).json()
        assert (first["outcome"], first["run_id"]) == ("accepted", None)
        assert send(endpoint, create, message_id="msg_2").json()["session_id"] == first["session_id"]
        assert send(endpoint, message(thread="t"), message_id="msg_3").json()["session_id"] == first["session_id"]
        assert ChatSession.objects.get().title == "t"

    def test_opens_as_many_a_minute_as_anybody_may(self, endpoint: WebhookEndpoint, settings: Any) -> None:
        settings.AGENTOS_CREATIONS_A_MINUTE = 1
        for number, status in ((1, 200), (2, 429)):
            create = {"event": "session.create", "data": {"thread": f"t{number}"}}
            assert send(endpoint, create, message_id=f"msg_{number}").status_code == status
        assert ChatSession.objects.count() == 1


class TestRunStop:
    STOP: ClassVar[dict[str, Any]] = {"event": "run.stop", "data": {"thread": "ticket-7"}}

    def test_stops_what_is_open_in_the_session(self, endpoint: WebhookEndpoint) -> None:
        for number in range(2):
            send(endpoint, message(), message_id=f"msg_{number}")
        Run.objects.filter(turn=1).update(status=Run.Status.RUNNING, attempt=1)
        answer = send(endpoint, self.STOP, message_id="stop").json()
        assert (answer["outcome"], answer["detail"]) == ("accepted", "2 runs were stopped.")
        assert set(Run.objects.values_list("status", flat=True)) == {Run.Status.STOPPED}

    async def test_ends_a_model_that_says_nothing(self, engine: Engine) -> None:
        endpoint = await sync_to_async(WebhookEndpointFactory)(agent__model="scripted:hang")
        await sync_to_async(send)(endpoint, message())
        while (await Run.objects.aget()).status != Run.Status.RUNNING:
            await asyncio.sleep(0.01)
        answer = await sync_to_async(send)(endpoint, self.STOP, message_id="stop")
        assert answer.json()["detail"] == "The run was stopped."
        assert (await Run.objects.aget()).status == Run.Status.STOPPED
        await sync_to_async(send)(endpoint, self.STOP, message_id="again")
        assert (await WebhookEvent.objects.aget(message_id="again")).status == "ignored"

    def test_leaves_other_sessions_alone(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message(thread="other"))
        assert send(endpoint, self.STOP, message_id="stop").json()["outcome"] == "ignored"
        assert Run.objects.get().status == Run.Status.QUEUED

    def test_has_nothing_to_do_when_the_run_has_ended(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        Run.objects.update(status=Run.Status.COMPLETED)
        assert send(endpoint, self.STOP, message_id="stop").json()["detail"] == "No run was open in this session."

    def test_needs_a_key(self, endpoint: WebhookEndpoint) -> None:
        WebhookEndpoint.objects.update(key_path="")
        assert_refused(send(endpoint, self.STOP), 422, "mapping_failed", "session key")


class TestASignature:
    """The reference package signs; one thing is changed on the way."""

    def post(self, endpoint: WebhookEndpoint, body: str, headers: dict[str, str]) -> Any:
        return Client().post(url_of(endpoint), body.encode(), content_type="application/json", headers=headers)

    @pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    @pytest.mark.parametrize("change", ["gone", "changed"])
    def test_fails_when_a_header_was_changed(self, endpoint: WebhookEndpoint, header: str, change: str) -> None:
        body = json.dumps(message())
        headers = headers_of(body)
        headers[header] = "" if change == "gone" else headers[header][:-2] + "42"
        refused_as_unsigned(self.post(endpoint, body, headers))
        assert not WebhookEvent.objects.exists()

    def test_fails_when_one_byte_of_the_body_was_changed(self, endpoint: WebhookEndpoint) -> None:
        body = json.dumps(message())
        for place in range(0, len(body), 9):
            changed = body[:place] + ("x" if body[place] != "x" else "y") + body[place + 1 :]
            refused_as_unsigned(self.post(endpoint, changed, headers_of(body)))
        assert not WebhookEvent.objects.exists()

    def test_is_over_the_body_as_it_came(self, endpoint: WebhookEndpoint) -> None:
        """The same JSON in another spelling is another message."""
        body = json.dumps(message())
        refused_as_unsigned(self.post(endpoint, body.replace(" ", ""), headers_of(body)))

    def test_is_proven_before_the_body_is_read(self, endpoint: WebhookEndpoint) -> None:
        for body in ("", "{", "[" * 100_000, "\x00", "null"):
            refused_as_unsigned(self.post(endpoint, body, headers_of("another")))

    def test_by_another_endpoints_secret_fails(self, endpoint: WebhookEndpoint) -> None:
        other = WebhookEndpointFactory(secret=new_secret())
        refused_as_unsigned(send(other, message()))
        assert send(endpoint, message()).status_code == 200

    def test_gets_the_same_answer_whatever_is_wrong(self, endpoint: WebhookEndpoint) -> None:
        off = WebhookEndpointFactory(is_active=False)
        nowhere = WebhookEndpoint(endpoint_id="endpoint_00000000000000000000")
        unreadable = WebhookEndpointFactory()
        WebhookEndpoint.objects.filter(pk=unreadable.pk).update(secret="lost")
        answers = [
            send(nowhere, message()),
            send(nowhere, message(), secret=deliveries.NOBODY),
            send(off, message()),
            send(unreadable, message()),
            send(endpoint, message(), secret=new_secret()),
            send(endpoint, message(), at=clock.now() - 6 * MINUTE),
            Client().post(url_of(endpoint), message(), content_type="application/json"),
            Client().post("/agentos/webhook/%F0%9F%94%91/", message(), content_type="application/json"),
        ]
        seen = {
            (each.status_code, each.content, tuple(sorted(item for item in each.headers.items() if item[0] != "X-Request-ID")))
            for each in answers
        }
        assert len(seen) == 1
        refused_as_unsigned(answers[0])
        assert not WebhookEvent.objects.exists()

    def test_that_failed_is_counted_for_operators(self, endpoint: WebhookEndpoint) -> None:
        other = WebhookEndpointFactory()
        send(endpoint, message(), secret=new_secret())
        send(endpoint, message(), at=clock.now() - 6 * MINUTE)
        endpoint.refresh_from_db()
        assert endpoint.rejected == 2
        assert "too old" in endpoint.rejected_because
        assert WebhookEndpoint.objects.get(pk=other.pk).rejected == 0

    @pytest.mark.parametrize(("away", "status"), [(-300, 200), (-301, 401), (300, 200), (301, 401), (-(10**9), 401), (10**9, 401)])
    def test_is_good_for_five_minutes_both_ways(
        self, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch, away: int, status: int
    ) -> None:
        now = clock.now().replace(microsecond=0)
        monkeypatch.setattr(clock, "now", lambda: now)
        assert send(endpoint, message(), at=now + timedelta(seconds=away)).status_code == status

    def test_of_a_large_body_is_not_even_looked_at(self, endpoint: WebhookEndpoint) -> None:
        just_fits = json.dumps(message(filler="x" * (1024 * 1024 - 200)))
        assert send(endpoint, just_fits).status_code == 200
        assert_refused(send(endpoint, json.dumps(message(filler="x" * 1024 * 1024)), message_id="msg_2"), 413, "too_large")
        assert WebhookEvent.objects.count() == 1


class TestRotating:
    def test_lets_both_secrets_count_until_the_old_one_ends(
        self, endpoint: WebhookEndpoint, operator: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new = new_secret()
        actions.rotate_secret(endpoint=endpoint, keep_for=timedelta(hours=1), secret=new, by=operator)
        assert send(endpoint, message(), message_id="a", secret=SECRET).status_code == 200
        assert send(endpoint, message(), message_id="b", secret=new).status_code == 200
        later: datetime = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        refused_as_unsigned(send(endpoint, message(), message_id="c", secret=SECRET))
        assert send(endpoint, message(), message_id="d", secret=new).status_code == 200

    def test_ends_the_old_secret_at_once_when_asked(self, endpoint: WebhookEndpoint, operator: User) -> None:
        actions.rotate_secret(endpoint=endpoint, keep_for=timedelta(0), by=operator)
        assert WebhookEndpoint.objects.get().old_secret == ""
        refused_as_unsigned(send(endpoint, message()))

    def test_twice_ends_the_first_secret(self, endpoint: WebhookEndpoint, operator: User) -> None:
        for _ in range(2):
            actions.rotate_secret(endpoint=endpoint, keep_for=timedelta(hours=1), by=operator)
        refused_as_unsigned(send(endpoint, message()))

    def test_mends_a_secret_that_cannot_be_read(self, endpoint: WebhookEndpoint, operator: User) -> None:
        WebhookEndpoint.objects.update(secret="lost")
        new = new_secret()
        actions.rotate_secret(endpoint=endpoint, keep_for=timedelta(hours=1), secret=new, by=operator)
        assert send(endpoint, message(), secret=new).status_code == 200


class TestARepeatedEvent:
    def test_is_answered_and_does_nothing(self, endpoint: WebhookEndpoint) -> None:
        first = send(endpoint, message()).json()
        again = send(endpoint, message(), at=clock.now() + MINUTE)
        assert (again.status_code, again.json()) == (200, {**first, "repeated": True})
        assert (Run.objects.count(), WebhookEvent.objects.count()) == (1, 1)

    def test_does_nothing_with_another_body_either(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message("First"))
        assert send(endpoint, message("Second")).json()["repeated"] is True
        assert Run.objects.get().input == "First"

    def test_is_another_one_at_another_endpoint(self, endpoint: WebhookEndpoint, everyone_agent: DjangoAgent) -> None:
        send(endpoint, message())
        assert send(WebhookEndpointFactory(agent=everyone_agent), message()).json()["repeated"] is False
        assert Run.objects.count() == 2

    def test_that_was_refused_is_tried_again(self, endpoint: WebhookEndpoint) -> None:
        DjangoAgent.objects.update(is_active=False)
        assert send(endpoint, message()).status_code == 409
        DjangoAgent.objects.update(is_active=True)
        assert send(endpoint, message()).json()["repeated"] is False
        assert WebhookEvent.objects.get().status == "accepted"
        assert Run.objects.count() == 1

    def test_that_was_refused_is_kept_as_it_came_last(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, "{")
        before = WebhookEvent.objects.get()
        assert send(endpoint, message("Mended")).status_code == 200
        event = WebhookEvent.objects.get()
        assert (event.pk, json.loads(event.body)) == (before.pk, message("Mended"))
        assert event.received_at > before.received_at

    @pytest.mark.django_db(transaction=True)
    def test_is_done_once_when_it_comes_many_times_at_once(self, everyone_agent: DjangoAgent) -> None:
        endpoint = WebhookEndpointFactory(agent=everyone_agent)
        answers: list[Any] = []
        start = threading.Barrier(6)

        def deliver(number: int) -> None:
            try:
                start.wait()
                answers.extend(send(endpoint, message(), message_id=message_id).json() for message_id in ("same", f"own_{number}"))
            finally:
                connection.close()

        threads = [threading.Thread(target=deliver, args=[number]) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(each["repeated"] for each in answers) == [False] * 7 + [True] * 5
        assert (WebhookEvent.objects.count(), Run.objects.count()) == (7, 7)
        assert len({each["session_id"] for each in answers}) == 1
        assert ChatSession.objects.count() == 1


class TestARefusal:
    @pytest.mark.parametrize(
        ("payload", "status", "code", "word"),
        [
            ("{", 400, "invalid_json", "Invalid JSON"),
            ("", 400, "invalid_json", "empty"),
            ("[1]", 422, "mapping_failed", "There is no “event”"),
            ("7", 422, "mapping_failed", "There is no “event”"),
            ({"data": {}}, 422, "mapping_failed", "There is no “event” in the event."),
            ({"event": 1.5}, 422, "mapping_failed", "event: Must be text"),
            ({"event": "e" * 101}, 422, "mapping_failed", "100 characters"),
            ({"event": "message_received"}, 422, "mapping_failed", "There is no “data” in the event."),
            ({"event": "message_received", "data": {"text": "Hi"}}, 422, "mapping_failed", "data.thread: There is no “thread” in data."),
            ({"event": "message_received", "data": {"thread": "a"}}, 422, "mapping_failed", "data.text: There is no “text” in data."),
            (message(thread=""), 422, "mapping_failed", "data.thread: Must have 1 to 200 characters"),
            (message(thread="x" * 201), 422, "mapping_failed", "it has 201"),
            ({"event": "message_received", "data": {"text": "a", "thread": None}}, 422, "mapping_failed", "it is null"),
            ({"event": "message_received", "data": {"text": "a", "thread": {"id": 1}}}, 422, "mapping_failed", "it is an object"),
            (message(""), 422, "mapping_failed", "data.text: Is empty."),
            (message("  "), 422, "refused", "Write a message first."),
            (message("x" * 32_001), 422, "refused", "32,000"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_it_on_the_event(
        self, endpoint: WebhookEndpoint, payload: Any, status: int, code: str, word: str
    ) -> None:
        assert_refused(send(endpoint, payload), status, code, word)
        event = WebhookEvent.objects.get()
        assert (event.status, event.run) == ("refused", None)
        assert word in event.outcome
        assert not Run.objects.exists()
        assert not ChatSession.objects.exists()

    def test_comes_when_the_identity_may_not_use_the_agent(self, endpoint: WebhookEndpoint) -> None:
        DjangoAgent.objects.update(is_global=False)
        assert_refused(send(endpoint, message()), 409, "refused", "service identity")

    def test_comes_when_the_identity_is_suspended(self, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        User.objects.filter(pk=endpoint.identity_id).update(is_active=False)
        assert_refused(send(endpoint, message(), message_id="msg_2"), 409, "refused")

    def test_comes_when_the_agent_is_not_available(self, endpoint: WebhookEndpoint) -> None:
        DjangoAgent.objects.update(model="openai:gpt-5.4")
        assert_refused(send(endpoint, message()), 503, "refused", "not available")

    def test_comes_when_too_many_messages_wait(self, endpoint: WebhookEndpoint) -> None:
        for number in range(chat.QUEUE_LIMIT):
            assert send(endpoint, message(), message_id=f"msg_{number}").status_code == 200
        assert_refused(send(endpoint, message(), message_id="more"), 429, "refused", "waiting")

    def test_comes_when_one_address_sends_too_much(self, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receiving, "SIGNED_RATE", 2)
        statuses = [send(endpoint, message(), message_id=f"msg_{number}").status_code for number in range(3)]
        assert statuses == [200, 200, 429]

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    def test_comes_to_other_methods(self, endpoint: WebhookEndpoint, method: str) -> None:
        assert Client().generic(method, url_of(endpoint)).status_code == 405


class TestTheOpenAddress:
    def test_starts_nothing_even_with_a_valid_signature(self, endpoint: WebhookEndpoint) -> None:
        body = json.dumps(message())
        answer = Client().post(reverse("webhooks:agentos_webhook"), body, content_type="application/json", headers=headers_of(body))
        assert (answer.status_code, answer.json()) == (200, {"status": "success"})
        assert WebhookEvent.objects.get().status == "unverified"
        assert not Run.objects.exists()


class TestAReplay:
    def test_does_the_event_again_under_an_id_of_its_own(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        event = WebhookEvent.objects.get()
        again = actions.replay_event(event=event, by=operator).event
        assert (again.status, again.replay_of, again.body, again.is_verified) == ("accepted", event, event.body, True)
        assert again.message_id != event.message_id
        assert again.run != event.run
        assert Run.objects.count() == 2
        record = AuditRecord.objects.get(verb="webhooks.event.replayed")
        assert (record.actor, record.object_id, record.data["replay_of"]) == (operator, str(again.pk), event.pk)

    def test_of_a_refused_event_works_once_the_mapping_is_right(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, {"event": "message_received", "data": {"body": "Hi", "thread": "a"}})
        WebhookEndpoint.objects.update(message_path="data.body")
        again = actions.replay_event(event=WebhookEvent.objects.get(), by=operator)
        assert (again.problem, Run.objects.get().input) == (None, "Hi")

    def test_keeps_what_refused_it(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, {"event": "message_received"})
        again = actions.replay_event(event=WebhookEvent.objects.get(), by=operator)
        assert again.problem
        assert again.event.status == "refused"

    def test_is_for_signed_events_only(self, endpoint: WebhookEndpoint, operator: User) -> None:
        for event in (WebhookEventFactory(), WebhookEventFactory(endpoint=endpoint, message_id="a", body=json.dumps(message()))):
            with pytest.raises(Problem, match="signed") as refused:
                actions.replay_event(event=event, by=operator)
            assert refused.value.status == 409

    def test_needs_an_endpoint_that_is_on(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        WebhookEndpoint.objects.update(is_active=False)
        with pytest.raises(Problem, match="switched off") as refused:
            actions.replay_event(event=WebhookEvent.objects.get(), by=operator)
        assert refused.value.status == 409
