"""Traces: a span for each request and each run, nothing that anybody has said in them, and nothing at all unless they are wanted."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agentos.chat import actions
from agentos.chat.models import Run
from agentos.chat.runs.engine import Engine
from agentos.core import tracing as core
from agentos.operations import tracing
from tests.factories import AgentFactory, UserFactory
from tests.site_config.test_asgi import Caller

CANARY = "a canary that sings"


@pytest.fixture
def sent() -> Iterator[InMemorySpanExporter]:
    """What was sent."""
    exporter = InMemorySpanExporter()
    tracing.use(SimpleSpanProcessor(exporter))
    yield exporter
    tracing.stop()


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


class TestRequests:
    async def test_are_spans_named_by_their_route(self, sent: InMemorySpanExporter, transactional_db: None) -> None:
        _, headers, _ = await Caller(leaves=True).ask("GET", "/sign-in/", query="secret=1")
        await Caller(leaves=True).ask("GET", "/healthz")
        (span,) = sent.get_finished_spans()
        assert span.name == "GET account_login"
        assert span.attributes is not None
        assert span.attributes["http.response.status_code"] == 200
        assert span.attributes["agentos.request_id"] == headers["x-request-id"]
        assert "secret" not in span.to_json()

    async def test_go_on_with_the_trace_that_a_proxy_has_begun(self, sent: InMemorySpanExporter, transactional_db: None) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        await Caller(leaves=True).ask("GET", "/nope/", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        (span,) = sent.get_finished_spans()
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == trace
        assert span.name == "GET unknown"

    async def test_are_nothing_when_nobody_wants_them(self, transactional_db: None) -> None:
        assert not core.is_on()
        with core.span("anything", {}) as span:
            span.name("x")
            span.note(x=1)
            span.failed("x")
        assert (await Caller(leaves=True).ask("GET", "/sign-in/"))[0] == 200


def test_what_breaks_leaves_no_word_of_its_error_in_a_span(sent: InMemorySpanExporter) -> None:
    def breaks() -> None:
        with core.span("x", {}):
            raise ValueError(CANARY)

    with pytest.raises(ValueError, match=CANARY):
        breaks()
    assert CANARY not in sent.get_finished_spans()[0].to_json()


class TestRuns:
    @pytest.mark.parametrize(("model", "code"), [("scripted:3x0", ""), ("scripted:auth", "model_auth")])
    async def test_are_spans_without_a_word_of_what_was_said(
        self, sent: InMemorySpanExporter, engine: Engine, model: str, code: str
    ) -> None:
        def send() -> Run:
            by = UserFactory()
            session = actions.create_session(agent=AgentFactory(model=model, is_global=True), by=by)
            return actions.send_message(session=session, text=CANARY, by=by)

        run = await asyncio.to_thread(send)
        async with asyncio.timeout(60):
            while not [span for span in sent.get_finished_spans() if span.name == "run"]:
                await asyncio.sleep(0.05)
        (span,) = sent.get_finished_spans()
        assert span.attributes is not None
        assert span.attributes["agentos.run_id"] == run.run_id
        assert span.status.is_ok is not bool(code)
        assert CANARY not in span.to_json()


@pytest.mark.usefixtures("quiet")
class TestStart:
    def test_does_nothing_without_a_collector(self) -> None:
        tracing.start()
        assert not core.is_on()

    @pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
    def test_does_nothing_when_it_is_switched_off(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv(name, value)
        tracing.start()
        assert not core.is_on()

    def test_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr(tracing, "EXPORTER", "opentelemetry.exporter.nobody.has.this")
        tracing.start()
        assert not core.is_on()
        assert "pip install 'agentos-django[otel]'" in caplog.text

    def test_sends_to_the_collector(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        tracing.start()
        assert core.is_on()
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is ignored" in caplog.text
        tracing.stop()
        assert not core.is_on()


def test_it_is_named_after_us_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, expected in (("", "agentos"), ("chat", "chat")):
        monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        exporter = InMemorySpanExporter()
        tracing.use(SimpleSpanProcessor(exporter))
        with core.span("x", {}):
            pass
        found: Any = exporter.get_finished_spans()[0].resource.attributes["service.name"]
        assert found == expected
        tracing.stop()
