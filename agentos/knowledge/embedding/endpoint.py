"""Vectors by a server that speaks OpenAI's protocol."""

from math import isfinite
from struct import pack
from typing import Any
from urllib.parse import urlsplit

import httpx2

from agentos.conf import app_settings
from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy
from agentos.knowledge.embedding.errors import NoEmbedding

SECONDS = 30.0
LARGEST = 8_000_000  # bytes
CUT = 8_000  # characters


async def embed(texts: list[str]) -> list[bytes]:
    """Raises NoEmbedding."""
    key = app_settings.EMBEDDINGS_KEY
    asked = {"model": app_settings.EMBEDDINGS_MODEL, "input": [text[:CUT] for text in texts]}
    url = f"{app_settings.EMBEDDINGS_URL.rstrip('/')}/embeddings"
    host = urlsplit(url).hostname or ""
    policy = Policy(total=SECONDS, answer_limit=LARGEST, trusted=(host,))  # the operator named it, and it may be private
    try:
        async with guarded_http.async_client(policy) as client:
            answer = await client.post(url, json=asked, headers={"authorization": f"Bearer {key}"} if key else {})
            answer.raise_for_status()
            by_index = {row["index"]: _kept(row["embedding"]) for row in answer.json()["data"]}
            vectors = [by_index[place] for place in range(len(texts))]
    except (Forbidden, httpx2.HTTPError, TimeoutError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise NoEmbedding(_why(error)) from None
    if len({len(vector) for vector in vectors}) > 1:
        raise NoEmbedding("Vectors of several lengths came.")
    return vectors


def _why(error: Exception) -> str:
    if isinstance(error, (KeyError, TypeError)):
        return "What came is no list of vectors."
    return f"{type(error).__name__} {error}".strip().partition("\n")[0]


def _kept(values: Any) -> bytes:
    length = sum(value * value for value in values) ** 0.5
    if not length or not isfinite(length):
        raise ValueError("A vector without a length came.")
    return pack(f"<{len(values)}e", *(value / length for value in values))
