"""AgentOSService(user): what ONE user sees and may do. The door of every face; the names and JSON shapes are the spec's."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import cache, runtime
from agentos.agents.cache import AgentCard
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.chat import actions, limits, listing, queries
from agentos.chat.idempotency import once
from agentos.chat.live.parts import Part, fold
from agentos.chat.models import ChatSession, Run
from agentos.core.http.errors import Problem
from agentos.core.http.paging import Page, page_of
from agentos.core.people import address_of

SESSIONS_A_PAGE = 20


class AgentNotFound(Problem):
    """No agent of this id that the user may use."""

    def __init__(self) -> None:
        super().__init__(404, _("There is no such agent, or you may not use it."), code="agent_not_found")


class SessionNotFound(Problem):
    """No session of this id that is the user's."""

    def __init__(self) -> None:
        super().__init__(404, _("There is no such session, or it is not yours."), code="session_not_found")


class RunNotFound(Problem):
    """No run of this id in a session that is the user's."""

    def __init__(self) -> None:
        super().__init__(404, _("There is no such run, or it is not yours."), code="run_not_found")


class AgentOSService:
    def __init__(self, user: User) -> None:
        self.user = user

    def get_agent_os_info(self) -> dict[str, Any]:
        agents = [card.as_json() for card in self.get_available_agents()]
        return {
            "id": f"agentos_user_{self.user.pk}",
            "description": f"AgentOS instance for {address_of(self.user) or self.user.get_username()}",
            "agents_count": len(agents),
            "available_agents": agents,
        }

    def get_available_agents(self) -> list[AgentCard]:
        """What this user may use. From a cache that every change of rights leaves behind at its commit."""
        return cache.cards_for(self.user)

    def get_agent_by_id(self, agent_id: str) -> DjangoAgent | None:
        """One agent that this user may use now: asks the database."""
        return agents_for(self.user).filter(agent_id=agent_id).first()

    def get_session(self, session_id: str) -> ChatSession | None:
        return queries.session_for(self.user, session_id)

    def create_session(self, agent_id: str, title: str = "", *, idempotency_key: str = "") -> ChatSession:
        """Raises AgentNotFound, TooMuch and the errors of ``actions.create_session``."""
        limits.check_creation(self.user)

        def create() -> ChatSession:
            return actions.create_session(agent=self._agent(agent_id), by=self.user, title=title)

        return once(create, kind=ChatSession, by=self.user, key=idempotency_key, what=["create", agent_id, title])

    def send_message(
        self,
        message: str,
        *,
        agent_id: str = "",
        session_id: str = "",
        idempotency_key: str = "",
        **more: Any,
    ) -> Run:
        """Store a message and the run that answers it. With a session, its agent answers, and ``agent_id`` must agree when given.
        ``more`` is what ``actions.send_message`` takes.

        Raises AgentNotFound, SessionNotFound and the errors of ``actions.send_message``.
        """
        session = self._session(session_id) if session_id else None
        if session and agent_id and agent_id != session.agent.agent_id:
            raise AgentNotFound
        agent = None if session else self._agent(agent_id)
        return actions.send_message(
            by=self.user,
            text=message,
            session=session,
            agent=agent,
            idempotency_key=idempotency_key,
            **more,
        )

    def send_after(self, run: Run, message: str, *, idempotency_key: str = "", **more: Any) -> Run:
        """Say something after a turn: in its chat where it is the last one, in a fork of it otherwise.

        Raises the errors of ``fork_session`` and of ``send_message``, whose arguments ``more`` is.
        """

        def send() -> Run:
            session = run.session
            if queries.newest_turn(session) != run.turn:
                session = actions.fork_session(session=session, through_turn=run.turn, by=self.user)
            return actions.send_message(by=self.user, text=message, session=session, **more)

        what = ["after", run.run_id, message, more.get("context"), more.get("options"), *more.get("fingerprints", ())]
        return once(send, kind=Run, by=self.user, key=idempotency_key, what=what)

    def said_up_to(self, run: Run) -> list[dict[str, str]]:
        """What user and agent have said in a chat up to this turn and with it."""
        turns = queries.visible_runs(run.session).filter(turn__lte=run.turn).order_by("turn").values_list("input", "answer")
        said = [{"role": role, "content": text} for pair in turns for role, text in zip(("user", "assistant"), pair, strict=True)]
        return [*run.session.given_history, *(message for message in said if message["content"])]

    def erase_run(self, run: Run) -> None:
        actions.erase_run(run=run, by=self.user)

    def list_sessions(self, page: int = 1) -> Page[ChatSession]:
        """A numbered page of this user's chats, newest activity first."""
        return page_of(queries.sessions_for(self.user), page, SESSIONS_A_PAGE)

    def find_sessions(self, **by: Any) -> queries.SessionPage:
        """A page of this user's chats in the order in which they were opened; ``by`` is what ``listing.page_of_sessions`` takes."""
        return listing.page_of_sessions(self.user, **by)

    def find_session(self, session_id: str) -> ChatSession:
        """One of them, with what lists show of it. Raises SessionNotFound."""
        if session := listing.listed_session(self.user, session_id):
            return session
        raise SessionNotFound

    def update_session(
        self,
        session_id: str,
        *,
        title: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
        approved_tools: Sequence[str] | None = None,
        bases: Sequence[int] | None = None,
    ) -> ChatSession:
        """Change what is given, all of it or nothing. Raises SessionNotFound, InvalidInput."""
        session = self._session(session_id)
        with transaction.atomic():
            if title is not None:
                actions.rename_session(session=session, title=title, by=self.user)
            if pinned is not None:
                actions.pin_session(session=session, pinned=pinned, by=self.user)
            if archived is not None:
                actions.archive_session(session=session, archived=archived, by=self.user)
            if approved_tools is not None:
                actions.keep_approvals(session=session, tools=approved_tools, by=self.user)
            if bases is not None:
                actions.bring_bases(session=session, bases=bases, by=self.user)
        return self.find_session(session_id)

    def delete_session(self, session_id: str) -> None:
        """Raises SessionNotFound."""
        actions.delete_session(session=self._session(session_id), by=self.user)

    def restore_session(self, session_id: str) -> ChatSession:
        """Undo a delete, within the hour. Raises SessionNotFound."""
        if deleted := queries.deleted_session_for(self.user, session_id):
            actions.restore_session(session=deleted, by=self.user)
        return self.find_session(session_id)

    def fork_session(self, session_id: str, through_turn: int | None = None, *, idempotency_key: str = "") -> ChatSession:
        """A copy with the turns up to ``through_turn``, or with all. Raises SessionNotFound and the errors of the action."""
        session = self._session(session_id)

        def fork() -> ChatSession:
            through = queries.newest_turn(session) if through_turn is None else through_turn
            return actions.fork_session(session=session, through_turn=through, by=self.user)

        what = ["fork", session_id, through_turn]
        return once(fork, kind=ChatSession, by=self.user, key=idempotency_key, what=what)

    def list_runs(self, session_id: str, *, before: int | None = None, limit: int = queries.PAGE_TURNS) -> queries.Turns:
        """The session's last turns, or those before turn ``before``, in reading order. Raises SessionNotFound."""
        return queries.turns(self._session(session_id), before=before, limit=limit)

    def get_run(self, run_id: str) -> Run:
        """Raises RunNotFound."""
        if run := queries.run_for(self.user, run_id):
            return run
        raise RunNotFound

    def get_run_with_journal(self, run_id: str) -> tuple[Run, list[queries.JournalLine]]:
        """The run, and its journal as it was just before: it only shrinks when the run ends, and then the run says so.

        Raises RunNotFound.
        """
        lines = queries.journal(self.get_run(run_id))
        return self.get_run(run_id), lines

    def get_run_so_far(self, run_id: str) -> tuple[Run, list[Part]]:
        """The run, and its answer as far as it has come. Raises RunNotFound."""
        run, lines = self.get_run_with_journal(run_id)
        return run, fold((line.kind, line.data) for line in lines) if run.is_active else run.parts

    def stop_run(self, run_id: str) -> Run:
        """Raises RunNotFound."""
        actions.stop_run(run=self.get_run(run_id), by=self.user)
        return self.get_run(run_id)

    def retry_run(self, run_id: str, *, model: str | None = None, effort: str | None = None, idempotency_key: str = "") -> Run:
        """Raises RunNotFound and the errors of the action."""

        def retry(run: Run) -> Run:
            return actions.retry_run(run=run, by=self.user, model=model, effort=effort)

        chosen = [model, effort] if model is not None or effort is not None else []
        return self._run_once("retry", run_id, retry, idempotency_key, *chosen)

    def continue_run(self, run_id: str, *, idempotency_key: str = "") -> Run:
        """Raises RunNotFound and the errors of the action."""
        return self._run_once("continue", run_id, lambda run: actions.continue_run(run=run, by=self.user), idempotency_key)

    def edit_message(self, run_id: str, text: str, *, idempotency_key: str = "") -> Run:
        """Say a turn's message differently: another version of it. Raises RunNotFound and the errors of the action."""
        return self._run_once("edit", run_id, lambda run: actions.edit_message(run=run, text=text, by=self.user), idempotency_key, text)

    def choose_run(self, run_id: str) -> Run:
        """Show this version of its turn, with what came after it. Raises RunNotFound and the errors of the action."""
        actions.choose_version(run=self.get_run(run_id), by=self.user)
        return self.get_run(run_id)

    def list_versions(self, run_id: str) -> list[Run]:
        """All versions of the turn of a run, by message and answer. Raises RunNotFound."""
        return queries.versions(self.get_run(run_id))

    def answer_run(self, run_id: str, answers: list[runtime.Answer], *, idempotency_key: str = "") -> Run:
        """Answer what a waiting run asks for. Raises RunNotFound and the errors of the action."""

        def answer(run: Run) -> Run:
            actions.answer_run(run=run, answers=answers, by=self.user)
            return run

        said = [asdict(each) for each in answers]
        return self._run_once("answer", run_id, answer, idempotency_key, *said)

    def give_feedback(self, run_id: str, value: int | None, note: str = "") -> Run:
        """``value`` None takes it back. Raises RunNotFound and the errors of the action."""
        actions.give_feedback(run=self.get_run(run_id), value=value, note=note, by=self.user)
        return self.get_run(run_id)

    def _run_once(self, verb: str, run_id: str, do: Callable[[Run], Run], key: str, *said: Any) -> Run:
        run = self.get_run(run_id)
        done = once(lambda: do(run), kind=Run, by=self.user, key=key, what=[verb, run_id, *said])
        return self.get_run(done.run_id)

    def engine(self) -> runtime.EngineState:
        return runtime.engine()

    def _agent(self, agent_id: str) -> DjangoAgent:
        if agent := self.get_agent_by_id(agent_id):
            return agent
        raise AgentNotFound

    def _session(self, session_id: str) -> ChatSession:
        if session := self.get_session(session_id):
            return session
        raise SessionNotFound
