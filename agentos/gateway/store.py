"""Our tables as a database of Agno's: the caller's chats and nothing else. What none of the allowed routes asks for is not there."""

from datetime import UTC, datetime
from typing import Any, NoReturn

from agno.db.base import AsyncBaseDb, SessionType
from agno.run.agent import RunOutput
from agno.session.agent import AgentSession
from django.db.models import QuerySet
from typing_extensions import override

from agentos.chat import actions, queries
from agentos.chat.models import ChatSession, Run
from agentos.core.http.errors import Problem
from agentos.gateway import context, database, sessions
from agentos.gateway.serializers import output_of, parts_of

ID = "agentos"
RUNS_LIMIT = 500  # the newest turns of a session, which is what its readers are given
PAGE_LIMIT = 1000  # sessions
PAGES_LIMIT = 1_000_000
SORTED_BY = {"created_at", "updated_at"}


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
        if not _is_caller(call, user_id) or session_type not in {None, SessionType.AGENT}:
            return None
        session, runs = await database.read(_session, call, session_id, runs_limit, only_run)
        return _as_asked(session, runs, deserialize=deserialize) if session else None

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
        if not _is_caller(call, user_id) or session_type not in {None, SessionType.AGENT}:
            return [] if deserialize else ([], 0)
        found = queries.sessions_for(call.user)
        if component_id:
            found = found.filter(agent__agent_id=component_id)
        if session_name:
            found = found.filter(title__icontains=session_name)
        if start_timestamp is not None:
            found = found.filter(created_at__gte=datetime.fromtimestamp(start_timestamp, UTC))
        if end_timestamp is not None:
            found = found.filter(created_at__lte=datetime.fromtimestamp(end_timestamp, UTC))
        rows, total = await database.read(_page, _sorted(found, sort_by, sort_order), page or 1, limit)
        listed = [_as_asked(session, [], deserialize=deserialize) for session in rows]
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
            return await self.get_session(session_id, deserialize=deserialize)
        return None

    @override
    async def upsert_session(self, session: Any, deserialize: bool | None = True) -> Any:
        """Open the session, or give it the name that it has now; nothing else of it is the client's to write."""
        call = context.current()
        if not _is_caller(call, session.user_id):
            return None
        session_id = await database.do(_upsert, call, session)
        # Agno takes None for a failure of the database; what is answered in its place is in the call.
        return await self.get_session(session_id, deserialize=deserialize) if session_id else session

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
        output = await database.read(_run, context.current(), run_id)
        return output if deserialize or output is None else output.to_dict()


def _is_caller(call: context.CallContext, user_id: str | None) -> bool:
    return user_id is None or user_id == call.user_id


def _session(call: context.CallContext, session_id: str, limit: int | None, only: Run | None) -> tuple[ChatSession | None, list[RunOutput]]:
    session = sessions.find(call.user, session_id)
    if session is None:
        return None, []
    if only is not None:
        return session, [output_of(only, only.parts)] if only.session_id == session.pk else []
    newest = Run.objects.filter(session=session, is_hidden=False).defer("agno_output", "context", "searchable").order_by("-turn", "-pk")
    runs = list(newest[: min(limit or RUNS_LIMIT, RUNS_LIMIT)])
    for run in runs:
        run.session = session
    return session, [output_of(run, parts_of(run)) for run in reversed(runs)]


def _run(call: context.CallContext, run_id: str) -> RunOutput | None:
    run = queries.run_for(call.user, run_id)
    return output_of(run, parts_of(run)) if run else None


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


def _as_asked(session: ChatSession, runs: list[RunOutput], *, deserialize: bool | None) -> Any:
    title = {"session_name": session.title_or_new}
    found = AgentSession(
        session_id=session.session_id,
        agent_id=session.agent.agent_id,
        user_id=str(session.user_id),
        session_data=title,
        runs=list(runs),
        created_at=int(session.created_at.timestamp()),
        updated_at=int(session.updated_at.timestamp()),
    )
    return found if deserialize else {**found.to_dict(), "session_type": SessionType.AGENT.value}


def _rename(call: context.CallContext, session_id: str, title: str) -> bool:
    session = sessions.find(call.user, session_id)
    if session:
        _give_title(call, session, title)
    return session is not None


def _upsert(call: context.CallContext, wanted: AgentSession) -> str:
    """Return the session's id."""
    title = str((wanted.session_data or {}).get("session_name") or "")
    session = sessions.find(call.user, wanted.session_id)
    if session is None:
        given = wanted.session_id if call.names_session else ""
        return sessions.create(by=call.user, agent_id=wanted.agent_id or "", given=given, title=title).session_id
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
