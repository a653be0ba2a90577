"""The log of a real server as JSON, and its traces at a collector: ids are in them, and nothing that anybody has said."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.core.test_one_server import API, SEED, client_of, shell
from tests.server import Server

CANARY = "a-canary-that-sings"
BREAK = """
from agentos.agents.models import DjangoAgent
DjangoAgent.objects.filter(agent_id="slow").update(model="openai-like:nobody")
"""
PATIENCE = 60.0

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]


class Collector(HTTPServer):
    """Takes what is sent to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self) -> list[Any]:
        found = []
        for body in list(self.bodies):
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            found += [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def server(tmp_path: Path, collector: Collector) -> Iterator[Server]:
    made = Server(
        tmp_path,
        DJANGO_SETTINGS_MODULE="site_config.settings",
        LOG_FORMAT="json",
        LOG_LEVEL="INFO",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
        OTEL_BSP_SCHEDULE_DELAY="200",
        AGENTOS_OPENAI_LIKE_URL="http://127.0.0.1:9/v1",
    )
    yield made
    if made.process and made.process.poll() is None:
        made.stop()


def ask(client: httpx.Client) -> Any:
    answer = client.post(f"{API}/send-message/", json={"agent_id": "slow", "message": CANARY, "background": True})
    assert answer.status_code == 202, answer.text
    run = answer.json()["run_id"]
    over = time.monotonic() + PATIENCE
    while (found := client.get(f"{API}/runs/{run}/").json())["status"] not in {"completed", "failed"}:
        assert time.monotonic() < over
        time.sleep(0.1)
    return {**found, "run_id": run}


def test_each_line_is_an_object_and_says_nothing_that_was_said(server: Server, collector: Collector) -> None:
    token = shell(server, SEED.format("3x0"))
    server.start()
    with client_of(server, token) as client:
        assert ask(client)["status"] == "completed"
        shell(server, BREAK)
        failed = ask(client)
        assert failed["status"] == "failed"
        assert client.get(f"/{CANARY}?{CANARY}=1").status_code == 404
        over = time.monotonic() + PATIENCE
        while not {"run", "POST api:agentos_send_message"} <= {span.name for span in collector.spans()}:
            assert time.monotonic() < over, [span.name for span in collector.spans()]
            time.sleep(0.2)
    server.stop()

    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    (sent,) = [line for line in lines if line.get("run_id") == failed["run_id"] and line["level"] == "WARNING"]
    assert sent["request_id"].startswith("req_")  # of the request that started the run
    answers = [line for line in lines if line["logger"] == "agentos.requests"]
    missing = next(line for line in answers if line["status"] == 404)
    assert missing["path"] == f"/{CANARY}"  # the address is what was asked for; nothing else is
    assert all({"request_id", "route", "status", "ms", "method", "path"} <= line.keys() for line in answers)
    assert [line for line in server.log.splitlines() if CANARY in line and '"status": 404' not in line] == []
    assert f"{CANARY}=1" not in server.log
    assert any("AgentOS is ready" in line["message"] for line in lines)

    spans = collector.spans()
    runs = {span.span_id for span in spans if span.name == "run"}
    assert len(runs) == 2
    assert [span.name for span in spans if span.parent_span_id in runs], sorted(span.name for span in spans)  # Agno's
    assert CANARY.encode() not in b"".join(collector.bodies)
