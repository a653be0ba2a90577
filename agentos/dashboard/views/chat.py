"""A chat that begins: the agent's introduction and an empty composer."""

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views import View

from agentos.access.guards import SignedInMixin
from agentos.agents.models import DjangoAgent
from agentos.chat.refusals import Refusal
from agentos.core.htmx import go_to, wants_fragment
from agentos.core.http import SignedInRequest
from agentos.dashboard.answers import composer, composer_context, told, url_of_turn
from agentos.dashboard.frame import frame
from agentos.service import AgentNotFound, AgentOSService


class AgentOSChatView(SignedInMixin, View):
    def get(self, request: SignedInRequest, agent_id: str) -> HttpResponse:
        return chat_page(request, agent_or_404(request, agent_id))

    def post(self, request: SignedInRequest, agent_id: str) -> HttpResponse:
        agent = agent_or_404(request, agent_id)
        text = request.POST.get("message", "")
        try:
            run = AgentOSService(request.user).send_message(
                text, agent_id=agent.agent_id, idempotency_key=request.POST.get("idempotency_key", "")
            )
        except AgentNotFound:
            raise Http404 from None
        except Refusal as refusal:
            if wants_fragment(request):
                return composer_again(request, refusal, agent=agent, text=text)
            return told(chat_page(request, agent, status=refusal.status, text=text, error=refusal.sentence), refusal)
        return go_to(request, url_of_turn(run))


def agent_or_404(request: SignedInRequest, agent_id: str) -> DjangoAgent:
    if agent := AgentOSService(request.user).get_agent_by_id(agent_id):
        return agent
    raise Http404


def chat_page(request: SignedInRequest, agent: DjangoAgent, *, status: int = HTTPStatus.OK, **sent: Any) -> HttpResponse:
    service = AgentOSService(request.user)
    card = next((card for card in service.get_available_agents() if card.agent_id == agent.agent_id), None)
    context = {
        **frame(request, agent=agent),
        "agent": agent,
        "agentos_info": service.get_agent_os_info(),
        "card": card,
        "note": card.unavailable if card else "",
        **composer_context(request.user, has_focus=True, **sent),
    }
    return render(request, "agentos/chat.html", context, status=status)


def composer_again(request: SignedInRequest, refusal: Refusal, **context: Any) -> HttpResponse:
    """The composer with the reason, and with the text that was not sent."""
    answer = HttpResponse(composer(request.user, error=refusal.sentence, has_focus=True, **context), status=refusal.status)
    answer.headers["HX-Reswap"] = "outerHTML"
    return told(answer, refusal)
