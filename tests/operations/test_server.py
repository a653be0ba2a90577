"""The probes of a real server, as a load balancer and an orchestrator ask."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.server import Server

pytestmark = pytest.mark.server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, LOG_LEVEL="INFO", AGENTOS_GRACE_SECONDS="1")
    made.start()
    yield made
    if made.process and made.process.poll() is None:
        made.stop()


def test_is_alive_and_ready_until_it_is_told_to_stop(server: Server) -> None:
    assert server.process
    with httpx.Client(base_url=server.origin, timeout=20, headers={"Host": "10.0.0.9"}) as client:
        for _ in range(50):
            assert client.get("/healthz").status_code == 200
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert "readyz" not in server.log
        server.process.send_signal(signal.SIGTERM)
        with suppress(httpx.TransportError):  # it does not even listen any more
            while (status := client.get("/readyz").status_code) != 503:
                assert status == 200  # the signal has not arrived yet
    assert server.process.wait(30) is not None
