"""Servers that only queue, and workers that drive what they queue."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster import PATIENCE, Cluster, Tab, Worker, database, until
from tests.server import ROOT
from tests.site_config.test_cluster import GENEROUS, journal, lease_is_over, member_stops, page_of

pytestmark = [pytest.mark.postgres, pytest.mark.server]

AT_ONCE, WAITING = 3, 4
UNDONE = """
from django.db import transaction
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
with transaction.atomic():
    actions.send_message(by=User.objects.get(email="member@example.com"), agent=DjangoAgent.objects.get(agent_id="echo"), text="Undone")
    transaction.set_rollback(True)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    limits: dict[str, Any] = {"AGENTOS_WORKER_RUNS": str(AT_ONCE), "AGENTOS_QUEUE_LIMIT": str(WAITING)}
    with database("workers") as url:
        made = Cluster(tmp_path_factory.mktemp("workers"), url, AGENTOS_WORKERS="external", **limits)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture
def worker(site: Cluster, tmp_path: Path) -> Iterator[Worker]:
    started = Worker(site, tmp_path / "worker.log")
    started.start()
    yield started
    started.kill()


@pytest.fixture
def member(site: Cluster) -> Iterator[httpx.Client]:
    browser = site.sign_in()
    yield browser
    browser.close()


def jobs(site: Cluster) -> int:
    """That nobody has taken. Those of workers that were killed are taken out later."""
    ((count,),) = site.sql("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
    return int(count)


def taken_jobs(site: Cluster) -> int:
    ((count,),) = site.sql("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")
    return int(count)


class TestAServer:
    def test_leaves_what_is_sent_to_the_workers(self, site: Cluster, member: httpx.Client, tmp_path: Path) -> None:
        before = jobs(site)
        run = site.send("Is anybody there?", agent="echo")
        assert site.run(run["run_id"])["status"] == "queued"
        assert jobs(site) == before + 1
        with Tab(member, site.servers[1], page_of(run["session_id"])) as tab:
            worker = Worker(site, tmp_path / "worker.log")
            worker.start()
            try:
                site.wait_for(run["run_id"], "completed")
                until(lambda: tab.is_fresh("turns"), GENEROUS)
            finally:
                worker.kill()
        assert jobs(site) == 0

    def test_queues_nothing_that_is_undone(self, site: Cluster) -> None:
        before = jobs(site)
        site.shell(UNDONE)
        assert jobs(site) == before

    def test_is_ready_without_driving_anything(self, site: Cluster) -> None:
        assert httpx.get(f"{site.servers[0].origin}/readyz", timeout=PATIENCE).status_code == 200


class TestAWorker:
    def test_takes_the_next_message_when_the_one_before_it_has_ended(self, site: Cluster, worker: Worker) -> None:
        first = site.send("x", agent="words")
        second = site.send("y", at=1, session=first["session_id"])
        done, begun = site.wait_for(first["run_id"], "completed"), site.wait_for(second["run_id"], "running", "completed")
        assert (begun["started_at"] - done["finished_at"]).total_seconds() < GENEROUS
        site.wait_for(second["run_id"], "completed")

    def test_hears_that_its_run_was_stopped(self, site: Cluster, worker: Worker, member: httpx.Client) -> None:
        run = site.send("x", agent="silent")
        until(lambda: journal(site, run["run_id"]))
        after = site.send("y", session=run["session_id"])
        member_stops(site, member, 1, run["run_id"])
        site.wait_for(after["run_id"], "running")
        member_stops(site, member, 0, after["run_id"])

    def test_drives_as_many_as_it_may_and_no_more_are_accepted_than_may_wait(
        self, site: Cluster, worker: Worker, member: httpx.Client
    ) -> None:
        sent = [site.send("x", agent="mute") for _ in range(AT_ONCE)]
        for run in sent:
            site.wait_for(run["run_id"], "running")
        waiting = [site.send("x", agent="mute") for _ in range(WAITING)]
        refused = site.api[1].post("/send-message/", json={"agent_id": "mute", "message": "x", "background": True})
        assert refused.status_code == 429
        assert "Too many messages are waiting" in refused.json()["error"]
        assert {site.run(run["run_id"])["status"] for run in waiting} == {"queued"}
        member_stops(site, member, 0, sent[0]["run_id"])
        until(lambda: sum(site.run(run["run_id"])["status"] == "running" for run in waiting) == 1)
        for run in [*waiting, *sent]:
            member_stops(site, member, 0, run["run_id"])

    def test_that_dies_leaves_its_runs_to_another(self, site: Cluster, worker: Worker, member: httpx.Client, tmp_path: Path) -> None:
        mute, silent = site.send("x", agent="mute"), site.send("x", agent="silent")
        until(lambda: journal(site, silent["run_id"]))
        site.wait_for(mute["run_id"], "running")
        other = Worker(site, tmp_path / "other.log")
        other.start()
        worker.kill()
        lease_is_over(site, mute["run_id"], silent["run_id"])
        try:
            assert len(site.wait_for(silent["run_id"], "interrupted")["answer"].split()) == 3
            until(lambda: site.run(mute["run_id"])["attempt"] == 2)
            member_stops(site, member, 0, mute["run_id"])
        finally:
            other.kill()

    def test_takes_out_the_jobs_of_one_that_died(self, site: Cluster, worker: Worker, member: httpx.Client, tmp_path: Path) -> None:
        run = site.send("x", agent="mute")
        site.wait_for(run["run_id"], "running")
        worker.kill()
        member_stops(site, member, 0, run["run_id"])
        assert taken_jobs(site)
        site.sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'")
        other = Worker(site, tmp_path / "other.log")
        other.start()
        try:
            until(lambda: not taken_jobs(site))
        finally:
            other.kill()

    def test_ends_when_it_is_told_to_and_gives_its_runs_time(self, site: Cluster, worker: Worker) -> None:
        run = site.send("x", agent="silent")
        until(lambda: journal(site, run["run_id"]))
        assert worker.process
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(PATIENCE) == 0
        assert site.run(run["run_id"])["status"] == "interrupted"


def command(name: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", **more}
    return subprocess.run([sys.executable, "manage.py", name], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


class TestWhatIsNoUse:
    def test_is_a_worker_where_servers_drive_their_runs(self, tmp_path: Path) -> None:
        done = command("agentos_worker", AGENTOS_DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert "There is nothing for a worker to do" in done.stderr

    def test_are_workers_on_sqlite(self, tmp_path: Path) -> None:
        done = command("check", AGENTOS_DATA_DIR=str(tmp_path), AGENTOS_WORKERS="external")
        assert done.returncode == 1
        assert "needs PostgreSQL" in done.stderr
        assert "Traceback" not in done.stderr
