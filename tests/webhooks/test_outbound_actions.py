"""What a team does with its endpoints, beside what pages and programs see of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions as chat
from agentos.core import clock
from agentos.core.pubsub import pubsub
from agentos.core.security.secrets import seal
from agentos.webhooks.outbound import actions, wakeup
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint
from tests.factories import TeamFactory
from tests.webhooks.outbound import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "https://crm.example/in"


def create(team: Team, by: User, **fields: Any) -> Endpoint:
    return actions.create_endpoint(**{"team": team, "name": "CRM", "url": URL, "events": ["run.failed"], "by": by, **fields})


def verbs() -> list[str]:
    return list(AuditRecord.objects.filter(object_type="webhook").order_by("pk").values_list("verb", flat=True))


class TestTheLimit:
    def test_is_of_each_team(self, support: Team, owner: User) -> None:
        other = TeamFactory()
        for _ in range(actions.ENDPOINTS):
            make_endpoint(other)
        create(support, owner)
        with pytest.raises(actions.TooMany):
            create(other, owner)

    def test_is_counted_while_the_team_is_held(self, support: Team, owner: User) -> None:
        """Two that are made at the same moment do not count past each other."""
        with CaptureQueriesContext(connection) as asked:
            create(support, owner)
        about = [query["sql"] for query in asked if '"access_team"' in query["sql"] or "COUNT(" in query["sql"]]
        assert '"access_team"' in about[0]
        assert "COUNT(" in about[1]
        assert connection.vendor == "sqlite" or "FOR UPDATE" in about[0]


class TestAName:
    @pytest.mark.parametrize(("length", "is_taken"), [(0, False), (1, True), (actions.NAME_LIMIT, True), (actions.NAME_LIMIT + 1, False)])
    def test_has_1_to_80_characters(self, length: int, is_taken: bool, support: Team, owner: User) -> None:
        if is_taken:
            assert create(support, owner, name="x" * length).name == "x" * length
            return
        with pytest.raises(actions.InvalidEndpoint) as refused:
            create(support, owner, name="x" * length)
        assert (refused.value.status, refused.value.code, refused.value.field) == (422, "invalid_fields", "name")

    def test_and_url_lose_the_space_around_them(self, support: Team, owner: User) -> None:
        made = create(support, owner, name="  My   CRM ", url=f" {URL}\n")
        assert (made.name, made.url) == ("My CRM", URL)


class TestSwitching:
    def test_twice_is_once(self, support: Team, owner: User) -> None:
        endpoint = make_endpoint(support)
        for change in (actions.disable_endpoint, actions.disable_endpoint, actions.enable_endpoint, actions.enable_endpoint):
            change(endpoint=endpoint, by=owner)
        assert verbs() == ["webhooks.endpoint.off", "webhooks.endpoint.on"]

    def test_gives_up_what_waited_and_leaves_alone_what_is_over_or_of_others(self, support: Team, owner: User) -> None:
        endpoint = make_endpoint(support)
        sent = [make_delivery(endpoint), make_delivery(endpoint, status="delivered"), make_delivery(make_endpoint(support))]
        actions.disable_endpoint(endpoint=endpoint, by=owner)
        assert [Delivery.objects.get(pk=each.pk).status for each in sent] == ["failed", "delivered", "pending"]


@pytest.mark.parametrize("told", [[], [(wakeup.TOPIC,)]])
def test_others_are_told_where_nothing_is_sent(told: list[tuple[str, ...]], db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(pubsub, "tell_others", lambda *topics: found.append(topics))
    wakeup.use(None if told else lambda: None)
    wakeup.after_commit()
    wakeup.use(None)
    assert found == told


class TestTheCourierIsCalled:
    """Once what it brings is stored; it would come by itself only seconds later."""

    @pytest.fixture(autouse=True)
    def calls(self) -> Iterator[list[str]]:
        calls: list[str] = []
        wakeup.use(lambda: calls.append("now"))
        yield calls
        wakeup.use(None)

    def test_for_what_happens_in_a_chat(
        self, calls: list[str], support: Team, team_agent: DjangoAgent, member: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        make_endpoint(support)
        with django_capture_on_commit_callbacks(execute=True):
            chat.create_session(agent=team_agent, by=member)
            assert calls == []
        assert calls == ["now"]

    def test_for_a_test_and_for_what_is_sent_again(
        self, calls: list[str], support: Team, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        endpoint = make_endpoint(support)
        with django_capture_on_commit_callbacks(execute=True):
            sent = actions.send_test(endpoint=endpoint, by=owner)
        assert calls == ["now"]
        with django_capture_on_commit_callbacks(execute=True):
            actions.send_again(delivery=sent, by=owner)
        assert calls == ["now", "now"]


class TestAnEndpoint:
    @pytest.mark.parametrize(("seconds", "is_rotating"), [(1, True), (0, False), (-1, False)])
    def test_rotates_as_long_as_two_secrets_count(
        self, seconds: int, is_rotating: bool, support: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now)
        endpoint = make_endpoint(support, old_secret=seal("whsec_b2xk"), old_secret_until=now + timedelta(seconds=seconds))
        assert (endpoint.is_rotating, len(endpoint.secrets(now))) == (is_rotating, 2 if is_rotating else 1)

    def test_does_not_rotate_without_an_old_secret(self, support: Team) -> None:
        endpoint = make_endpoint(support, old_secret="", old_secret_until=clock.now() + timedelta(hours=1))
        assert (endpoint.is_rotating, len(endpoint.secrets(clock.now()))) == (False, 1)
        endpoint.old_secret, endpoint.old_secret_until = seal("whsec_b2xk"), None
        assert (endpoint.is_rotating, len(endpoint.secrets(clock.now()))) == (False, 1)


class TestADelivery:
    @pytest.mark.parametrize(
        ("status", "tries", "is_first"), [("pending", 0, True), ("pending", 1, False), ("delivered", 0, False), ("failed", 1, False)]
    )
    def test_is_looked_at_again_soon_before_its_first_answer(self, status: str, tries: int, is_first: bool) -> None:
        assert Delivery(status=status, tries=tries).is_first_try == is_first

    @pytest.mark.parametrize(("code", "is_success"), [(None, False), (199, False), (200, True), (299, True), (300, False)])
    def test_has_got_through_with_200_to_299(self, code: int | None, is_success: bool) -> None:
        assert Attempt(status_code=code).is_success == is_success
