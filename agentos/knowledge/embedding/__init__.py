"""Vectors of texts: by the model in a package (``local.py``), by an OpenAI-compatible server (``endpoint.py``), or none at all."""

from importlib.util import find_spec

from agentos.conf import app_settings
from agentos.knowledge.embedding import endpoint, local
from agentos.knowledge.embedding.errors import NoEmbedding

__all__ = ["NoEmbedding", "close", "embed", "missing", "model", "threshold"]

NOT_HERE = "Its packages are not installed: pip install 'agentos-django[embeddings]'."
OF_OTHERS = 0.35  # a likeness under which passages of a model that nobody has measured have little to do with a question


def model() -> str:
    """Return the name of the model; empty where passages are found by their words only."""
    if app_settings.EMBEDDINGS == "none" or missing():
        return ""
    return local.MODEL if app_settings.EMBEDDINGS == "embedded" else f"{app_settings.EMBEDDINGS_MODEL}@{app_settings.EMBEDDINGS_URL}"[:120]


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


def threshold() -> float:
    """Return the likeness from which on a passage may have to do with a question."""
    return local.THRESHOLD if app_settings.EMBEDDINGS == "embedded" else OF_OTHERS


async def embed(texts: list[str]) -> list[bytes]:
    """Return a vector of each text, of length 1, as 16-bit floats. Raises NoEmbedding."""
    return await (local.embed(texts) if app_settings.EMBEDDINGS == "embedded" else endpoint.embed(texts))


async def close() -> None:
    await local.close()
