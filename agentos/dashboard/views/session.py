"""A chat that goes on: its last turns, the composer, and the turns before."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views import View
from django.views.decorators.http import require_GET

from agentos.access.guards import SignedInMixin, signed_in
from agentos.chat.drawing import render_turns
from agentos.chat.errors import ChatError
from agentos.chat.exporting import can_make_pdf
from agentos.chat.live.transcript import Asked, Transcript, open_transcript
from agentos.chat.models import ChatSession, Run
from agentos.chat.queries import run_of
from agentos.chat.seen import look
from agentos.core.http.htmx import fragments, go_to, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.dashboard.answers import (
    composer,
    composer_context,
    given_in,
    objection,
    refusal,
    turn_fragment,
    url_of_turn,
    with_headers_of,
)
from agentos.dashboard.form_files import FilesOfForm, given_with, with_files_of_form
from agentos.dashboard.layout import frame
from agentos.dashboard.views.chat import composer_again
from agentos.service import AgentOSService, SessionNotFound

TURNS_AFTER = 10  # that are shown behind a turn which a page leads to


class AgentOSSessionView(SignedInMixin, View):
    def get(self, request: SignedInRequest, session_id: str) -> HttpResponse:
        session = session_or_404(request, session_id)
        if turn_in(request) is None and "run" not in request.GET:
            look(session)
        return session_page(request, session)

    def post(self, request: SignedInRequest, session_id: str) -> HttpResponseBase:
        return with_files_of_form(request, session_id, partial(self.send, request, session_id))

    def send(self, request: SignedInRequest, session_id: str, files: FilesOfForm) -> HttpResponse:
        text = request.POST.get("message", "")
        try:
            run = AgentOSService(request.user).send_message(
                text, session_id=session_id, idempotency_key=request.POST.get("idempotency_key", ""), **given_with(request, files())
            )
        except SessionNotFound:
            raise Http404 from None
        except ChatError as error:
            session = session_or_404(request, session_id)
            if wants_fragment(request):
                return composer_again(request, error, session=session, agent=session.agent, text=text)
            sent = {"text": text, **refusal(error), **given_in(request)}
            return with_headers_of(session_page(request, session, status=error.status, **sent), error)
        if wants_fragment(request):
            fresh = composer(request.user, session=run.session, agent=run.session.agent, has_focus=True)
            return fragments(request, fresh, turn_fragment(run, is_last=True))
        return go_to(request, url_of_turn(run))


@signed_in
@require_GET
def turns(request: SignedInRequest, session_id: str) -> HttpResponse:
    """Turns before ``?before=``, put above those that are there."""
    session = session_or_404(request, session_id)
    before = turn_in(request)
    if before is None or not wants_fragment(request):
        url = reverse("dashboard:session", args=[session.session_id])
        return redirect(f"{url}?before={before}" if before else url)
    transcript = open_transcript(session, may_write=False, before=before)
    shown = {"turns": render_turns(transcript.turns, get_token(request)), "older": transcript.older}
    return render(request, "chat/_older_turns.html", {"session": session, **shown})


@signed_in
@require_GET
def manage(request: SignedInRequest, session_id: str) -> HttpResponse:
    """The menu of a chat: a fragment, and a page for those without JavaScript."""
    return manage_page(request, session_or_404(request, session_id))


def manage_page(request: SignedInRequest, session: ChatSession, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    context = {"session": session, "can_make_pdf": can_make_pdf(), **context}
    if wants_fragment(request):
        answer = render(request, "chat/_manage.html", context, status=status)
        if status != HTTPStatus.OK:
            answer.headers["HX-Reswap"] = "outerHTML"
        return answer
    return render(request, "agentos/manage.html", {**frame(request, session=session), **context}, status=status)


def session_or_404(request: SignedInRequest, session_id: str) -> ChatSession:
    if session := AgentOSService(request.user).get_session(session_id):
        return session
    raise Http404


def turn_in(request: SignedInRequest) -> int | None:
    return whole_number(request.GET.get("before", ""))


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a chat a page opens. ``found``: the run that it leads to. ``is_past``: it does not show the end, and stands still."""

    transcript: Transcript
    found: Run | None = None
    is_past: bool = False


def place_in(request: SignedInRequest, session: ChatSession, *, may_write: bool, asks: Asked | None) -> Place:
    """``?run=`` leads to a turn, wherever it is: also above the last ones, and in a version that is not chosen. ``?before=``: to what
    stands before a turn."""
    if (before := turn_in(request)) is not None:
        return Place(open_transcript(session, may_write=may_write, before=before), is_past=True)
    found = run_of(session, request.GET["run"]) if "run" in request.GET else None
    if found and found.is_hidden:
        return Place(open_transcript(session, may_write=False, through=found), found, is_past=True)
    latest = open_transcript(session, may_write=may_write, asks=asks)
    if found is None or any(view.run.pk == found.pk for view in latest.turns):
        return Place(latest, found)
    return Place(open_transcript(session, may_write=may_write, before=found.turn + TURNS_AFTER + 1), found, is_past=True)


def session_page(
    request: SignedInRequest, session: ChatSession, *, status: int = HTTPStatus.OK, asks: Asked | None = None, **sent: Any
) -> HttpResponse:
    """``sent``: the text that stays in the composer, and why it was refused. ``asks``: what a run asks, with what was typed."""
    service = AgentOSService(request.user)
    agent = service.get_agent_by_id(session.agent.agent_id)
    place = place_in(request, session, may_write=agent is not None, asks=asks)
    transcript = place.transcript
    context = {
        **frame(request, session=session, agent=agent, cursor="" if place.is_past else transcript.cursor),
        "session": session,
        "agent": session.agent,
        "agentos_info": SimpleLazyObject(service.get_agent_os_info),
        "turns": render_turns(transcript.turns, get_token(request)),
        "older": transcript.older,
        "is_past": place.is_past,
        "found": place.found,
        **composer_context(
            request.user,
            session=session,
            agent=session.agent,
            closed="" if sent.get("text") and agent else objection(agent, request.user),
            **sent,
        ),
    }
    return render(request, "agentos/session.html", context, status=status)
