"""The operators' pages of endpoints: making, changing, secrets, trying."""

import json
import os
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import Run
from agentos.core import clock
from agentos.core.security.signatures import BadSecret, new_secret, verify
from agentos.webhooks.inbound import actions, queries
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent
from tests.factories import TeamFactory, WebhookEndpointFactory, WebhookEventFactory
from tests.html import page
from tests.webhooks.sending import SECRET, message, send

pytestmark = pytest.mark.django_db

MAPPING = {
    "event_path": "type",
    "message_events": " message_received ,ticket.created ",
    "message_path": "data.text",
    "key_path": "data.thread",
    "preamble": "A ticket:",
}


@pytest.fixture
def endpoint(everyone_agent: DjangoAgent) -> WebhookEndpoint:
    return WebhookEndpointFactory(name="Helpdesk", agent=everyone_agent)


def url(name: str, endpoint: WebhookEndpoint) -> str:
    return reverse(f"inbox:{name}", args=[endpoint.endpoint_id])


def verbs() -> list[str]:
    return list(AuditRecord.objects.filter(verb__startswith="webhooks.").order_by("pk").values_list("verb", flat=True))


class TestCreating:
    def test_makes_an_endpoint_with_its_identity(self, as_operator: Client, operator: User, team_agent: DjangoAgent, support: Team) -> None:
        form = {"name": "Helpdesk", "agent": team_agent.pk, "teams": [support.pk], **MAPPING}
        answer = as_operator.post(reverse("inbox:new-endpoint"), form)
        made = WebhookEndpoint.objects.get()
        assert (answer.status_code, answer.headers["Location"]) == (303, url("endpoint", made))
        assert (made.name, made.agent, made.event_path, made.message_events) == (
            "Helpdesk",
            team_agent,
            "type",
            "message_received, ticket.created",
        )
        assert list(made.identity.memberships.values_list("team", flat=True)) == [support.pk]
        assert verbs() == ["webhooks.endpoint.created"]
        assert AuditRecord.objects.get(verb="access.membership.added").actor == operator

    def test_takes_the_senders_secret(self, as_operator: Client, everyone_agent: DjangoAgent) -> None:
        secret = new_secret()
        as_operator.post(reverse("inbox:new-endpoint"), {"name": "A", "agent": everyone_agent.pk, **MAPPING, "secret": secret})
        made = WebhookEndpoint.objects.get()
        assert made.secrets(clock.now()) == [secret]
        assert secret not in str(list(AuditRecord.objects.values_list("data", flat=True)))

    @pytest.mark.parametrize(
        ("field", "value", "word"),
        [
            ("name", "", "required"),
            ("name", "x" * 81, "80"),
            ("agent", "0", "valid choice"),
            ("event_path", "", "required"),
            ("event_path", "a..b", "dots"),
            ("message_path", "{{ data }}", "dots"),
            ("message_path", "a.b\n", ""),
            ("key_path", "data[0]", "dots"),
            ("message_events", ",", "commas"),
            ("message_events", "it's", "commas"),
            ("secret", "whsec_short", "secret"),
            ("teams", "0", "valid choice"),
            ("preamble", "x" * 2001, "2000"),
        ],
    )
    def test_says_what_is_wrong_and_loses_nothing(
        self, as_operator: Client, everyone_agent: DjangoAgent, field: str, value: str, word: str
    ) -> None:
        form = {"name": "Helpdesk", "agent": everyone_agent.pk, **MAPPING, field: value}
        answer = as_operator.post(reverse("inbox:new-endpoint"), form)
        if not word:  # white space round a path is no mistake
            assert answer.status_code == 303
            return
        html = page(answer)
        assert answer.status_code == 422
        assert word in " ".join(html.texts(".error"))
        assert html.one("[name=preamble]").text.strip() == form["preamble"]
        assert not WebhookEndpoint.objects.exists()


class TestChanging:
    def test_changes_mapping_agent_and_teams(self, as_operator: Client, endpoint: WebhookEndpoint, team_agent: DjangoAgent) -> None:
        first, second = TeamFactory(), TeamFactory()
        for teams in ([first.pk], [second.pk]):
            form = {"name": "Other", "agent": team_agent.pk, "teams": teams, **MAPPING}
            assert as_operator.post(url("endpoint", endpoint), form).status_code == 303
        endpoint.refresh_from_db()
        assert (endpoint.name, endpoint.agent, endpoint.preamble, endpoint.identity.name) == ("Other", team_agent, "A ticket:", "Other")
        assert list(endpoint.identity.memberships.values_list("team", flat=True)) == [second.pk]
        assert verbs() == ["webhooks.endpoint.changed"]  # the second time only the team changed, which has its own records

    def test_gives_its_identity_the_new_name(self, endpoint: WebhookEndpoint, operator: User) -> None:
        actions.change_endpoint(endpoint=endpoint, name="Other", agent=endpoint.agent, teams=[], by=operator)
        assert User.objects.get(pk=endpoint.identity_id).name == "Other"

    def test_offers_agents_that_are_on(self, as_operator: Client, endpoint: WebhookEndpoint, inactive_agent: DjangoAgent) -> None:
        offered = page(as_operator.get(url("endpoint", endpoint))).texts("[name=agent] option")
        assert offered == [str(endpoint.agent)]

    def test_to_what_it_is_already_is_no_change(self, endpoint: WebhookEndpoint, operator: User) -> None:
        actions.change_endpoint(endpoint=endpoint, name=endpoint.name, agent=endpoint.agent, teams=[], by=operator)
        assert verbs() == []

    def test_leaves_it_in_the_teams_that_stay(self, as_operator: Client, endpoint: WebhookEndpoint, team_agent: DjangoAgent) -> None:
        stays, goes, comes = TeamFactory(), TeamFactory(), TeamFactory()
        for teams in ([stays.pk, goes.pk], [stays.pk, comes.pk]):
            as_operator.post(url("endpoint", endpoint), {"name": "Other", "agent": team_agent.pk, "teams": teams, **MAPPING})
        assert set(endpoint.identity.memberships.values_list("team", flat=True)) == {stays.pk, comes.pk}
        moves = AuditRecord.objects.filter(verb__startswith="access.membership.").order_by("pk").values_list("verb", flat=True)
        assert [verb.rpartition(".")[2] for verb in moves] == ["added", "added", "removed", "added"]

    def test_is_of_the_one_that_the_address_names(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        other = WebhookEndpointFactory(name="Shop")
        for each in (endpoint, other):
            assert page(as_operator.get(url("endpoint", each))).one("[name=name]")["value"] == each.name
        assert queries.endpoint_for(User(is_staff=True), "endpoint_00000000000000000000") is None

    def test_shows_what_is_there(self, as_operator: Client, endpoint: WebhookEndpoint, support: Team) -> None:
        html = page(as_operator.get(url("endpoint", endpoint)))
        assert html.one("[name=message_path]")["value"] == "data.text"
        assert html.text("#endpoint-url") == f"http://testserver/agentos/webhook/{endpoint.endpoint_id}/"
        assert SECRET not in html.html

    def test_switches_off_and_on(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        for on, status in (("0", 401), ("0", 401), ("1", 200)):
            assert as_operator.post(url("switch", endpoint), {"on": on}).status_code == 303
            assert send(endpoint, message()).status_code == status
        assert verbs() == ["webhooks.endpoint.disabled", "webhooks.endpoint.enabled"]

    def test_warns_when_the_identity_may_not_use_the_agent(
        self, as_operator: Client, team_agent: DjangoAgent, everyone_agent: DjangoAgent
    ) -> None:
        assert page(as_operator.get(url("endpoint", WebhookEndpointFactory(agent=team_agent)))).has("#not-usable")

    def test_shows_why_requests_were_rejected(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message(), secret=new_secret())
        assert "1 request rejected" in page(as_operator.get(url("endpoint", endpoint))).text("#rejected")


class TestASecret:
    def test_is_shown_on_demand_and_that_is_recorded(self, as_operator: Client, operator: User, endpoint: WebhookEndpoint) -> None:
        answer = as_operator.post(url("reveal", endpoint))
        assert page(answer).text("#secret") == SECRET
        assert "no-store" in answer.headers["Cache-Control"]
        assert AuditRecord.objects.get(verb="webhooks.secret.revealed").actor == operator
        assert SECRET not in str(list(AuditRecord.objects.values_list("data", flat=True)))

    def test_that_cannot_be_read_is_said_to_be_lost(self, as_operator: Client, endpoint: WebhookEndpoint, settings: Any) -> None:
        WebhookEndpoint.objects.update(secret="lost")
        answer = as_operator.post(url("reveal", endpoint))
        assert (answer.status_code, "another SECRET_KEY" in page(answer).text("#endpoint-error")) == (409, True)

    def test_is_rotated(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        assert as_operator.post(url("rotate", endpoint), {"hours": "24", "secret": ""}).status_code == 303
        endpoint.refresh_from_db()
        fresh, old = endpoint.secrets(clock.now())
        assert (fresh != SECRET, old) == (True, SECRET)
        assert endpoint.secrets(clock.now() + timedelta(hours=24)) == [fresh]
        assert verbs() == ["webhooks.secret.rotated"]
        assert AuditRecord.objects.get(verb="webhooks.secret.rotated").data["old_counts_for_hours"] == 24
        as_operator.post(url("rotate", endpoint), {"hours": "0", "secret": ""})
        assert AuditRecord.objects.filter(verb="webhooks.secret.rotated").order_by("-pk")[0].data["old_counts_for_hours"] == 0

    def test_that_is_too_weak_is_taken_by_no_door(self, endpoint: WebhookEndpoint, everyone_agent: DjangoAgent, operator: User) -> None:
        weak = "whsec_c2hvcnQ="
        with pytest.raises(BadSecret):
            actions.create_endpoint(name="A", agent=everyone_agent, secret=weak, by=operator)
        with pytest.raises(BadSecret):
            actions.rotate_secret(endpoint=endpoint, keep_for=timedelta(0), secret=weak, by=operator)
        assert (WebhookEndpoint.objects.count(), WebhookEndpoint.objects.get().secret) == (1, endpoint.secret)

    @pytest.mark.parametrize("form", [{"hours": "2"}, {}, {"hours": "24", "secret": "short"}])
    def test_is_not_rotated_by_a_form_that_is_wrong(self, as_operator: Client, endpoint: WebhookEndpoint, form: dict[str, str]) -> None:
        answer = as_operator.post(url("rotate", endpoint), form)
        assert (answer.status_code, page(answer).has("#rotate .error")) == (422, True)
        assert WebhookEndpoint.objects.get().secret == endpoint.secret

    def test_is_nowhere_in_the_admin(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        for path in ("/admin/webhooks/webhookendpoint/", f"/admin/webhooks/webhookendpoint/{endpoint.pk}/change/"):
            answer = as_operator.get(path)
            assert answer.status_code == 200
            assert SECRET not in answer.content.decode()
            assert endpoint.secret not in answer.content.decode()


class TestTheExample:
    def test_is_a_request_that_is_taken(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        """The shell runs it as it stands on the page, with a curl that only says what it would send."""
        script = page(as_operator.post(url("reveal", endpoint))).one("#curl").text
        said = subprocess.run(
            ["bash", "-c", f"""curl() {{ printf '%s\\0' "$@"; }}\n{script}"""], capture_output=True, text=True, check=True, env=os.environ
        )
        address, *rest = said.stdout.split("\0")
        headers = dict(part.split(": ", 1) for part in rest if part.startswith(("webhook-", "Content-Type")))
        body = rest[rest.index("--data-binary") + 1]
        assert said.stderr == ""
        assert verify([SECRET], headers, body.encode(), now=clock.now())
        answer = Client().post(address.removeprefix("http://testserver"), body, content_type=headers.pop("Content-Type"), headers=headers)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
        assert Run.objects.get().input == "Hello!"

    def test_has_no_secret_before_it_was_revealed(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        assert "SECRET='whsec_…'" in page(as_operator.get(url("endpoint", endpoint))).one("#curl").text


class TestTrying:
    def trial(self, client: Client, endpoint: WebhookEndpoint, payload: Any) -> str:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        answer = client.post(url("try", endpoint), {"payload": text})
        assert answer.status_code == 200
        assert page(answer).one("[name=payload]").text.strip() == text.strip()
        return page(answer).text("#trial")

    @pytest.mark.parametrize(
        ("payload", "words"),
        [
            (message("<b>Hi</b>"), ["It would start a run of Assistant in a new session “ticket-7”.", "<b>Hi</b>"]),
            ({"event": "session.create", "data": {"thread": "a"}}, ["It would open a new session."]),
            ({"event": "run.stop", "data": {"thread": "a"}}, ["nothing would be stopped"]),
            ({"event": "ticket.closed"}, ["It would be stored."]),
            ({"event": "message_received"}, ["It would be refused: data.thread: There is no “data” in the event."]),
            ("{", ["It would be refused: Invalid JSON"]),
            ("[" * 5000, ["It would be refused: Invalid JSON"]),
        ],
    )
    def test_says_what_an_event_would_do(self, as_operator: Client, endpoint: WebhookEndpoint, payload: Any, words: list[str]) -> None:
        said = self.trial(as_operator, endpoint, payload)
        assert [word for word in words if word not in said] == [], said

    def test_changes_nothing(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        records = AuditRecord.objects.count()
        self.trial(as_operator, endpoint, message())
        assert (Run.objects.count(), WebhookEvent.objects.count(), AuditRecord.objects.count()) == (0, 0, records)

    def test_knows_the_session_that_is_there(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        send(endpoint, message())
        assert "which is there" in self.trial(as_operator, endpoint, message())
        assert "stop what runs" in self.trial(as_operator, endpoint, {"event": "run.stop", "data": {"thread": "ticket-7"}})

    def test_knows_what_would_be_refused(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        DjangoAgent.objects.update(model="openai:gpt-5.4")
        assert "not available" in self.trial(as_operator, endpoint, message())
        DjangoAgent.objects.update(is_global=False)
        assert "service identity" in self.trial(as_operator, endpoint, message())
        for payload in ({"event": "run.stop", "data": {"thread": "a"}}, {"event": "ticket.closed"}):  # which need no agent
            assert "service identity" not in self.trial(as_operator, endpoint, payload)

    def test_begins_with_an_event_that_the_endpoint_takes(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        payload = page(as_operator.get(url("endpoint", endpoint))).one("[name=payload]").text.strip()
        assert payload.splitlines()[:2] == ["{", '  "event": "message_received",']
        assert "It would start a run" in self.trial(as_operator, endpoint, payload)

    def test_asks_for_an_event(self, as_operator: Client, endpoint: WebhookEndpoint) -> None:
        answer = as_operator.post(url("try", endpoint), {"payload": ""})
        assert (answer.status_code, "Write an event first." in page(answer).text()) == (422, True)


class TestTheList:
    def test_counts_what_each_one_keeps(self, operator: User, endpoint: WebhookEndpoint) -> None:
        _, busy = WebhookEndpointFactory(name="Quiet"), WebhookEndpointFactory(name="Busy")
        for number in range(3):
            WebhookEventFactory(endpoint=busy, message_id=f"msg_{number}")
        WebhookEventFactory(endpoint=endpoint, message_id="msg_1")
        kept = {found.name: (getattr(found, "came", 0), getattr(found, "came_last", 0)) for found in queries.endpoints_for(operator)}
        assert {name: count for name, (count, _) in kept.items()} == {"Helpdesk": 1, "Quiet": None, "Busy": 3}
        assert kept["Quiet"] == (None, None)

    def test_asks_the_same_of_the_database_however_many_there_are(self, as_operator: Client) -> None:
        counts = []
        for _ in range(2):
            for endpoint in WebhookEndpointFactory.create_batch(5):
                WebhookEventFactory(endpoint=endpoint, message_id="msg_1")
            as_operator.get(reverse("inbox:endpoints"))
            with CaptureQueriesContext(connection) as queries:
                html = page(as_operator.get(reverse("inbox:endpoints")))
            counts.append(len(queries))
        assert len(html.all(".rows .row-card")) == 10
        assert html.texts(".rows .hint")[0].count("1 event") == 1
        assert counts[0] == counts[1]
