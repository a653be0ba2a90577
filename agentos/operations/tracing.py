"""OpenTelemetry, switched on by its own environment variables: a span for each request and each run, Agno's own below those of runs.

What the exporter needs is an extra, ``agentos-django[otel]``. Text of messages and answers is in no span unless
``OPENINFERENCE_HIDE_INPUTS`` and ``OPENINFERENCE_HIDE_OUTPUTS`` say so.
"""

import importlib.util
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from agentos.core import tracing

log = logging.getLogger("agentos.server")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTER = "opentelemetry.exporter.otlp.proto.http"
UNNAMED = "unknown_service"
PRIVATE = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS")
MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what sends traces is not installed: pip install 'agentos-django[otel]'. No traces are sent."
)
NO_GRPC = "Traces are sent as http/protobuf only: OTEL_EXPORTER_OTLP_PROTOCOL=%s is ignored. The usual port for that is 4318."


class _Running:
    provider: Any = None


def start() -> None:
    """Begin to send traces, where the environment says where to. Takes a moment, for what it loads: in a thread."""
    is_wanted = any(os.environ.get(name) for name in ENDPOINTS) and os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none"
    if not is_wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    if not is_installed():
        log.warning(MISSING)
        return
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if protocol != "http/protobuf":
        log.warning(NO_GRPC, protocol)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    use(BatchSpanProcessor(OTLPSpanExporter()))
    log.info("Traces are sent by OpenTelemetry.")


def is_installed() -> bool:
    try:
        return importlib.util.find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def use(processor: Any) -> None:
    """Give every span to this processor of OpenTelemetry's."""
    from opentelemetry import propagate, trace  # noqa: PLC0415 - loaded where it is used
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: "agentos"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("agentos")

    @contextmanager
    def open_span(name: str, about: Mapping[str, tracing.Value], carrier: Mapping[str, str] | None) -> Iterator[tracing.Span]:
        above = propagate.extract(carrier) if carrier is not None else None
        kind = trace.SpanKind.SERVER if carrier is not None else trace.SpanKind.INTERNAL
        with tracer.start_as_current_span(name, above, kind, dict(about), record_exception=False, set_status_on_exception=False) as opened:
            yield _Opened(opened)

    _Running.provider = provider
    tracing.use(open_span)


class _Opened:
    def __init__(self, span: Any) -> None:
        self.span = span

    def name(self, name: str) -> None:
        self.span.update_name(name)

    def note(self, **about: tracing.Value) -> None:
        self.span.set_attributes({name.replace("__", "."): value for name, value in about.items()})

    def failed(self, what: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self.span.set_status(StatusCode.ERROR, what)
        self.span.set_attribute("error.type", what)


def instrument_agno() -> None:
    """Let Agno's model and tool calls be spans, too, once Agno is loaded."""
    if _Running.provider is None:
        return
    from openinference.instrumentation.agno import AgnoInstrumentor  # noqa: PLC0415 - comes with Agno, takes long to load

    for name in PRIVATE:
        os.environ.setdefault(name, "true")
    AgnoInstrumentor().instrument(tracer_provider=_Running.provider)


def stop() -> None:
    """Send what is left. May take some seconds where nobody takes it: in a thread."""
    tracing.use(None)
    if _Running.provider is not None:
        _Running.provider.shutdown()
    _Running.provider = None
