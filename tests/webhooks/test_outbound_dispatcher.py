"""Bringing messages: signed, on the schedule, through crashes and restarts, to a real receiver."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from agentos.access.models import Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions as chat
from agentos.core import clock
from agentos.core import db as database
from agentos.core.events import NAMES
from agentos.core.pubsub import pubsub
from agentos.core.security.guarded_http import Forbidden
from agentos.webhooks.outbound import actions, results, schedule, sender, wakeup
from agentos.webhooks.outbound import dispatcher as module
from agentos.webhooks.outbound.dispatcher import Dispatcher, _until
from agentos.webhooks.outbound.models import TEST, Attempt, Delivery, Endpoint
from agentos.webhooks.outbound.subscriptions import subscribed
from tests.webhooks.outbound import Answer, Receiver, Watch, bring_what_is_due, make_delivery, make_endpoint, receiving, secret_of


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def endpoint(support: Team, receiver: Receiver) -> Endpoint:
    return make_endpoint(support, receiver.url)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch(timezone.now())
    monkeypatch.setattr(clock, "now", watch)
    return watch


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "JITTER", 0.0)


@pytest.fixture
async def threads() -> AsyncIterator[None]:
    yield
    database.close()


@pytest.fixture
async def dispatcher(threads: None) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher()
    await dispatcher.start()
    yield dispatcher
    await dispatcher.stop(0)


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await database.read(holds):
            await asyncio.sleep(0.01)


async def row(delivery: Delivery) -> Delivery:
    return await Delivery.objects.select_related("endpoint").aget(pk=delivery.pk)


class TestTheCourier:
    async def test_brings_what_happens_as_it_happens(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, team_agent: DjangoAgent, member: User
    ) -> None:
        session = await database.write(chat.create_session, agent=team_agent, by=member)
        await until(lambda: Delivery.objects.filter(status="delivered").exists())
        [heard] = receiver.heard
        said = heard.verified(await database.read(secret_of, endpoint))
        assert (said["type"], said["data"]["session"]["id"]) == ("session.created", session.session_id)
        attempt = await Attempt.objects.aget()
        assert (attempt.status_code, attempt.answer, attempt.url) == (200, "thank you", receiver.url)
        assert heard.headers["content-type"] == "application/json"

    async def test_takes_up_at_its_start_what_was_left(
        self, endpoint: Endpoint, receiver: Receiver, threads: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        delivery = await database.write(make_delivery, endpoint)
        dispatcher = Dispatcher()
        await dispatcher.start()
        await until(lambda: Delivery.objects.filter(status="delivered").exists())
        await dispatcher.stop()
        assert [heard.message_id for heard in receiver.heard] == [delivery.message_id]
        assert [record.message for record in caplog.records if record.name.startswith("agentos")] == []

    async def test_brings_what_another_process_has_stored(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is published about it; the next round finds it."""
        monkeypatch.setattr("agentos.webhooks.outbound.dispatcher.ROUND_SECONDS", 0.05)
        dispatcher.wake()
        await database.write(make_delivery, endpoint)
        await until(lambda: Delivery.objects.filter(status="delivered").exists())

    async def test_lets_no_slow_receiver_hold_up_another(
        self, dispatcher: Dispatcher, support: Team, endpoint: Endpoint, receiver: Receiver
    ) -> None:
        receiver.go_on.clear()
        for _ in range(30):
            await database.write(make_delivery, endpoint)
        with receiving() as quick:
            other = await database.write(make_endpoint, support, quick.url)
            await database.write(make_delivery, other)
            dispatcher.wake()
            await until(lambda: Delivery.objects.filter(endpoint=other, status="delivered").exists())
        await until(lambda: len(receiver.heard) == results.AT_ONCE)
        receiver.go_on.set()
        await until(lambda: Delivery.objects.filter(status="delivered").count() == 31)
        assert len({heard.message_id for heard in receiver.heard}) == len(receiver.heard) == 30

    async def test_goes_quickly_and_leaves_what_it_could_not_finish_to_the_next(
        self, endpoint: Endpoint, receiver: Receiver, threads: None
    ) -> None:
        receiver.go_on.clear()
        delivery = await database.write(make_delivery, endpoint)
        dispatcher = Dispatcher()
        await dispatcher.start()
        await until(lambda: bool(receiver.heard))
        began = time.monotonic()
        await dispatcher.stop(0.1)
        assert time.monotonic() - began < 2
        left = await row(delivery)
        assert (left.status, left.tries) == ("pending", 0)
        assert left.due_at <= clock.now()
        receiver.go_on.set()
        assert await bring_what_is_due() == 1
        assert {heard.message_id for heard in receiver.heard} == {delivery.message_id}

    async def test_survives_a_database_that_is_away(
        self, endpoint: Endpoint, receiver: Receiver, threads: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("agentos.webhooks.outbound.dispatcher.ROUND_SECONDS", 0.02)
        real, calls = results.due, []

        def due(*args: Any) -> Any:
            calls.append(1)
            if len(calls) < 3:
                raise OSError("gone")
            return real(*args)

        monkeypatch.setattr(results, "due", due)
        await database.write(make_delivery, endpoint)
        dispatcher = Dispatcher()
        await dispatcher.start()
        await until(lambda: Delivery.objects.filter(status="delivered").exists())
        await dispatcher.stop()
        assert "the dispatcher tries again" in caplog.text

    async def test_hears_of_endpoints_that_another_process_has_made(
        self, dispatcher: Dispatcher, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribed.assume(frozenset())  # this process has not heard of it
        dispatcher.wake()
        await until(lambda: subscribed.events() == frozenset(NAMES))

    async def test_reaches_no_private_address_that_is_not_allowed(
        self, endpoint: Endpoint, receiver: Receiver, settings: Any, threads: None
    ) -> None:
        settings.AGENTOS_ALLOW_PRIVATE_HOSTS = []
        delivery = await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        assert receiver.heard == []
        assert "private or special address" in (await Attempt.objects.aget(delivery=delivery)).error


class TestARound:
    @pytest.fixture(autouse=True)
    def rests_until_it_is_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "ROUND_SECONDS", 3600.0)

    async def test_begins_as_much_as_there_is_room_for_and_the_rest_after_it(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "AT_ONCE", 2)
        receiver.go_on.clear()
        for _ in range(5):
            await database.write(make_delivery, endpoint)
        dispatcher.wake()
        await until(lambda: len(receiver.heard) == 2)
        dispatcher.wake()
        await until(lambda: not dispatcher.woken.is_set())
        assert len(dispatcher.in_flight) == 2
        receiver.go_on.set()
        await until(lambda: Delivery.objects.filter(status="delivered").count() == 5)
        await until(lambda: not dispatcher.in_flight)

    async def test_is_over_until_somebody_calls(self, dispatcher: Dispatcher, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []
        real = results.due

        def due(*args: Any) -> Any:
            asked.append(1)
            return real(*args)

        monkeypatch.setattr(results, "due", due)
        dispatcher.wake()
        async with asyncio.timeout(10):
            rounds = -1
            while not asked or len(asked) != rounds:
                rounds = len(asked)
                await asyncio.sleep(0.1)

    async def test_asks_once_for_what_it_is_about_to_bring(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The writer is busy, and the dispatcher is called again meanwhile."""
        asked: list[int] = []
        claim, free = results.claim, threading.Event()

        def late(one: results.Due) -> Delivery | None:
            asked.append(one.pk)
            free.wait(10)
            return claim(one)

        monkeypatch.setattr(results, "claim", late)
        delivery = await database.write(make_delivery, endpoint)
        for _ in range(3):
            dispatcher.wake()
            await until(lambda: bool(asked) and not dispatcher.woken.is_set())
        assert len(dispatcher.in_flight) == 1
        free.set()
        await until(lambda: Delivery.objects.filter(status="delivered").exists())
        assert asked == [delivery.pk]

    async def test_leaves_to_another_process_what_that_one_has_taken(
        self,
        dispatcher: Dispatcher,
        endpoint: Endpoint,
        receiver: Receiver,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        asked: list[results.Due] = []
        monkeypatch.setattr(results, "claim", asked.append)  # which returns None: another one was first
        await database.write(make_delivery, endpoint)
        dispatcher.wake()
        await until(lambda: bool(asked) and not dispatcher.in_flight)
        assert (receiver.heard, caplog.text) == ([], "")

    async def test_makes_what_it_sends_with_once_and_not_before_it_is_needed(
        self, dispatcher: Dispatcher, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[Any] = []
        real = sender.new_client

        def new_client() -> Any:
            made.append(real())
            return made[-1]

        monkeypatch.setattr(sender, "new_client", new_client)
        dispatcher.wake()
        await until(lambda: not dispatcher.woken.is_set())
        assert made == []
        for _ in range(2):
            await database.write(make_delivery, endpoint)
            dispatcher.wake()
            await until(lambda: not Delivery.objects.exclude(status="delivered").exists())
        assert len(made) == 1
        await dispatcher.stop()
        assert made[0].is_closed

    async def test_forgets_what_is_old_in_batches_now_and_then(
        self, threads: None, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts, calls = [results.BATCH, results.BATCH, 3], list[int]()

        def forget_old() -> int:
            calls.append(1)
            return counts.pop(0) if counts else 0

        monkeypatch.setattr(results, "forget_old", forget_old)
        dispatcher = Dispatcher()
        await dispatcher.start()
        await until(lambda: len(calls) >= 3)
        for _ in range(3):
            await dispatcher._round()
        assert len(calls) == 3  # an hour has not passed
        dispatcher.tidied -= module.TIDY_EVERY
        await dispatcher._round()
        await dispatcher._round()
        assert len(calls) == 4
        await dispatcher.stop()

    async def test_says_so_when_what_came_back_could_not_be_written_down(
        self,
        dispatcher: Dispatcher,
        endpoint: Endpoint,
        receiver: Receiver,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*args: Any) -> None:
            raise OSError("gone")

        monkeypatch.setattr(results, "record_outcome", fail)
        await database.write(make_delivery, endpoint)
        dispatcher.wake()
        await until(lambda: bool(receiver.heard) and not dispatcher.in_flight)
        assert "it is due again when its lease is over" in caplog.text
        assert dispatcher.rounds
        assert not dispatcher.rounds.done()

    async def test_comes_for_the_next_message_in_time(self, watch: Watch) -> None:
        assert _until(None) == module.ROUND_SECONDS
        for seconds, waits in ((-9, 0.05), (0.01, 0.05), (2, 2), (10**6, module.ROUND_SECONDS)):
            assert _until(watch.at + timedelta(seconds=seconds)) == waits

    async def test_is_called_by_what_another_process_has_stored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        dispatcher = Dispatcher()
        monkeypatch.setattr(dispatcher, "_go_round", dispatcher.woken.wait)  # which stands for the next round
        await dispatcher.start()
        async with asyncio.timeout(20):
            while not pubsub.has_subscribers(wakeup.TOPIC):
                await asyncio.sleep(0.01)
        assert dispatcher.rounds
        assert not dispatcher.rounds.done()
        pubsub.publish(wakeup.TOPIC)
        await asyncio.wait_for(dispatcher.rounds, 20)
        await dispatcher.stop()
        assert not pubsub.has_subscribers(wakeup.TOPIC)

    async def test_is_not_called_for_before_its_start_nor_after_its_end(self, db: None, threads: None) -> None:
        dispatcher = Dispatcher()
        dispatcher.wake()
        await dispatcher.stop()  # which nobody has started
        await dispatcher.start()
        await dispatcher.stop()
        dispatcher.woken.clear()
        wakeup.now()
        await asyncio.sleep(0)
        assert not dispatcher.woken.is_set()
        assert dispatcher.rounds
        assert dispatcher.rounds.done()


class TestTheSchedule:
    async def test_is_the_published_one(self, endpoint: Endpoint, receiver: Receiver, watch: Watch, no_jitter: None, threads: None) -> None:
        receiver.answers = [Answer(500)]
        began = watch.at
        delivery = await database.write(make_delivery, endpoint)
        times = []
        while (now := await row(delivery)).status == "pending":
            watch.at = now.due_at - timedelta(milliseconds=1)
            assert await bring_what_is_due() == 0
            watch.at = now.due_at
            assert await bring_what_is_due() == 1
            times.append(watch.at - began)
        waits = [later - earlier for earlier, later in pairwise(times)]
        hours = [timedelta(hours=count) for count in (2, 5, 10, 14, 20, 24)]
        assert waits == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *hours]
        assert times[0] == timedelta()
        assert times[-1] == timedelta(hours=75, minutes=35, seconds=5)
        assert len({heard.message_id for heard in receiver.heard}) == 1
        assert len({heard.headers["webhook-timestamp"] for heard in receiver.heard}) == 10

    def test_has_jitter_that_never_comes_early(self) -> None:
        now = timezone.now()
        for tries, wait in enumerate(schedule.WAITS):
            times = {schedule.next_try(tries, now, None) for _ in range(50)}
            assert all(at is not None and timedelta() <= at - now - wait <= wait * schedule.JITTER for at in times)
            assert tries == 0 or len(times) > 10
        assert schedule.next_try(len(schedule.WAITS), now, None) is None

    async def test_ends_with_the_endpoint_switched_off_when_nothing_got_through(
        self, endpoint: Endpoint, receiver: Receiver, watch: Watch, threads: None
    ) -> None:
        receiver.answers = [Answer(500)]
        last = await database.write(make_delivery, endpoint, tries=9)
        waiting = await database.write(make_delivery, endpoint, due_at=watch.at + timedelta(hours=1))
        await bring_what_is_due()
        off = await Endpoint.objects.aget(pk=endpoint.pk)
        assert (off.is_enabled, off.off_because, off.off_by_person) == (False, results.NOTHING_GOT_THROUGH, False)
        assert {(await row(last)).status, (await row(waiting)).status} == {"failed"}
        assert (await AuditRecord.objects.aget(verb="webhooks.endpoint.off")).actor_id is None

    async def test_leaves_the_endpoint_on_when_other_messages_got_through(
        self, endpoint: Endpoint, receiver: Receiver, threads: None
    ) -> None:
        last = await database.write(make_delivery, endpoint, tries=9)
        await Endpoint.objects.filter(pk=endpoint.pk).aupdate(succeeded_at=clock.now())
        receiver.answers = [Answer(500)]
        await bring_what_is_due()
        assert (await row(last)).status == "failed"
        assert (await Endpoint.objects.aget(pk=endpoint.pk)).is_enabled


class TestAnAnswer:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    async def test_of_200_to_299_is_success(self, status: int, endpoint: Endpoint, receiver: Receiver, threads: None) -> None:
        receiver.answers = [Answer(status, body=b"")]
        delivery = await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        assert (await row(delivery)).status == "delivered"
        assert (await Endpoint.objects.aget(pk=endpoint.pk)).succeeded_at is not None

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 500, 503])
    async def test_of_any_other_kind_is_tried_again(self, status: int, endpoint: Endpoint, receiver: Receiver, threads: None) -> None:
        receiver.answers = [Answer(status, {"Location": receiver.url + "/elsewhere"})]
        delivery = await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        now = await row(delivery)
        assert (now.status, now.tries, len(receiver.heard)) == ("pending", 1, 1)
        assert (await Attempt.objects.aget()).status_code == status

    async def test_410_switches_the_endpoint_off_at_once(self, endpoint: Endpoint, receiver: Receiver, threads: None) -> None:
        receiver.answers = [Answer(410)]
        delivery = await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        off = await Endpoint.objects.aget(pk=endpoint.pk)
        assert (off.is_enabled, off.off_because) == (False, results.GONE)
        assert (await row(delivery)).status == "failed"

    @pytest.mark.parametrize("status", [429, 502, 504])
    async def test_that_means_overload_gives_the_whole_endpoint_a_pause(
        self, status: int, endpoint: Endpoint, receiver: Receiver, watch: Watch, threads: None
    ) -> None:
        receiver.answers = [Answer(status), Answer()]
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        other = await database.write(make_delivery, endpoint)
        assert await bring_what_is_due() == 0
        watch.at += schedule.PAUSE
        await bring_what_is_due()
        assert (await row(other)).status == "delivered"

    @pytest.mark.parametrize("form", ["seconds", "date"])
    async def test_that_says_when_to_come_again_is_obeyed(
        self, form: str, endpoint: Endpoint, receiver: Receiver, watch: Watch, threads: None
    ) -> None:
        watch.at = watch.at.replace(microsecond=0)
        later = watch.at + timedelta(hours=3)
        receiver.answers = [Answer(503, {"Retry-After": "10800" if form == "seconds" else format_datetime(later, usegmt=False)}), Answer()]
        delivery = await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        watch.at = later - timedelta(seconds=1)
        assert await bring_what_is_due() == 0
        watch.at = later
        assert await bring_what_is_due() == 1
        assert (await row(delivery)).status == "delivered"

    @pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "٣", "Fri, 31 Dec 9999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_that_asks_for_nonsense_asks_for_a_day_at_most(self, text: str) -> None:
        pause = schedule.pause_of(text, datetime.now(tz=timezone.get_current_timezone()))
        assert pause is None or timedelta() <= pause <= schedule.LONGEST_PAUSE

    def test_that_asks_for_a_while_may_have_blanks_around_it(self) -> None:
        assert schedule.pause_of(" 10 ", datetime.now(tz=timezone.get_current_timezone())) == timedelta(seconds=10)

    async def test_is_kept_to_its_beginning(self, endpoint: Endpoint, receiver: Receiver, threads: None) -> None:
        receiver.answers = [Answer(body=b"a\0b" + b"\xff" + b"x" * 500_000)]
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        kept = (await Attempt.objects.aget()).answer
        assert kept.startswith("a\ufffdb\ufffdxxx")
        assert len(kept) == 2000

    async def test_is_not_read_any_further_than_it_is_kept(self) -> None:
        """Its sender may never end it."""
        read: list[int] = []

        async def chunks() -> AsyncIterator[bytes]:
            while True:
                read.append(1)
                assert len(read) < 9
                yield b"x" * (sender.ANSWER_KEPT // 2)

        assert await sender._beginning(httpx2.Response(200, content=chunks())) == "x" * sender.ANSWER_KEPT
        assert len(read) == 2

    @pytest.mark.parametrize(
        ("trouble", "sentence"),
        [
            (TimeoutError(), "No answer came within 20 seconds."),
            (httpx2.ReadTimeout("slow"), "No answer came within 20 seconds."),
            (httpx2.ConnectError("refused\0"), "The connection failed: refused\ufffd"),
            (httpx2.ConnectError(""), "The connection failed."),
            (httpx2.ConnectError("x" * 999), f"The connection failed: {'x' * 999}"[: sender.ERROR_KEPT]),
            (ValueError("sk-secret"), "The request could not be made (ValueError)."),
            (Forbidden("That host may not be reached."), "That host may not be reached."),
        ],
    )
    def test_that_does_not_come_is_said_in_a_sentence(self, trouble: Exception, sentence: str) -> None:
        assert sender._sentence(trouble) == sentence

    async def test_that_does_not_come_is_a_failure(self, support: Team, receiver: Receiver, threads: None) -> None:
        with receiving() as gone:
            url = gone.url
        delivery = await database.write(make_delivery, await database.write(make_endpoint, support, url))
        await bring_what_is_due()
        assert ((await row(delivery)).status, (await row(delivery)).tries) == ("pending", 1)
        assert "connection failed" in (await Attempt.objects.aget()).error


class TestALease:
    async def test_is_taken_by_one_of_many(self, endpoint: Endpoint, threads: None) -> None:
        delivery = await database.write(make_delivery, endpoint)
        (one,), _ = await database.read(results.due, 10)
        claims = [await database.write(results.claim, one) for _ in range(3)]
        assert [bool(claim) for claim in claims] == [True, False, False]
        assert (await database.read(results.due, 10))[0] == []
        assert (await row(delivery)).tries == 0

    async def test_ends_with_a_sender_that_died(self, endpoint: Endpoint, receiver: Receiver, watch: Watch, threads: None) -> None:
        delivery = await database.write(make_delivery, endpoint)
        (one,), _ = await database.read(results.due, 10)
        await database.write(results.claim, one)  # and nothing more is heard of it
        watch.at += results.LEASE - timedelta(seconds=1)
        assert await bring_what_is_due() == 0
        watch.at += timedelta(seconds=1)
        assert await bring_what_is_due() == 1
        assert (await row(delivery)).status == "delivered"

    async def test_that_is_over_lets_nothing_be_decided(self, endpoint: Endpoint, receiver: Receiver, watch: Watch, threads: None) -> None:
        """A sender that wakes up late logs what it did; the one after it has decided."""
        delivery = await database.write(make_delivery, endpoint)
        (one,), _ = await database.read(results.due, 10)
        late = await database.write(results.claim, one)
        assert late is not None
        watch.at += results.LEASE
        receiver.answers = [Answer(500)]
        await bring_what_is_due()
        failed = results.Outcome(at=watch.at, seconds=1.0, url=receiver.url, headers={}, status_code=410)
        await database.write(results.record_outcome, late, failed)
        assert ((await row(delivery)).status, (await row(delivery)).tries) == ("pending", 1)
        assert (await Endpoint.objects.aget(pk=endpoint.pk)).is_enabled
        assert await Attempt.objects.acount() == 2

    async def test_of_an_endpoint_that_was_deleted_meanwhile_ends_in_nothing(
        self, endpoint: Endpoint, receiver: Receiver, threads: None
    ) -> None:
        await database.write(make_delivery, endpoint)
        (one,), _ = await database.read(results.due, 10)
        claimed = await database.write(results.claim, one)
        assert claimed is not None
        await database.write(lambda: Endpoint.objects.all().delete())
        await database.write(
            results.record_outcome, claimed, results.Outcome(at=clock.now(), seconds=1.0, url="", headers={}, status_code=200)
        )
        assert await Attempt.objects.acount() == 0


class TestTheSecret:
    async def test_of_before_signs_for_a_day_beside_the_new_one(
        self, endpoint: Endpoint, receiver: Receiver, watch: Watch, owner: User, threads: None
    ) -> None:
        old = await database.read(secret_of, endpoint)
        await database.write(actions.rotate_secret, endpoint=endpoint, by=owner)
        new = await database.read(secret_of, endpoint)
        assert old != new
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        for secret in (old, new):
            receiver.heard[0].verified(secret)
        watch.at += actions.BOTH_VALID
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        before, after = (heard.headers["webhook-signature"].split() for heard in receiver.heard)
        assert (len(before), len(after)) == (2, 1)

    async def test_decides_what_a_receiver_believes(self, endpoint: Endpoint, receiver: Receiver, threads: None) -> None:
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        [heard] = receiver.heard
        secret = await database.read(secret_of, endpoint)
        heard.verified(secret)
        other = await database.write(make_endpoint, endpoint.team, receiver.url)
        with pytest.raises(WebhookVerificationError):
            heard.verified(await database.read(secret_of, other))
        heard.body += b" "
        with pytest.raises(WebhookVerificationError):
            heard.verified(secret)

    async def test_that_cannot_be_read_sends_nothing(self, endpoint: Endpoint, receiver: Receiver, settings: Any, threads: None) -> None:
        settings.SECRET_KEY = "another-key" * 6
        await database.write(make_delivery, endpoint)
        await bring_what_is_due()
        assert receiver.heard == []
        assert "rotate the secret" in (await Attempt.objects.aget()).error


class TestATest:
    async def test_is_sent_once_and_says_what_it_is(
        self, endpoint: Endpoint, receiver: Receiver, owner: User, watch: Watch, threads: None
    ) -> None:
        receiver.answers = [Answer(500)]
        sent = await database.write(actions.send_test, endpoint=endpoint, by=owner)
        await bring_what_is_due()
        assert receiver.heard[0].event == TEST
        assert (await row(sent)).status == "failed"
        watch.at += timedelta(days=7)
        assert await bring_what_is_due() == 0
        assert (await Endpoint.objects.aget(pk=endpoint.pk)).is_enabled


class TestSendingAgain:
    async def test_sends_the_same_message_and_begins_the_schedule_anew(
        self, endpoint: Endpoint, receiver: Receiver, owner: User, threads: None
    ) -> None:
        delivery = await database.write(make_delivery, endpoint, status="failed", tries=10)
        await database.write(actions.send_again, delivery=await row(delivery), by=owner)
        receiver.answers = [Answer(500)]
        await bring_what_is_due()
        assert ((await row(delivery)).status, (await row(delivery)).tries) == ("pending", 1)
        assert receiver.heard[0].message_id == delivery.message_id


class TestTheLog:
    async def test_forgets_what_is_over_after_a_month(self, endpoint: Endpoint, watch: Watch, threads: None) -> None:
        old = watch.at - results.KEPT - timedelta(seconds=1)
        for status in ("delivered", "failed", "pending"):
            await database.write(make_delivery, endpoint, status=status, created_at=old)
        await database.write(make_delivery, endpoint, status="delivered")
        assert await database.write(results.forget_old) == 2
        assert await Delivery.objects.acount() == 2
