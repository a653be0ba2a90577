"""What Stripe tells of: whatever comes, in whatever order and however often, what is open in the end is what is paid."""

import json
import random
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from agentos.access import queries
from agentos.access.actions import add_member, remove_member
from agentos.access.models import Membership, Subscription, Team, User
from agentos.audit.models import AuditRecord
from agentos.billing import comparing, remote, waiting
from agentos.billing.models import Event, Paid, Price, Reading
from agentos.billing.problems import Away, NotAccepted
from agentos.core import clock
from tests.billing.conftest import deliver, payer_of, told
from tests.billing.fake import MONTH, Fake, signed
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def later(monkeypatch: pytest.MonkeyPatch, **delta: float) -> None:
    now = clock.now() + timedelta(**delta)
    monkeypatch.setattr(clock, "now", lambda: now)


def plans(user: User) -> list[str]:
    return [plan.name for plan in queries.plans_of(user)]


class TestDoor:
    def test_notes_an_event_once_and_asks_nothing_of_stripe(self, stripe: Fake, member: User, price: Price) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        stripe.asked.clear()
        created, paid = stripe.events
        assert deliver(created).json() == {"received": True, "new": True}
        assert deliver(created).json() == {"received": True, "new": False}
        assert deliver(paid).json() == {"received": True, "new": True}  # an invoice, which leads to the same
        assert Event.objects.count() == 2
        assert Reading.objects.get().stamp == 1  # wanted twice: by each event, and not by the doubled one
        assert stripe.asked == []
        assert plans(member) == []

    def test_refuses_what_is_not_signed_now_by_stripe(self, stripe: Fake, member: User, price: Price) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        event = stripe.events[0]
        body, mark = signed(event)
        door = reverse("billing:events")
        post = Client().post
        answers = [
            deliver(event, secret="whsec_of_somebody_else"),
            deliver(event, at=int(time.time()) - 301),
            post(door, body, content_type="application/json"),
            post(door, body + b" ", content_type="application/json", headers={"Stripe-Signature": mark}),
            post(door, b"{", content_type="application/json", headers={"Stripe-Signature": signed({})[1]}),
        ]
        assert [answer.status_code for answer in answers] == [400] * 5
        assert "not signed" in answers[0].json()["error"]
        assert not Event.objects.exists()

    def test_is_not_there_without_a_key_or_a_secret(self, settings: Any, stripe: Fake, member: User, price: Price) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        settings.AGENTOS_STRIPE_WEBHOOK_SECRET = ""
        assert deliver(stripe.events[0], secret="").status_code == 404
        settings.AGENTOS_STRIPE_KEY = ""
        assert deliver(stripe.events[0]).status_code == 404

    def test_takes_what_tells_it_nothing(self, stripe: Fake) -> None:
        stripe._tell("customer.created", stripe._add("customer"))
        stripe._tell("invoice.paid", stripe._add("invoice", parent=None))
        for event in stripe.events:
            assert deliver(event).json() == {"received": True, "new": False}
        assert not Reading.objects.exists()


class TestStatuses:
    def test_paid_opens_and_the_end_closes(self, stripe: Fake, member: User, price: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        assert plans(member) == ["Pro"]
        stripe.set(made, status="canceled")
        told(stripe)
        assert plans(member) == []
        verbs = (
            AuditRecord.objects.filter(verb__startswith="billing.", object_id=str(member.pk)).order_by("pk").values_list("verb", flat=True)
        )
        assert [verb for verb in verbs if "plan" in verb] == ["billing.plan.opened", "billing.plan.closed"]

    def test_what_an_operator_gave_stays_when_a_payment_ends(self, stripe: Fake, owner: User, price: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, user=owner).stripe_id, price.stripe_id)
        told(stripe)
        stripe.set(made, status="canceled")
        told(stripe)
        assert plans(owner) == ["Pro"]

    @pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "unpaid", "paused", "canceled"])
    def test_what_is_not_paid_is_closed(self, stripe: Fake, member: User, price: Price, status: str) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        stripe.set(made, status=status)
        told(stripe)
        assert plans(member) == []
        assert Paid.objects.get().status == status

    def test_a_trial_is_open(self, stripe: Fake, member: User, price: Price) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id, trial=14)
        told(stripe)
        assert plans(member) == ["Pro"]
        assert Paid.objects.get().trial_end is not None

    def test_a_failed_payment_has_seven_days(self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        stripe.fail(made)
        told(stripe)
        later(monkeypatch, days=6)
        stripe.set(made, metadata={"changed": "yes"})  # what is told again does not begin the days anew
        told_at(stripe)
        assert plans(member) == ["Pro"]
        later(monkeypatch, days=1, minutes=1)
        assert plans(member) == []
        stripe.renew(made)
        told_at(stripe)
        assert plans(member) == ["Pro"]
        assert Paid.objects.get().past_due_since is None

    def test_the_turn_of_a_period_closes_nothing_while_no_event_has_come(
        self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        later(monkeypatch, seconds=MONTH + 3600)
        assert plans(member) == ["Pro"]
        later(monkeypatch, days=7)
        assert plans(member) == []

    def test_what_is_cancelled_is_open_until_the_period_ends_and_no_longer(
        self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        stripe.set(made, cancel_at_period_end=True)
        told(stripe)
        assert plans(member) == ["Pro"]
        later(monkeypatch, seconds=MONTH + 60)
        assert plans(member) == []

    def test_another_price_is_another_plan(self, stripe: Fake, member: User, price: Price, seats: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        stripe.set(made, price=stripe.things[seats.stripe_id])
        told(stripe)
        assert plans(member) == ["Crew"]

    def test_one_of_two_ends(self, stripe: Fake, member: User, price: Price) -> None:
        payer = payer_of(stripe, user=member)
        first, _second = (stripe.subscribe(payer.stripe_id, price.stripe_id) for _ in range(2))
        stripe.set(first, status="canceled")
        told(stripe)
        assert plans(member) == ["Pro"]

    def test_what_is_nobodys_or_no_plans_opens_nothing(self, stripe: Fake, member: User, price: Price) -> None:
        stripe.subscribe(stripe._add("customer")["id"], price.stripe_id)
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, stripe.price())
        told(stripe)
        assert Paid.objects.get().plan is None
        assert not Subscription.objects.filter(source="stripe").exists()
        assert not Reading.objects.exists()


def told_at(stripe: Fake) -> None:
    """As ``told``, where the clock stands elsewhere: events are signed by the real one."""
    told(stripe)


def test_fifty_shuffled_and_doubled_deliveries_end_right(stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch) -> None:
    """A life of a subscription, its events told while it goes on and after it, shuffled, doubled, some of them lost."""
    chance = random.Random(7)  # noqa: S311 - a test
    payer = payer_of(stripe, user=member)
    for number in range(50):
        made = stripe.subscribe(payer.stripe_id, price.stripe_id, trial=14)
        steps = [stripe.renew, stripe.fail, stripe.renew, lambda made: stripe.set(made, cancel_at_period_end=True)]
        ends = number % 2 == 0
        for step in (*steps, *([lambda made: stripe.set(made, status="canceled")] if ends else [])):
            step(made)
            for event in chance.sample(stripe.events, k=chance.randrange(2)):
                deliver(event)  # some come early, and are read at once
                waiting.read_due()
        late = stripe.events * 2
        chance.shuffle(late)
        for event in late[: len(late) - chance.randrange(len(late) // 2)]:
            deliver(event)
        deliver(stripe.events[-1 if number % 3 else 0])  # at least one came after all
        waiting.read_due()
        stripe.events.clear()
        paid = Paid.objects.get(stripe_id=made)
        assert (paid.status, plans(member)) == (("canceled", []) if ends else ("active", ["Pro"]))
        stripe.set(made, status="canceled")
        told(stripe)
        assert not Reading.objects.exists()


class TestReading:
    def test_who_wants_it_while_it_is_read_has_it_read_again(
        self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        for event in stripe.events:
            deliver(event)
        stripe.events.clear()
        real = remote.subscription

        def slow(stripe_id: str) -> Any:
            """It ends after it was read and before that is written."""
            found = real(stripe_id)
            if stripe.things[made]["status"] == "active":
                stripe.set(made, status="canceled")
                deliver(stripe.events[-1])
                assert waiting._take() is None  # nobody else reads it now
            return found

        monkeypatch.setattr(remote, "subscription", slow)
        waiting.read_due()
        assert plans(member) == []
        assert not Reading.objects.exists()

    def test_an_outage_is_waited_for(self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(remote, "RETRIES", 0)
        remote._made.cache_clear()
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        stripe.down = 503
        told(stripe)
        one = Reading.objects.get()
        assert (one.tries, one.taken_until) == (1, None)
        assert one.due_at > clock.now()
        assert not waiting.has_due()
        stripe.down = 0
        later(monkeypatch, minutes=2)
        assert waiting.read_due() == 1
        assert plans(member) == ["Pro"]
        remote._made.cache_clear()

    def test_one_whose_reader_died_is_read_by_another(
        self, stripe: Fake, member: User, price: Price, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        for event in stripe.events:
            deliver(event)
        assert waiting._take()
        assert waiting.read_due() == 0
        later(monkeypatch, minutes=6)
        assert waiting.read_due() == 1
        assert plans(member) == ["Pro"]

    def test_who_is_deleted_does_not_go_on_paying(self, stripe: Fake, member: User, price: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        member.delete()
        told(stripe)
        assert stripe.things[made]["status"] == "canceled"
        assert not Reading.objects.exists()


class TestSeats:
    @pytest.fixture
    def paid(self, stripe: Fake, support: Team, owner: User, member: User, seats: Price) -> str:
        """The team Support has two people, who pay for two seats."""
        made = stripe.subscribe(payer_of(stripe, team=support).stripe_id, seats.stripe_id, 2)
        told(stripe)
        return made

    def quantity(self, stripe: Fake, made: str) -> int:
        return int(stripe.things[made]["items"]["data"][0]["quantity"])

    def test_a_team_pays_for_all_who_are_in_it(self, paid: str, member: User, stranger: User, suspended: User) -> None:
        assert "Crew" in plans(member)
        assert "Crew" not in plans(stranger)

    def test_one_more_is_paid_at_once(self, stripe: Fake, paid: str, support: Team, stranger: User) -> None:
        add_member(team=support, user=stranger, by=None)
        waiting.read_due()
        assert (self.quantity(stripe, paid), stripe.things[paid]["_proration"]) == (3, "create_prorations")
        assert Paid.objects.get().quantity == 3
        assert "Crew" in plans(stranger)

    def test_one_less_is_given_back_at_the_end_of_the_period(
        self, stripe: Fake, paid: str, support: Team, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remove_member(membership=Membership.objects.get(team=support, user=member), by=None)
        waiting.read_due()
        assert self.quantity(stripe, paid) == 2
        assert plans(member) == []
        later(monkeypatch, seconds=MONTH - 30 * 3600)
        assert comparing.compare().different == 1
        waiting.read_due()
        assert (self.quantity(stripe, paid), stripe.things[paid]["_proration"]) == (1, "none")

    def test_people_who_are_suspended_cost_nothing(self, stripe: Fake, paid: str, support: Team) -> None:
        MembershipFactory(team=support, user=UserFactory(is_active=False))
        waiting.read_due()
        assert self.quantity(stripe, paid) == 2

    def test_a_price_for_one_stays_at_one(self, stripe: Fake, support: Team, owner: User, member: User, price: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, team=support).stripe_id, price.stripe_id)
        told(stripe)
        assert self.quantity(stripe, made) == 1
        assert plans(member) == ["Pro"]


class TestComparing:
    def test_what_no_event_told_is_found(self, stripe: Fake, member: User, stranger: User, price: Price) -> None:
        """Each page has one; a subscription that was paid, one that has ended, and one of nobody here."""
        stripe.page_size = 1
        ended = stripe.subscribe(payer_of(stripe, user=stranger).stripe_id, price.stripe_id)
        told(stripe)
        stripe.set(ended, status="canceled")
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        stripe.subscribe(stripe._add("customer")["id"], price.stripe_id)
        found = comparing.compare()
        assert (found.compared, found.different, found.foreign) == (2, 2, 1)
        waiting.read_due()
        assert (plans(member), plans(stranger)) == (["Pro"], [])
        again = comparing.compare()
        assert (again.compared, again.different) == (2, 0)

    def test_is_done_once_a_day_by_one_of_several(self, stripe: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        assert comparing.is_due()
        assert comparing.begin()
        assert not comparing.begin()
        comparing.compare()
        assert not comparing.is_due()
        later(monkeypatch, hours=25)
        assert comparing.is_due()
        assert comparing.begin()
        assert not comparing.begin()

    def test_what_fails_is_done_again_in_an_hour(self, stripe: Fake, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AGENTOS_STRIPE_KEY = "sk_test_wrong"
        assert comparing.begin()
        with pytest.raises(NotAccepted):
            comparing.compare()
        assert not comparing.is_due()
        later(monkeypatch, hours=1, minutes=1)
        assert comparing.is_due()

    def test_the_page_says_whether_it_was_done(self, stripe: Fake, settings: Any, as_operator: Client) -> None:
        page = reverse("billing:prices")
        assert comparing.begin()
        assert "Compared with Stripe" not in as_operator.get(page).content.decode()
        good, settings.AGENTOS_STRIPE_KEY = settings.AGENTOS_STRIPE_KEY, "sk_test_wrong"
        with pytest.raises(NotAccepted):
            comparing.compare()
        assert "It is tried again within the hour." in as_operator.get(page).content.decode()
        settings.AGENTOS_STRIPE_KEY = good
        comparing.compare()
        said = as_operator.get(page).content.decode()
        assert "just now</time>: 0 subscriptions" in said
        assert "within the hour" not in said

    def test_old_events_are_forgotten(self, stripe: Fake) -> None:
        Event.objects.create(stripe_id="evt_old", kind="invoice.paid", received_at=clock.now() - timedelta(days=31))
        comparing.compare()
        assert not Event.objects.exists()

    def test_the_command_compares_and_reads(self, stripe: Fake, settings: Any, member: User, price: Price, capsys: Any) -> None:
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        call_command("agentos_billing")
        assert capsys.readouterr().out == "Compared: 1. Different: 1. Of customers that nobody here is: 0.\n"
        assert plans(member) == ["Pro"]
        settings.AGENTOS_STRIPE_KEY = ""
        with pytest.raises(CommandError, match="AGENTOS_STRIPE_KEY"):
            call_command("agentos_billing")


def test_the_stripe_of_ours_refuses_what_the_real_one_would(stripe: Fake, settings: Any, price: Price) -> None:
    customer = remote.make_customer({"email": "a@example.com"}, once="1")["id"]
    line = {"price": price.stripe_id, "quantity": 1}
    good = {
        "mode": "subscription",
        "customer": customer,
        "line_items": [line],
        "success_url": "https://a.example/",
        "cancel_url": "https://a.example/",
    }
    wrong: list[dict[str, Any]] = [
        {**good, "unheard_of": 1},
        {**good, "line_items": [{**line, "price": "price_none"}]},
        {**good, "line_items": [{**line, "price": stripe.price(active=False)}]},
        {**good, "line_items": []},
        {**good, "customer": "cus_none"},
        {**good, "success_url": "/here/"},
        {**good, "mode": "gift"},
        {**good, "subscription_data": {"trial_period_days": 0}},
    ]
    for number, params in enumerate(wrong):
        with pytest.raises(NotAccepted):
            remote.make_checkout(params, once=f"wrong-{number}")
    first = remote.make_checkout(good, once="2")
    assert remote.make_checkout(good, once="2") == first  # a doubled click
    with pytest.raises(NotAccepted):
        remote.make_checkout({**good, "success_url": "https://b.example/"}, once="2")
    settings.AGENTOS_STRIPE_KEY = "sk_test_wrong"
    with pytest.raises(NotAccepted):
        remote.price(price.stripe_id)


def test_a_stripe_that_is_not_there_is_away(stripe: Fake, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "RETRIES", 0)
    settings.AGENTOS_STRIPE_URL = "http://127.0.0.1:9"
    with pytest.raises(Away, match="does not answer"):
        remote.price("price_1")


def test_without_a_key_nothing_of_stripe_is_imported(tmp_path: Any) -> None:
    ask = """
import os, sys, json
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import site_config.lifespan
print(json.dumps(sorted(name for name in sys.modules if name.partition(".")[0] == "stripe")))
"""
    import os

    env = {**os.environ, "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "site_config.settings"}
    done = subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
