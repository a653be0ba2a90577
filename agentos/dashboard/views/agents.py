"""The agents that one may use, and those that a team or a plan would open."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.views import View

from agentos.access.guards import SignedInMixin
from agentos.agents.queries import agents_for, locked_agents_for, makes_agents
from agentos.chat.registry import registry
from agentos.core.fragments import fragment
from agentos.core.http.htmx import fragments, respond, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.layout import frame
from agentos.dashboard.live_agents import followed
from agentos.dashboard.queries import Filters
from agentos.service import AgentOSService

TEXT_LIMIT = 200  # characters


class AgentOSAgentListView(SignedInMixin, View):
    def get(self, request: SignedInRequest) -> HttpResponse:
        filters, rights = filters_in(request.GET), registry.rights
        cards = AgentOSService(request.user).get_available_agents()
        locked = locked_agents_for(request.user)
        context: dict[str, Any] = {
            "agents": filters.of(cards),
            "django_agents": agents_for(request.user),
            "locked": filters.of(locked),
            "filters": filters,
            "has_agents": bool(cards or locked),
        }
        if wants_fragment(request) and "again" not in request.GET:
            found = {"HX-Replace-Url": url_of(request.GET)}
            return respond(request, page="agentos/agents.html", partial="agents/_agent_list.html", context=context, headers=found)
        context["facets"] = filters.facets([*cards, *locked])
        if wants_fragment(request):
            return agents_again(request, context)
        context |= {**frame(request, here="agents"), "makes_agents": makes_agents(request.user)}
        context["live_url"] = followed(context["live_url"], "agents", rights, [*cards, *locked])
        return respond(request, page="agentos/agents.html", partial="agents/_agent_list.html", context=context)


def agents_again(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    """The live page asks: there may be other agents now, and other filters for them."""
    facets = render_to_string("agents/_facets.html", context, request)
    return fragments(request, render_to_string("agents/_agent_list.html", context, request), fragment(facets, "#facets", "outerMorph"))


def filters_in(query: QueryDict) -> Filters:
    return Filters(
        text=query.get("q", "").strip()[:TEXT_LIMIT],
        models=frozenset(query.getlist("model")),
        tools=frozenset(query.getlist("tool")),
        capabilities=frozenset(query.getlist("capability")),
    )


def url_of(query: QueryDict) -> str:
    """The page's URL with what was asked for, and nothing that is empty."""
    kept = QueryDict(mutable=True)
    for name in ("q", "model", "tool", "capability"):
        kept.setlist(name, [value for value in query.getlist(name) if value])
    return reverse("dashboard:agents") + (f"?{kept.urlencode()}" if kept.urlencode() else "")
