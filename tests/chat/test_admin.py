"""What operators see of people's chats: that they are there, never what is in them."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from agentos.agents.actions import set_price
from agentos.chat.actions.budgets import set_budget
from agentos.chat.models import ChatSession, Run
from agentos.chat.usage_models import MonthlyUsage, Usage
from agentos.core import clock
from tests.factories import ChatSessionFactory, RunFactory
from tests.html import page

SECRETS = ("SECRET-TITLE", "SECRET-QUESTION", "SECRET-ANSWER", "SECRET-ARGUMENT")


@pytest.fixture
def run(db: None) -> Run:
    session = ChatSessionFactory(title="SECRET-TITLE")
    return RunFactory(
        session=session,
        input="SECRET-QUESTION",
        answer="SECRET-ANSWER",
        context={"a": "SECRET-ARGUMENT"},
        requirements=[{"args": "SECRET-ARGUMENT"}],
        messages=[{"content": "SECRET-ANSWER"}],
        status=Run.Status.FAILED,
        error_code="model_busy",
        input_tokens=1234,
    )


def urls(run: Run) -> list[str]:
    chat, runs = "/admin/chat/chatsession/", "/admin/chat/run/"
    return [chat, f"{chat}{run.session.pk}/change/", runs, f"{runs}{run.pk}/change/", f"{chat}?q=SECRET", f"{runs}?q=SECRET", "/admin/"]


class TestChatAdmin:
    def test_never_shows_what_was_written(self, run: Run, as_operator: Client) -> None:
        for url in urls(run):
            html = page(as_operator.get(url)).html.replace("q=SECRET", "")
            assert not [secret for secret in SECRETS if secret in html], url

    def test_does_not_search_what_was_written(self, run: Run, as_operator: Client) -> None:
        for url in ("/admin/chat/chatsession/?q=SECRET", "/admin/chat/run/?q=SECRET"):
            assert not page(as_operator.get(url)).has("#result_list")

    def test_shows_how_a_run_ended(self, run: Run, as_operator: Client) -> None:
        html = page(as_operator.get("/admin/chat/run/"))
        assert html.texts("td.field-status, td.field-error_code, td.field-input_tokens") == ["Failed", "model_busy", "1234"]

    def test_leads_from_a_session_to_its_runs(self, run: Run, as_operator: Client) -> None:
        RunFactory()
        link = page(as_operator.get(f"/admin/chat/chatsession/{run.session.pk}/change/")).one(".field-runs a")
        assert link.text == "1"
        assert page(as_operator.get(str(link["href"]))).texts("th.field-run_id") == [run.run_id]

    def test_leaves_the_title_as_it_is(self, run: Run, as_operator: Client) -> None:
        as_operator.get(f"/admin/chat/chatsession/{run.session.pk}/change/")
        assert ChatSession.objects.get().title == "SECRET-TITLE"


@pytest.mark.django_db
class TestWhatWasUsed:
    @pytest.fixture(autouse=True)
    def _used(self) -> None:
        run = RunFactory()
        for model in (Usage, MonthlyUsage):
            about = {"user": run.by, "agent": run.session.agent, "model": "openai:gpt-4.1"}
            model.objects.create(day=clock.now().date().replace(day=1), answers=3, cost_micro=1_250_000, **about)
        set_budget(of="site", micro_a_month=20_000_000, by=None)
        set_price(model="openai:gpt-4.1", read=Decimal(2), written=Decimal(8), by=None)

    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("chat/usage", {".field-answers": "3", ".field-cost": "$1.25"}),
            ("chat/monthlyusage", {".field-answers": "3", ".field-cost": "$1.25"}),
            ("chat/budget", {".field-of": "Everybody together", ".field-a_month": "$20.00"}),
            ("agents/ownprice", {".field-model": "openai:gpt-4.1", ".field-written": "8.0000"}),
        ],
    )
    def test_is_shown_and_written_by_nobody(self, as_operator: Client, path: str, shown: dict[str, str]) -> None:
        found = page(as_operator.get(f"/admin/{path}/"))
        assert {field: text in found.texts(f"#result_list {field}") for field, text in shown.items()} == dict.fromkeys(shown, True)
        for url in ("add/", "1/delete/"):
            assert as_operator.post(f"/admin/{path}/{url}").status_code == 403

    def test_is_listed_in_as_many_queries_however_many_people(self, as_operator: Client, django_assert_num_queries: Any) -> None:
        def add(count: int) -> None:
            for _ in range(count):
                run = RunFactory()
                Usage.objects.create(day=clock.now().date(), user=run.by, agent=run.session.agent, model="m", answers=1)

        add(2)
        with django_assert_num_queries(6):
            as_operator.get("/admin/chat/usage/")
        add(10)
        with django_assert_num_queries(6):
            as_operator.get("/admin/chat/usage/")
