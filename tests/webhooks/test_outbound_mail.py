"""The mail that says that the system has switched a webhook off: to whom, and with what in it. It is sent by the outbox."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from agentos.access import outbox
from agentos.access.models import Membership, Team, User
from agentos.core import db as database
from agentos.core.mail import site
from agentos.webhooks.outbound import actions, results
from agentos.webhooks.outbound.dispatcher import Dispatcher
from agentos.webhooks.outbound.models import Delivery, Endpoint
from tests.conftest import signed_in
from tests.factories import MembershipFactory
from tests.webhooks.outbound import Answer, Receiver, make_delivery, make_endpoint, receiving, secret_of


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]
    with receiving() as receiver:
        receiver.answers = [Answer(410)]
        yield receiver


@pytest.fixture
def endpoint(support: Team, receiver: Receiver) -> Endpoint:
    return make_endpoint(support, f"{receiver.url}?key=s3cret", name="CRM")


@pytest.fixture
async def dispatcher(db: None) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher()
    await dispatcher.start()
    yield dispatcher
    await dispatcher.stop(0)
    database.close()


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await database.read(holds):
            await asyncio.sleep(0.01)


async def mailed(dispatcher: Dispatcher) -> None:
    """Wait until everything has been tried, and send what is to be mailed."""
    await until(lambda: not dispatcher.in_flight)
    await database.write(outbox.send_due)


async def fail(endpoint: Endpoint, dispatcher: Dispatcher, **fields: Any) -> None:
    """Let the endpoint be switched off, and wait until whoever should hear of it has been told."""
    await database.write(make_delivery, endpoint, **fields)
    dispatcher.wake()
    await until(lambda: not Endpoint.objects.get(pk=endpoint.pk).is_enabled)
    await mailed(dispatcher)


class TestTheMail:
    async def test_goes_to_each_owner_and_admin_of_the_team(
        self, dispatcher: Dispatcher, endpoint: Endpoint, support: Team, owner: User, member: User, suspended: User, operator: User
    ) -> None:
        def more() -> None:
            MembershipFactory(team=support, role=Membership.Role.ADMIN, user__email="admin@example.com")
            MembershipFactory(team=support, role=Membership.Role.ADMIN, user__email="gone@example.com", user__is_active=False)
            MembershipFactory(team=support, role=Membership.Role.ADMIN, user__email="endpoint_1@service.invalid")
            MembershipFactory(role=Membership.Role.OWNER, user__email="elsewhere@example.com")

        await database.write(more)
        await fail(endpoint, dispatcher)
        assert sorted(letter.to for letter in mail.outbox) == [["admin@example.com"], ["owner@example.com"]]
        assert {tuple(letter.recipients()) for letter in mail.outbox} == {("admin@example.com",), ("owner@example.com",)}

    async def test_says_which_webhook_and_why_and_nothing_secret(self, dispatcher: Dispatcher, endpoint: Endpoint, owner: User) -> None:
        await fail(endpoint, dispatcher)
        [letter] = mail.outbox
        assert letter.subject == "The webhook “CRM” was switched off"
        assert letter.body.startswith("Hello Olga Owner,\n\nthe webhook “CRM” of the team Support was switched off. ")
        assert results.GONE in letter.body
        for secret in ("s3cret", endpoint.url, endpoint.secret, await database.read(secret_of, endpoint)):
            assert secret not in str(letter.message())

    async def test_comes_after_days_in_which_nothing_got_through(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, owner: User
    ) -> None:
        receiver.answers = [Answer(500)]
        await fail(endpoint, dispatcher, tries=9)
        assert results.NOTHING_GOT_THROUGH in mail.outbox[0].body

    async def test_links_to_the_page_where_it_is_switched_on(
        self, dispatcher: Dispatcher, endpoint: Endpoint, owner: User, settings: Any
    ) -> None:
        settings.AGENTOS_ORIGIN = "https://chat.example.com"
        await fail(endpoint, dispatcher)
        link = re.search(r"https://chat\.example\.com(\S+)", str(mail.outbox[0].body))
        assert link
        assert link[1] == reverse("webhooks_out:endpoint", args=[endpoint.hook_id])
        page = await database.read(lambda: signed_in(owner).get(link[1]))
        assert "Switch on" in page.content.decode()

    async def test_comes_once(self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, owner: User) -> None:
        """Of several messages that end it together, and of one that was stored just while it was switched off."""
        await database.write(lambda: [make_delivery(endpoint) for _ in range(4)] and None)
        await fail(endpoint, dispatcher)
        await database.write(make_delivery, endpoint)
        dispatcher.wake()
        await until(lambda: not Delivery.objects.filter(status="pending").exists())
        await mailed(dispatcher)
        assert len(mail.outbox) == 1

    async def test_that_cannot_be_written_changes_nothing(
        self, dispatcher: Dispatcher, endpoint: Endpoint, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail_to_write() -> str:
            raise LookupError

        monkeypatch.setattr("agentos.core.mail.site", fail_to_write)
        await fail(endpoint, dispatcher)
        assert f"The mail that the webhook {endpoint.hook_id} is off could not be written." in caplog.text
        assert (await Delivery.objects.aget()).status == "failed"

    async def test_does_not_come_when_a_person_did_it(self, endpoint: Endpoint, owner: User) -> None:
        delivery = await database.write(make_delivery, endpoint)
        await database.write(actions.disable_endpoint, endpoint=endpoint, by=owner)
        outcome = results.Outcome(at=delivery.created_at, seconds=1.0, url="", headers={}, status_code=410)
        await database.write(results.record_outcome, delivery, outcome)
        await database.write(outbox.send_due)
        assert mail.outbox == []

    async def test_does_not_come_while_it_is_tried_again(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, owner: User
    ) -> None:
        receiver.answers = [Answer(500)]
        await database.write(make_delivery, endpoint)
        dispatcher.wake()
        await until(lambda: Delivery.objects.filter(tries__gte=1).exists())
        await mailed(dispatcher)
        assert mail.outbox == []


class TestTheSite:
    @pytest.mark.parametrize(
        ("changed", "origin"),
        [
            ({"ORIGIN": "https://chat.example.com"}, "https://chat.example.com"),
            ({"ORIGIN": "https://chat.example.com:8443", "LOCAL": False}, "https://chat.example.com:8443"),
            ({"LOCAL": True, "PORT": 8123, "ALLOWED_HOSTS": ["localhost", "127.0.0.1"]}, "http://localhost:8123"),
            ({"LOCAL": False, "ALLOWED_HOSTS": ["chat.example.com", "other.example.com"]}, "https://chat.example.com"),
            ({"LOCAL": False, "ALLOWED_HOSTS": [".example.com"]}, "https://example.com"),
            ({"LOCAL": False, "INSECURE_HTTP": True, "ALLOWED_HOSTS": ["intranet"]}, "http://intranet"),
        ],
    )
    def test_is_where_the_settings_say(self, changed: dict[str, Any], origin: str, settings: Any) -> None:
        for name, value in {"ORIGIN": "", "INSECURE_HTTP": False, **changed}.items():
            setattr(settings, name if name == "ALLOWED_HOSTS" else f"AGENTOS_{name}", value)
        assert site() == origin
