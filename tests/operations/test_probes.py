"""/healthz and /readyz: what machines that watch over the server are answered, and what it costs to be asked."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.registry import registry
from agentos.chat.runs.engine import DEAD_SECONDS, Engine
from agentos.core import repeated
from agentos.operations import outcomes, probes, readiness
from agentos.operations.readiness import Readiness
from agentos.webhooks.outbound.dispatcher import Dispatcher
from site_config import asgi
from site_config.lifespan import Lifespan
from tests.factories import AgentFactory, RunFactory
from tests.site_config.test_asgi import Caller


async def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    return await Caller().ask(method, path, headers)


class TestHealthz:
    @pytest.mark.parametrize("host", ["testserver", "10.1.2.3:8000", "nobody-knows-it"])
    async def test_answers_under_any_host_without_a_database_or_a_cookie(self, host: str, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True
        status, headers, body = await ask("/healthz", Host=host)  # without the mark that lets a test ask the database
        assert (status, body) == (200, b"ok\n")
        assert "set-cookie" not in headers
        assert headers["cache-control"] == "no-store"

    async def test_says_nothing_to_head_and_refuses_what_it_does_not_know(self) -> None:
        assert (await ask("/healthz", "HEAD"))[::2] == (200, b"")
        status, headers, _ = await ask("/healthz", "POST")
        assert (status, headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_leaves_its_address_to_a_project_that_has_it(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert asgi.probes.serves(path)
        assert not asgi.probes.serves(f"{path}/")
        monkeypatch.setattr(probes, "is_valid_path", lambda _: True)
        probes.is_taken.cache_clear()
        assert not asgi.probes.serves(path)
        monkeypatch.undo()
        probes.is_taken.cache_clear()

    async def test_leaves_no_line_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        await ask("/healthz")
        assert caplog.records == []


class TestReadyz:
    @pytest.fixture(autouse=True)
    def anew(self) -> Iterator[None]:
        outcomes.forget()
        repeated.forget()
        yield
        outcomes.forget()

    @pytest.fixture
    async def working(self, transactional_db: None) -> AsyncIterator[Readiness]:
        """Of a server whose parts work."""
        made = Readiness(lambda: True)
        yield made
        made.close()

    @pytest.fixture
    def asked(self, working: Readiness, monkeypatch: pytest.MonkeyPatch) -> list[None]:
        """One for each time that the database was asked."""
        found: list[None] = []
        look = working._is_current

        def counted() -> bool:
            found.append(None)
            return look()

        monkeypatch.setattr(working, "_is_current", counted)
        return found

    async def test_says_yes_over_the_whole_application(self, working: Readiness, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True
        monkeypatch.setattr(asgi.probes, "readiness", working)
        status, headers, body = await ask("/readyz", Host="10.1.2.3")
        assert status == 200
        assert headers["content-type"] == "application/json"
        checks = {"database": "ok", "migrations": "ok", "engine": "ok", "models": "unknown"}
        assert json.loads(body) == {"status": "ready", "checks": checks}

    async def test_says_no_before_the_engine_works_and_when_it_is_dead(self, transactional_db: None, engine: Engine) -> None:
        lifespan = Lifespan([], asgi.gateway)
        assert not lifespan.is_working()
        lifespan.engine = engine
        assert not lifespan.is_working()
        await lifespan.dispatcher.start()
        assert lifespan.is_working()
        engine.looked_at -= DEAD_SECONDS
        assert not lifespan.is_working()
        engine.looked_at += DEAD_SECONDS
        assert lifespan.is_working()
        await lifespan.dispatcher.stop()
        assert not lifespan.is_working()
        made = Readiness(lifespan.is_working)
        is_ready, body = await made.ask()
        made.close()
        assert not is_ready
        assert json.loads(body)["checks"]["engine"] == "failing"

    async def test_engine_shows_signs_of_life(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        engine.looked_at = 0.0
        async with asyncio.timeout(30):
            while not engine.looked_at:
                await asyncio.sleep(0.05)
        assert engine.is_alive()
        assert not Engine().is_alive()
        assert not Dispatcher().is_alive()

    async def test_says_no_at_once_when_the_server_stops(self, working: Readiness, monkeypatch: pytest.MonkeyPatch) -> None:
        assert (await working.ask()).is_ready
        monkeypatch.setattr(registry, "stopping", True)
        is_ready, body = await working.ask()
        assert not is_ready
        assert json.loads(body)["status"] == "stopping"

    async def test_says_no_without_a_migration_of_this_version_and_yes_with_one_of_the_next(
        self, working: Readiness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
        recorder = MigrationRecorder(connection)
        await asyncio.to_thread(recorder.record_applied, "chat", "9999_of_the_next_version")
        assert (await working.ask()).is_ready
        working.needed = (working.needed or frozenset()) | {("chat", "9998_is_missing")}
        is_ready, body = await working.ask()
        assert not is_ready
        assert json.loads(body)["checks"]["migrations"] == "failing"

    async def test_asks_once_however_often_it_is_asked(self, working: Readiness, asked: list[None]) -> None:
        found = await asyncio.gather(*(working.ask() for _ in range(300)))
        assert {state.is_ready for state in found} == {True}
        assert len(asked) == 1
        working.good_until = 0.0
        await working.ask()
        assert len(asked) == 2

    async def test_says_no_while_the_database_does_not_answer_and_yes_when_it_does(
        self, working: Readiness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        monkeypatch.setattr(readiness, "PATIENCE", 0.1)
        free = threading.Event()
        monkeypatch.setattr(working, "_is_current", lambda: free.wait(60))
        for _ in range(3):
            is_ready, body = await working.ask()
            assert not is_ready
            assert json.loads(body)["checks"]["database"] == "failing"
            working.good_until = 0.0
        free.set()
        async with asyncio.timeout(30):
            while not (await working.ask()).is_ready:
                await asyncio.sleep(0.05)
        said = [record.getMessage() for record in caplog.records if "ready" in record.getMessage()]
        assert said == ["This server is not ready: database, migrations.", "This server is ready again."]

    async def test_says_no_when_the_database_is_gone(
        self, working: Readiness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def gone() -> bool:
            raise OSError("password=secret")

        monkeypatch.setattr(working, "_is_current", gone)
        is_ready, body = await working.ask()
        assert not is_ready
        assert b"secret" not in body

    def test_knows_which_models_were_not_reached(self, db: None, django_capture_on_commit_callbacks: Any) -> None:
        from agentos.agents.events import Failed, Finished
        from agentos.chat.runs.ending import end_run

        def end(agent: DjangoAgent, event: Any) -> None:
            run = RunFactory(session__agent=agent, status="running", attempt=1)
            with django_capture_on_commit_callbacks(execute=True):
                assert end_run(run_pk=run.pk, event=event)

        one, other = AgentFactory(), AgentFactory()
        assert outcomes.models() == "unknown"
        end(one, Finished())
        end(other, Failed("content_policy"))
        assert outcomes.models() == "ok"
        end(other, Failed("model_unreachable"))
        end(one, Finished())
        assert outcomes.models() == "failing"
        end(other, Finished())
        assert outcomes.models() == "ok"


async def test_a_run_of_the_engine_is_heard(engine: Engine, transactional_db: None) -> None:
    outcomes.forget()
    agent = await asyncio.to_thread(AgentFactory, model="scripted:2x0", is_global=True)

    def send() -> None:
        from tests.factories import UserFactory

        by = UserFactory()
        actions.send_message(session=actions.create_session(agent=agent, by=by), text="Hi", by=by)

    await asyncio.to_thread(send)
    async with asyncio.timeout(30):
        while outcomes.models() != "ok":
            await asyncio.sleep(0.05)
    outcomes.forget()
