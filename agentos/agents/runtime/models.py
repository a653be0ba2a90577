"""Agno's model objects: built once for each model and event loop, and shared by its runs, since the client inside costs 30 ms.

Neither Agno nor an SDK retries anything here: a retry would repeat text that was streamed already. The runner does, before the first token.
"""

import asyncio
import dataclasses
import json
import os
from collections.abc import AsyncIterator, Mapping
from functools import cache, partial
from importlib import import_module
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse
from agno.models.utils import MODEL_PROVIDER_CLASSES
from agno.tools.function import Function, FunctionCall

from agentos.agents import prices, providers, scripts
from agentos.agents.local_model.server import ALIAS
from agentos.agents.local_model.supervisor import local_model
from agentos.agents.runtime import call_context, calls, finish, made
from agentos.agents.runtime.decoding import ChatDecoder
from agentos.agents.runtime.errors import ModelTrouble, trouble
from agentos.agents.runtime.scripted import ScriptedModel
from agentos.agents.runtime.speech import FINISH, Speech, names_of
from agentos.agents.runtime.stream_buffer import begun, buffered, format_for
from agentos.agents.tools.definition import current
from agentos.conf import app_settings
from agentos.core.security import guarded_http

LOCAL_WAIT = 15.0  # seconds that a run waits for the embedded model to come up
LOCAL_ANSWER = 600  # tokens
# So small a model says wrong things as soon as it may choose, and repeats itself as soon as it may not.
LOCAL_SAMPLING: dict[str, Any] = {"temperature": 0.0, "extra_body": {"repeat_penalty": 1.05}}

OPENAI = frozenset({"OpenAIChat", "OpenAIResponses"})

Signature = tuple[Any, ...]


class NotAvailable(RuntimeError):
    """The model cannot be used here. The text is for the operator."""


class Watched(Model):
    """What every model class gets in front: what it says is made sound and told at once, errors leave as codes, which Agno's error
    events carry on, and a call that cannot be made is seen to fail."""

    async def ainvoke_stream(
        self, *, messages: list[Message], tools: Any = None, run_response: Any = None, **kwargs: Any
    ) -> AsyncIterator[ModelResponse]:
        run_id = str(getattr(run_response, "run_id", ""))
        call_context.speaks(run_response)
        if call_context.asks_first(getattr(run_response, "run_id", "") or ""):
            return  # a call waits for a person: the model has nothing to say before
        if wanted := format_for(run_id):
            kwargs["response_format"] = wanted
        stream: Any = super().ainvoke_stream(messages=messages, tools=tools, run_response=run_response, **kwargs)  # type: ignore[safe-super]
        speech = Speech(messages=messages, assemble=partial(self._assembled, names_of(tools)), grows=self._usage_grows())
        begun(run_id, speech)
        try:
            async with buffered(run_id, speech.pieces(stream)) as pieces:
                async for piece in pieces:
                    if piece.images or piece.files:
                        await made.keep(piece)
                    yield piece
            call_context.costs(run_id, speech.cost)
        except ModelTrouble:
            raise
        except Exception as error:
            has_media = any(message.images or message.audio or message.files for message in messages)
            raise trouble(error, with_media=has_media) from error

    def _parse_provider_response_delta(self, *args: Any, **kwargs: Any) -> Any:
        """Note why it ended, which Agno does not read."""
        parsed = super()._parse_provider_response_delta(*args, **kwargs)  # type: ignore[safe-super]
        raw = args[0] if args else next(iter(kwargs.values()), None)
        response = parsed[0] if isinstance(parsed, tuple) else parsed
        if (reason := finish.reason_in(raw)) and isinstance(response, ModelResponse):
            vars(response)[FINISH] = reason
        return parsed

    def parse_tool_calls(self, tool_calls_data: list[Any]) -> list[Any]:
        """Take the calls as they are: they are whole when they get here."""
        return tool_calls_data

    def _assembled(self, _tools: frozenset[str], deltas: list[Any]) -> list[calls.Call]:
        return super().parse_tool_calls(deltas)

    def _usage_grows(self) -> bool:
        return False

    def get_function_calls_to_run(
        self, assistant_message: Message, messages: list[Message], functions: dict[str, Function] | None = None
    ) -> list[FunctionCall]:
        """Those that Agno would only tell the model of, unknown tools and unreadable arguments, are called as well, and fail. Those that
        need a person because of their arguments are marked so."""
        refusals: list[Message] = []
        sound = {call.call_id: call for call in super().get_function_calls_to_run(assistant_message, refusals, functions)}
        refused = {message.tool_call_id: message for message in refusals}
        made = []
        for call in assistant_message.tool_calls or ():
            call_id = call.get("id")
            if call_id in sound:
                made.append(_asking(sound[call_id]))
            elif call_id in refused:
                function = call.get("function") or {}
                if why := _why_away(str(function.get("name") or "")):
                    refused[call_id].content = why
                made.append(calls.refused(refused[call_id], str(function.get("arguments") or "")))
        return made


def _why_away(name: str) -> str:
    """Why a tool that the agent has is not there for this user; empty for one that nobody has."""
    context = current.get(None)
    return context.away.get(name, "") if context is not None else ""


def _asking(call: FunctionCall) -> FunctionCall:
    context = current.get(None)
    if context is not None and context.asks(call.function.name, call.arguments or {}):
        call.function = call.function.model_copy()
        call.function.requires_confirmation = True
    return call


class ChatCompletions(Watched):
    """In front of every class that speaks OpenAI's protocol of chat completions."""

    def get_async_client(self) -> Any:
        client = super().get_async_client()  # type: ignore[misc]
        client._make_sse_decoder = ChatDecoder  # noqa: SLF001 - where the package lets a decoder be put
        return client

    def _assembled(self, tools: frozenset[str], deltas: list[Any]) -> list[calls.Call]:
        return calls.assembled(deltas, tools)

    def _usage_grows(self) -> bool:
        return True


class Responses(Watched):
    """In front of every class that speaks OpenAI's protocol of responses: what Agno passes over of its events."""

    def _parse_provider_response_delta(self, *args: Any, **kwargs: Any) -> Any:
        parsed = super()._parse_provider_response_delta(*args, **kwargs)
        stream_event = args[0]
        match stream_event.type:
            case "response.refusal.delta":
                parsed[0].content = stream_event.delta
            case "response.incomplete" if stream_event.response.usage:
                parsed[0].response_usage = self._get_metrics(stream_event.response.usage)  # type: ignore[attr-defined]
            case "response.failed":
                raise trouble(RuntimeError(str(stream_event.response.error)))
        return parsed


@cache
def watched(model_class: type[Model]) -> type[Model]:
    bases = {base.__name__ for base in model_class.__mro__}
    front = ChatCompletions if "OpenAIChat" in bases else Responses if "OpenAIResponses" in bases else Watched
    return type(model_class.__name__, (front, model_class), {"__module__": __name__})


class Models:
    """The models of one event loop; their clients are bound to it."""

    def __init__(self) -> None:
        self._built: dict[str, tuple[Signature, asyncio.Future[Model]]] = {}

    async def get(self, name: str, parameters: Mapping[str, Any]) -> Model:
        """Return the model, built in a thread: importing an SDK and reading certificates would hold up every stream."""
        signature = _signature(name)
        key = f"{name} {json.dumps(parameters, sort_keys=True)}"
        known = self._built.get(key)
        if known is None or known[0] != signature or (known[1].done() and known[1].exception()):
            known = (signature, asyncio.ensure_future(asyncio.to_thread(_build, name, parameters)))
            self._built[key] = known
        return await asyncio.shield(known[1])

    async def close(self) -> None:
        built, self._built = self._built, {}
        for _, future in built.values():
            model = (await asyncio.gather(future, return_exceptions=True))[0]
            if isinstance(model, Model):
                await _close(model)


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, Models]" = WeakKeyDictionary()


async def model(name: str, parameters: Mapping[str, Any] = MappingProxyType({})) -> Model:
    """Return the shared model of this loop, asked in this way. Raises NotAvailable."""
    state = providers.availability(name)
    if not state.ok:
        raise NotAvailable(state.reason)
    if name == providers.SMOLLM2 and not await local_model.wait_ready(LOCAL_WAIT):
        raise NotAvailable(local_model.sentence)
    return await _of_loops.setdefault(asyncio.get_running_loop(), Models()).get(name, dict(parameters))


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
        return (app_settings.OPENAI_LIKE_URL, app_settings.OPENAI_LIKE_API_KEY)
    keys = {variable for group in providers.PROVIDERS[slug].keys for variable in group}
    return tuple(os.environ.get(variable) for variable in (*sorted(keys), "OLLAMA_HOST", "OLLAMA_API_KEY"))


def _build(name: str, parameters: Mapping[str, Any]) -> Model:
    prices.warm(name)
    slug, model_id = providers.split(name)
    if slug == "scripted":
        script = scripts.parse(model_id)
        assert script is not None  # availability has seen to it
        return watched(ScriptedModel)(id=model_id, script=script, effort=parameters.get("effort", ""))  # type: ignore[call-arg]
    if slug == "local":
        return _local()
    if slug == "openai-like":
        from agno.models.openai import OpenAILike

        url, key = app_settings.OPENAI_LIKE_URL, app_settings.OPENAI_LIKE_API_KEY or "none"
        return _new(OpenAILike, model_id, base_url=url, api_key=key, provider="OpenAI-like", client_params=_guarded(url), **parameters)
    module, class_name = MODEL_PROVIDER_CLASSES[slug]
    return _new(getattr(import_module(module), class_name), model_id, **_extras(slug), **parameters)


def _guarded(url: str) -> dict[str, Any]:
    """Return the client for a server that somebody runs: the host of ``url`` may be private, what it redirects to may not.

    Where the environment names a proxy for it, the proxy connects, and judges.
    """
    import openai

    parts = urlsplit(url)
    host = parts.hostname or ""
    if {parts.scheme, "all"} & set(getproxies()) and not proxy_bypass(host):
        return {}
    policy = guarded_http.Policy(total=None, connect=app_settings.CONNECT_TIMEOUT, answer_limit=None, connections=1000, trusted=(host,))
    client = openai.DefaultAsyncHttpxClient(transport=guarded_http.AsyncTransport(policy), trust_env=False, timeout=_timeout())
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
    """Build the model with our timeouts, without retries, and without a copy of chats at the provider, as far as its class has a place
    for them."""
    names = {field.name for field in dataclasses.fields(model_class)}
    bases = {base.__name__ for base in model_class.__mro__}
    client_params = dict(extras.pop("client_params", {})) | _client_params(bases)
    params: dict[str, Any] = {"retries": 0, "retry_with_guidance_limit": 0, "timeout": app_settings.SILENCE_TIMEOUT}
    if not bases & {"MistralChat", "HuggingFace"}:  # whose clients do not know it
        params["max_retries"] = 0
    if bases & OPENAI:
        params["timeout"] = _timeout()
    elif "Ollama" in bases:
        params["timeout"] = _httpx_timeout()
    elif "LiteLLM" in bases:
        params["request_params"] = {"num_retries": 0, "max_retries": 0}
    if bases & {"OpenAIResponses", "GeminiInteractions"} or model_class.__name__ == "OpenAIChat":
        params["store"] = False
    if client_params and "client_params" in names:
        params["client_params"] = client_params
    wanted = {name: value for name, value in (params | _asked_so(extras, names, model_class.__name__)).items() if name in names}
    made = watched(model_class)(id=model_id, **wanted)
    if bases & OPENAI:
        made.get_async_client()  # type: ignore[attr-defined]
    return made


def _asked_so(extras: dict[str, Any], names: set[str], class_name: str) -> dict[str, Any]:
    """Return the parameters under the names that the class has for them."""
    found = dict(extras)
    if "max_tokens" in found and class_name == "OpenAIChat":  # whose newer models refuse the older name
        found["max_completion_tokens"] = found.pop("max_tokens")
    elif "max_tokens" in found and "max_tokens" not in names and "max_output_tokens" in names:
        found["max_output_tokens"] = found.pop("max_tokens")
    if class_name == "Ollama":
        options = {own: found.pop(name) for name, own in (("temperature", "temperature"), ("max_tokens", "num_predict")) if name in found}
        found |= {"options": options} if options else {}
    return found


def _client_params(bases: set[str]) -> dict[str, Any]:
    """Return what the SDK's own client is built with, for classes that have no field for it."""
    if bases & OPENAI:
        return {"timeout": _timeout(), "max_retries": 0}
    if "Claude" in bases:
        return {"max_retries": 0}
    if bases & {"Gemini", "GeminiInteractions"}:
        return {"http_options": {"timeout": app_settings.SILENCE_TIMEOUT * 1000, "retry_options": {"attempts": 1}}}
    if "WatsonX" in bases:
        return {"max_retries": 0}
    return {}


def _timeout() -> Any:
    import openai

    return openai.Timeout(app_settings.SILENCE_TIMEOUT, connect=app_settings.CONNECT_TIMEOUT)


def _httpx_timeout() -> Any:
    import httpx

    return httpx.Timeout(app_settings.SILENCE_TIMEOUT, connect=app_settings.CONNECT_TIMEOUT)


async def _close(made: Model) -> None:
    client = getattr(made, "async_client", None)
    inner = getattr(client, "_client", None) if type(client).__module__.startswith("ollama") else client
    shut = getattr(inner, "aclose", None) or getattr(inner, "close", None)
    if shut is not None:
        closing = shut()
        if asyncio.iscoroutine(closing):
            await closing
