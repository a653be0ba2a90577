"""Vectors by a server that speaks OpenAI's protocol."""

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
            rows = sorted(answer.json()["data"], key=lambda row: row["index"])
            vectors = [_kept(row["embedding"]) for row in rows]
    except (Forbidden, httpx2.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise NoEmbedding(f"{type(error).__name__} {error}".strip()) from None
    if len(vectors) != len(texts):
        raise NoEmbedding(f"{len(texts)} texts were asked for, {len(vectors)} vectors came.")
    return vectors


def _kept(values: Any) -> bytes:
    length = sum(value * value for value in values) ** 0.5
    if not length:
        raise ValueError("A vector without a length.")
    return pack(f"<{len(values)}e", *(value / length for value in values))
