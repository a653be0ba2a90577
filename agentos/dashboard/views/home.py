"""The dashboard: where one left off, what one may use, and whether all is well."""

import logging
from typing import Any

from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject
from django.views import View

from agentos.access.guards import SignedInMixin
from agentos.access.users import User
from agentos.agents.queries import agents_for, pinned_by
from agentos.chat.registry import registry
from agentos.core.http.htmx import respond, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.dashboard.layout import frame
from agentos.dashboard.live_agents import followed
from agentos.dashboard.queries import agent_to_start_with, last_sessions, models_of, pinned_first, runs_today
from agentos.service import AgentOSService

logger = logging.getLogger(__name__)

AGENTS_SHOWN = 10
ENGINE_DOWN = "The engine that runs the agents does not work now, so no agent can answer. Your chats are safe and stay readable."
AGENTS_LOST = "Your agents could not be loaded. Your chats are safe and stay readable. Reload the page to try again."


class AgentOSDashboardView(SignedInMixin, View):
    def get(self, request: SignedInRequest) -> HttpResponse:
        rights = registry.rights
        context = home_of(request.user)
        if not wants_fragment(request):
            context |= frame(request, here="home")
            context["live_url"] = followed(context["live_url"], "home", rights, context.get("available_agents", []))
        return respond(request, page="agentos/dashboard.html", partial="agents/_home.html", context=context)


def home_of(user: User) -> dict[str, Any]:
    """What stands on the page."""
    found = {"recent_sessions": last_sessions(user), "runs_today": runs_today(user), **agents_of(AgentOSService(user))}
    return {**found, "first_agent": agent_to_start_with(found.get("available_agents", []), found["recent_sessions"])}


def agents_of(service: AgentOSService) -> dict[str, Any]:
    """What the page says of agents. It never fails: the rest of the page has to work without them."""
    try:
        engine = service.engine()
        cards = service.get_available_agents()
        found = {
            "agentos_info": SimpleLazyObject(service.get_agent_os_info),
            "available_agents": cards,
            "user_agents": agents_for(service.user)[:AGENTS_SHOWN],
            "pinned": (pinned := pinned_by(service.user)),
            "shown_agents": pinned_first(cards, pinned)[:AGENTS_SHOWN],
            "models": models_of(cards, engine_ok=engine.ok),
        }
    except Exception:
        logger.exception("The dashboard of user %s has no agents", service.user.pk)
        return {"error": AGENTS_LOST}
    if not engine.ok:
        found["error"] = ENGINE_DOWN
        found["error_reason"] = engine.reason if is_operator(service.user) else ""
    return found
