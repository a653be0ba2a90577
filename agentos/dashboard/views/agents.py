"""The agents that one may use, and those that a team or a plan would open."""

from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views import View
from django.views.decorators.http import require_POST

from agentos.access.guards import SignedInMixin, signed_in
from agentos.access.users import User
from agentos.agents import actions
from agentos.agents.queries import agents_for, copyable_by, locked_agents_for, makes_agents, may_have_own, pinned_by
from agentos.chat.registry import registry
from agentos.core.fragments import fragment
from agentos.core.http.htmx import fragments, go_to, respond, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.layout import frame
from agentos.dashboard.live_agents import followed
from agentos.dashboard.queries import ORDERS, Filters, in_order, pinned_first
from agentos.dashboard.views.home import home_of
from agentos.service import AgentOSService

TEXT_LIMIT = 200  # characters
DEFAULT_ORDER = next(iter(ORDERS))


class AgentOSAgentListView(SignedInMixin, View):
    def get(self, request: SignedInRequest) -> HttpResponse:
        rights = registry.rights
        context = found_by(request.user, request.GET)
        if wants_fragment(request) and "again" not in request.GET:
            found = {"HX-Replace-Url": url_of(request.GET)}
            return respond(request, page="agentos/agents.html", partial="agents/_agent_list.html", context=context, headers=found)
        shown = [*context["cards"], *context["all_locked"]]
        context["facets"] = context["filters"].facets(shown)
        if wants_fragment(request):
            return agents_again(request, context)
        context |= {**frame(request, here="agents"), "makes_agents": makes_agents(request.user), "may_have_own": may_have_own(request.user)}
        context["live_url"] = followed(context["live_url"], "agents", rights, shown)
        return respond(request, page="agentos/agents.html", partial="agents/_agent_list.html", context=context)


@signed_in
@require_POST
def pin(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Keep an agent at the top, or do so no more; the list comes again, as it is searched now, or the home page."""
    if request.POST.get("pinned") == "0":
        actions.unpin_agent(agent_id=agent_id, by=request.user)
    else:
        agent = agents_for(request.user).filter(agent_id=agent_id).first()
        if agent is None:
            raise Http404
        actions.pin_agent(agent=agent, by=request.user)
    is_home = request.POST.get("from") == "home"
    if not wants_fragment(request):
        return go_to(request, reverse("dashboard:home") if is_home else url_of(request.POST))
    if is_home:
        return render(request, "agents/_home.html", home_of(request.user))
    return render(request, "agents/_agent_list.html", found_by(request.user, request.POST))


def found_by(user: User, query: QueryDict) -> dict[str, Any]:
    """What the list shows for this search: ``agents`` of all that are open (``cards``), ``locked`` of all others."""
    filters, order, pinned = filters_in(query), order_in(query), pinned_by(user)
    cards, locked = AgentOSService(user).get_available_agents(), locked_agents_for(user)
    return {
        "cards": cards,
        "all_locked": locked,
        "agents": pinned_first(in_order(filters.of(cards), order), pinned),
        "locked": filters.of(locked),
        "pinned": pinned,
        "copyable": set(copyable_by(user).order_by().values_list("agent_id", flat=True)),
        "django_agents": agents_for(user),
        "filters": filters,
        "order": order,
        "orders": ORDERS,
        "has_agents": bool(cards or locked),
    }


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
        reasons=frozenset(query.getlist("why")),
    )


def order_in(query: QueryDict) -> str:
    order = query.get("order", "")
    return order if order in ORDERS else DEFAULT_ORDER


def url_of(query: QueryDict) -> str:
    """The page's URL with what was asked for, and nothing that is empty."""
    kept = QueryDict(mutable=True)
    for name in ("q", "why", "model", "tool", "capability", "order"):
        kept.setlist(name, [value for value in query.getlist(name) if value and (name, value) != ("order", DEFAULT_ORDER)])
    return reverse("dashboard:agents") + (f"?{kept.urlencode()}" if kept.urlencode() else "")
