"""The inbox: what came, what it did, doing it again, and that a list of thousands costs what a list of ten costs."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import Run
from agentos.webhooks.inbound import queries
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent
from tests.factories import RunEventFactory, RunFactory, WebhookEndpointFactory, WebhookEventFactory
from tests.html import page
from tests.webhooks.sending import message, send

pytestmark = pytest.mark.django_db

INBOX = "/agentos/settings/inbox/"


@pytest.fixture
def endpoint(everyone_agent: DjangoAgent) -> WebhookEndpoint:
    return WebhookEndpointFactory(name="Helpdesk", agent=everyone_agent)


def event_url(event: WebhookEvent) -> str:
    return reverse("inbox:event", args=[event.pk])


class TestTheInbox:
    def test_shows_the_newest_first_with_what_it_did(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        WebhookEventFactory(event="from.anybody")
        send(endpoint, message())
        html = page(as_operator.get(INBOX))
        assert html.texts(".row-card h3 a") == ["message_received", "from.anybody"]
        first = html.texts(".row-card")[0]
        assert [word for word in ("Accepted", "Helpdesk", "127.0.0.1", "run queued", "A run was started.") if word not in first] == []

    def test_says_so_when_nothing_has_come(self, as_operator: Client) -> None:
        assert "Nothing received yet" in page(as_operator.get(INBOX)).text()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"a", "b", "c"}),
            ("?endpoint=ENDPOINT", {"a", "b"}),
            ("?endpoint=none", {"c"}),
            ("?endpoint=nothing", set()),
            ("?status=accepted", {"a"}),
            ("?status=unverified", {"c"}),
            ("?status=nothing", set()),
            ("?event=B", {"b"}),
            ("?endpoint=ENDPOINT&status=refused&event=b", {"b"}),
            ("?event=%00a", {"a"}),
            ("?page=x", {"a", "b", "c"}),
            ("?page=7", set()),
            ("?page=99999999999999999999", {"a", "b", "c"}),
        ],
    )
    def test_is_filtered(self, as_operator: Client, endpoint: WebhookEndpoint, query: str, found: set[str]) -> None:
        WebhookEventFactory(event="a", endpoint=endpoint, message_id="1", status="accepted", is_verified=True)
        WebhookEventFactory(event="b", endpoint=endpoint, message_id="2", status="refused", is_verified=True)
        WebhookEventFactory(event="c")
        answer = as_operator.get(INBOX + query.replace("ENDPOINT", endpoint.endpoint_id))
        assert answer.status_code == 200
        assert set(page(answer).texts(".row-card h3 a")) == found

    def test_has_pages(self, as_operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queries, "EVENTS_A_PAGE", 2)
        for number in range(5):
            WebhookEventFactory(event=f"e{number}")
        seen = []
        url = INBOX + "?event=e"
        while True:
            html = page(as_operator.get(url))
            seen += html.texts(".row-card h3 a")
            older = [link for link in html.all("nav a.button") if link.text == "Older"]
            if not older:
                break
            url = INBOX + str(older[0]["href"])
        assert seen == ["e4", "e3", "e2", "e1", "e0"]

    def test_asks_the_same_of_the_database_however_much_came(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        counts = []
        for size in (3, 30):
            for number in range(size):
                run = RunFactory(session__user=endpoint.identity)
                WebhookEventFactory(endpoint=endpoint, message_id=f"{size}-{number}", run=run, session=run.session)
            as_operator.get(INBOX)
            with CaptureQueriesContext(connection) as asked:
                as_operator.get(INBOX)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_reads_no_bodies_and_no_answers(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        with CaptureQueriesContext(connection) as asked:
            as_operator.get(INBOX)
        read = [query["sql"] for query in asked if '"webhooks_webhookevent"."event"' in query["sql"]]
        assert read
        for sql in read:
            assert not [name for name in ('event"."body"', '"answer"', '"messages"', '"input"') if name in sql.partition(" FROM ")[0]]

    def test_is_nothing_to_anybody_else(self, owner: User) -> None:
        WebhookEventFactory()
        WebhookEndpointFactory()
        assert not queries.events_for(owner).exists()
        assert not queries.endpoints_for(owner).exists()


class TestAnEvent:
    def test_shows_headers_body_and_what_it_did(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message("<b>Hi</b>"))
        event = WebhookEvent.objects.get()
        parts = [{"kind": "text", "text": "<i>Fine</i> **and** good"}]
        Run.objects.update(status=Run.Status.COMPLETED, answer="Fine and good", parts=parts)
        html = page(as_operator.get(event_url(event)))
        assert "A run was started." in html.text("#event-outcome")
        assert "webhook-id: msg_1" in html.text("pre[aria-label=Headers]")
        assert '"text": "<b>Hi</b>"' in html.text("#event-body")
        assert html.text("#run-answer strong") == "and"
        assert not html.has("main b, main i")
        assert not html.has("#stop")

    def test_shows_what_its_run_has_said_so_far(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        Run.objects.update(status=Run.Status.RUNNING, attempt=1)
        RunEventFactory(run=Run.objects.get(), data={"text": "As it is being said"})
        assert page(as_operator.get(event_url(WebhookEvent.objects.get()))).text("#run-answer") == "As it is being said"

    def test_that_is_unverified_can_not_be_replayed(self, as_operator: Client) -> None:
        event = WebhookEventFactory(data={"a": "<b>"})
        html = page(as_operator.get(event_url(event)))
        assert "had no valid signature" in html.text("#event-outcome")
        assert not html.has("#replay")
        assert as_operator.post(reverse("inbox:replay", args=[event.pk])).status_code == 409

    def test_that_was_no_json_is_shown_as_it_came(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, '{"broken')
        html = page(as_operator.get(event_url(WebhookEvent.objects.get())))
        assert html.text("#event-body") == '{"broken'
        assert "Invalid JSON" in html.text("#event-outcome")

    def test_is_replayed(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        first = WebhookEvent.objects.get()
        answer = as_operator.post(reverse("inbox:replay", args=[first.pk]))
        second = WebhookEvent.objects.exclude(pk=first.pk).get()
        assert (answer.status_code, answer.headers["Location"]) == (303, event_url(second))
        assert "The event was replayed." in as_operator.get(INBOX).content.decode()
        assert event_url(first) in str(page(as_operator.get(event_url(second))).one(".facts"))
        assert event_url(second) in page(as_operator.get(event_url(first))).html

    def test_stops_its_run(self, as_operator: Client, operator: User, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        Run.objects.update(status=Run.Status.WAITING, attempt=1)
        event = WebhookEvent.objects.get()
        assert page(as_operator.get(event_url(event))).has("#stop")
        assert as_operator.post(reverse("inbox:stop", args=[event.pk])).status_code == 303
        assert Run.objects.get().status == Run.Status.STOPPED
        assert AuditRecord.objects.get(verb="webhooks.run.stopped").actor == operator
        assert "The run was stopped." in as_operator.get(INBOX).content.decode()
        as_operator.post(reverse("inbox:stop", args=[event.pk]))
        assert "The run had ended already." in as_operator.get(INBOX).content.decode()
        assert AuditRecord.objects.filter(verb="webhooks.run.stopped").count() == 1

    def test_that_started_no_run_has_none_to_stop(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, {"event": "ticket.closed"})
        for name in ("stop", "answer"):
            answer = as_operator.post(reverse(f"inbox:{name}", args=[WebhookEvent.objects.get().pk]), {"decision": "yes"})
            assert (answer.status_code, "started no run" in page(answer).text("#event-error")) == (409, True)

    def test_approves_what_its_run_waits_for(self, as_operator: Client, operator: User, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        asks = {"call_id": "call_1", "kind": "confirm", "name": "post_letter", "args": {"to": "<Ada>"}, "fields": []}
        Run.objects.update(status=Run.Status.WAITING, attempt=1, requirements=[asks])
        event = WebhookEvent.objects.get()
        html = page(as_operator.get(event_url(event)))
        assert html.text("#turn-1-asks legend") == "Assistant wants to call Rehearsal letter"
        assert html.text("#turn-1-asks .arguments") == "To <Ada>"
        posted = {"decision": "yes", "note-call_1": "Go on", "call_id": "call_2", "args": "{}"}
        assert as_operator.post(reverse("inbox:answer", args=[event.pk]), posted).status_code == 303
        run = Run.objects.get()
        assert run.status == Run.Status.QUEUED
        assert [(each["call_id"], each["confirmed"], each["note"]) for each in run.answers] == [("call_1", True, "Go on")]
        assert [each["by"] for each in run.answers] == ["Otto Operator"]  # and not the identity, with whose rights it goes on
        assert AuditRecord.objects.get(verb="webhooks.run.answered").actor == operator
        assert AuditRecord.objects.get(verb="chat.run.answered").actor == endpoint.identity
        again = as_operator.post(reverse("inbox:answer", args=[event.pk]), posted)
        assert (again.status_code, "already" in page(again).text("#event-error")) == (409, True)

    def test_answers_several_calls_one_by_one(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        """As in a chat: the form is the same, but that it is sent as a page."""
        send(endpoint, message())
        asks = [{"call_id": f"call_{number}", "kind": "confirm", "name": "post_letter", "args": {}, "fields": []} for number in range(2)]
        Run.objects.update(status=Run.Status.WAITING, attempt=1, requirements=asks)
        event = WebhookEvent.objects.get()
        html = page(as_operator.get(event_url(event)))
        assert html.texts("#turn-1-asks .asks-end button") == ["Send answers"]
        assert not html.one("#turn-1-asks").has_attr("hx-post")
        url = str(html.one("#turn-1-asks")["action"])
        as_operator.post(url, {"decision-call_0": "no", "decision-call_1": "yes", "note-call_0": "Not this one"})
        assert [(each["confirmed"], each["note"]) for each in Run.objects.get().answers] == [(False, "Not this one"), (True, "")]

    def test_refuses_what_its_run_waits_for(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        asks = [{"call_id": f"call_{number}", "kind": "confirm", "name": "post_letter", "args": {}, "fields": []} for number in range(2)]
        Run.objects.update(status=Run.Status.WAITING, attempt=1, requirements=asks)
        as_operator.post(reverse("inbox:answer", args=[WebhookEvent.objects.get().pk]), {"decision": "no"})
        assert [each["confirmed"] for each in Run.objects.get().answers] == [False, False]

    def test_says_at_its_field_what_a_form_lacks_and_keeps_what_was_typed(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        fields = [{"name": name, "type": kind, "description": ""} for name, kind in (("number_of_nights", "int"), ("city", "str"))]
        asks = {"call_id": "call_1", "kind": "input", "name": "get_user_input", "args": {}, "fields": fields}
        Run.objects.update(status=Run.Status.WAITING, attempt=1, requirements=[asks])
        url = reverse("inbox:answer", args=[WebhookEvent.objects.get().pk])
        typed = {"decision": "yes", "value-call_1-number_of_nights": "nan"}
        answer = as_operator.post(url, typed)
        html = page(answer)
        assert answer.status_code == 422
        assert html.texts(".ask-field .error") == ["Number of nights must be a whole number.", "City is missing."]
        assert html.one("#turn-1-ask-1-field-1")["aria-describedby"] == "turn-1-ask-1-field-1-error"
        assert html.one("#turn-1-ask-1-field-1")["value"] == "nan"
        assert Run.objects.get().status == Run.Status.WAITING
        assert as_operator.post(url, {**typed, "value-call_1-number_of_nights": "2", "value-call_1-city": "Rome"}).status_code == 303
        assert Run.objects.get().answers[0]["values"] == {"number_of_nights": 2, "city": "Rome"}

    def test_that_is_not_there_is_not_found(self, as_operator: Client) -> None:
        for name in ("event", "replay", "stop"):
            call: Any = as_operator.get if name == "event" else as_operator.post
            assert call(reverse(f"inbox:{name}", args=[10**12])).status_code == 404
