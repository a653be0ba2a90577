"""Vectors of texts: by the model in a package (``local.py``), by an OpenAI-compatible server (``endpoint.py``), or none at all."""

import asyncio
from datetime import datetime
from importlib.util import find_spec

from agentos.conf import app_settings
from agentos.core import clock
from agentos.knowledge.embedding import endpoint, local
from agentos.knowledge.embedding.bars import Bars
from agentos.knowledge.embedding.errors import NoEmbedding

__all__ = ["Bars", "NoEmbedding", "away", "bars", "close", "embed", "embed_question", "missing", "model"]

NOT_HERE = "Its packages are not installed: pip install 'agentos-django[embeddings]'."
OF_OTHERS = Bars(0.35, 0.5)  # of a model that nobody has measured
QUESTION_SECONDS = 5.0  # that somebody waits for meaning; words are found meanwhile
REST_SECONDS = 30.0  # after a failure, in which questions are answered by words at once


class _Last:
    """The last failure, until something succeeds."""

    at: datetime | None = None
    reason = ""


def model() -> str:
    """Return the name of the model; empty where passages are found by their words only."""
    if app_settings.EMBEDDINGS == "none" or missing():
        return ""
    return local.MODEL if app_settings.EMBEDDINGS == "embedded" else f"{app_settings.EMBEDDINGS_MODEL}@{app_settings.EMBEDDINGS_URL}"[:119]


def missing() -> str:
    """Return what is missing to use what the settings ask for, as a sentence for the operator; nothing when nothing is."""
    if app_settings.EMBEDDINGS == "embedded":
        return "" if local.is_installed() else NOT_HERE
    if app_settings.EMBEDDINGS == "endpoint":
        if not find_spec("numpy"):
            return NOT_HERE
        return (
            ""
            if app_settings.EMBEDDINGS_URL and app_settings.EMBEDDINGS_MODEL
            else "Set AGENTOS_EMBEDDINGS_URL and AGENTOS_EMBEDDINGS_MODEL."
        )
    return ""


def bars() -> Bars:
    """Return how much a passage has to have in common with a question, by this model."""
    return local.BARS if app_settings.EMBEDDINGS == "embedded" else OF_OTHERS


def away() -> tuple[datetime, str] | None:
    """Return since when this process gets no vectors, and why, for the operator; None when it gets them, or has not asked."""
    return (_Last.at, _Last.reason) if _Last.at else None


async def embed(texts: list[str]) -> list[bytes]:
    """Return a vector of each text, of length 1, as 16-bit floats. Raises NoEmbedding."""
    try:
        made = await (local.embed(texts) if app_settings.EMBEDDINGS == "embedded" else endpoint.embed(texts))
    except NoEmbedding as problem:
        _Last.at, _Last.reason = clock.now(), str(problem)
        raise
    _Last.at = None
    return made


async def embed_question(text: str) -> bytes | None:
    """Return the vector of what somebody waits for; None where there is none soon: then words have to do."""
    if not model() or (_Last.at and (clock.now() - _Last.at).total_seconds() < REST_SECONDS):
        return None
    try:
        async with asyncio.timeout(QUESTION_SECONDS):
            return (await embed([text]))[0]
    except NoEmbedding:
        return None
    except TimeoutError:
        _Last.at, _Last.reason = clock.now(), f"It took more than {QUESTION_SECONDS:.0f} seconds."
        return None


async def close() -> None:
    await local.close()
