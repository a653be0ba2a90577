"""What becomes of a delivery: who sends it next, who holds it, what is written down of each request, and when it is forgotten."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from agentos.access.models import Letter
from agentos.core import clock
from agentos.webhooks.outbound import results
from agentos.webhooks.outbound.models import TEST, Delivery, Endpoint
from agentos.webhooks.outbound.results import AT_ONCE, KEPT, LEASE, Due, Outcome, claim, due, forget_old, give_back, record_outcome
from agentos.webhooks.outbound.schedule import PAUSE, WAITS
from tests.factories import DeliveryFactory, HookFactory, MembershipFactory

SECOND = timedelta(seconds=1)
Status = Delivery.Status


def delivery(endpoint: Endpoint | None = None, *, late: float = 1, **fields: Any) -> Delivery:
    """One that is due since ``late`` seconds."""
    made: Delivery = DeliveryFactory(**({"endpoint": endpoint} if endpoint else {}), due_at=clock.now() - timedelta(seconds=late), **fields)
    return made


def claimed(one: Delivery) -> Delivery:
    found = claim(Due(one.pk, one.claims, one.endpoint_id))
    assert found is not None
    return found


def outcome(status_code: int | None = 200, **more: Any) -> Outcome:
    return Outcome(at=clock.now(), seconds=0.1, url="https://hooks.example.com/", headers={}, status_code=status_code, **more)


def ready(room: int = 100, in_flight: Collection[Due] = ()) -> list[int]:
    return [one.pk for one in due(room, in_flight)[0]]


def under_way(endpoint: Endpoint, count: int) -> list[Due]:
    return [Due(-number, 0, endpoint.pk) for number in range(1, count + 1)]


@pytest.mark.django_db
class TestDue:
    def test_is_what_waits_longest_as_far_as_there_is_room(self) -> None:
        second, first, third = delivery(late=5), delivery(late=9), delivery(late=1)
        assert ready() == [first.pk, second.pk, third.pk]
        assert ready(room=2) == [first.pk, second.pk]
        assert ready(room=0) == []

    def test_is_neither_what_is_over_nor_what_comes_later(self) -> None:
        delivery(status=Status.DELIVERED)
        delivery(status=Status.FAILED)
        later = delivery(late=-60)
        found, next_at = due(10)
        assert (found, next_at) == ([], later.due_at)
        later.delete()
        assert due(10) == ([], None)

    def test_is_only_so_much_of_one_endpoint(self) -> None:
        endpoint = HookFactory()
        for _ in range(AT_ONCE + 1):
            delivery(endpoint)
        other = delivery(late=0.1)
        assert len(ready()) == AT_ONCE + 1
        assert other.pk in ready()
        assert len(ready(in_flight=under_way(endpoint, AT_ONCE - 1))) == 2
        assert ready(in_flight=under_way(endpoint, AT_ONCE)) == [other.pk]

    def test_leaves_the_room_to_others_than_what_is_under_way_and_not_claimed_yet(self) -> None:
        first, second = delivery(late=9), delivery(late=5)
        assert ready(room=1, in_flight=[Due(first.pk, first.claims, first.endpoint_id)]) == [second.pk]

    def test_is_not_hidden_behind_all_that_waits_for_a_full_endpoint(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(results, "LOOK_AT", 3)
        endpoint = HookFactory()
        for _ in range(4):
            delivery(endpoint)
        other = delivery(late=0.1)
        assert ready(in_flight=under_way(endpoint, AT_ONCE)) == [other.pk]

    def test_is_nothing_of_an_endpoint_that_asked_for_a_pause(self) -> None:
        endpoint = HookFactory(not_before=clock.now() + 60 * SECOND)
        delivery(endpoint)
        assert ready() == []
        Endpoint.objects.update(not_before=clock.now() - SECOND)
        assert len(ready()) == 1


@pytest.mark.django_db
class TestAClaim:
    def test_is_one_senders_for_the_length_of_a_lease(self) -> None:
        one = delivery()
        seen = Due(one.pk, one.claims, one.endpoint_id)
        mine = claim(seen)
        assert mine is not None
        assert clock.now() + LEASE - 5 * SECOND < mine.due_at <= clock.now() + LEASE
        assert claim(seen) is None
        assert ready() == []

    def test_is_not_made_on_what_is_over(self) -> None:
        one = delivery(status=Status.FAILED)
        assert claim(Due(one.pk, one.claims, one.endpoint_id)) is None

    def test_is_given_back_by_who_holds_it(self) -> None:
        one = claimed(delivery())
        give_back(one)
        assert ready() == [one.pk]
        stale = one
        claimed(Delivery.objects.get(pk=one.pk))
        give_back(stale)
        assert ready() == []


@pytest.mark.django_db
class TestWritingDown:
    def after(self, result: Outcome, **fields: Any) -> Delivery:
        one = claimed(delivery(**fields))
        record_outcome(one, result)
        one.refresh_from_db()
        return one

    @pytest.mark.parametrize("status_code", [200, 204, 299])
    def test_a_success_ends_it_and_every_pause(self, status_code: int) -> None:
        endpoint = HookFactory(not_before=clock.now() - SECOND)
        one = self.after(outcome(status_code), endpoint=endpoint)
        endpoint.refresh_from_db()
        assert (one.status, one.tries, endpoint.not_before) == (Status.DELIVERED, 1, None)
        assert endpoint.succeeded_at is not None
        assert one.attempts.get().status_code == status_code

    @pytest.mark.parametrize("status_code", [None, 199, 300, 404, 500])
    def test_a_failure_makes_it_due_again(self, status_code: int | None) -> None:
        one = self.after(outcome(status_code, error="" if status_code else "No answer."))
        assert (one.status, one.tries) == (Status.PENDING, 1)
        assert one.due_at > clock.now()
        assert one.endpoint.not_before is None

    @pytest.mark.parametrize(("status_code", "asked", "seconds"), [(429, "", PAUSE.total_seconds()), (502, "", 30), (504, "120", 120)])
    def test_an_overload_is_a_pause_for_the_endpoint(self, status_code: int, asked: str, seconds: float) -> None:
        endpoint = HookFactory()
        self.after(outcome(status_code, retry_after=asked), endpoint=endpoint)
        endpoint.refresh_from_db()
        assert endpoint.not_before is not None
        assert abs((endpoint.not_before - clock.now()).total_seconds() - seconds) < 10

    def test_a_test_is_sent_once_and_decides_nothing(self) -> None:
        one = self.after(outcome(500), event=TEST)
        assert (one.status, one.endpoint.is_enabled) == (Status.FAILED, True)

    def test_the_last_failure_gives_it_up(self) -> None:
        endpoint = HookFactory(succeeded_at=clock.now() + SECOND)
        one = self.after(outcome(500), endpoint=endpoint, tries=len(WAITS) - 1)
        endpoint.refresh_from_db()
        assert (one.status, endpoint.is_enabled) == (Status.FAILED, True)  # others got through

    def test_it_switches_the_endpoint_off_where_nothing_got_through(self) -> None:
        for succeeded_at in (None, clock.now() - 60 * SECOND):
            endpoint = HookFactory(succeeded_at=succeeded_at)
            one = claimed(delivery(endpoint, tries=len(WAITS) - 1))
            record_outcome(one, outcome(500))
            endpoint.refresh_from_db()
            assert not endpoint.is_enabled

    def test_who_does_not_hold_it_any_more_only_logs(self) -> None:
        one = claimed(delivery())
        claimed(Delivery.objects.get(pk=one.pk))
        record_outcome(one, outcome(410))
        one.refresh_from_db()
        assert (one.status, one.tries, one.attempts.count()) == (Status.PENDING, 0, 1)

    def test_of_what_is_gone_nothing_is_written(self) -> None:
        one = claimed(delivery())
        Delivery.objects.all().delete()
        record_outcome(one, outcome())
        one = claimed(delivery())
        Endpoint.objects.all().delete()
        record_outcome(one, outcome())

    def test_an_endpoint_that_was_off_already_is_not_told_of_again(self) -> None:
        endpoint = HookFactory(team=MembershipFactory(role="owner").team)
        one = claimed(delivery(endpoint))
        Endpoint.objects.update(is_enabled=False)
        record_outcome(one, outcome(410))
        assert not Letter.objects.exists()


@pytest.mark.django_db
class TestForgetting:
    def test_erases_what_is_over_and_a_month_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        old, young = clock.now() - KEPT - SECOND, clock.now() - KEPT + 60 * SECOND
        kept = [delivery(created_at=old), delivery(status=Status.DELIVERED, created_at=young)]
        for status in (Status.DELIVERED, Status.FAILED, Status.FAILED):
            delivery(status=status, created_at=old)
        monkeypatch.setattr(results, "BATCH", 2)
        assert [forget_old() for _ in range(3)] == [2, 1, 0]
        assert set(Delivery.objects.all()) == set(kept)
