"""The caller's agents as Agno's server is shown them: thin, without prompt, model or tools. What is asked of them, our actions do."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from agno.agent.protocol import AgentProtocol
from agno.models.response import ToolExecution
from agno.os.utils import format_sse_event_with_index
from agno.run.base import RunStatus

from agentos.agents.cache import AgentCard
from agentos.chat import actions, queries
from agentos.chat.models import Run
from agentos.chat.sent_files import KeptFiles, NotKept, kept_for
from agentos.gateway import context, database, sessions
from agentos.gateway.approvals import answers_of
from agentos.gateway.errors import problem_of
from agentos.gateway.progress import Progress
from agentos.gateway.serializers import CONTINUED, STARTED, SerializedRun, events_of, output_of, whole
from agentos.gateway.store import Store
from agentos.gateway.words import AGENT, Words
from agentos.service import RunNotFound


class CallersAgent:
    """One agent for one request. Whatever else a client sends along to a run or to its continuation is not looked at."""

    words: Words = AGENT

    def __init__(self, card: AgentCard, store: Store) -> None:
        self.id, self.name, self.description = card.agent_id, card.name, card.description
        self.db = store

    def arun(
        self,
        input: Any,  # noqa: A002 - Agno's name
        *,
        stream: bool | None = None,
        session_id: str | None = None,
        background: bool = False,
        **_ignored: Any,
    ) -> Any:
        work = _Start(self.id, _text(input), session_id or "", wants_answer=bool(stream) or not background)
        if stream:
            return self._stream(work, as_text=background)
        return self._begun(work) if background else self._whole(work)

    def acontinue_run(
        self,
        run_id: str | None = None,
        *,
        requirements: Sequence[Any] | None = None,
        updated_tools: Sequence[ToolExecution] | None = None,
        stream: bool | None = None,
        **_ignored: Any,
    ) -> Any:
        tools = updated_tools or [_decided(requirement) for requirement in requirements or ()]
        work = _Answer(run_id or "", list(tools))
        return self._stream(work) if stream else self._whole(work)

    async def acancel_run(self, run_id: str) -> bool:
        return bool(await database.do(_stop, context.current(), run_id))

    async def aget_session(self, session_id: str, user_id: str | None = None, **_ignored: Any) -> Any:
        kind = self.words.session_type
        return await self.db.get_session(session_id, kind, user_id=user_id, only_run=context.current().run)

    async def aget_run_output(self, run_id: str, session_id: str | None = None, **_ignored: Any) -> SerializedRun | None:
        return await self.db.get_run(run_id)

    async def _whole(self, work: "_Work") -> SerializedRun:
        run = await work.do()
        try:
            return await whole(run) if run else self._refused()
        except Exception as error:  # noqa: BLE001 - Agno would answer with its text
            context.current().refused = problem_of(error)
            return self._refused()

    async def _begun(self, work: "_Work") -> SerializedRun:
        run = await work.do()
        return output_of(run, [], self.words) if run else self._refused()

    def _refused(self) -> SerializedRun:
        problem = context.current().refused
        sentence = (problem and problem.sentence) or database.BROKEN
        return self.words.output(**self.words.whose(self.id), status=RunStatus.error, content=sentence)

    async def _stream(self, work: "_Work", *, as_text: bool = False) -> AsyncIterator[Any]:
        """Give the run's events; as text they carry their index, from which a client can resume."""
        call = context.current()
        if run := await work.do():
            try:
                async for event in events_of(run, progress=work.progress, first=work.first):
                    yield format_sse_event_with_index(event, event.event_index) if as_text else event
            except Exception as error:  # noqa: BLE001 - Agno would put its text into the stream
                call.refused = problem_of(error)
        if problem := call.refused:
            yield self.words.events.RunErrorEvent(
                **self.words.whose(self.id), content=problem.sentence or database.BROKEN, error_type=problem.code or "agentos_error"
            )


class CallersAgents(Sequence[AgentProtocol]):
    """The list of agents of Agno's server: for every request those of its caller, and outside of a request none."""

    kind: type[CallersAgent] = CallersAgent

    def __init__(self, store: Store) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(context.current().cards) if context.is_open() else 0

    def __iter__(self) -> Iterator[AgentProtocol]:
        return iter([self.kind(card, self.store) for card in context.current().cards] if context.is_open() else [])

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]


class _Work:
    """What makes a run go: done by our actions, in the caller's name. ``refused`` of the call says why it was not."""

    first = STARTED
    progress: Progress | None = None

    async def do(self) -> Run | None:
        return await database.do(self.act, context.current())

    def act(self, call: context.CallContext) -> Run:
        raise NotImplementedError


class _Start(_Work):
    def __init__(self, agent_id: str, text: str, session_id: str, *, wants_answer: bool) -> None:
        self.agent_id, self.text, self.session_id, self.wants_answer = agent_id, text, session_id, wants_answer

    async def do(self) -> Run | None:
        call = context.current()
        if not call.files:
            return await super().do()
        try:
            return await kept_for(call.user, call.files, lambda kept: self._send(call, kept))
        except NotKept as not_kept:
            call.refused = not_kept.error
        except Exception as error:  # noqa: BLE001 - as for what ``database.do`` does
            call.refused = problem_of(error)
        return None

    def act(self, call: context.CallContext) -> Run:
        return self._send(call, KeptFiles())

    def _send(self, call: context.CallContext, kept: KeptFiles) -> Run:
        given = self.session_id if call.names_session else ""
        key = call.idempotency_key
        what: dict[str, Any] = {"text": self.text, "agent_id": self.agent_id, "given": given, "kept": kept}
        run = sessions.send(by=call.user, **what, idempotency_key=key, wants_answer=self.wants_answer)
        return Run.objects.select_related("session__agent").get(pk=run.pk)


class _Answer(_Work):
    first = CONTINUED

    def __init__(self, run_id: str, tools: list[ToolExecution]) -> None:
        self.run_id, self.tools = run_id, tools

    def act(self, call: context.CallContext) -> Run:
        run = queries.run_for(call.user, self.run_id)
        if run is None:
            raise RunNotFound
        self.progress = Progress()
        list(self.progress.steps(run.parts))  # what was said before the pause is not told again
        actions.answer_run(run=run, answers=answers_of(run, self.tools), by=call.user)
        return run


def _stop(call: context.CallContext, run_id: str) -> bool:
    run = queries.run_for(call.user, run_id)
    return run is not None and actions.stop_run(run=run, by=call.user)


def _decided(requirement: Any) -> ToolExecution:
    """Return the call of a requirement with what was said to it, which may stand on either."""
    tool: ToolExecution = requirement.tool_execution
    if requirement.confirmation is not None:
        tool.confirmed, tool.confirmation_note = requirement.confirmation, requirement.confirmation_note
    if requirement.user_input_schema:
        tool.user_input_schema = requirement.user_input_schema
    return tool


def _text(said: Any) -> str:
    """Return the message: Agno's interfaces may hand over a list of messages, of which the last is what was said now."""
    if isinstance(said, list | tuple):
        return _text(said[-1]) if said else ""
    return str(getattr(said, "content", said) or "")
