"""The page *Plans*, and the whole way: what is offered, to Checkout and back, another plan, the portal, the end."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access import queries as holdings
from agentos.access.models import Membership, Plan, Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.billing import remote
from agentos.billing.models import Paid, Payer, Price
from tests.billing.conftest import payer_of, told
from tests.billing.fake import Fake
from tests.factories import AgentFactory, MembershipFactory, PriceFactory, TeamFactory
from tests.html import page

pytestmark = pytest.mark.django_db(transaction=True)

PLANS, SUBSCRIBE, BACK, PORTAL, PRICES = (reverse(f"billing:{name}") for name in ("plans", "subscribe", "paid", "portal", "prices"))


def plans(user: User) -> list[str]:
    return [plan.name for plan in holdings.plans_of(user)]


def leaves_for(answer: Any) -> str:
    """Return the address to which the page goes on by itself."""
    assert answer.status_code == 200, answer
    found = BeautifulSoup(answer.content, "html.parser").select_one("meta[http-equiv=refresh]")
    return str(found["content"]).removeprefix("0; url=")  # type: ignore[index]


def pays(stripe: Fake, browser: Client, answer: Any) -> Any:
    """Pay at Stripe's page, and come back to what we show then."""
    paid = httpx2.post(leaves_for(answer))
    assert paid.status_code == 303
    back = paid.headers["Location"].removeprefix("http://testserver")
    return browser.get(back, follow=True)


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(remote, "RETRIES", 0)
    remote._made.cache_clear()
    yield
    remote._made.cache_clear()


class TestTheWholeWay:
    def test_of_a_person(self, stripe: Fake, as_member: Client, member: User, price: Price, plan_agent: DjangoAgent) -> None:
        """It is read when they come back: no event has come yet."""
        Price.objects.update(trial_days=14)
        locked = page(as_member.get(reverse("dashboard:agents")))
        link = next(tag for tag in locked.all("a.button") if "See the plan" in tag.text)
        assert link["href"] == f"{PLANS}#plan-{price.plan_id}"
        shown = page(as_member.get(PLANS)).one(f"#plan-{price.plan_id}")
        assert "Analyst" in shown.text
        assert "9.00 EUR" in shown.text
        assert "Try 14 days free" in shown.text
        once = shown.select_one("[name=once]")["value"]  # type: ignore[index]
        order = {"price": price.pk, "once": once}
        answer = as_member.post(SUBSCRIBE, order)
        assert leaves_for(as_member.post(SUBSCRIBE, order)) == leaves_for(answer)  # a doubled click
        assert plans(member) == []
        back = pays(stripe, as_member, answer)
        assert "Your plan is open" in page(back).one("#note").text
        assert "Free until" in page(back).one("#yours").text
        assert plans(member) == ["Pro"]
        assert as_member.get(reverse("dashboard:chat", args=[plan_agent.agent_id])).status_code == 200
        told(stripe)  # late
        assert plans(member) == ["Pro"]
        assert as_member.post(SUBSCRIBE, order).status_code == 409  # it is paid
        (made,) = Paid.objects.values_list("stripe_id", flat=True)
        portal = leaves_for(as_member.post(PORTAL, {"payer": Payer.objects.get().pk}))
        assert "Invoices" in httpx2.get(portal).text
        stripe.set(made, cancel_at_period_end=True)
        told(stripe)
        assert "Cancelled" in page(as_member.get(PLANS)).one("#yours").text
        stripe.set(made, status="canceled")
        told(stripe)
        assert plans(member) == []
        again = page(as_member.get(PLANS)).one(f"#plan-{price.plan_id}").text
        assert "Subscribe" in again  # a trial is for the first time
        assert "free" not in again
        verbs = list(AuditRecord.objects.filter(verb__startswith="billing.").order_by("pk").values_list("verb", flat=True))
        assert verbs[0] == "billing.payer.created"
        assert verbs[-1] == "billing.plan.closed"

    def test_of_a_team(self, stripe: Fake, support: Team, as_owner: Client, owner: User, member: User, seats: Price) -> None:
        shown = page(as_owner.get(PLANS)).one(f"#plan-{seats.plan_id}").text
        assert "2 people" in shown
        back = pays(stripe, as_owner, as_owner.post(SUBSCRIBE, {"price": seats.pk, "team": support.pk, "once": "1"}))
        assert "2 seats" in page(back).one("#yours").text
        assert (plans(member), Paid.objects.get().quantity) == (["Crew"], 2)
        assert "By your team" in page(browser_of(member).get(PLANS)).one("#yours").text

    def test_another_plan_is_changed_to_at_once(self, stripe: Fake, as_member: Client, member: User, price: Price) -> None:
        gold = PriceFactory(plan=Plan.objects.create(name="Gold"), stripe_id=stripe.price(2900), amount=2900)
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        told(stripe)
        answer = as_member.post(SUBSCRIBE, {"price": gold.pk, "once": "1"}, follow=True)
        assert "Your plan is changed" in page(answer).one("#note").text
        assert (plans(member), stripe.things[made]["_proration"]) == (["Gold"], "create_prorations")

    def test_a_failed_payment_is_said(self, stripe: Fake, as_member: Client, member: User, price: Price, seats: Price) -> None:
        made = stripe.subscribe(payer_of(stripe, user=member).stripe_id, price.stripe_id)
        stripe.fail(made)
        told(stripe)
        shown = page(as_member.get(PLANS))
        assert "A payment has failed. The plan stays open until" in shown.one("#yours").text
        gold = PriceFactory(plan=Plan.objects.create(name="Gold"), stripe_id=stripe.price(2900))
        assert "Set it right" in as_member.post(SUBSCRIBE, {"price": gold.pk}).content.decode()


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


class TestWhoMay:
    def test_a_team_is_paid_by_its_owners_alone(
        self, stripe: Fake, support: Team, as_member: Client, as_stranger: Client, seats: Price
    ) -> None:
        MembershipFactory(team=support, user__email="admin@example.com", role=Membership.Role.ADMIN)
        as_admin = browser_of(User.objects.get(email="admin@example.com"))
        payer = payer_of(stripe, team=support)
        for browser in (as_member, as_stranger, as_admin):
            assert browser.post(SUBSCRIBE, {"price": seats.pk, "team": support.pk}).status_code == 404
            assert browser.post(PORTAL, {"payer": payer.pk}).status_code == 404
        assert stripe.asked == []

    def test_a_price_is_for_whom_it_is(self, stripe: Fake, support: Team, as_owner: Client, price: Price, seats: Price) -> None:
        orders: list[dict[str, Any]] = [{"price": seats.pk}, {"price": price.pk, "team": support.pk}, {"price": "x"}, {"price": 10**30}, {}]
        assert [as_owner.post(SUBSCRIBE, order).status_code for order in orders] == [404] * len(orders)
        price.is_offered = False
        price.save()
        assert as_owner.post(SUBSCRIBE, {"price": price.pk}).status_code == 404

    def test_what_somebody_else_has_paid_tells_nothing(
        self, stripe: Fake, as_stranger: Client, as_member: Client, member: User, price: Price
    ) -> None:
        stripe.now += 1
        url = leaves_for(as_member.post(SUBSCRIBE, {"price": price.pk}))
        session = url.rpartition("/")[2]
        stripe.pay(session)
        for said in (session, "cs_none", "../x", ""):
            assert as_stranger.get(BACK, {"session": said}).status_code == 303
        assert not Paid.objects.exists()


class TestOutage:
    def test_is_a_sentence(self, stripe: Fake, no_retries: None, as_member: Client, member: User, price: Price) -> None:
        payer = payer_of(stripe, user=member)
        stripe.down = 500
        posts: list[tuple[str, dict[str, Any]]] = [(SUBSCRIBE, {"price": price.pk}), (PORTAL, {"payer": payer.pk})]
        for url, form in posts:
            answer = as_member.post(url, form, follow=True)
            assert answer.status_code == 200
            assert "does not answer now" in page(answer).one("#trouble").text
        assert "as soon as the payment" in page(as_member.get(BACK, {"session": "cs_test_1"}, follow=True)).one("#note").text
        assert as_member.get(PLANS).status_code == 200  # which asks nothing of it

    def test_of_a_price_is_said_at_the_field(self, stripe: Fake, no_retries: None, as_operator: Client, pro: Plan) -> None:
        stripe.down = 503
        answer = as_operator.post(PRICES, {"plan": pro.pk, "price": "price_1"})
        assert answer.status_code == 503
        assert "does not answer now" in page(answer).one("#id_price_error").text

    def test_a_customer_who_was_deleted_there_is_made_again(self, stripe: Fake, as_member: Client, member: User, price: Price) -> None:
        payer = payer_of(stripe, user=member)
        del stripe.things[payer.stripe_id]
        pays(stripe, as_member, as_member.post(SUBSCRIBE, {"price": price.pk, "once": "1"}))
        assert Payer.objects.get().stripe_id != payer.stripe_id
        assert plans(member) == ["Pro"]


class TestPrices:
    def test_are_read_at_stripe(self, stripe: Fake, as_operator: Client, pro: Plan, member: User) -> None:
        known = stripe.price(1200, currency="jpy", interval="year")
        stripe.subscribe(payer_of(stripe, user=member).stripe_id, known)
        told(stripe)
        assert plans(member) == []  # paid, for a price that was not known here
        answer = as_operator.post(PRICES, {"plan": pro.pk, "price": f" {known} ", "trial_days": "", "per_seat": "0"}, follow=True)
        assert "1,200 JPY a year" in " ".join(page(answer).one("ul.rows").text.split())
        told(stripe)
        assert plans(member) == ["Pro"]
        refused = [
            (known, "already"),
            ("price_none", "knows no price"),
            (stripe.price(active=False), "active"),
            ("9.00", "begins with price_"),
        ]
        for stripe_id, sentence in refused:
            answer = as_operator.post(PRICES, {"plan": pro.pk, "price": stripe_id})
            assert answer.status_code in {409, 422}
            assert sentence in page(answer).one("#id_price_error").text
        assert Price.objects.count() == 1

    def test_are_withdrawn(self, stripe: Fake, as_operator: Client, as_member: Client, price: Price, plan_agent: DjangoAgent) -> None:
        as_operator.post(reverse("billing:switch-price", args=[price.pk]), {"offered": "0"})
        assert not page(as_member.get(PLANS)).has(f"#plan-{price.plan_id}")
        assert "See the plan" not in as_member.get(reverse("dashboard:agents")).content.decode()


def test_what_a_plan_opens_is_told_as_far_as_one_may_know_it(stripe: Fake, as_member: Client, pro: Plan, price: Price) -> None:
    AgentFactory(name="Retired Seer", plans=[pro], is_active=False)
    AgentFactory(name="Known Seer", plans=[pro])
    shown = page(as_member.get(PLANS)).one(f"#plan-{price.plan_id}").text
    assert "Known Seer" in shown
    assert "Retired Seer" not in shown


def test_the_page_asks_no_more_when_there_is_more(stripe: Fake, as_owner: Client, owner: User, price: Price, seats: Price) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_owner.get(PLANS).status_code == 200
        return len(captured)

    stripe.subscribe(payer_of(stripe, user=owner).stripe_id, price.stripe_id)
    team = TeamFactory()
    MembershipFactory(team=team, user=owner, role=Membership.Role.OWNER)
    stripe.subscribe(payer_of(stripe, team=team).stripe_id, seats.stripe_id)
    AgentFactory(plans=[PriceFactory(plan__name="Not mine").plan])
    told(stripe)
    asked()
    before = asked()
    for number in range(4):
        plan = Plan.objects.create(name=f"More {number}")
        AgentFactory(plans=[plan])
        PriceFactory(plan=plan, per_seat=bool(number % 2))
        team = TeamFactory()
        MembershipFactory(team=team, user=owner, role=Membership.Role.OWNER)
        stripe.subscribe(payer_of(stripe, team=team).stripe_id, seats.stripe_id)
    told(stripe)
    assert asked() <= before


def test_without_a_key_nothing_is_shown(settings: Any, as_member: Client, as_operator: Client, plan_agent: DjangoAgent, pro: Plan) -> None:
    PriceFactory(plan=pro)
    settings.AGENTOS_STRIPE_KEY = ""
    assert as_member.get(PLANS).status_code == 404
    assert as_operator.get(PRICES).status_code == 404
    assert PLANS not in as_operator.get(reverse("dashboard:usage")).content.decode()
    assert "See the plan" not in as_member.get(reverse("dashboard:agents")).content.decode()
