"""Answers that several views give: a error, a turn as it stands now, a composer, what a change to a chat means for the page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse

from agentos.access.users import User
from agentos.agents.availability import availability_of
from agentos.agents.cache import not_available
from agentos.agents.models import DjangoAgent
from agentos.chat import budgets, queries, quotas
from agentos.chat.actions import WITHDRAWN
from agentos.chat.drawing import render_turn
from agentos.chat.errors import ChatError, InvalidInput, QueueFull, TooMuch
from agentos.chat.files import attachments_of, pending, place_of
from agentos.chat.live.elements import turn_id
from agentos.chat.live.transcript import shown_parts
from agentos.chat.live.turns import choices_for, missing_of, tests_of, turn_view
from agentos.chat.models import ChatSession, Run
from agentos.core import ids
from agentos.core.fragments import draw, fragment
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import came_from, fragments, go_to, notice, wants_fragment
from agentos.core.http.request import user_of
from agentos.dashboard.layout import frame, header
from agentos.dashboard.sidebar import sidebar

CHAT_CHANGED = "chat-changed"


def refused(request: HttpRequest, error: Problem, session: ChatSession) -> HttpResponse:
    """Say why not: a notice to htmx, a page with the way back to anybody else."""
    if wants_fragment(request):
        return with_headers_of(notice(error.sentence, error.status), error)
    context = {**frame(request, session=session), "error": error.sentence, "session": session}
    return with_headers_of(render(request, "agentos/refused.html", context, status=error.status), error)


def with_headers_of(answer: HttpResponse, error: Problem) -> HttpResponse:
    """Give an answer the headers of the error that it shows: when to come back."""
    for name, value in error.headers.items():
        answer.headers[name] = value
    return answer


def turn_fragment(run: Run, *, is_last: bool | None = None) -> str:
    """The run's turn as it is now, for the tab that asked; the other tabs hear of it by their stream."""
    parts, _ = shown_parts(run)
    if is_last is None:
        is_last = run.turn == queries.newest_turn(run.session)
    session = run.session
    about = {"agent_name": session.agent.name, "missing": missing_of(run, session), "tests_of": tests_of(session)}
    choices = choices_for(run, session, is_last=is_last, may_write=True)
    view = turn_view(run, parts, **about, is_last=is_last, may_write=True, choices=choices, files=attachments_of([run]).get(run.pk, []))
    return fragment(render_turn(view), "#turns", "upsert")


def show_turn(request: HttpRequest, run: Run) -> HttpResponse:
    if wants_fragment(request):
        return fragments(request, turn_fragment(run))
    return go_to(request, url_of_turn(run))


def url_of_turn(run: Run) -> str:
    return f"{reverse('dashboard:session', args=[run.session.session_id])}#{turn_id(run)}"


def objection(agent: DjangoAgent | None, user: User) -> str:
    """Return why nothing can be written to the agent, which is None for one that the user may not use; empty when it can."""
    return not_available(availability_of(agent), user) if agent else str(WITHDRAWN)


def composer_context(
    user: User, *, session: ChatSession | None = None, agent: DjangoAgent | None, closed: str = "", **more: Any
) -> dict[str, Any]:
    """Every composer has a key of its own: the same message sent twice from it is one message. Without an agent, which is gone, it is
    closed."""
    meters = [] if closed else quotas.scarce(user)
    warnings = budgets.warnings(user, agent) if agent and not closed else []
    place = place_of(session=session, agent_id=agent.agent_id) if agent else ""
    more |= {"session": session, "agent": agent, "place": place, "pending_files": [] if closed else pending(user, place)}
    return {"idempotency_key": ids.new_id("key"), "text": "", "error": "", "closed": closed, "meters": meters, "warnings": warnings, **more}


def chosen_in(request: HttpRequest) -> dict[str, Any]:
    """The model and the effort that a form has sent; None where it had no field for it."""
    return {"model": request.POST.get("model"), "effort": request.POST.get("effort")}


def given_in(request: HttpRequest) -> dict[str, Any]:
    """The same, for the composer that comes back."""
    return {f"given_{name}": value for name, value in chosen_in(request).items()}


def refusal(error: ChatError) -> dict[str, Any]:
    """What a composer says of a message that was not taken, and when that is no longer true."""
    return {
        "error": error.sentence,
        "is_text_wrong": isinstance(error, InvalidInput) and error.field != "files",
        "longest": error.longest if isinstance(error, InvalidInput) else None,
        "passes_after": error.headers.get("Retry-After") if isinstance(error, TooMuch) else None,
        "is_queue_full": isinstance(error, QueueFull),
    }


def composer(user: User, **more: Any) -> str:
    """A fresh composer for htmx, which sends the token of its forms in a header."""
    return draw("chat/_composer.html", composer_context(user, **more))


def open_session_id(request: HttpRequest) -> str:
    """The chat that is open in the page from which htmx sent this request."""
    try:
        match = resolve(came_from(request))
    except Resolver404:
        return ""
    return str(match.kwargs["session_id"]) if match.view_name == "dashboard:session" else ""


def chat_changed(request: HttpRequest, session: ChatSession, *, plain_url: str) -> HttpResponse:
    """Show what a change to a chat did, on the page where it was made."""
    if not wants_fragment(request):
        return go_to(request, plain_url)
    if came_from(request) in {reverse("dashboard:sessions"), reverse("dashboard:deleted-sessions")}:
        return HttpResponse(headers={"HX-Refresh": "true"})
    current = open_session_id(request)
    html = render_to_string("chat/_sidebar_list.html", {"sidebar": sidebar(user_of(request), current)})
    parts = [fragment(html, "#sidebar-list", "outerMorph")]
    if current == session.session_id:
        parts.append(fragment(header(session), "#chat-header", "outerMorph"))
    answer = fragments(request, *parts)
    answer.headers["HX-Trigger"] = CHAT_CHANGED
    return answer
