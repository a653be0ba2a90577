"""Running an agent: a fresh Agno agent for every run, what its model says as it says it, the rest as our events, and exactly one end."""

import dataclasses
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from agno.agent import Agent
from agno.models.base import Model
from agno.run.agent import RunContentEvent, RunOutput

from agentos.agents import providers, scripts
from agentos.agents.events import Event, Failed, Finished, Follower, ReasoningDelta, TextDelta, Waiting
from agentos.agents.history import Turn
from agentos.agents.runtime import call_context, cancellation, conversation, finish, models, pausing, stream_buffer, tools
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.errors import detail_of
from agentos.agents.runtime.speech import Speech
from agentos.agents.runtime.translation import Translation
from agentos.agents.specs import AgentSpec
from agentos.conf import app_settings

LOCAL_INSTRUCTIONS = "You are a helpful assistant."  # with nothing before the question, the embedded model rambles

log = logging.getLogger(__name__)

cancellation.install()

Events = AsyncGenerator[Event, None]
Started = tuple[list[Event], AsyncGenerator[Any, None]]


def run(
    spec: AgentSpec,
    *,
    follower: Follower,
    run_id: str,
    user_id: str,
    session_id: str,
    message: str,
    context: dict[str, Any],
    history: Sequence[Turn],
) -> Events:
    whose: dict[str, Any] = {"run_id": run_id, "user_id": user_id, "session_id": session_id}

    async def start() -> Started:
        agent, asked = await _agent(spec, history, [message], **whose), conversation.user_message(message, context)
        budget = _history_budget(spec, len(asked.get_content_string()))
        # As additional input, and not together with the question: Agno makes a second copy of its input at every run.
        agent.additional_input = list(conversation.earlier(history, budget))
        return [], agent.arun(asked, **whose, **_STREAM)

    return _events(run_id, follower, start, spec.answer_format)


def resume(
    spec: AgentSpec,
    *,
    follower: Follower,
    run_id: str,
    user_id: str,
    session_id: str,
    output: dict[str, Any],
    answers: Sequence[Answer],
    history: Sequence[Turn],
) -> Events:
    whose: dict[str, Any] = {"run_id": run_id, "user_id": user_id, "session_id": session_id}

    async def start() -> Started:
        agent = await _agent(spec, history, call_context.said_in(output), output=output, **whose)
        earlier = conversation.earlier(history, _history_budget(spec, 0))
        paused, understood = pausing.rebuilt(output | whose, answers, earlier)
        _check_tools(agent, paused)
        decided = pausing.decided(paused, understood)
        return decided, agent.acontinue_run(run_response=paused, user_id=user_id, session_id=session_id, **_STREAM)

    return _events(run_id, follower, start)


_STREAM: dict[str, Any] = {"stream": True, "stream_events": True, "yield_run_output": True}


async def _agent(spec: AgentSpec, history: Sequence[Turn], said: Sequence[str], **more: Any) -> Agent:
    model = await models.model(spec.model)
    slug, model_id = providers.split(spec.model)
    script = scripts.parse(model_id) if slug == providers.SCRIPTED.slug else None
    wanted = (*spec.tools, *(script.tools if script else ())) if providers.PROVIDERS[slug].tools else ()
    toolbox = tools.toolbox(wanted, spec.toolbox)
    call_context.opened(spec, toolbox, history=history, said=said, **more)
    return _built(spec, model, tools.build(toolbox))


def _built(spec: AgentSpec, model: Model, toolkits: list[tools.AgnoTool]) -> Agent:
    return Agent(
        id=spec.agent_id,
        name=spec.name,
        model=model,
        instructions=spec.instructions or (LOCAL_INSTRUCTIONS if spec.model == providers.SMOLLM2 else None),
        tools=list(toolkits) or None,
        # Otherwise {braces} in a user's text are filled in from the state of the run.
        resolve_in_context=False,
        # Beyond it the model is told so, and answers with what it has; Translation ends a run that does not.
        tool_call_limit=app_settings.TOOL_STEPS,
        retries=0,
        store_events=False,
        telemetry=False,
    )


def _history_budget(spec: AgentSpec, asked: int) -> int:
    slug, _ = providers.split(spec.model)
    return providers.PROVIDERS[slug].history - asked - len(spec.instructions)


def _failure(error: Exception) -> Failed:
    if isinstance(error, models.NotAvailable | tools.NotOffered | ImportError):
        return Failed("agent_unavailable", detail_of(error))
    log.error("A run broke outside of its model.", exc_info=error)
    return Failed("internal", detail_of(error))


async def _events(
    run_id: str, follower: Follower, start: Callable[[], Awaitable[Started]], answer_format: dict[str, Any] | None = None
) -> Events:
    """Give our events and, last, the end."""
    translation = Translation(app_settings.TOOL_STEPS)
    try:
        async with stream_buffer.tapped(run_id, follower, answer_format) as tap:
            first, stream = await start()
            for event in first:
                yield event
            async with aclosing(stream):
                async for item in stream:
                    if type(item) is RunContentEvent:
                        if not tap.is_echo:
                            _pass_on(follower, item)
                        continue
                    for event in translation.events(item):
                        yield event
                    if translation.enough:
                        break
            translation.end = _judged(translation, tap.last)
    except Exception as error:  # noqa: BLE001 - a run ends with an event, whatever happens
        translation.end = _failure(error)
    finally:
        await call_context.close()
    yield translation.end or Failed("internal", "Agno's stream had no end.")


def _judged(translation: Translation, said: Speech | None) -> Failed | Finished | Waiting | None:
    """Return the end of a run by what its model said last: an answer may be cut, and white space is none."""
    end = translation.end
    if said is None or not isinstance(end, Finished | Failed) or (isinstance(end, Failed) and end.code != "model_empty"):
        return end
    if said.has_spoken or said.has_called or (said.has_thought and said.cut == finish.LENGTH):
        return dataclasses.replace(end, cut=said.cut) if isinstance(end, Finished) else end
    if said.cut == finish.FILTER:
        return Failed("content_policy", "The provider withheld the whole answer.")
    return Failed("model_added_nothing" if translation.has_tools else "model_empty")


def _pass_on(follower: Follower, item: RunContentEvent) -> None:
    """Pass on text that came from no model: a tool's, for one, that is to be shown as it is."""
    if item.reasoning_content:
        follower.on_text(ReasoningDelta.kind, item.reasoning_content)
    if item.content:
        follower.on_text(TextDelta.kind, str(item.content))


def _check_tools(agent: Agent, paused: RunOutput) -> None:
    """Refuse to go on when a tool was withdrawn meanwhile: Agno would leave its call without a result."""
    at_hand = tools.names(agent.tools or [])  # type: ignore[arg-type]
    gone = {tool.tool_name for tool in paused.tools or () if tool.is_paused and tool.tool_name not in at_hand}
    if gone:
        msg = f"These tools are no longer available: {', '.join(sorted(map(str, gone)))}."
        raise tools.NotOffered(msg)
