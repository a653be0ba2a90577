"""Deleting an endpoint: what goes with it, what stays, and what happens to those who still use it at that moment."""

import asyncio
import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.urls import reverse

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.engine import Engine
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.security.signatures import Signed
from agentos.webhooks.inbound import actions
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent, WebhookSession
from agentos.webhooks.inbound.signals import is_service
from tests.factories import WebhookEndpointFactory, WebhookEventFactory
from tests.html import page
from tests.webhooks.sending import message, send

pytestmark = pytest.mark.django_db

LIST = "/agentos/settings/endpoints/"


@pytest.fixture
def endpoint(everyone_agent: DjangoAgent) -> WebhookEndpoint:
    return WebhookEndpointFactory(name="Helpdesk", agent=everyone_agent)


def url(name: str, endpoint: WebhookEndpoint) -> str:
    return reverse(f"inbox:{name}", args=[endpoint.endpoint_id])


def deletions() -> int:
    return AuditRecord.objects.filter(verb="webhooks.endpoint.deleted").count()


class TestDeleting:
    def test_takes_the_endpoint_and_what_came_to_it(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        actions.replay_event(event=WebhookEvent.objects.get(), by=operator)
        kept = [WebhookEventFactory(), WebhookEventFactory(endpoint=WebhookEndpointFactory(), message_id="msg_1")]
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert set(WebhookEvent.objects.all()) == set(kept)
        assert not WebhookEndpoint.objects.filter(endpoint_id=endpoint.endpoint_id).exists()
        assert not WebhookSession.objects.exists()

    def test_takes_that_one_whichever_was_made_first(self, endpoint: WebhookEndpoint, operator: User) -> None:
        second = WebhookEndpointFactory(name="Second")
        actions.rotate_secret(endpoint=second, keep_for=timedelta(0), by=operator)
        assert WebhookEndpoint.objects.get(name="Helpdesk").secret == endpoint.secret
        actions.delete_endpoint(endpoint=second, by=operator)
        assert [found.name for found in WebhookEndpoint.objects.all()] == ["Helpdesk"]

    def test_leaves_the_chats_that_it_started(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        Run.objects.update(status=Run.Status.COMPLETED, answer="Hello, Ada")
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        session = ChatSession.objects.get()
        assert (session.user_id, session.deleted_at, session.title) == (endpoint.identity_id, None, "ticket-7")
        assert (Run.objects.get().status, Run.objects.get().answer) == (Run.Status.COMPLETED, "Hello, Ada")

    @pytest.mark.parametrize("status", Run.OPEN)
    def test_stops_what_is_not_over(self, status: str, endpoint: WebhookEndpoint, operator: User) -> None:
        """Nobody could answer what waits: it was the inbox where operators do."""
        send(endpoint, message())
        Run.objects.update(status=status, attempt=0 if status == Run.Status.QUEUED else 1)
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert Run.objects.get().status == Run.Status.STOPPED
        assert AuditRecord.objects.get(verb="webhooks.endpoint.deleted").data["runs_stopped"] == 1

    async def test_stops_a_model_that_is_speaking(self, engine: Engine, operator: User) -> None:
        endpoint = await sync_to_async(WebhookEndpointFactory)(agent__model="scripted:hang")
        await sync_to_async(send)(endpoint, message())
        while (await Run.objects.aget()).status != Run.Status.RUNNING:
            await asyncio.sleep(0.01)
        await sync_to_async(actions.delete_endpoint)(endpoint=endpoint, by=operator)
        assert (await Run.objects.aget()).status == Run.Status.STOPPED
        while engine.run_tasks:
            await asyncio.sleep(0.01)

    def test_leaves_the_runs_of_others_alone(self, endpoint: WebhookEndpoint, operator: User, everyone_agent: DjangoAgent) -> None:
        send(WebhookEndpointFactory(agent=everyone_agent), message())
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert Run.objects.get().status == Run.Status.QUEUED

    def test_suspends_the_identity_with_its_tokens(self, endpoint: WebhookEndpoint, operator: User) -> None:
        User.objects.filter(pk=endpoint.identity_id).update(password="!")
        endpoint.identity.refresh_from_db()
        _, secret = create_token(by=operator, name="Script", scopes=["agents:read"], owner=endpoint.identity)
        agents = partial(Client().get, reverse("api:agentos_agents_api"), headers={"Authorization": f"Bearer {secret}"})
        assert agents().status_code == 200
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert agents().status_code == 401
        assert AuditRecord.objects.get(verb="access.user.suspended").actor == operator

    def test_of_one_whose_identity_was_suspended_before_works(self, endpoint: WebhookEndpoint, operator: User) -> None:
        User.objects.filter(pk=endpoint.identity_id).update(is_active=False)
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert not AuditRecord.objects.filter(verb="access.user.suspended").exists()

    @pytest.mark.parametrize("email", ["somebody@example.com", "x@service.invalid"])
    def test_lets_nobody_sign_in_as_the_identity(self, email: str, endpoint: WebhookEndpoint, operator: User) -> None:
        User.objects.filter(pk=endpoint.identity_id).update(email=email)
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        identity = User.objects.get(pk=endpoint.identity_id)
        assert is_service(identity)
        identity.is_active = True
        identity.set_password("correct horse battery")
        identity.save()
        assert not User.objects.get(pk=identity.pk).has_usable_password()

    def test_is_recorded_with_what_went_and_without_the_secret(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        record = AuditRecord.objects.get(verb="webhooks.endpoint.deleted")
        assert (record.actor, record.object_type, record.object_id) == (operator, "webhook_endpoint", endpoint.endpoint_id)
        assert record.data == {"name": "Helpdesk", "identity": endpoint.identity_id, "events": 1, "runs_stopped": 1}

    def test_changes_nothing_when_it_breaks_half_way(
        self, endpoint: WebhookEndpoint, operator: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(**_: Any) -> None:
            raise RuntimeError

        send(endpoint, message())
        monkeypatch.setattr("agentos.access.actions.suspend_user", broken)
        with pytest.raises(RuntimeError):
            actions.delete_endpoint(endpoint=endpoint, by=operator)
        assert (WebhookEndpoint.objects.count(), WebhookEvent.objects.count(), deletions()) == (1, 1, 0)
        assert Run.objects.get().status == Run.Status.QUEUED


class TestADeletedEndpoint:
    def test_answers_as_one_that_never_was(self, endpoint: WebhookEndpoint, operator: User) -> None:
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        never = WebhookEndpoint(endpoint_id="endpoint_00000000000000000000")
        gone, unknown = (send(each, message()) for each in (endpoint, never))
        assert (gone.status_code, gone.content) == (401, unknown.content)
        assert not WebhookEvent.objects.exists()

    def test_takes_no_message_that_was_proven_before(self, endpoint: WebhookEndpoint, operator: User) -> None:
        """The message came first, and waited for the endpoint's row while that was deleted."""
        stale = WebhookEndpoint.objects.get()
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        with pytest.raises(Problem) as refused:
            actions.receive_delivery(endpoint=stale, signed=Signed("msg_1", clock.now()), headers={}, body=b"{}", source_address=None)
        assert (refused.value.status, refused.value.code) == (401, "invalid_signature")
        assert not WebhookEvent.objects.exists()

    def test_replays_nothing(self, endpoint: WebhookEndpoint, operator: User, as_operator: Client) -> None:
        send(endpoint, message())
        event = WebhookEvent.objects.select_related("endpoint").get()
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        with pytest.raises(Problem) as refused:
            actions.replay_event(event=event, by=operator)
        assert refused.value.status == 404
        assert as_operator.post(reverse("inbox:replay", args=[event.pk])).status_code == 404
        assert (Run.objects.count(), WebhookEvent.objects.count()) == (1, 0)

    def test_is_not_changed_and_gets_no_secret(self, endpoint: WebhookEndpoint, operator: User, as_operator: Client) -> None:
        stale = WebhookEndpoint.objects.get()
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        attempts: list[Any] = [
            lambda: actions.change_endpoint(endpoint=stale, name="New", agent=stale.agent, teams=(), by=operator),
            lambda: actions.rotate_secret(endpoint=stale, keep_for=clock.now() - clock.now(), by=operator),
            lambda: actions.delete_endpoint(endpoint=stale, by=operator),
        ]
        for attempt in attempts:
            with pytest.raises(Problem) as refused:
                attempt()
            assert refused.value.status == 404
        assert deletions() == 1

    @pytest.mark.django_db(transaction=True)
    def test_was_deleted_by_one_of_two_who_did_it_at_once(self, endpoint: WebhookEndpoint, operator: User) -> None:
        send(endpoint, message())
        start = threading.Barrier(4)
        refused: list[int] = []

        def delete() -> None:
            stale = WebhookEndpoint.objects.get(pk=endpoint.pk)
            try:
                start.wait()
                actions.delete_endpoint(endpoint=stale, by=operator)
            except Problem as problem:
                refused.append(problem.status)
            finally:
                connection.close()

        threads = [threading.Thread(target=delete) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == [404, 404, 404]
        assert (WebhookEndpoint.objects.count(), deletions()) == (0, 1)

    @pytest.mark.django_db(transaction=True)
    def test_lets_each_message_in_whole_or_not_at_all(self, endpoint: WebhookEndpoint, operator: User) -> None:
        """Messages that race with the deletion are either done and gone with it, or refused: none fails, none is left."""
        start = threading.Barrier(4)
        statuses: list[int] = []

        def deliver(number: int) -> None:
            try:
                start.wait()
                statuses.extend(send(endpoint, message(), message_id=f"msg_{number}_{each}").status_code for each in range(5))
            finally:
                connection.close()

        threads = [threading.Thread(target=deliver, args=[number]) for number in range(3)]
        for thread in threads:
            thread.start()
        start.wait()
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        for thread in threads:
            thread.join()
        assert set(statuses) <= {200, 401}
        assert not WebhookEvent.objects.exists()
        assert not Run.objects.filter(status__in=Run.OPEN).exists()
        assert Run.objects.count() == statuses.count(200)


class TestThePage:
    def test_says_what_will_happen_and_needs_no_script(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        for number in range(2):
            send(endpoint, message(), message_id=f"msg_{number}")
        html = page(as_operator.get(url("endpoint", endpoint)))
        said = html.text("details#delete form")
        words = ("answers every sender with 401", "2 events.", "are stopped", "stay", "suspended", "cannot be undone", "Delete Helpdesk")
        assert [word for word in words if word not in said] == []
        form = html.one("#delete form")
        assert (form["action"], form["method"]) == (url("delete", endpoint), "post")

    def test_deletes_and_shows_what_is_left(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        answer = as_operator.post(url("delete", endpoint))
        assert (answer.status_code, answer.headers["Location"]) == (303, LIST)
        listed = page(as_operator.get(LIST)).text()
        assert "“Helpdesk” was deleted." in listed
        assert "There are no endpoints yet." in listed
        for again in (as_operator.post(url("delete", endpoint)), as_operator.get(url("endpoint", endpoint))):
            assert again.status_code == 404
        assert deletions() == 1

    def test_is_not_found_by_those_who_are_late(
        self, as_operator: Client, operator: User, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page had found the endpoint already when somebody else deleted it."""
        found = WebhookEndpoint.objects.get()
        actions.delete_endpoint(endpoint=endpoint, by=operator)
        monkeypatch.setattr("agentos.webhooks.inbound.queries.endpoint_for", lambda *_: found)
        mapping = {"event_path": "a", "message_events": "b", "message_path": "c", "key_path": "", "preamble": "Typed"}
        changed = as_operator.post(url("endpoint", endpoint), {"name": "New", "agent": found.agent_id, **mapping})
        assert (changed.status_code, page(changed).text("#endpoint-error")) == (404, "This endpoint has been deleted.")
        assert page(changed).one("[name=preamble]").text.strip() == "Typed"
        assert as_operator.post(url("rotate", endpoint), {"hours": "24", "secret": ""}).status_code == 404
        assert as_operator.post(url("delete", endpoint)).status_code == 404

    def test_refuses_everybody_but_operators(self, as_owner: Client, as_stranger: Client, endpoint: WebhookEndpoint) -> None:
        """As switching off does: to everybody else all of these pages are closed, whether there is such an endpoint or not."""
        never = WebhookEndpoint(endpoint_id="endpoint_00000000000000000000")
        for client in (as_owner, as_stranger):
            assert [client.post(url("delete", each)).status_code for each in (endpoint, never)] == [403, 403]
        assert Client().post(url("delete", endpoint)).status_code == 302
        assert WebhookEndpoint.objects.filter(pk=endpoint.pk).exists()


class TestTheAdmin:
    def change(self, endpoint: WebhookEndpoint, action: str) -> str:
        return f"/admin/webhooks/webhookendpoint/{endpoint.pk}/{action}/"

    def test_deletes_one_after_asking(self, as_operator: Client, operator: User, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        asked = as_operator.get(self.change(endpoint, "delete")).content.decode()
        assert "Helpdesk: its address, its secret and 1 event. Its chats stay." in asked
        assert WebhookEndpoint.objects.exists()
        assert as_operator.post(self.change(endpoint, "delete"), {"post": "yes"}).status_code == 302
        assert not WebhookEndpoint.objects.exists()
        assert AuditRecord.objects.get(verb="webhooks.endpoint.deleted").actor == operator
        assert Run.objects.get().status == Run.Status.STOPPED

    def test_deletes_several(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        more = WebhookEndpointFactory(name="Shop")
        form = {"action": "delete_selected", "_selected_action": [endpoint.pk, more.pk], "post": "yes"}
        as_operator.post("/admin/webhooks/webhookendpoint/", form)
        assert (WebhookEndpoint.objects.count(), deletions()) == (0, 2)

    def test_deletes_no_event_by_itself(self, as_operator: Client) -> None:
        event = WebhookEventFactory()
        assert as_operator.post(f"/admin/webhooks/webhookevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
