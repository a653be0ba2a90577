"""Rows of the database as the JSON of this API."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from agentos.access.queries import preferences_of
from agentos.access.users import User
from agentos.agents import failures
from agentos.api import resources, schemas
from agentos.api.file_resources import File, RunFile
from agentos.chat.files import attachments_of
from agentos.chat.live.parts import Part
from agentos.chat.models import ChatSession, Feedback, Run
from agentos.chat.models import RunFile as RunFileRow
from agentos.chat.searching import Excerpt
from agentos.core import people
from agentos.core.paths import path_to
from agentos.files.models import Attachment

VALUES = {Feedback.Value.GOOD: "good", Feedback.Value.BAD: "bad"}
STATUSES = {(False, False): "idle", (True, False): "running"}  # is_running, is_waiting


def me_json(user: User) -> schemas.Me:
    wants = preferences_of(user)
    return schemas.Me(
        id=str(user.pk),
        name=people.name_of(user),
        email=people.address_of(user),
        is_operator=people.is_operator(user),
        preferences=schemas.PagePreferences(
            theme=wants.theme or None,  # type: ignore[arg-type]
            enter_sends=wants.enter_sends,
            spoken=wants.spoken,  # type: ignore[arg-type]
        ),
    )


def session_json(session: ChatSession) -> schemas.Session:
    """Under the keys of the spec."""
    return schemas.Session(
        id=session.session_id,
        title=session.title_or_new,
        agent_name=session.agent.name,
        agent_id=session.agent.agent_id,
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


def full_session(session: ChatSession) -> resources.FullSession:
    """Of a session that ``queries.listed_sessions`` gave."""
    return resources.FullSession(
        **session_json(session).__dict__,
        pinned=session.is_pinned,
        archived=session.is_archived,
        status=STATUSES.get((session.is_running, session.is_waiting), "waiting"),  # type: ignore[attr-defined, arg-type]
        unread=bool(session.unseen),
        forked_from=session.forked_from.session_id if session.forked_from else None,
        forked_at_turn=session.forked_at_turn,
        fork_count=session.fork_count,
        approved_tools=session.approved_tools,
        bases=session.bases,
        url=reverse("api:session", args=[session.session_id]),
    )


def listed_session(session: ChatSession, excerpts: Sequence[Excerpt] = ()) -> resources.ListedSession:
    return resources.ListedSession(**full_session(session).__dict__, excerpts=[_excerpt(each) for each in excerpts])


def _excerpt(found: Excerpt) -> resources.Excerpt:
    matches = [resources.Match(start=start, end=end) for start, end in found.matches]
    about = {"run_id": found.run.run_id, "turn": found.run.turn, "run_url": run_url(found.run)}
    return resources.Excerpt(**about, of=found.of, text=found.text, matches=matches)  # type: ignore[arg-type]


def full_runs(runs: Sequence[Run], session: ChatSession) -> list[resources.FullRun]:
    files = attachments_of(runs)
    return [full_run(run, session, files=files.get(run.pk, ())) for run in runs]


def file_json(attachment: Attachment) -> File:
    return File(**_of_file(attachment))


def _of_file(attachment: Attachment) -> dict[str, Any]:
    about = {name: getattr(attachment, name) for name in ("name", "kind", "size", "width", "height", "seconds")}
    return {**about, "id": attachment.file_id, "type": attachment.mime, "url": path_to("api:file_content", attachment.file_id)}


def full_run(
    run: Run,
    session: ChatSession,
    *,
    parts: Sequence[Part] | None = None,
    answer: str = "",
    files: Sequence[RunFileRow] | None = None,
) -> resources.FullRun:
    """``parts`` and ``answer``: of a run that runs, whose own columns are written when it ends. ``files``: where they were read already."""
    rows = attachments_of([run]).get(run.pk, ()) if files is None else files
    return resources.FullRun(
        id=run.run_id,
        session_id=session.session_id,
        agent_id=session.agent.agent_id,
        model=run.model,
        effort=run.effort or None,  # type: ignore[arg-type]
        agent_version=run.agent_version,
        turn=run.turn,
        status=run.status,  # type: ignore[arg-type]
        message=run.input,
        files=[RunFile(**_of_file(row.attachment), origin=row.origin) for row in rows],  # type: ignore[arg-type]
        answer=answer if parts is not None else run.answer,
        parts=run.parts if parts is None else list(parts),  # type: ignore[arg-type]
        error=error_of(run),
        cut=run.cut or None,  # type: ignore[arg-type]
        requirements=run.requirements,
        feedback=judgement_of(run),
        edition=run.edition,
        editions=run.editions,
        version=run.version,
        versions=run.versions,
        hidden=run.is_hidden,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cached_tokens=run.cached_tokens,
        reasoning_tokens=run.reasoning_tokens,
        cost=cost_of(run),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        url=run_url(run),
        events_url=events_url(run),
    )


def cost_of(run: Run) -> resources.Cost | None:
    if run.cost_micro is None:
        return None
    return resources.Cost(micro=run.cost_micro, currency=run.currency, source=run.price_source)  # type: ignore[arg-type]


def error_of(run: Run) -> resources.RunError | None:
    code = run.error_code or ("interrupted" if run.status == Run.Status.INTERRUPTED else "")
    return resources.RunError(code=code, message=failures.sentence(code)) if code else None


def judgement_of(run: Run) -> resources.Judgement | None:
    feedback: Feedback | None = getattr(run, "feedback", None)
    return resources.Judgement(value=VALUES[Feedback.Value(feedback.value)], note=feedback.note) if feedback else None  # type: ignore[arg-type]


def started(run: Run) -> resources.Started:
    session = run.session
    return resources.Started(
        success=True,
        run_id=run.run_id,
        status=run.status,
        session_id=session.session_id,
        agent_id=session.agent.agent_id,
        url=run_url(run),
        events_url=events_url(run),
    )


def run_url(run: Run) -> str:
    return reverse("api:run", args=[run.run_id])


def events_url(run: Run) -> str:
    return reverse("api:run_events", args=[run.run_id])
