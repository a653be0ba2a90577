"""Running an agent: a fresh Agno agent for every run, what its model says as it says it, the rest as our events, and exactly one end."""

import dataclasses
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Unpack

from agno.models.message import Message
from agno.run.team import RunContentEvent as TeamContent
from agno.run.team import TeamRunOutput
from agno.team import Team

from agentos.agents import abilities, media
from agentos.agents.events import Event, Failed, Finished, Follower, ReasoningDelta, TextDelta, Waiting
from agentos.agents.history import Turn
from agentos.agents.media import Given
from agentos.agents.runtime import building, call_context, cancellation, code, conversation, finish, models, pausing, stream_buffer, tools
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.errors import detail_of
from agentos.agents.runtime.speech import Speech
from agentos.agents.runtime.translation import CONTENT, Translation
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import AgentSpec
from agentos.conf import app_settings

log = logging.getLogger(__name__)

PAUSED = re.compile(r"Member '.*' requires human input before continuing\.", re.DOTALL)  # agno/team/_default_tools.py

cancellation.install()

Events = AsyncGenerator[Event, None]


@dataclass(frozen=True, slots=True)
class _Start:
    """Agno's stream, and what is told before it: ``first``."""

    stream: Any
    translation: Translation
    first: list[Event] = field(default_factory=list)


def run(
    spec: AgentSpec,
    *,
    follower: Follower,
    message: str,
    context: dict[str, Any],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    async def start() -> _Start:
        runner = await building.built(spec, history, [message], **whose)
        said, with_it = media.composed(message, files, spec.model, _able(spec)) if files else (message, media.Media())
        asked = conversation.attach(conversation.user_message(said, context), with_it)
        budget = _history_budget(spec, len(asked.get_content_string()))
        # As additional input, and not together with the question: Agno makes a second copy of its input at every run.
        told = conversation.earlier(history, budget, _again(spec, history, media.BYTES - with_it.size))
        runner.additional_input = [*(runner.additional_input or ()), *told]
        return _Start(runner.arun(**_input(runner, asked, with_media=bool(with_it)), **whose, **_STREAM), _translation(spec, runner))

    return _events(whose["run_id"], follower, start, spec.answer_format)


def resume(
    spec: AgentSpec,
    *,
    follower: Follower,
    output: dict[str, Any],
    answers: Sequence[Answer],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    async def start() -> _Start:
        runner = await building.built(spec, history, call_context.said_in(output), output=output, **whose)
        _said, with_it = media.composed("", files, spec.model, _able(spec))
        earlier = conversation.earlier(history, _history_budget(spec, 0), _again(spec, history, media.BYTES - with_it.size))
        places = output.get("delegations") or {}
        paused, understood = pausing.rebuilt(output | whose, answers, earlier, with_it)
        _check(runner, paused, [call.tool.tool_name or "" for call, _ in understood])
        translation = _translation(spec, runner, places)
        translation.expect({(call.run_id, call.tool.tool_call_id or ""): call.id for call, answer in understood if answer.confirmed})
        decided = [*translation.delegations.resumed(), *pausing.decided(understood, places)]
        how: dict[str, Any] = {"run_response": paused, "user_id": whose["user_id"], "session_id": whose["session_id"], **_STREAM}
        if isinstance(paused, TeamRunOutput):
            how["requirements"] = paused.requirements
        return _Start(runner.acontinue_run(**how), translation, decided)

    return _events(whose["run_id"], follower, start)


_STREAM: dict[str, Any] = {"stream": True, "stream_events": True, "yield_run_output": True}


def _translation(spec: AgentSpec, runner: building.Runner, places: Mapping[str, Mapping[str, str]] | None = None) -> Translation:
    models = {member.agent_id: member.model for member in spec.members}
    return Translation(app_settings.TOOL_STEPS, agents=building.agents_in(runner), stored=places, models=models)


def _history_budget(spec: AgentSpec, asked: int) -> int:
    return abilities.history_of(spec.model, spec.model_options) - asked - len(spec.instructions)


def _input(runner: building.Runner, asked: Message, *, with_media: bool) -> dict[str, Any]:
    """Return what Agno is asked with. A message that has media breaks where Agno writes its input as JSON, which a list of one does not; of
    such a list a team keeps the text alone, and has to be told the media beside it."""
    if not with_media:
        return {"input": asked}
    if isinstance(runner, Team):
        return {"input": asked.content, "images": asked.images, "audio": asked.audio, "files": asked.files}
    return {"input": [asked]}


def _able(spec: AgentSpec) -> abilities.Abilities:
    return abilities.media_of(spec.model, spec.model_options)


def _again(spec: AgentSpec, history: Sequence[Turn], room: int) -> list[list[tuple[bytes, str]]]:
    if not any(turn.files for turn in history):
        return []
    return media.again([turn.files for turn in history], room, spec.model, _able(spec))


def _failure(error: Exception) -> Failed:
    if isinstance(error, models.NotAvailable | tools.NotOffered | code.NotThere | ImportError):
        return Failed("agent_unavailable", detail_of(error))
    log.error("A run broke outside of its model.", exc_info=error)
    return Failed("internal", detail_of(error))


async def _events(
    run_id: str, follower: Follower, start: Callable[[], Awaitable[_Start]], answer_format: dict[str, Any] | None = None
) -> Events:
    """Give our events and, last, the end."""
    end: Failed | Finished | Waiting | None
    try:
        async with stream_buffer.tapped(run_id, follower, answer_format) as tap:
            started = await start()
            translation = started.translation
            for event in started.first:
                yield event
            async with aclosing(started.stream) as stream:
                async for item in stream:
                    for event in _told(item, translation, tap):
                        yield event
                    if translation.enough:
                        break
            end = _judged(translation, tap.last)
    except Exception as error:  # noqa: BLE001 - a run ends with an event, whatever happens
        end = _failure(error)
    finally:
        await call_context.close()
    yield end or Failed("internal", "Agno's stream had no end.")


def _told(item: Any, translation: Translation, tap: stream_buffer.StreamTap) -> Iterable[Event]:
    """Return the events for one of Agno's. Text that is not a member's goes to the follower, unless it has it already."""
    if type(item) not in CONTENT:
        return translation.events(item)
    if (events := translation.member_text(item)) is not None:
        return events
    if not tap.is_echo:
        _pass_on(tap.follower, item)
    return ()


def _judged(translation: Translation, said: Speech | None) -> Failed | Finished | Waiting | None:
    """Return the end of a run by what its model said last: an answer may be cut, and white space is none."""
    end = translation.end
    if said is None or not isinstance(end, Finished | Failed) or (isinstance(end, Failed) and end.code != "model_empty"):
        return end
    if said.has_spoken or said.has_called or said.has_made or (said.has_thought and said.cut == finish.LENGTH):
        return dataclasses.replace(end, cut=said.cut) if isinstance(end, Finished) else end
    if said.cut == finish.FILTER:
        return Failed("content_policy", "The provider withheld the whole answer.")
    return Failed("model_added_nothing" if translation.has_tools else "model_empty")


def _pass_on(follower: Follower, item: Any) -> None:
    """Pass on text that came from none of our models: a tool's, for one, that is to be shown as it is, or that of a model in code. What
    Agno says in the place of a member that waits for a person is no answer."""
    if isinstance(item, TeamContent) and PAUSED.fullmatch(str(item.content)):
        return
    if item.reasoning_content:
        follower.on_text(ReasoningDelta.kind, item.reasoning_content)
    if item.content:
        follower.on_text(TextDelta.kind, str(item.content))


def _check(runner: building.Runner, paused: pausing.Paused, called: Sequence[str]) -> None:
    """Refuse to go on when a tool was withdrawn meanwhile, and Agno would leave its call without a result; or when an agent has become
    a team."""
    if isinstance(runner, Team) != isinstance(paused, TeamRunOutput):
        raise tools.NotOffered("The agent is made in another way than it was when it asked.")
    if gone := set(called) - building.tool_names(runner):
        msg = f"These tools are no longer available: {', '.join(sorted(gone))}."
        raise tools.NotOffered(msg)
