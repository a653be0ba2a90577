"""Our tables as a database of Agno's: the caller's chats and nothing else. What none of the allowed routes asks for is not there."""

from datetime import UTC, datetime
from typing import Any, NoReturn

from agno.db.base import AsyncBaseDb, SessionType
from agno.session.agent import AgentSession
from agno.session.team import TeamSession
from django.db.models import QuerySet
from typing_extensions import override

from agentos.agents.models import DjangoAgent
from agentos.chat import actions, queries
from agentos.chat.models import ChatSession, Run
from agentos.core.http.errors import Problem
from agentos.gateway import context, database, sessions
from agentos.gateway.serializers import SerializedRun, output_of, parts_of
from agentos.gateway.words import AGENT, TEAM, Words, words_for
from agentos.service import AgentNotFound, SessionNotFound

ID = "agentos"
RUNS_LIMIT = 500  # the newest turns of a session, which is what its readers are given
PAGE_LIMIT = 1000  # sessions
PAGES_LIMIT = 1_000_000
SORTED_BY = {"created_at", "updated_at"}
TOLD = {None: AGENT, SessionType.AGENT: AGENT, SessionType.TEAM: TEAM}  # a chat with a team as an agent's too


class Store(AsyncBaseDb):
    """Every method looks at the caller alone: a ``user_id`` that is another's finds nothing, none means the caller's."""

    def __init__(self) -> None:
        super().__init__(id=ID)

    @override
    async def table_exists(self, table_name: str) -> bool:
        return table_name == self.session_table_name

    @override
    async def get_session(
        self,
        session_id: str,
        session_type: SessionType | None = None,
        user_id: str | None = None,
        deserialize: bool | None = True,
        runs_limit: int | None = None,
        *,
        only_run: Run | None = None,
    ) -> Any:
        call = context.current()
        words = TOLD.get(session_type)
        if not _is_caller(call, user_id) or words is None:
            return None
        session, runs = await database.read(_session, call, session_id, runs_limit, only_run, words)
        return _as_asked(session, runs, words, deserialize=deserialize) if session else None

    @override
    async def get_sessions(
        self,
        session_type: SessionType | None = None,
        user_id: str | None = None,
        component_id: str | None = None,
        session_name: str | None = None,
        start_timestamp: int | None = None,
        end_timestamp: int | None = None,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        deserialize: bool | None = True,
        include_runs: bool = True,
    ) -> Any:
        """Return the sessions of a page, without their runs: a list needs their names."""
        call = context.current()
        words = TOLD.get(session_type)
        if not _is_caller(call, user_id) or words is None:
            return [] if deserialize else ([], 0)
        found = queries.sessions_for(call.user)
        if words is TEAM:
            found = found.filter(agent__kind=DjangoAgent.Kind.TEAM)
        if component_id:
            found = found.filter(agent__agent_id=component_id)
        if session_name:
            found = found.filter(title__icontains=session_name)
        if start_timestamp is not None:
            found = found.filter(created_at__gte=datetime.fromtimestamp(start_timestamp, UTC))
        if end_timestamp is not None:
            found = found.filter(created_at__lte=datetime.fromtimestamp(end_timestamp, UTC))
        rows, total = await database.read(_page, _sorted(found, sort_by, sort_order), page or 1, limit)
        listed = [_as_asked(session, [], words, deserialize=deserialize) for session in rows]
        return listed if deserialize else (listed, total)

    @override
    async def rename_session(
        self,
        session_id: str,
        session_type: SessionType | None,
        session_name: str,
        user_id: str | None = None,
        deserialize: bool | None = True,
    ) -> Any:
        call = context.current()
        if _is_caller(call, user_id) and await database.do(_rename, call, session_id, session_name):
            return await self.get_session(session_id, session_type, deserialize=deserialize)
        return None

    @override
    async def upsert_session(self, session: Any, deserialize: bool | None = True) -> Any:
        """Open the session, or give it the name that it has now; nothing else of it is the client's to write."""
        call = context.current()
        if not _is_caller(call, session.user_id):
            return None
        session_id = await database.do(_upsert, call, session)
        # Agno takes None for a failure of the database; what is answered in its place is in the call.
        return await self.get_session(session_id, _words_of(session).session_type, deserialize=deserialize) if session_id else session

    @override
    async def delete_session(self, session_id: str, user_id: str | None = None) -> bool:
        call = context.current()
        return _is_caller(call, user_id) and bool(await database.do(_delete, call, [session_id]))

    @override
    async def delete_sessions(self, session_ids: list[str], user_id: str | None = None) -> None:
        call = context.current()
        if _is_caller(call, user_id):
            await database.do(_delete, call, session_ids)

    @override
    async def get_run(self, run_id: str, deserialize: bool | None = True) -> Any:
        call = context.current()
        output = await database.read(_run, call, run_id, words_for(as_team=call.as_team))
        return output if deserialize or output is None else output.to_dict()


def _is_caller(call: context.CallContext, user_id: str | None) -> bool:
    return user_id is None or user_id == call.user_id


def _session(
    call: context.CallContext, session_id: str, limit: int | None, only: Run | None, words: Words
) -> tuple[ChatSession | None, list[SerializedRun]]:
    session = sessions.find(call.user, session_id)
    if session is None or not _is_told(session, words):
        return None, []
    if only is not None:
        return session, [output_of(only, only.parts, words)] if only.session_id == session.pk else []
    newest = Run.objects.filter(session=session, is_hidden=False).defer("agno_output", "context", "searchable").order_by("-turn", "-pk")
    runs = list(newest[: min(limit or RUNS_LIMIT, RUNS_LIMIT)])
    for run in runs:
        run.session = session
    return session, [output_of(run, parts_of(run), words) for run in reversed(runs)]


def _run(call: context.CallContext, run_id: str, words: Words) -> SerializedRun | None:
    run = queries.run_for(call.user, run_id)
    return output_of(run, parts_of(run), words) if run else None


def _is_told(session: ChatSession, words: Words) -> bool:
    return words is AGENT or session.agent.kind == DjangoAgent.Kind.TEAM


def _words_of(session: Any) -> Words:
    return words_for(as_team=isinstance(session, TeamSession))


def _sorted(found: QuerySet[ChatSession], sort_by: str | None, order: Any) -> QuerySet[ChatSession]:
    field = sort_by if sort_by in SORTED_BY else "created_at"
    sign = "" if str(getattr(order, "value", order)).lower() == "asc" else "-"
    return found.order_by(f"{sign}{field}", f"{sign}pk")


def _page(found: QuerySet[ChatSession], page: int, limit: int | None) -> tuple[list[ChatSession], int]:
    size = limit or PAGE_LIMIT
    if size > PAGE_LIMIT or page > PAGES_LIMIT:
        raise Problem(422, f"A page can have {PAGE_LIMIT:,} sessions.")
    first = (max(page, 1) - 1) * size
    return list(found[first : first + size]), found.count()


def _as_asked(session: ChatSession, runs: list[SerializedRun], words: Words, *, deserialize: bool | None) -> Any:
    title = {"session_name": session.title_or_new}
    found = words.session(
        session_id=session.session_id,
        **words.whose(session.agent.agent_id),
        user_id=str(session.user_id),
        session_data=title,
        runs=list(runs),
        created_at=int(session.created_at.timestamp()),
        updated_at=int(session.updated_at.timestamp()),
    )
    return found if deserialize else {**found.to_dict(), "session_type": words.session_type.value}


def _rename(call: context.CallContext, session_id: str, title: str) -> bool:
    session = sessions.find(call.user, session_id)
    if session:
        _give_title(call, session, title)
    return session is not None


def _upsert(call: context.CallContext, wanted: AgentSession | TeamSession) -> str:
    """Return the session's id. Raises AgentNotFound for a team that is none of the caller's, and what ``sessions.create`` raises."""
    words = _words_of(wanted)
    agent_id = (wanted.team_id if isinstance(wanted, TeamSession) else wanted.agent_id) or ""
    title = str((wanted.session_data or {}).get("session_name") or "")
    session = sessions.find(call.user, wanted.session_id)
    if session is None:
        given = wanted.session_id if call.names_session else ""
        if words is TEAM and agent_id not in {card.agent_id for card in call.teams}:
            raise AgentNotFound
        return sessions.create(by=call.user, agent_id=agent_id, given=given, title=title).session_id
    if not _is_told(session, words):
        raise SessionNotFound
    _give_title(call, session, title)
    return session.session_id


def _give_title(call: context.CallContext, session: ChatSession, title: str) -> None:
    """A name that the session is shown by already, which clients send along with everything else, is no change."""
    if title != session.title_or_new:
        actions.rename_session(session=session, title=title, by=call.user)


def _delete(call: context.CallContext, session_ids: list[str]) -> int:
    found = [session for given in session_ids if (session := sessions.find(call.user, given))]
    for session in found:
        actions.delete_session(session=session, by=call.user)
    return len(found)


def _not_here(name: str) -> Any:
    async def refuse(self: Store, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"The gateway has no {name}.")

    return refuse


for _name in AsyncBaseDb.__abstractmethods__ & Store.__abstractmethods__:
    setattr(Store, _name, _not_here(_name))
Store.__abstractmethods__ = frozenset()
