"""Agno's model objects: built once for each model and event loop, and shared by its runs, since the client inside costs 30 ms.

Neither Agno nor an SDK retries anything here: a retry would repeat text that was streamed already. The runner does, before the first token.
"""

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.models.utils import MODEL_PROVIDER_CLASSES
from django.conf import settings

from agentos.agents import providers, scripts
from agentos.agents.local_model.server import ALIAS
from agentos.agents.local_model.supervisor import local_model
from agentos.agents.runtime.errors import ModelTrouble, trouble
from agentos.agents.runtime.gathering import gathered
from agentos.agents.runtime.scripted import ScriptedModel
from agentos.core import outgoing

LOCAL_WAIT = 15.0  # seconds that a run waits for the embedded model to come up
LOCAL_ANSWER = 600  # tokens
# So small a model says wrong things as soon as it may choose, and repeats itself as soon as it may not.
LOCAL_SAMPLING: dict[str, Any] = {"temperature": 0.0, "extra_body": {"repeat_penalty": 1.05}}

Signature = tuple[Any, ...]


class NotAvailable(RuntimeError):
    """The model cannot be used here. The text is for the operator."""


class Watched(Model):
    """What every model class gets in front: text is told at once, errors leave as codes, which Agno's error events carry on."""

    async def ainvoke_stream(self, *args: Any, run_response: Any = None, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        stream: Any = super().ainvoke_stream(*args, run_response=run_response, **kwargs)  # type: ignore[safe-super]
        try:
            async with gathered(str(getattr(run_response, "run_id", "")), stream) as pieces:
                async for piece in pieces:
                    yield piece
        except ModelTrouble:
            raise
        except Exception as error:
            raise trouble(error) from error


@cache
def watched(model_class: type[Model]) -> type[Model]:
    return type(model_class.__name__, (Watched, model_class), {"__module__": __name__})


class Models:
    """The models of one event loop; their clients are bound to it."""

    def __init__(self) -> None:
        self._built: dict[str, tuple[Signature, asyncio.Future[Model]]] = {}

    async def get(self, name: str) -> Model:
        """Return the model, built in a thread: importing an SDK and reading certificates would hold up every stream."""
        signature = _signature(name)
        known = self._built.get(name)
        if known is None or known[0] != signature or (known[1].done() and known[1].exception()):
            known = (signature, asyncio.ensure_future(asyncio.to_thread(_build, name)))
            self._built[name] = known
        return await asyncio.shield(known[1])

    async def close(self) -> None:
        built, self._built = self._built, {}
        for _, future in built.values():
            model = (await asyncio.gather(future, return_exceptions=True))[0]
            if isinstance(model, Model):
                await _close(model)


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, Models]" = WeakKeyDictionary()


async def model(name: str) -> Model:
    """Return the shared model of this loop. Raises NotAvailable."""
    state = providers.availability(name)
    if not state.ok:
        raise NotAvailable(state.reason)
    if name == providers.SMOLLM2 and not await local_model.wait_ready(LOCAL_WAIT):
        raise NotAvailable(local_model.sentence)
    return await _of_loops.setdefault(asyncio.get_running_loop(), Models()).get(name)


async def close() -> None:
    """Close the clients of this loop."""
    models = _of_loops.pop(asyncio.get_running_loop(), None)
    if models is not None:
        await models.close()


def _signature(name: str) -> Signature:
    """Return what the model is built from: when it changes, a new one is built."""
    slug, _ = providers.split(name)
    if slug == "local":
        return (local_model.base_url, local_model.api_key)
    if slug == "openai-like":
        return (settings.OPENAI_LIKE_URL, settings.OPENAI_LIKE_API_KEY)
    keys = {variable for group in providers.PROVIDERS[slug].keys for variable in group}
    return tuple(os.environ.get(variable) for variable in (*sorted(keys), "OLLAMA_HOST", "OLLAMA_API_KEY"))


def _build(name: str) -> Model:
    slug, model_id = providers.split(name)
    if slug == "scripted":
        script = scripts.parse(model_id)
        assert script is not None  # availability has seen to it
        return watched(ScriptedModel)(id=model_id, script=script)  # type: ignore[call-arg]
    if slug == "local":
        return _local()
    if slug == "openai-like":
        from agno.models.openai import OpenAILike

        url, key = settings.OPENAI_LIKE_URL, settings.OPENAI_LIKE_API_KEY or "none"
        return _new(OpenAILike, model_id, base_url=url, api_key=key, provider="OpenAI-like", client_params=_guarded(url))
    module, class_name = MODEL_PROVIDER_CLASSES[slug]
    return _new(getattr(import_module(module), class_name), model_id, **_extras(slug))


def _guarded(url: str) -> dict[str, Any]:
    """Return the client for a server that somebody runs: the host of ``url`` may be private, what it redirects to may not.

    Where the environment names a proxy for it, the proxy connects, and judges.
    """
    import openai

    parts = urlsplit(url)
    host = parts.hostname or ""
    if {parts.scheme, "all"} & set(getproxies()) and not proxy_bypass(host):
        return {}
    policy = outgoing.Policy(total=None, connect=settings.CONNECT_TIMEOUT, answer_limit=None, connections=1000, trusted=(host,))
    client = openai.DefaultAsyncHttpxClient(transport=outgoing.AsyncTransport(policy), trust_env=False, timeout=_timeout())
    return {"http_client": client}


def _local() -> Model:
    import openai
    from agno.models.openai import OpenAILike

    # Never through a proxy, and without the certificates that loopback does not need. llama.cpp's server now and then
    # drops a kept connection just when it is used again, hence one connection a request.
    client = openai.DefaultAsyncHttpxClient(trust_env=False, verify=False, timeout=_timeout())
    return _new(
        OpenAILike,
        ALIAS,
        base_url=local_model.base_url,
        api_key=local_model.api_key,
        provider="Embedded",
        max_tokens=LOCAL_ANSWER,
        **LOCAL_SAMPLING,
        default_headers={"Connection": "close"},
        client_params={"http_client": client},
    )


def _extras(slug: str) -> dict[str, Any]:
    """Return what some classes do not read from the environment themselves."""
    if slug in {"ollama", "ollama-responses"}:
        # With a key Agno would otherwise talk to Ollama's cloud, whatever host is set.
        host = os.environ.get("OLLAMA_HOST")
        return {"host": _with_scheme(host) if slug == "ollama-responses" else host} if host else {}
    if slug == "portkey":
        return {"portkey_api_key": os.environ["PORTKEY_API_KEY"]}
    return {}


def _with_scheme(host: str) -> str:
    return host if "://" in host else f"http://{host}"


def _new(model_class: type[Model], model_id: str, **extras: Any) -> Model:
    """Build the model with our timeouts and without retries, as far as its class has a place for them."""
    names = {field.name for field in dataclasses.fields(model_class)}
    bases = {base.__name__ for base in model_class.__mro__}
    params: dict[str, Any] = {"retries": 0, "retry_with_guidance_limit": 0, "max_retries": 0, "timeout": settings.SILENCE_TIMEOUT}
    client_params = dict(extras.pop("client_params", {}))
    if bases & {"OpenAIChat", "OpenAIResponses"}:
        params["timeout"] = client_params["timeout"] = _timeout()
        client_params["max_retries"] = 0
    elif "Ollama" in bases:
        params["timeout"] = _httpx_timeout()
    elif "Claude" in bases:
        client_params["max_retries"] = 0
    if client_params and "client_params" in names:
        params["client_params"] = client_params
    wanted = {name: value for name, value in (params | extras).items() if name in names}
    made = watched(model_class)(id=model_id, **wanted)
    if bases & {"OpenAIChat", "OpenAIResponses"}:
        made.get_async_client()  # type: ignore[attr-defined]
    return made


def _timeout() -> Any:
    import openai

    return openai.Timeout(settings.SILENCE_TIMEOUT, connect=settings.CONNECT_TIMEOUT)


def _httpx_timeout() -> Any:
    import httpx

    return httpx.Timeout(settings.SILENCE_TIMEOUT, connect=settings.CONNECT_TIMEOUT)


async def _close(made: Model) -> None:
    client = getattr(made, "async_client", None)
    inner = getattr(client, "_client", None) if type(client).__module__.startswith("ollama") else client
    shut = getattr(inner, "aclose", None) or getattr(inner, "close", None)
    if shut is not None:
        closing = shut()
        if asyncio.iscoroutine(closing):
            await closing
