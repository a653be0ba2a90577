"""A chat that begins: the agent's introduction and an empty composer."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views import View
from django.views.decorators.http import require_safe

from agentos.access.guards import SignedInMixin, signed_in
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import locked_agent_for
from agentos.chat.errors import ChatError
from agentos.chat.files import place_of
from agentos.core.http.htmx import go_to, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.answers import composer, composer_context, given_in, objection, refusal, url_of_turn, with_headers_of
from agentos.dashboard.form_files import FilesOfForm, given_with, with_files_of_form
from agentos.dashboard.layout import frame
from agentos.dashboard.queries import agent_to_start_with, last_sessions
from agentos.service import AgentNotFound, AgentOSService

PICKED_FROM = 30  # agents; the others are on the page of all


@signed_in
@require_safe
def new_chat(request: SignedInRequest) -> HttpResponse:
    """A new chat with the agent that was chosen last, whose page offers the others; without any agent, the page of all."""
    agent = agent_to_start_with(AgentOSService(request.user).get_available_agents(), last_sessions(request.user))
    return redirect("dashboard:chat", agent.agent_id) if agent else redirect("dashboard:agents")


class AgentOSChatView(SignedInMixin, View):
    def get(self, request: SignedInRequest, agent_id: str) -> HttpResponse:
        if agent := AgentOSService(request.user).get_agent_by_id(agent_id):
            return chat_page(request, agent)
        if locked := locked_agent_for(request.user, agent_id):
            context = {**frame(request, here="agents"), "card": locked}
            return render(request, "agentos/closed.html", context, status=HTTPStatus.FORBIDDEN)
        raise Http404

    def post(self, request: SignedInRequest, agent_id: str) -> HttpResponseBase:
        agent = agent_or_404(request, agent_id)
        return with_files_of_form(request, place_of(agent_id=agent.agent_id), partial(self.send, request, agent))

    def send(self, request: SignedInRequest, agent: DjangoAgent, files: FilesOfForm) -> HttpResponse:
        text = request.POST.get("message", "")
        try:
            run = AgentOSService(request.user).send_message(
                text, agent_id=agent.agent_id, idempotency_key=request.POST.get("idempotency_key", ""), **given_with(request, files())
            )
        except AgentNotFound:
            raise Http404 from None
        except ChatError as error:
            if wants_fragment(request):
                return composer_again(request, error, agent=agent, text=text)
            return with_headers_of(chat_page(request, agent, status=error.status, text=text, **refusal(error), **given_in(request)), error)
        return go_to(request, url_of_turn(run))


def agent_or_404(request: SignedInRequest, agent_id: str) -> DjangoAgent:
    if agent := AgentOSService(request.user).get_agent_by_id(agent_id):
        return agent
    raise Http404


def chat_page(request: SignedInRequest, agent: DjangoAgent, *, status: int = HTTPStatus.OK, **sent: Any) -> HttpResponse:
    service = AgentOSService(request.user)
    cards = service.get_available_agents()
    card = next((card for card in cards if card.agent_id == agent.agent_id), None)
    context = {
        **frame(request, agent=agent),
        "agent": agent,
        "agentos_info": SimpleLazyObject(service.get_agent_os_info),
        "card": card,
        "cards": cards[:PICKED_FROM],
        **composer_context(
            request.user, agent=agent, closed="" if sent.get("text") else objection(agent, request.user), has_focus=True, **sent
        ),
    }
    return render(request, "agentos/chat.html", context, status=status)


def composer_again(request: SignedInRequest, error: ChatError, **context: Any) -> HttpResponse:
    """The composer with the reason, and with the text that was not sent."""
    answer = HttpResponse(composer(request.user, **refusal(error), **given_in(request), has_focus=True, **context), status=error.status)
    answer.headers["HX-Reswap"] = "outerHTML"
    return with_headers_of(answer, error)
