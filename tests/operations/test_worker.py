"""A worker is watched on a port of its own: its runs are counted there, and its probes answer."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster import Cluster, Worker, database, until
from tests.server import ROOT, free_port

pytestmark = [pytest.mark.postgres, pytest.mark.server, pytest.mark.timeout(300)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "site").mkdir()
    with database("watched") as url:
        made = Cluster(tmp_path / "site", url, count=1, AGENTOS_WORKERS="external")
        try:
            made.start()
            yield made
        finally:
            made.stop()


def test_says_what_it_has_done_and_that_it_is_well(site: Cluster, tmp_path: Path) -> None:
    port = free_port()
    server = f"{site.servers[0].origin}/readyz"
    assert httpx.get(server, timeout=60).json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "workers": "none", "engine": "ok", "models": "unknown"},
    }
    worker = Worker(site, tmp_path / "worker.log", AGENTOS_METRICS_PORT=str(port))
    worker.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as watcher:
            assert watcher.get("/healthz").status_code == 200
            ready = watcher.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["engine"]) == (200, "ok")
            until(lambda: httpx.get(server, timeout=60).json()["checks"]["workers"] == "ok")
            run = site.send("Is anybody there?", agent="echo")
            until(lambda: site.run(run["run_id"])["status"] == "completed")
            until(lambda: 'agentos_runs_ended_total{status="completed"} 1.0' in watcher.get("/metrics").text)
            assert watcher.get("/sign-in/").status_code == 404
        command = [sys.executable, "manage.py", "agentos_worker"]
        second = subprocess.run(command, cwd=ROOT, env=worker.env, capture_output=True, text=True, timeout=120, check=False)
        assert second.returncode == 1
        assert f"Cannot listen on 127.0.0.1:{port} for /metrics" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        worker.kill()
