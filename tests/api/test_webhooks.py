"""A team's webhooks by program: made, changed, rotated, tested, deleted, and what they were sent."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Membership, Team, User
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, IdempotencyKey
from agentos.chat.runs.reaper import KEY_LIFE, sweep
from agentos.core import clock
from agentos.core.events import NAMES
from agentos.webhooks.outbound import actions
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint
from tests.api.calls import ROOT, assert_refused, post
from tests.conftest import signed_in
from tests.factories import MembershipFactory, TeamFactory, UserFactory
from tests.webhooks.outbound import bring_what_is_due, make_delivery, make_endpoint, receiving, secret_of

pytestmark = pytest.mark.django_db

WEBHOOKS = f"{ROOT}webhooks/"
BODY = {"name": " My  CRM ", "url": "https://crm.example/in", "events": ["run.failed", "run.completed", "run.failed"]}
KEYS = {
    *("id", "team", "name", "url", "events", "enabled", "off_because", "off_at"),
    *("last_status", "succeeded_at", "old_secret_until", "created_at"),
}
KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
def endpoint(support: Team) -> Endpoint:
    return make_endpoint(support)


@pytest.fixture
def delivery(endpoint: Endpoint) -> Delivery:
    return make_delivery(endpoint)


@pytest.fixture
def second(owner: User) -> Team:
    """Another team that the owner manages."""
    team = TeamFactory(name="Zebra")
    MembershipFactory(team=team, user=owner, role=Membership.Role.ADMIN)
    return team


def url(endpoint: Endpoint, *more: str) -> str:
    return "/".join([f"{WEBHOOKS}{endpoint.hook_id}", *more, ""])


def patch(client: Client, endpoint: Endpoint, body: Any) -> Any:
    return client.patch(url(endpoint), json.dumps(body), content_type="application/json")


def verbs() -> list[str]:
    found = AuditRecord.objects.filter(object_type="webhook").order_by("pk").values_list("verb", flat=True)
    return [verb.removeprefix("webhooks.endpoint.") for verb in found]


def make_attempt(delivery: Delivery, **fields: Any) -> Attempt:
    given = {"at": clock.now(), "seconds": 0.2, "url": delivery.endpoint.url, "headers": {"webhook-id": delivery.message_id}, **fields}
    return Attempt.objects.create(delivery=delivery, **given)


class TestList:
    def test_is_of_the_teams_that_one_manages(self, as_owner: Client, support: Team, second: Team, endpoint: Endpoint) -> None:
        make_endpoint(TeamFactory(name="Others"))
        other = make_endpoint(second)
        body = as_owner.get(WEBHOOKS).json()
        assert [row["id"] for row in body["webhooks"]] == [endpoint.hook_id, other.hook_id]
        assert body["teams"] == [{"id": team.pk, "name": team.name} for team in (support, second)]
        assert set(body["webhooks"][0]) == KEYS
        assert body["webhooks"][0]["team"] == body["teams"][0]

    def test_is_empty_for_plain_members_and_strangers(self, as_member: Client, as_stranger: Client, endpoint: Endpoint) -> None:
        for client in (as_member, as_stranger):
            assert client.get(WEBHOOKS).json() == {"webhooks": [], "teams": []}

    def test_says_how_the_last_message_went_and_what_is_off(self, as_owner: Client, endpoint: Endpoint, owner: User) -> None:
        assert as_owner.get(WEBHOOKS).json()["webhooks"][0]["last_status"] is None
        make_delivery(endpoint)
        actions.disable_endpoint(endpoint=endpoint, by=owner)
        row = as_owner.get(WEBHOOKS).json()["webhooks"][0]
        assert (row["last_status"], row["enabled"], row["off_because"]) == ("failed", False, "Switched off by Olga Owner.")
        assert row["off_at"]

    def test_asks_as_many_queries_for_many(self, as_owner: Client, support: Team) -> None:
        counts = []
        for more in (1, 15):
            for _ in range(more):
                make_delivery(make_endpoint(support))
            with CaptureQueriesContext(connection) as queries:
                assert as_owner.get(WEBHOOKS).json()["webhooks"]
            counts.append(len(queries))
        assert counts == [4, 4]  # the session, the user, the webhooks, the teams


class TestEvents:
    def test_are_told_with_their_meaning(self, as_stranger: Client) -> None:
        events = as_stranger.get(f"{WEBHOOKS}events/").json()["events"]
        assert {event["name"]: event["description"] for event in events} == NAMES


class TestMake:
    def test_answers_with_the_webhook_its_address_and_its_secret(self, as_owner: Client, support: Team) -> None:
        response = post(as_owner, WEBHOOKS, BODY)
        assert response.status_code == 201
        body = response.json()
        made = Endpoint.objects.get()
        assert set(body) == {*KEYS, "secret"}
        assert (body["name"], body["events"], body["enabled"]) == ("My CRM", ["run.completed", "run.failed"], True)
        assert (made.hook_id, made.team, secret_of(made)) == (body["id"], support, body["secret"])
        assert response.headers["Cache-Control"] == "no-store"
        shown = as_owner.get(response.headers["Location"]).json()
        assert shown == {name: value for name, value in body.items() if name != "secret"}
        assert verbs() == ["created", "secret_revealed"]

    def test_takes_the_team_that_is_named_and_asks_which_when_there_are_more(self, as_owner: Client, second: Team) -> None:
        assert_refused(post(as_owner, WEBHOOKS, BODY), 422, "missing_fields", "team")
        assert post(as_owner, WEBHOOKS, {**BODY, "team": second.pk}).json()["team"] == {"id": second.pk, "name": "Zebra"}

    def test_is_for_managers_of_the_team(
        self, as_owner: Client, as_member: Client, as_stranger: Client, owner: User, support: Team
    ) -> None:
        other = TeamFactory()
        assert_refused(post(as_owner, WEBHOOKS, {**BODY, "team": other.pk}), 404, "team_not_found")
        MembershipFactory(team=other, user=owner)
        assert_refused(post(as_owner, WEBHOOKS, {**BODY, "team": other.pk}), 403, "forbidden", "Owners and admins")
        assert_refused(post(as_member, WEBHOOKS, {**BODY, "team": support.pk}), 403, "forbidden")
        assert_refused(post(as_stranger, WEBHOOKS, {**BODY, "team": support.pk}), 404, "team_not_found")
        assert_refused(post(as_stranger, WEBHOOKS, BODY), 403, "forbidden")
        assert not Endpoint.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("name", " ", "1 to 80 characters"),
            ("name", "x" * 81, "1 to 80 characters"),
            ("url", "http://127.0.0.1:8000/", "private or special address"),
            ("url", "ftp://crm.example/", "must begin with https:// or http://"),
            ("events", [], "Choose at least one event"),
            ("events", ["webhook.test"], "Choose at least one event of the list"),
            ("events", "run.failed", "valid list"),
            ("team", "1", "integer"),
            ("team", 0, "greater"),
        ],
    )
    def test_refuses_what_cannot_be_used_and_names_it(self, as_owner: Client, field: str, value: Any, sentence: str) -> None:
        assert_refused(post(as_owner, WEBHOOKS, {**BODY, field: value}), 422, "invalid_fields", f"{field}: ", sentence)
        assert not Endpoint.objects.exists()

    def test_has_its_limit(self, as_owner: Client, support: Team) -> None:
        for _ in range(actions.ENDPOINTS):
            make_endpoint(support)
        assert_refused(post(as_owner, WEBHOOKS, BODY, **KEY), 409, "too_many_webhooks", "20 webhooks")
        assert not IdempotencyKey.objects.exists()


class TestOnce:
    def test_makes_one_webhook_and_shows_its_secret_to_whoever_missed_it(self, as_owner: Client, support: Team) -> None:
        answers = [post(as_owner, WEBHOOKS, BODY, **KEY) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201] * 3
        assert answers[0].json() == answers[1].json() == answers[2].json()
        assert Endpoint.objects.count() == 1
        assert verbs() == ["created", *["secret_revealed"] * 3]

    def test_rotates_once(self, as_owner: Client, endpoint: Endpoint) -> None:
        secrets = [post(as_owner, url(endpoint, "rotate-secret"), {}, **KEY).json()["secret"] for _ in range(2)]
        assert secrets[0] == secrets[1] == secret_of(endpoint)
        assert verbs().count("secret_rotated") == 1

    def test_sends_once(self, as_owner: Client, delivery: Delivery) -> None:
        tests = {post(as_owner, url(delivery.endpoint, "test"), {}, **KEY).json()["id"] for _ in range(2)}
        assert len(tests) == 1
        again = url(delivery.endpoint, "deliveries", delivery.message_id, "send-again")
        for _ in range(2):
            assert post(as_owner, again, {}, **{"Idempotency-Key": "k2"}).status_code == 200
        assert verbs() == ["tested", "sent_again"]

    def test_has_one_use_for_a_key_chats_included(self, as_owner: Client, support: Team, everyone_agent: Any, endpoint: Endpoint) -> None:
        post(as_owner, WEBHOOKS, BODY, **KEY)
        session = {"agent_id": "assistant"}
        for path, body in (
            (WEBHOOKS, {**BODY, "name": "Other"}),
            (url(endpoint, "rotate-secret"), {}),
            (url(endpoint, "test"), {}),
            (f"{ROOT}sessions/", session),
            (f"{ROOT}send-message/", {**session, "message": "Hi", "background": True}),
        ):
            assert_refused(post(as_owner, path, body, **KEY), 422, "key_reused")
        assert post(as_owner, f"{ROOT}sessions/", session, **{"Idempotency-Key": "k2"}).status_code == 201
        assert_refused(post(as_owner, WEBHOOKS, BODY, **{"Idempotency-Key": "k2"}), 422, "key_reused")
        assert (Endpoint.objects.count(), ChatSession.objects.count()) == (2, 1)

    def test_makes_nothing_anew_that_was_deleted(self, as_owner: Client, support: Team) -> None:
        made = post(as_owner, WEBHOOKS, BODY, **KEY)
        as_owner.delete(made.headers["Location"])
        assert_refused(post(as_owner, WEBHOOKS, BODY, **KEY), 404, "webhook_not_found")
        assert not Endpoint.objects.exists()

    def test_shows_nothing_to_whoever_may_no_longer_manage(self, as_owner: Client, owner: User, endpoint: Endpoint) -> None:
        post(as_owner, url(endpoint, "rotate-secret"), {}, **KEY)
        owner.memberships.update(role=Membership.Role.MEMBER)
        assert_refused(post(as_owner, url(endpoint, "rotate-secret"), {}, **KEY), 403, "forbidden")

    def test_is_forgotten_with_the_key(self, as_owner: Client, endpoint: Endpoint) -> None:
        post(as_owner, url(endpoint, "test"), {}, **KEY)
        IdempotencyKey.objects.update(created_at=clock.now() - KEY_LIFE)
        sweep()
        assert not IdempotencyKey.objects.exists()
        assert post(as_owner, url(endpoint, "test"), {}, **KEY).status_code == 201
        assert endpoint.deliveries.count() == 2


class TestChange:
    def test_changes_what_is_named_and_keeps_the_rest(self, as_owner: Client, endpoint: Endpoint) -> None:
        body = patch(as_owner, endpoint, {"url": "https://new.example/in"}).json()
        assert (body["name"], body["url"], body["events"]) == ("CRM", "https://new.example/in", list(NAMES))
        body = patch(as_owner, endpoint, {"name": "Shop", "events": ["run.failed"], "enabled": False}).json()
        assert (body["name"], body["url"], body["events"]) == ("Shop", "https://new.example/in", ["run.failed"])
        assert (body["enabled"], body["off_because"]) == (False, "Switched off by Olga Owner.")
        body = patch(as_owner, endpoint, {"enabled": True}).json()
        assert (body["enabled"], body["off_because"], body["off_at"]) == (True, None, None)
        assert body == as_owner.get(url(endpoint)).json()
        assert verbs() == ["changed", "changed", "off", "on"]

    def test_is_done_all_or_not_at_all(self, as_owner: Client, endpoint: Endpoint) -> None:
        assert_refused(patch(as_owner, endpoint, {"enabled": False, "url": "http://10.0.0.1/"}), 422, "invalid_fields", "url: ")
        endpoint.refresh_from_db()
        assert (endpoint.is_enabled, verbs()) == (True, [])

    @pytest.mark.parametrize(
        "body", [{}, {"name": None}, {"enabled": "yes"}, {"enabled": 1}, {"events": ["run.unknown"]}, {"name": ""}, {"team": 1}, []]
    )
    def test_refuses_what_says_nothing(self, as_owner: Client, endpoint: Endpoint, body: Any) -> None:
        assert_refused(patch(as_owner, endpoint, body), 422, "invalid_fields")


class TestRotate:
    def test_shows_the_new_secret_while_the_old_one_signs_too(self, as_owner: Client, endpoint: Endpoint) -> None:
        old = secret_of(endpoint)
        response = post(as_owner, url(endpoint, "rotate-secret"), {})
        body = response.json()
        endpoint.refresh_from_db()
        assert endpoint.secrets(clock.now()) == [body["secret"], old]
        assert body["old_secret_until"]
        assert response.headers["Cache-Control"] == "no-store"
        assert verbs() == ["secret_rotated", "secret_revealed"]

    def test_mends_a_secret_that_cannot_be_read(self, as_owner: Client, support: Team) -> None:
        post(as_owner, WEBHOOKS, BODY, **KEY)
        made = Endpoint.objects.get()
        Endpoint.objects.update(secret="sealed under another key")
        assert_refused(post(as_owner, WEBHOOKS, BODY, **KEY), 409, "secret_lost", "Rotate it")
        assert post(as_owner, url(made, "rotate-secret"), {}).json()["secret"] == secret_of(made)


class TestDelete:
    def test_takes_it_away_with_its_log(self, as_owner: Client, delivery: Delivery) -> None:
        response = as_owner.delete(url(delivery.endpoint))
        assert (response.status_code, response.content) == (204, b"")
        assert not Delivery.objects.exists()
        assert_refused(as_owner.get(url(delivery.endpoint)), 404, "webhook_not_found")
        assert verbs() == ["deleted"]


class TestDeliveries:
    def test_are_walked_through_newest_first(self, as_owner: Client, endpoint: Endpoint) -> None:
        sent = [make_delivery(endpoint).message_id for _ in range(7)]
        make_delivery(make_endpoint(endpoint.team))
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = as_owner.get(f"{url(endpoint, 'deliveries')}?limit=3&cursor={cursor}").json()
            assert list(page) == ["deliveries", "next"]
            seen += [row["id"] for row in page["deliveries"]]
            cursor = page["next"]
            make_delivery(endpoint)  # what comes in between moves nothing
        assert seen == sent[::-1]

    def test_say_what_came_of_the_last_attempt(self, as_owner: Client, delivery: Delivery) -> None:
        make_attempt(delivery, status_code=500)
        make_attempt(delivery, error="The connection failed.")
        row = as_owner.get(url(delivery.endpoint, "deliveries")).json()["deliveries"][0]
        assert (row["status"], row["status_code"], row["error"]) == ("pending", None, "The connection failed.")
        full = as_owner.get(row["url"]).json()
        assert row == {name: full[name] for name in row}
        assert full["message"] == {"type": "run.completed"}
        assert [(attempt["status_code"], attempt["error"]) for attempt in full["attempts"]] == [
            (None, "The connection failed."),
            (500, None),
        ]

    def test_say_when_the_next_try_is(self, as_owner: Client, delivery: Delivery) -> None:
        one = url(delivery.endpoint, "deliveries", delivery.message_id)
        assert as_owner.get(one).json()["next_try_at"]
        Delivery.objects.update(status=Delivery.Status.DELIVERED)
        assert as_owner.get(one).json()["next_try_at"] is None

    def test_belong_to_their_webhook(self, as_owner: Client, delivery: Delivery) -> None:
        other = make_endpoint(delivery.endpoint.team)
        for path in (url(other, "deliveries", delivery.message_id), url(other, "deliveries", "msg_unknown")):
            assert_refused(as_owner.get(path), 404, "delivery_not_found")
            assert_refused(post(as_owner, f"{path}send-again/", {}), 404, "delivery_not_found")

    @pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=101"])
    def test_refuse_a_page_that_cannot_be(self, as_owner: Client, endpoint: Endpoint, query: str) -> None:
        assert_refused(as_owner.get(f"{url(endpoint, 'deliveries')}?{query}"), 422, "invalid_fields", query.partition("=")[0])

    def test_ask_as_many_queries_for_many(self, as_owner: Client, endpoint: Endpoint) -> None:
        counts = []
        for more in (1, 30):
            for _ in range(more):
                make_attempt(make_delivery(endpoint), status_code=200)
            with CaptureQueriesContext(connection) as queries:
                assert as_owner.get(url(endpoint, "deliveries")).json()["deliveries"]
            counts.append(len(queries))
        assert counts == [5, 5]  # the session, the user, the webhook, the right, the page


class TestSending:
    def test_of_a_test_and_again_needs_a_webhook_that_is_on(self, as_owner: Client, delivery: Delivery, owner: User) -> None:
        actions.disable_endpoint(endpoint=delivery.endpoint, by=owner)
        for path in ("test",), ("deliveries", delivery.message_id, "send-again"):
            assert_refused(post(as_owner, url(delivery.endpoint, *path), {}), 409, "webhook_off", "Switch it on first")

    def test_again_begins_the_schedule_anew(self, as_owner: Client, delivery: Delivery) -> None:
        Delivery.objects.update(status=Delivery.Status.FAILED, tries=9)
        body = post(as_owner, url(delivery.endpoint, "deliveries", delivery.message_id, "send-again"), {}).json()
        assert (body["id"], body["status"], body["tries"]) == (delivery.message_id, "pending", 0)
        assert body["next_try_at"]
        assert verbs() == ["sent_again"]

    async def test_brings_what_is_signed_with_the_secret_that_was_shown(
        self, as_owner: Client, support: Team, settings: Any, db: None
    ) -> None:
        settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]
        call = sync_to_async(post)
        with receiving() as receiver:
            made = await call(as_owner, WEBHOOKS, {**BODY, "url": receiver.url})
            endpoint = await Endpoint.objects.aget(hook_id=made.json()["id"])
            sent = await call(as_owner, url(endpoint, "test"), {})
            assert (sent.status_code, sent.json()["attempts"]) == (201, [])
            await bring_what_is_due()
        (heard,) = receiver.heard
        assert heard.verified(made.json()["secret"])["data"]["webhook"] == {"id": endpoint.hook_id, "name": "My CRM"}
        body = (await sync_to_async(as_owner.get)(sent.headers["Location"])).json()
        assert (body["id"], body["event"], body["status"], body["status_code"]) == (heard.message_id, "webhook.test", "delivered", 200)
        assert (body["attempts"][0]["answer"], body["message"]) == ("thank you", json.loads(heard.body))


class TestRole:
    @pytest.mark.parametrize("role", list(Membership.Role))
    def test_of_owner_or_admin_opens_and_a_members_does_not(self, support: Team, delivery: Delivery, role: Membership.Role) -> None:
        client = signed_in(MembershipFactory(team=support, user=UserFactory(), role=role).user)
        one = url(delivery.endpoint)
        for path in (one, f"{one}deliveries/", f"{one}deliveries/{delivery.message_id}/"):
            response = client.get(path)
            if role is Membership.Role.MEMBER:
                assert_refused(response, 403, "forbidden", "Owners and admins of the team")
            else:
                assert response.status_code == 200
