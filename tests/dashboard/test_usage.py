"""The pages that say what was used: one's own, a team's and everybody's, as bars, tables and a file; and prices of the site's own."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents import own_prices
from agentos.agents.actions import delete_price, set_price
from agentos.agents.models import DjangoAgent, OwnPrice
from agentos.agents.prices import Price, Used, price_of
from agentos.audit.models import AuditRecord
from agentos.core import clock
from tests.api.calls import ROOT
from tests.chat.test_usage import grow
from tests.dashboard.asking import queries
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.html import page

OWN, ALL, MODELS = "/agentos/settings/usage/", "/agentos/settings/usage/all/", "/agentos/settings/models/"
PRICE = {"model": "openai-like:ours", "read": "2", "written": "8.5", "cached": "0.5"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(member: User, owner: User, team_agent: DjangoAgent, everyone_agent: DjangoAgent) -> str:
    """Two answers of the team's agent, one of everybody's. Returns the address of the team's page."""
    numbers = {"model": "openai:m", "input_tokens": 100, "output_tokens": 10, "cost_micro": 2_000_000}
    for user, agent in ((member, team_agent), (owner, team_agent), (owner, everyone_agent)):
        RunFactory(session=ChatSessionFactory(user=user, agent=agent), **numbers)
    return f"/agentos/settings/teams/{team_agent.team_id}/usage/"


def rows(client: Client, url: str) -> list[dict[str, str]]:
    answer = client.get(url)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage-30.csv"'
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


class TestPages:
    def test_are_as_much_as_one_may_see(self, as_member: Client, as_owner: Client, as_operator: Client, asked: str) -> None:
        own = page(as_member.get(OWN))
        assert "1 answer, 110 tokens. They cost $2.00" in own.text("#used")
        assert not own.has("#used-people")
        assert not own.has("nav[aria-label='Whose usage']")
        team = page(as_owner.get(asked))
        assert "2 answers, 220 tokens. They cost $4.00" in team.text("#used")
        assert len(team.all("#used-people tbody tr")) == 2
        assert team.texts("nav[aria-label='Whose usage'] [aria-current]") == ["Support"]
        everybody = page(as_operator.get(ALL))
        assert "3 answers, 330 tokens. They cost $6.00" in everybody.text("#used")
        assert everybody.texts("#used-models tbody tr") == ["openai:m 3 330 $6.00"]

    def test_show_what_is_chosen(self, as_operator: Client, asked: str) -> None:
        year = page(as_operator.get(ALL + "?period=year&show=tokens"))
        assert len(year.all(".chart rect")) == 12
        assert year.texts(".switches [aria-current]") == ["12 months", "Tokens"]
        assert as_operator.get(ALL + "?period=week").status_code == as_operator.get(ALL + "?show=x").status_code == 404

    def test_say_where_a_price_is_not_known(self, as_operator: Client, owner: User, everyone_agent: DjangoAgent) -> None:
        RunFactory(session=ChatSessionFactory(user=owner, agent=everyone_agent), model="x:y", input_tokens=5)
        found = page(as_operator.get(ALL))
        assert "Once a model was asked at a price that is not known here" in found.text("#used")
        assert found.texts("#used-models tbody tr") == ["x:y 1 5 ?"]

    def test_of_a_year_of_five_hundred_people_take_few_queries(self, as_operator: Client) -> None:
        agents = [agent.pk for agent in AgentFactory.create_batch(2)]
        grow(3, agents)
        few = queries(as_operator, ALL + "?period=year")
        grow(500, agents)
        assert queries(as_operator, ALL + "?period=year") == few
        without = queries(as_operator, "/agentos/settings/person/")
        assert few - without <= 10

    def test_are_what_the_api_says(self, as_owner: Client, as_operator: Client, asked: str) -> None:
        everybody = as_operator.get(f"{ROOT}usage/all/").json()
        assert {key: everybody["total"][key] for key in ("answers", "cost_micro")} == {"answers": 3, "cost_micro": 6_000_000}
        assert (len(everybody["times"]), len(everybody["people"])) == (30, 2)
        team = as_owner.get(f"{ROOT}usage/teams/{asked.split('/')[4]}/?period=year").json()
        assert (team["total"]["answers"], len(team["times"])) == (2, 12)
        own = as_owner.get(f"{ROOT}usage/").json()
        assert (own["total"]["answers"], own["people"]) == (2, [])


class TestFile:
    def test_has_a_row_a_day_person_agent_and_model(self, as_operator: Client, as_owner: Client, as_member: Client, asked: str) -> None:
        assert [len(rows(client, f"{url}?form=csv")) for client, url in ((as_operator, ALL), (as_owner, asked), (as_member, OWN))] == [
            3,
            2,
            1,
        ]
        row = rows(as_member, OWN + "?form=csv")[0]
        assert [row[name] for name in ("agent", "team", "model", "answers")] == ["support-writer", "Support", "openai:m", "1"]
        assert row["cost_usd"] == "2.000000"

    def test_is_no_formula(self, as_owner: Client, owner: User, everyone_agent: DjangoAgent) -> None:
        User.objects.filter(pk=owner.pk).update(name='=HYPERLINK("https://example.com")')
        RunFactory(session=ChatSessionFactory(user=owner, agent=everyone_agent))
        assert rows(as_owner, OWN + "?form=csv")[0]["person"].startswith("'=")


class TestPrices:
    def test_are_set_and_deleted(self, as_operator: Client) -> None:
        assert as_operator.post(f"{MODELS}prices/", PRICE).status_code == 303
        assert as_operator.post(f"{MODELS}prices/", {**PRICE, "read": "3"}).status_code == 303
        price = OwnPrice.objects.get()
        told = "A million tokens: $3.00 read, $8.50 written · $0.50 read from its cache"
        assert told in page(as_operator.get(MODELS)).text(f"#price-{price.pk}")
        assert as_operator.post(f"{MODELS}prices/{price.pk}/delete/").status_code == 303
        assert not OwnPrice.objects.exists()
        assert list(AuditRecord.objects.filter(object_type="price").values_list("verb", flat=True).order_by("pk")) == [
            "agents.price.set",
            "agents.price.set",
            "agents.price.deleted",
        ]

    @pytest.mark.parametrize(
        ("field", "value"), [("model", "nobody:x"), ("model", "openai"), ("read", "-1"), ("written", "much"), ("written", "")]
    )
    def test_that_make_no_sense_are_refused(self, as_operator: Client, field: str, value: str) -> None:
        answer = as_operator.post(f"{MODELS}prices/", {**PRICE, field: value})
        assert answer.status_code == 422
        assert page(answer).has("#price-form .error")
        assert not OwnPrice.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_count_before_all_others(self) -> None:
        used = Used(read=1000, written=100, cached=400)
        price = set_price(model="openai:gpt-4.1", read=Decimal(10), written=Decimal(20), cached=Decimal(1), by=None)
        cost = own_prices.cost_of("openai:gpt-4.1", used, clock.now())
        assert cost
        assert (cost.micro, cost.source) == (600 * 10 + 400 * 1 + 100 * 20, "own")
        assert own_prices.price_of("openai:gpt-4.1") == Price(Decimal(10), Decimal(20))
        delete_price(price=price, by=None)
        assert own_prices.price_of("openai:gpt-4.1") == price_of("openai:gpt-4.1")
        free: Any = own_prices.cost_of("local:smollm2", used, clock.now())
        assert free.source == "free"
