"""Two servers over one PostgreSQL are one site: whoever is at one of them has all that happens at the other."""

import json
import signal
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.cluster import PATIENCE, Cluster, Tab, database, until

pytestmark = [pytest.mark.postgres, pytest.mark.server]

RENAME = """
from agentos.chat import actions
from agentos.chat.models import ChatSession
session = ChatSession.objects.get(session_id="{}")
actions.rename_session(session=session, title="Renamed afar", by=session.user)
"""
SEND = """
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
actions.send_message(by=User.objects.get(email="member@example.com"), agent=DjangoAgent.objects.get(agent_id="echo"), text="From a shell")
"""
TAKE_AWAY = """
from agentos.agents.actions import deactivate_agent
from agentos.agents.models import DjangoAgent
deactivate_agent(agent=DjangoAgent.objects.get(agent_id="closing"), by=None)
"""
GENEROUS = 5.0  # seconds; without a notice it takes 15, or for ever


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with database() as url:
        made = Cluster(tmp_path_factory.mktemp("cluster"), url)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def member(site: Cluster) -> Iterator[httpx.Client]:
    browser = site.sign_in()
    yield browser
    browser.close()


def page_of(session_id: str) -> str:
    return f"/agentos/session/{session_id}/"


def events(client: httpx.Client, run_id: str, last: str = "") -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Follow a run through the API: the moment, the name and the data of each event."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    with client.stream("GET", f"/runs/{run_id}/events/", headers=headers) as answer:
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield time.monotonic(), name, json.loads(line[6:])


class TestATab:
    def test_follows_a_run_of_the_other_server_to_its_end(self, site: Cluster, member: httpx.Client) -> None:
        first = site.send("One", agent="echo")
        site.wait_for(first["run_id"], "completed")
        with Tab(member, site.servers[1], page_of(first["session_id"])) as tab:
            began = time.monotonic()
            site.send("Seven *words* are said one by one.", session=first["session_id"])
            until(lambda: tab.says("one by one."), GENEROUS)
            run = site.send("x", agent="words")
            with Tab(member, site.servers[1], page_of(run["session_id"])) as long:
                site.wait_for(run["run_id"], "completed")
                until(lambda: long.is_fresh("turns", "chat-header"), GENEROUS)
                growth = [at for at, frame in long.heard if "-part-0" in frame]
            assert len(growth) > 20  # and not in a few lumps
            until(lambda: tab.is_fresh("turns", "sidebar-list"), GENEROUS)
        assert time.monotonic() - began < PATIENCE

    def test_has_what_was_said_before_it_was_opened(self, site: Cluster, member: httpx.Client) -> None:
        """The model is silent since: no growth will tell."""
        run = site.send("x", agent="silent")
        page = page_of(run["session_id"])
        tab = Tab(member, site.servers[1], page)  # loaded while nothing, or something, or all was said
        until(lambda: site.sql("SELECT 1 FROM chat_runevent e JOIN chat_run r ON r.id = e.run_id WHERE r.run_id = %s", run["run_id"]))
        with tab:
            until(lambda: tab.is_fresh("turns"), GENEROUS)
            member_stops(site, member, 1, run["run_id"])
            until(lambda: tab.is_fresh("turns"), GENEROUS)

    def test_hears_of_the_lists_of_its_person(self, site: Cluster, member: httpx.Client) -> None:
        with Tab(member, site.servers[1], "/agentos/") as tab:
            site.send("Zebras are striped", agent="echo")
            until(lambda: tab.says("Zebras are striped"), GENEROUS)

    def test_is_told_what_a_process_does_that_is_no_server(self, site: Cluster, member: httpx.Client) -> None:
        run = site.send("Before", agent="echo")
        site.wait_for(run["run_id"], "completed")
        with Tab(member, site.servers[1], page_of(run["session_id"])) as tab:
            site.shell(RENAME.format(run["session_id"]))
            until(lambda: tab.says("Renamed afar"), GENEROUS)

    def test_looks_again_after_the_connection_was_lost(self, site: Cluster, member: httpx.Client) -> None:
        """What was told meanwhile was told to nobody."""
        run = site.send("Before", agent="echo")
        site.wait_for(run["run_id"], "completed")
        with Tab(member, site.servers[1], page_of(run["session_id"])) as tab:
            for number in range(3):
                site.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentos notices'")
                sent = site.send(f"Message number {number}", session=run["session_id"])
                site.wait_for(sent["run_id"], "completed")
                until(lambda: tab.is_fresh("turns", "sidebar-list"), 2 * GENEROUS)


def member_stops(site: Cluster, member: httpx.Client, at: int, run_id: str) -> None:
    origin = site.servers[at].origin
    headers = {"X-CSRFToken": member.cookies["csrf"], "Origin": origin}
    assert member.post(f"{origin}/agentos/run/{run_id}/stop/", headers=headers).status_code in {200, 302, 303}


class TestTheApi:
    def test_streams_a_run_of_the_other_server(self, site: Cluster) -> None:
        run = site.send("x", agent="words")
        told = list(events(site.api[1], run["run_id"]))
        assert [name for _, name, _ in told][-1] == "completed"
        texts = [data["text"] for _, name, data in told if name == "text"]
        assert "".join(texts).strip() == told[-1][2]["answer"]
        assert len(texts) > 20
        gaps = [after[0] - before[0] for before, after in pairwise(told)]
        assert statistics.median(gaps) < 1

    def test_answers_who_waits_at_the_other_server(self, site: Cluster) -> None:
        """The run before it is driven there, and this one is by whoever ends that."""
        run = site.send("x", agent="words")
        answer = site.api[1].post("/send-message/", json={"session_id": run["session_id"], "message": "And you?"})
        assert answer.status_code == 200, answer.text
        assert site.run(run["run_id"])["status"] == "completed"
        assert answer.json()["response"]

    def test_tells_who_waits_here_that_it_was_stopped_there(self, site: Cluster, member: httpx.Client) -> None:
        with ThreadPoolExecutor(1) as waits:
            waiting = waits.submit(site.api[0].post, "/send-message/", json={"agent_id": "mute", "message": "Stop me"})
            until(lambda: open_runs(site, "Stop me"))
            ((run_id,),) = open_runs(site, "Stop me")
            member_stops(site, member, 1, run_id)
            began = time.monotonic()
            assert waiting.result(PATIENCE).status_code == 409
            assert time.monotonic() - began < GENEROUS


def open_runs(site: Cluster, message: str) -> list[tuple[Any, ...]]:
    return site.sql("SELECT run_id FROM chat_run WHERE input = %s AND status = 'running'", message)


class TestAMessage:
    def test_starts_when_the_one_before_it_ends_wherever_it_was_queued(self, site: Cluster) -> None:
        first = site.send("x", agent="words")
        second = site.send("y", at=1, session=first["session_id"])
        assert site.run(second["run_id"])["status"] == "queued"
        done = site.wait_for(first["run_id"], "completed")
        begun = site.wait_for(second["run_id"], "running", "completed")
        assert begun["started_at"] - done["finished_at"] < timedelta(seconds=GENEROUS)

    def test_starts_when_the_one_before_it_is_stopped_at_the_other_server(self, site: Cluster, member: httpx.Client) -> None:
        first = site.send("x", agent="mute")
        second = site.send("y", session=first["session_id"])
        member_stops(site, member, 1, first["run_id"])
        begun = site.wait_for(second["run_id"], "running")
        assert begun["started_at"] - site.run(first["run_id"])["finished_at"] < timedelta(seconds=GENEROUS)
        member_stops(site, member, 1, second["run_id"])

    def test_of_a_process_that_drives_nothing_starts_at_a_server(self, site: Cluster) -> None:
        site.shell(SEND)
        until(lambda: site.sql("SELECT 1 FROM chat_run WHERE input = 'From a shell' AND status = 'completed'"))
        ((late,),) = site.sql("SELECT started_at - created_at FROM chat_run WHERE input = 'From a shell'")
        assert late < timedelta(seconds=GENEROUS)

    def test_goes_on_when_what_it_asks_is_answered_at_the_other_server(self, site: Cluster, member: httpx.Client) -> None:
        run = site.send("Write to Ada", agent="careful")
        site.wait_for(run["run_id"], "waiting")
        origin = site.servers[1].origin
        headers = {"X-CSRFToken": member.cookies["csrf"], "Origin": origin}
        answer = member.post(f"{origin}/agentos/run/{run['run_id']}/answer/", data={"decision": "yes"}, headers=headers)
        assert answer.status_code in {200, 302, 303}
        assert site.wait_for(run["run_id"], "completed", "failed")["status"] == "completed"


class TestRights:
    def test_that_are_lost_anywhere_close_what_is_open_here(self, site: Cluster) -> None:
        browser = site.sign_in("stranger@example.com")
        with Tab(browser, site.servers[0], "/agentos/") as tab:
            origin = site.servers[1].origin
            headers = {"X-CSRFToken": browser.cookies["csrf"], "Origin": origin}
            with httpx.Client(cookies=browser.cookies, headers=headers) as elsewhere:
                assert elsewhere.post(f"{origin}/sign-out/").status_code in {200, 302}
            until(lambda: tab.closed)
        browser.close()

    def test_to_an_agent_end_its_runs_everywhere(self, site: Cluster, member: httpx.Client) -> None:
        run = site.send("x", agent="closing")
        with Tab(member, site.servers[1], page_of(run["session_id"])) as tab:
            site.shell(TAKE_AWAY)
            assert site.wait_for(run["run_id"], "stopped")["error_code"] == "agent_closed"
            until(lambda: tab.is_fresh("turns"))
            until(lambda: tab.says("You may no longer use this agent"))


def lease_is_over(site: Cluster, *run_ids: str) -> None:
    """As it will be in half a minute."""
    site.sql("UPDATE chat_run SET lease_until = now() - interval '1 second' WHERE run_id = ANY(%s)", list(run_ids))


def journal(site: Cluster, run_id: str) -> list[tuple[Any, ...]]:
    return site.sql("SELECT seq, e.attempt, kind, data FROM chat_runevent e JOIN chat_run r ON r.id = e.run_id WHERE r.run_id = %s", run_id)


class TestAServerThatDies:
    def test_leaves_to_the_other_what_had_not_begun_and_the_text_of_what_had(self, site: Cluster, member: httpx.Client) -> None:
        mute, silent = site.send("x", agent="mute"), site.send("x", agent="silent")
        until(lambda: journal(site, silent["run_id"]))
        dead = site.servers[0]
        assert dead.process
        dead.process.kill()
        dead.process.wait()
        lease_is_over(site, mute["run_id"], silent["run_id"])
        with Tab(member, site.servers[1], page_of(silent["session_id"])) as tab:
            done = site.wait_for(silent["run_id"], "interrupted")
            assert len(done["answer"].split()) == 3
            until(lambda: tab.is_fresh("turns"))
        until(lambda: site.run(mute["run_id"])["attempt"] == 2)
        assert site.run(mute["run_id"])["status"] == "running"
        member_stops(site, member, 1, mute["run_id"])
        dead.start()

    def test_and_wakes_again_writes_nothing(self, site: Cluster) -> None:
        """It was stopped for longer than its lease, and does not know it."""
        zombie = site.servers[0]
        assert zombie.process
        long, mute = site.send("x", agent="long"), site.send("x", agent="mute")
        until(lambda: journal(site, long["run_id"]))
        zombie.process.send_signal(signal.SIGSTOP)
        try:
            lease_is_over(site, long["run_id"], mute["run_id"])
            ended = site.wait_for(long["run_id"], "interrupted")
            until(lambda: site.run(mute["run_id"])["attempt"] == 2)
            left = journal(site, long["run_id"])
        finally:
            zombie.process.send_signal(signal.SIGCONT)
        later = site.send("Are you there?", agent="words")  # while this is written, so is what else there is to write
        site.wait_for(later["run_id"], "completed")
        assert site.run(long["run_id"]) == ended
        assert journal(site, long["run_id"]) == left
        assert (site.run(mute["run_id"])["status"], site.run(mute["run_id"])["attempt"]) == ("running", 2)
