"""/metrics: who is shown it, what it counts, and that nobody can make it grow."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from agentos.access.models import User
from agentos.agents.events import Failed, Finished, Stopped, Waiting
from agentos.agents.models import DjangoAgent
from agentos.chat.models import RunEvent
from agentos.chat.registry import registry
from agentos.chat.runs.ending import end_run
from agentos.conf.kinds import Secret
from agentos.core import repeated
from agentos.core.http import request_log
from agentos.core.http.errors import Problem
from agentos.core.metrics import REGISTRY
from agentos.core.ratelimit import limits
from agentos.core.starting.refusal import CannotStart
from agentos.operations import metrics
from agentos.operations.port import Port
from agentos.operations.probes import Probes
from agentos.webhooks.outbound.results import Outcome, record_outcome
from site_config import asgi
from tests.factories import ChatSessionFactory, RunFactory, UserFactory
from tests.server import free_port
from tests.site_config.test_asgi import Caller
from tests.webhooks.outbound import make_delivery, make_endpoint

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Counting:
    """What was added to figures since it was made."""

    def __init__(self) -> None:
        self.before = self.now()

    def now(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in REGISTRY.collect() for sample in family.samples
        }

    def added(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self.now().get(key, 0.0) - self.before.get(key, 0.0)


async def ask(path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    status, found, body = await Caller(leaves=True).ask(method, path, headers)
    return status, found, body.decode()


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    repeated.forget()
    monkeypatch.setattr(asgi.probes, "figures", metrics.Figures())


class TestWhoIsShownThem:
    async def test_is_nobody_without_a_setting(self, transactional_db: None) -> None:
        status, _, body = await ask()
        assert status == 404
        assert "agentos_runs" not in body

    async def test_is_whoever_has_the_token_under_any_host(self, transactional_db: None, settings: Any) -> None:
        settings.AGENTOS_METRICS_TOKEN = TOKEN
        settings.SECURE_SSL_REDIRECT = True
        status, headers, body = await ask(Host="10.0.0.9", **BEARER)
        assert status == 200
        assert headers["content-type"].startswith("text/plain")
        assert {"agentos_runs", "agentos_queue_depth", "process_cpu_seconds"} <= {
            family.name for family in text_string_to_metric_families(body)
        }
        assert (await ask(method="HEAD", **BEARER))[2] == ""

    @pytest.mark.parametrize("said", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä"])
    async def test_is_nobody_else(self, said: str, settings: Any) -> None:
        settings.AGENTOS_METRICS_TOKEN = TOKEN
        status, headers, body = await ask(Authorization=said)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert "agentos_runs" not in body

    def test_is_nobody_who_guesses_a_short_token(self) -> None:
        setting = Secret("", "")
        assert setting.objection(TOKEN) == ""
        assert setting.objection("") == ""
        for wrong in ("short", "ü" * 30):
            assert "24 characters" in setting.objection(wrong)
            assert wrong not in setting.objection(wrong)


class TestThePort:
    @pytest.fixture
    async def port(self, settings: Any, transactional_db: None) -> AsyncIterator[httpx.AsyncClient]:
        settings.AGENTOS_METRICS_PORT = free_port()
        opened = Port(Probes(asgi.readiness).on_own_port)
        await opened.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.AGENTOS_METRICS_PORT}") as client:
            yield client
        await opened.stop()

    async def test_shows_figures_and_probes_and_nothing_else(self, port: httpx.AsyncClient, settings: Any) -> None:
        assert "agentos_runs" in (await port.get("/metrics")).text
        assert (await port.get("/healthz")).text == "ok\n"
        assert (await port.get("/readyz")).status_code == 503  # no server runs here
        assert [(await port.get(path)).status_code for path in ("/", "/sign-in/", "/api/v1/agentos/agents/")] == [404] * 3

    async def test_asks_for_the_token_where_there_is_one(self, port: httpx.AsyncClient, settings: Any) -> None:
        settings.AGENTOS_METRICS_TOKEN = TOKEN
        assert (await port.get("/metrics")).status_code == 401
        assert (await port.get("/metrics", headers=BEARER)).status_code == 200

    async def test_that_is_taken_is_said(self, port: httpx.AsyncClient, settings: Any) -> None:
        with pytest.raises(CannotStart, match=f"Cannot listen on 127.0.0.1:{settings.AGENTOS_METRICS_PORT} for /metrics"):
            await Port(None).start()

    async def test_is_none_without_the_setting(self) -> None:
        opened = Port(None)
        await opened.start()
        assert opened.server is None
        await opened.stop()


class TestRuns:
    @pytest.fixture
    def end(self, db: None, everyone_agent: DjangoAgent, django_capture_on_commit_callbacks: Any) -> Any:
        def end(event: Any, code: str = "") -> None:
            run = RunFactory(session__agent=everyone_agent, status="running", attempt=1, started_at="2026-01-01T00:00:00Z")
            rows = [RunEvent(run=run, seq=1, attempt=1, kind="text", data={"text": "Hi"})]
            rows.append(RunEvent(run=run, seq=2, attempt=1, kind="usage", data={"input_tokens": 7, "output_tokens": 3}))
            RunEvent.objects.bulk_create(rows)
            with django_capture_on_commit_callbacks(execute=True):
                assert end_run(run_pk=run.pk, event=event)

        return end

    def test_that_end_are_counted_once_with_their_tokens_and_times(self, end: Any) -> None:
        counting = Counting()
        end(Finished())
        assert counting.added("agentos_runs_ended_total", status="completed") == 1
        assert counting.added("agentos_tokens_total", direction="input") == 7
        assert counting.added("agentos_tokens_total", direction="output") == 3
        assert counting.added("agentos_run_first_token_seconds_count") == 1
        assert counting.added("agentos_run_seconds_count", status="completed") == 1

    def test_that_fail_are_counted_by_a_code_of_the_list(self, end: Any) -> None:
        counting = Counting()
        end(Failed("model_busy"))
        end(Failed("made up by somebody"))
        end(Stopped())
        assert counting.added("agentos_run_errors_total", code="model_busy") == 1
        assert counting.added("agentos_run_errors_total", code="other") == 1
        assert counting.added("agentos_runs_ended_total", status="failed") == 2
        assert counting.added("agentos_runs_ended_total", status="stopped") == 1

    def test_that_pause_are_not_counted_as_answers(self, end: Any) -> None:
        counting = Counting()
        end(Waiting(requirements=[], output={}))
        assert counting.added("agentos_runs_ended_total", status="waiting") == 1
        assert counting.added("agentos_tokens_total", direction="input") == 0
        assert counting.added("agentos_run_first_token_seconds_count") == 0

    def test_that_were_rolled_back_are_not_counted(self, end: Any, django_capture_on_commit_callbacks: Any) -> None:
        from django.db import transaction

        counting = Counting()
        run = RunFactory(status="running", attempt=1)
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            end_run(run_pk=run.pk, event=Finished())
            transaction.set_rollback(True)
        assert counting.added("agentos_runs_ended_total", status="completed") == 0


class TestWhatIsOpen:
    @pytest.fixture
    def figures(self, transactional_db: None) -> metrics.Figures:
        return metrics.Figures()

    async def test_is_counted_by_state(self, figures: metrics.Figures) -> None:
        for status in ("queued", "queued", "queued", "running", "waiting", "completed", "failed"):
            await asyncio.to_thread(RunFactory, status=status)
        await figures.page("")
        assert [figure("agentos_runs", status=status) for status in ("queued", "running", "waiting")] == [3, 1, 1]
        assert figure("agentos_queue_depth") == 3
        assert figure("agentos_queue_oldest_seconds") > 0
        assert figure("agentos_database_up") == 1

    async def test_is_nothing_when_nothing_is_open(self, figures: metrics.Figures) -> None:
        await figures.page("")
        assert [figure("agentos_runs", status=status) for status in ("queued", "running", "waiting")] == [0, 0, 0]
        assert (figure("agentos_queue_depth"), figure("agentos_queue_oldest_seconds")) == (0, 0)

    async def test_says_what_this_month_has_used(self, figures: metrics.Figures, member: User, everyone_agent: DjangoAgent) -> None:
        numbers = {"model": "openai:m", "input_tokens": 70, "output_tokens": 3, "cost_micro": 2_500_000}
        await sync_to_async(lambda: RunFactory(session=ChatSessionFactory(user=member, agent=everyone_agent), **numbers))()
        await figures.page("")
        assert figure("agentos_answers_this_month", model="openai:m") == 1
        assert figure("agentos_tokens_this_month", model="openai:m", direction="input") == 70
        assert figure("agentos_cost_this_month_dollars", model="openai:m") == 2.5
        assert figure("agentos_unpriced_this_month", model="openai:m") == 0

    def test_is_found_by_an_index_in_four_queries(self, db: None) -> None:
        """What is more: tests/test_periodic.py."""
        with CaptureQueriesContext(connection) as asked:
            metrics.ask()
        assert len(asked) == 4
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                for query in asked.captured_queries:
                    cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                    plan = " ".join(row[3] for row in cursor.fetchall())
                    assert "run_open" in plan or "webhook_delivery_due" in plan or "monthly_usage_of_month" in plan, plan

    async def test_is_asked_once_in_some_seconds_however_often_somebody_looks(
        self, figures: metrics.Figures, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[None] = []
        real = metrics.ask

        def counted() -> metrics.Open:
            asked.append(None)
            return real()

        monkeypatch.setattr(metrics, "ask", counted)
        await asyncio.gather(*(figures.page("") for _ in range(50)))
        await figures.page("")
        assert len(asked) == 1
        figures.good_until = 0.0
        await figures.page("")
        assert len(asked) == 2

    async def test_is_old_while_the_database_is_away(self, figures: metrics.Figures, monkeypatch: pytest.MonkeyPatch) -> None:
        await figures.page("")

        def away() -> metrics.Open:
            raise OperationalError

        monkeypatch.setattr(metrics, "ask", away)
        figures.good_until = 0.0
        body, _ = await figures.page("")
        assert b"agentos_database_up 0.0" in body
        assert b"agentos_queue_depth" in body

    async def test_does_not_wait_for_a_database_that_hangs(self, figures: metrics.Figures, monkeypatch: pytest.MonkeyPatch) -> None:
        free = threading.Event()
        monkeypatch.setattr(metrics, "PATIENCE", 0.1)
        monkeypatch.setattr(metrics, "ask", lambda: free.wait(60))
        body, _ = await figures.page("")
        assert b"agentos_database_up 0.0" in body
        free.set()

    async def test_counts_open_streams(self, figures: metrics.Figures, member: Any) -> None:
        stream = registry.open(member, "", None)
        assert f"agentos_open_streams {float(len(registry.streams))}".encode() in (await figures.page(""))[0]
        registry.close(stream)


class TestRequests:
    @pytest.fixture(autouse=True)
    def data(self, transactional_db: None) -> None:
        pass

    async def test_are_counted_by_their_route(self) -> None:
        counting = Counting()
        await ask("/sign-in/")
        await ask("/healthz")
        await ask("/static/none.js")
        await ask("/api/v1/agentos/fastapi/agents")
        for route, status in (("account_login", "2xx"), ("probe:healthz", "2xx"), ("static", "4xx"), ("gateway", "4xx")):
            assert counting.added("agentos_request_seconds_count", route=route, method="GET", status=status) == 1, route

    async def test_make_no_figure_grow_by_what_anybody_can_make_up(self) -> None:
        await ask("/nope-0/")
        await ask("/nope-0/", "BREW")
        counting = Counting()
        for number in range(20):
            await ask(f"/nope-{number}/")
            await ask(f"/agentos/session/ses_{number}/")
            await ask(f"/nope-{number}/", f"BREW{number}")
        assert counting.added("agentos_request_seconds_count", route="unknown", method="GET", status="4xx") == 20
        new = {name for name, _ in counting.now().keys() - counting.before.keys()}
        assert len([key for key in counting.now().keys() - counting.before.keys() if key[0].endswith("_count")]) <= 1, new

    def test_are_timed_until_the_answer_began(self) -> None:
        counting = Counting()
        request_log.note({request_log.ROUTE: "a-stream", "method": "GET"}, 200, 100.0, 100.5)
        labels = {"route": "a-stream", "method": "GET", "status": "2xx"}
        assert counting.added("agentos_request_seconds_sum", **labels) == pytest.approx(0.5)


class TestTheRest:
    def test_limits_that_are_hit_are_counted(self, db: None) -> None:
        counting = Counting()
        limits.check("send", "1", limit=1, seconds=60)
        with pytest.raises(Problem):
            limits.check("send", "1", limit=1, seconds=60)
        assert counting.added("agentos_limits_hit_total", limit="send") == 1

    @pytest.mark.parametrize(("status_code", "result"), [(204, "delivered"), (500, "refused"), (None, "unreachable")])
    def test_webhooks_are_counted_by_their_result(self, status_code: int | None, result: str, support: Any) -> None:
        from agentos.core import clock

        counting = Counting()
        delivery = make_delivery(make_endpoint(support, "https://example.com/"))
        record_outcome(delivery, Outcome(clock.now(), 0.1, "https://example.com/", {}, status_code))
        assert counting.added("agentos_webhook_requests_total", result=result) == 1

    def test_quotas_that_are_reached_are_counted(self, settings: Any, everyone_agent: DjangoAgent, db: None) -> None:
        settings.AGENTOS_RUNS_A_DAY = 1
        counting = Counting()
        client, user = Client(), UserFactory()
        client.force_login(user)
        for _ in range(2):
            client.post(f"/agentos/chat/{everyone_agent.agent_id}/", {"message": "Hi"})
        assert counting.added("agentos_limits_hit_total", limit="runs_a_day") == 1


@pytest.fixture(scope="module", autouse=True)
def figures_are_left_as_they_are() -> Iterator[None]:
    yield
    assert not any("example.com" in str(sample.labels) for family in REGISTRY.collect() for sample in family.samples)
