"""The settings pages of webhooks: everything with plain forms, for owners and admins of the team."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import Membership, Team, User
from agentos.audit.models import AuditRecord
from agentos.core import clock
from agentos.webhooks.outbound import actions, queries
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint
from tests.conftest import signed_in
from tests.factories import MembershipFactory, TeamFactory
from tests.html import page as page_of
from tests.webhooks.outbound import make_delivery, make_endpoint, secret_of

pytestmark = pytest.mark.django_db

LIST = "/agentos/settings/webhooks/"
FRAGMENT = {"HX-Request": "true"}


def url(name: str, endpoint: Endpoint, *more: str) -> str:
    return reverse(f"webhooks_out:{name}", args=[endpoint.hook_id, *more])


def make_attempt(delivery: Delivery, **fields: Any) -> Attempt:
    headers = {"webhook-id": delivery.message_id}
    return Attempt.objects.create(
        **{"delivery": delivery, "at": clock.now(), "seconds": 0.2, "url": delivery.endpoint.url, "headers": headers, **fields}
    )


def verbs() -> list[str]:
    return list(AuditRecord.objects.filter(object_type="webhook").order_by("pk").values_list("verb", flat=True))


@pytest.fixture
def endpoint(support: Team) -> Endpoint:
    return make_endpoint(support, name="CRM")


class TestTheList:
    def test_shows_the_webhooks_of_teams_that_one_manages(self, as_owner: Client, endpoint: Endpoint) -> None:
        make_endpoint(TeamFactory(), name="Somebody else's")
        page = as_owner.get(LIST).content.decode()
        assert "CRM" in page
        assert "Somebody else" not in page

    def test_offers_nothing_to_a_plain_member(self, as_member: Client, endpoint: Endpoint) -> None:
        page = as_member.get(LIST).content.decode()
        assert "CRM" not in page
        assert "Only owners and admins of a team" in page
        assert "create-webhook" not in page

    def test_says_loudly_what_the_system_has_switched_off(self, as_owner: Client, endpoint: Endpoint) -> None:
        Endpoint.objects.update(is_enabled=False, off_because="No message got through for three days.")
        assert "was switched off. No message got through" in " ".join(as_owner.get(LIST).content.decode().split())

    def test_says_so_on_the_other_settings_pages_to_those_who_can_do_something(
        self, as_owner: Client, as_member: Client, endpoint: Endpoint
    ) -> None:
        Endpoint.objects.update(is_enabled=False)
        assert "Webhooks (1 off)" in as_owner.get("/agentos/settings/tokens/").content.decode()
        assert "off)" not in as_member.get("/agentos/settings/tokens/").content.decode()
        Endpoint.objects.update(off_by_person=True)
        assert "off)" not in as_owner.get("/agentos/settings/tokens/").content.decode()

    def test_takes_as_many_queries_for_twenty_as_for_one(self, as_owner: Client, support: Team, endpoint: Endpoint) -> None:
        as_owner.get(LIST)
        with CaptureQueriesContext(connection) as one:
            as_owner.get(LIST)
        for _ in range(19):
            make_delivery(make_endpoint(support))
        with CaptureQueriesContext(connection) as twenty:
            as_owner.get(LIST)
        assert len(twenty) == len(one)

    def test_asks_for_one_last_message_of_each(self, owner: User, endpoint: Endpoint) -> None:
        """PostgreSQL refuses a column of several."""
        assert str(queries.endpoints_for(owner).query).count("LIMIT 1)") == 1
        assert str(queries._told(endpoint).query).count("LIMIT 1)") == 2

    def test_knows_how_the_last_message_of_each_went(self, owner: User, support: Team, endpoint: Endpoint) -> None:
        for status in ("delivered", "failed"):
            make_delivery(endpoint, status=status)
        make_delivery(make_endpoint(support, name="Shop"), status="delivered")
        make_endpoint(support, name="New")
        states = {each.name: getattr(each, "last_status", "") for each in queries.endpoints_for(owner)}
        assert states == {"CRM": "failed", "Shop": "delivered", "New": None}


class TestANewWebhook:
    FORM = {"name": " My  CRM ", "url": "https://crm.example/in", "events": ["run.failed", "run.completed"]}  # noqa: RUF012

    def test_is_made_and_opened(self, as_owner: Client, support: Team, owner: User) -> None:
        answer = as_owner.post(LIST, self.FORM)
        made = Endpoint.objects.get()
        assert (answer.status_code, answer.headers["Location"]) == (303, url("endpoint", made))
        assert (made.team, made.name, made.events) == (support, "My CRM", ["run.completed", "run.failed"])
        assert verbs() == ["webhooks.endpoint.created"]
        assert "ready" in as_owner.get(url("endpoint", made)).content.decode()

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("name", "", "Give it a name"),
            ("url", "", "Where should messages go?"),
            ("url", "ftp://crm.example/", "must begin with https:// or http://"),
            ("url", "https://user:pass@crm.example/", "must not contain a user name"),
            ("url", "http://127.0.0.1:8000/", "private or special address"),
            ("url", "http://0x7f.1/", "private or special address"),
            ("url", "http://[::ffff:10.0.0.1]/", "private or special address"),
            ("url", "https://crm.example:22/", "Port 22 is not a port of the web"),
            ("url", "https://crm.example/a b", "a blank, a backslash or a control character"),
            ("events", [], "Choose at least one event"),
            ("events", ["webhook.test"], "Select a valid choice"),
        ],
    )
    def test_is_refused_with_a_sentence_and_nothing_typed_is_lost(
        self, field: str, value: Any, sentence: str, as_owner: Client, support: Team
    ) -> None:
        answer = as_owner.post(LIST, {**self.FORM, field: value})
        assert answer.status_code == 422
        page = page_of(answer)
        assert sentence in page.text()
        kept = page.one("#create-webhook [name=name]" if field != "name" else "#create-webhook [name=url]")
        assert str(kept["value"]).strip()
        assert Endpoint.objects.count() == 0

    def test_is_of_the_team_that_was_chosen(self, as_owner: Client, owner: User, support: Team) -> None:
        other = TeamFactory(name="Zebra")
        MembershipFactory(team=other, user=owner, role=Membership.Role.ADMIN)
        assert "Zebra" in as_owner.get(LIST).content.decode()
        as_owner.post(LIST, {**self.FORM, "team": other.pk})
        assert Endpoint.objects.get().team == other

    @pytest.mark.parametrize("role", [None, Membership.Role.MEMBER])
    def test_is_not_made_for_a_team_that_one_does_not_manage(self, role: str | None, as_owner: Client, owner: User) -> None:
        other = TeamFactory()
        if role:
            MembershipFactory(team=other, user=owner, role=role)
        assert as_owner.post(LIST, {**self.FORM, "team": other.pk}).status_code == (403 if role else 404)
        assert Endpoint.objects.count() == 0

    @pytest.mark.parametrize("team", ["x", "9" * 30, "-1", "٣"])
    def test_is_not_made_for_nonsense(self, team: str, as_owner: Client) -> None:
        assert as_owner.post(LIST, {**self.FORM, "team": team}).status_code == 404

    def test_has_its_limit(self, as_owner: Client, support: Team) -> None:
        for _ in range(actions.ENDPOINTS):
            make_endpoint(support)
        answer = as_owner.post(LIST, self.FORM)
        assert answer.status_code == 422
        assert "can have 20 webhooks" in answer.content.decode()


class TestAWebhook:
    def test_is_changed(self, as_owner: Client, endpoint: Endpoint) -> None:
        form = {"name": "New", "url": "https://new.example/", "events": ["run.waiting"]}
        assert as_owner.post(url("endpoint", endpoint), form).status_code == 303
        assert "Saved." in as_owner.get(url("endpoint", endpoint)).content.decode()
        endpoint.refresh_from_db()
        assert (endpoint.name, endpoint.url, endpoint.events) == ("New", "https://new.example/", ["run.waiting"])
        assert verbs() == ["webhooks.endpoint.changed"]

    def test_keeps_what_it_was_when_a_change_is_refused(self, as_owner: Client, endpoint: Endpoint) -> None:
        answer = as_owner.post(url("endpoint", endpoint), {"name": "New", "url": "nonsense", "events": ["run.waiting"]})
        assert answer.status_code == 422
        page = page_of(answer)
        assert "must begin with https:// or http://" in page.text("#change-webhook")
        assert page.text("#webhook-title") == "CRM"
        assert page.one("#change-webhook [name=url]")["value"] == "nonsense"
        endpoint.refresh_from_db()
        assert endpoint.url == "https://hooks.example/in"

    def test_shows_its_secret_when_asked_and_writes_down_who_asked(self, as_owner: Client, endpoint: Endpoint) -> None:
        secret = secret_of(endpoint)
        assert secret not in as_owner.get(url("endpoint", endpoint)).content.decode()
        answer = as_owner.post(url("reveal", endpoint))
        assert secret in answer.content.decode()
        assert answer.headers["Cache-Control"] == "no-store"
        assert verbs() == ["webhooks.endpoint.secret_revealed"]
        assert secret not in json.dumps(list(AuditRecord.objects.values_list("data", flat=True)))
        assert secret not in endpoint.secret

    def test_says_so_when_its_secret_is_lost_and_gets_a_new_one(self, as_owner: Client, endpoint: Endpoint) -> None:
        Endpoint.objects.update(secret="damaged")
        answer = as_owner.post(url("reveal", endpoint), follow=True)
        assert "cannot be read" in answer.content.decode()
        as_owner.post(url("rotate", endpoint))
        assert secret_of(endpoint).startswith("whsec_")

    def test_says_while_two_secrets_count(self, as_owner: Client, endpoint: Endpoint) -> None:
        before = secret_of(endpoint)
        as_owner.post(url("rotate", endpoint))
        assert secret_of(endpoint) != before
        assert "There is a new secret." in as_owner.get(url("endpoint", endpoint)).content.decode()
        assert "signed with the old secret, too" in " ".join(as_owner.get(url("endpoint", endpoint)).content.decode().split())

    def test_is_switched_off_and_on(self, as_owner: Client, endpoint: Endpoint) -> None:
        waiting = make_delivery(endpoint)
        as_owner.post(url("switch", endpoint), {"on": "0"})
        page = as_owner.get(url("endpoint", endpoint)).content.decode()
        assert "Switched off by Olga Owner" in page
        assert "Send a test" not in page
        waiting.refresh_from_db()
        assert waiting.status == "failed"
        as_owner.post(url("switch", endpoint), {"on": "1"})
        endpoint.refresh_from_db()
        assert (endpoint.is_enabled, endpoint.off_because) == (True, "")
        as_owner.post(url("switch", endpoint), {"on": "1"})  # it is on
        assert verbs() == ["webhooks.endpoint.off", "webhooks.endpoint.on"]

    def test_is_deleted_with_its_log(self, as_owner: Client, endpoint: Endpoint) -> None:
        make_attempt(make_delivery(endpoint))
        assert as_owner.post(url("delete", endpoint)).headers["Location"] == LIST
        assert "“CRM” was deleted." in as_owner.get(LIST).content.decode()
        assert (Endpoint.objects.count(), Delivery.objects.count()) == (0, 0)
        assert verbs() == ["webhooks.endpoint.deleted"]

    def test_is_open_to_an_admin_of_the_team(self, support: Team, endpoint: Endpoint) -> None:
        admin = MembershipFactory(team=support, role=Membership.Role.ADMIN).user
        assert signed_in(admin).get(url("endpoint", endpoint)).status_code == 200

    def test_is_closed_to_who_manages_another_team_only(self, support: Team, endpoint: Endpoint) -> None:
        member = MembershipFactory(team=support, role=Membership.Role.MEMBER).user
        MembershipFactory(user=member, role=Membership.Role.OWNER)
        assert signed_in(member).get(url("endpoint", endpoint)).status_code == 403

    @pytest.mark.parametrize("unknown", ["nothing", "hook_00000000000000000000", "..%2f", "x" * 300, "'--", "é"])
    def test_that_is_not_there_is_not_found(self, unknown: str, as_owner: Client) -> None:
        assert as_owner.get(f"{LIST}{unknown}/").status_code == 404
        assert as_owner.post(f"{LIST}{unknown}/reveal/").status_code == 404


class TestTheLog:
    def test_shows_what_came_of_each_message(self, as_owner: Client, endpoint: Endpoint) -> None:
        make_attempt(make_delivery(endpoint, status="delivered", tries=1), status_code=204)
        make_attempt(make_delivery(endpoint, tries=2), error="The connection failed.")
        page = page_of(as_owner.get(url("endpoint", endpoint))).text("#deliveries")
        assert "answered 204" in page
        assert "The connection failed." in page
        assert "tried 2 times" in page

    def test_has_pages_and_the_same_queries_on_each(self, as_owner: Client, endpoint: Endpoint) -> None:
        make_attempt(make_delivery(endpoint))
        as_owner.get(url("endpoint", endpoint))
        with CaptureQueriesContext(connection) as one:
            as_owner.get(url("endpoint", endpoint))
        for _ in range(30):
            make_attempt(make_delivery(endpoint))
        with CaptureQueriesContext(connection) as many:
            first = as_owner.get(url("endpoint", endpoint)).content.decode()
        assert len(many) == len(one)
        assert (first.count("message-msg_"), "Page 1 of 2" in first) == (25, True)
        assert as_owner.get(url("endpoint", endpoint) + "?page=2").content.decode().count("message-msg_") == 6
        for nonsense in ("x", "0", "-1", "9" * 30, "٣", "99"):
            assert as_owner.get(url("endpoint", endpoint), {"page": nonsense}).status_code == 200

    def test_looks_again_by_itself_while_something_is_on_its_way(self, as_owner: Client, endpoint: Endpoint) -> None:
        delivery = make_delivery(endpoint)
        for address in (url("endpoint", endpoint), url("delivery", endpoint, delivery.message_id)):
            assert "load delay:1s" in as_owner.get(address, headers=FRAGMENT).content.decode()
        delivery.status = "delivered"
        delivery.save()
        for address in (url("endpoint", endpoint), url("delivery", endpoint, delivery.message_id)):
            fragment = as_owner.get(address, headers=FRAGMENT).content.decode()
            assert "load delay" not in fragment
            assert "<html" not in fragment


class TestAMessage:
    def test_shows_the_request_and_the_answer(self, as_owner: Client, endpoint: Endpoint) -> None:
        delivery = make_delivery(endpoint, status="failed", tries=1)
        make_attempt(delivery, status_code=500, answer="<script>boom</script>")
        page = as_owner.get(url("delivery", endpoint, delivery.message_id))
        text = page_of(page).text("#delivery")
        assert "500 Internal Server Error" in text
        assert f"webhook-id: {delivery.message_id}" in text
        assert '"type": "run.completed"' in text
        assert "&lt;script&gt;boom" in page.content.decode()

    def test_is_sent_again(self, as_owner: Client, endpoint: Endpoint) -> None:
        delivery = make_delivery(endpoint, status="failed", tries=10)
        assert as_owner.post(url("again", endpoint, delivery.message_id)).status_code == 303
        delivery.refresh_from_db()
        assert (delivery.status, delivery.tries) == ("pending", 0)
        assert verbs() == ["webhooks.endpoint.sent_again"]

    def test_is_a_test_that_one_asks_for(self, as_owner: Client, endpoint: Endpoint) -> None:
        answer = as_owner.post(url("test", endpoint))
        sent = Delivery.objects.get()
        assert answer.headers["Location"] == url("delivery", endpoint, sent.message_id)
        assert json.loads(sent.body)["type"] == "webhook.test"

    @pytest.mark.parametrize("name", ["test", "again"])
    def test_is_not_sent_to_what_is_off(self, name: str, as_owner: Client, endpoint: Endpoint) -> None:
        delivery = make_delivery(endpoint, status="failed")
        Endpoint.objects.update(is_enabled=False)
        more = [delivery.message_id] if name == "again" else []
        assert "Switch it on first" in as_owner.post(url(name, endpoint, *more), follow=True).content.decode()
        assert not Delivery.objects.filter(status="pending").exists()

    def test_of_another_webhook_is_not_found(self, as_owner: Client, support: Team, endpoint: Endpoint) -> None:
        """Nor is one of another team, behind an endpoint of one's own."""
        for other in (make_endpoint(support), make_endpoint(TeamFactory())):
            delivery = make_delivery(other)
            assert as_owner.get(url("delivery", endpoint, delivery.message_id)).status_code == 404
            assert as_owner.post(url("again", endpoint, delivery.message_id)).status_code == 404
