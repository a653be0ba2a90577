"""A chat that goes on: its last turns, the composer, and the turns before."""

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View
from django.views.decorators.http import require_GET

from agentos.access.guards import SignedInMixin, signed_in
from agentos.agents.cache import NOT_AVAILABLE
from agentos.agents.runtime import availability
from agentos.chat.actions import WITHDRAWN
from agentos.chat.models import ChatSession
from agentos.chat.refusals import Refusal
from agentos.chat.transcript import open_transcript
from agentos.core.htmx import fragments, go_to, wants_fragment
from agentos.core.http import SignedInRequest
from agentos.dashboard.answers import composer, composer_context, told, turn_fragment, url_of_turn
from agentos.dashboard.frame import frame
from agentos.dashboard.views.chat import composer_again
from agentos.service import AgentOSService, SessionNotFound

LARGEST_TURN = 9  # digits


class AgentOSSessionView(SignedInMixin, View):
    def get(self, request: SignedInRequest, session_id: str) -> HttpResponse:
        return session_page(request, session_or_404(request, session_id))

    def post(self, request: SignedInRequest, session_id: str) -> HttpResponse:
        text = request.POST.get("message", "")
        try:
            run = AgentOSService(request.user).send_message(
                text, session_id=session_id, idempotency_key=request.POST.get("idempotency_key", "")
            )
        except SessionNotFound:
            raise Http404 from None
        except Refusal as refusal:
            session = session_or_404(request, session_id)
            if wants_fragment(request):
                return composer_again(request, refusal, session=session, agent=session.agent, text=text)
            return told(session_page(request, session, status=refusal.status, text=text, error=refusal.sentence), refusal)
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
    return render(request, "chat/_older_turns.html", {"session": session, "transcript": transcript, "older": transcript.older})


@signed_in
@require_GET
def manage(request: SignedInRequest, session_id: str) -> HttpResponse:
    """The menu of a chat: a fragment, and a page for those without JavaScript."""
    return manage_page(request, session_or_404(request, session_id))


def manage_page(request: SignedInRequest, session: ChatSession, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    if wants_fragment(request):
        answer = render(request, "chat/_manage.html", {"session": session, **context}, status=status)
        if status != HTTPStatus.OK:
            answer.headers["HX-Reswap"] = "outerHTML"
        return answer
    return render(request, "agentos/manage.html", {**frame(request, session=session), "session": session, **context}, status=status)


def session_or_404(request: SignedInRequest, session_id: str) -> ChatSession:
    if session := AgentOSService(request.user).get_session(session_id):
        return session
    raise Http404


def turn_in(request: SignedInRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= LARGEST_TURN else None


def session_page(request: SignedInRequest, session: ChatSession, *, status: int = HTTPStatus.OK, **sent: Any) -> HttpResponse:
    """``sent``: the text that stays in the composer, and why it was refused."""
    service = AgentOSService(request.user)
    agent = service.get_agent_by_id(session.agent.agent_id)
    before = turn_in(request)
    transcript = open_transcript(session, may_write=agent is not None, before=before)
    context = {
        **frame(request, session=session, agent=agent, cursor="" if before else transcript.cursor),
        "session": session,
        "agent": session.agent,
        "agentos_info": service.get_agent_os_info(),
        "transcript": transcript,
        "older": transcript.older,
        "is_past": before is not None,
        "note": "" if agent is None or availability(agent.model).ok else NOT_AVAILABLE,
        **composer_context(request.user, closed="" if agent else WITHDRAWN, **sent),
    }
    return render(request, "agentos/session.html", context, status=status)
