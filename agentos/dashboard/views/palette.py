"""What opens over a page: the command palette, and the keyboard shortcuts, which have a page of their own too."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from agentos.access.guards import signed_in
from agentos.core.http.htmx import respond, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.answers import open_session_id
from agentos.dashboard.layout import frame, new_chat_url
from agentos.dashboard.palette import found
from agentos.service import AgentOSService

TEXT_LIMIT = 200  # characters


@signed_in
@require_safe
def palette(request: SignedInRequest) -> HttpResponse:
    """The whole of it, or what a text finds. Without htmx there is the search that every page has."""
    text = request.GET.get("q", "").strip()[:TEXT_LIMIT]
    if not wants_fragment(request):
        url = reverse("dashboard:sessions")
        return redirect(f"{url}?{urlencode({'q': text})}" if text else url)
    service = AgentOSService(request.user)
    open_id = open_session_id(request)
    session = service.get_session(open_id) if open_id else None
    agent = service.get_agent_by_id(session.agent.agent_id) if session else None
    groups = found(request.user, text, cards=service.get_available_agents(), session=session, new_chat_url=new_chat_url(agent))
    context = {"groups": groups, "number": sum(len(group.entries) for group in groups), "text": text}
    return render(request, "shared/_palette.html#list" if "q" in request.GET else "shared/_palette.html", context)


@signed_in
@require_safe
def shortcuts(request: SignedInRequest) -> HttpResponse:
    context = {} if wants_fragment(request) else frame(request)
    return respond(request, page="agentos/shortcuts.html", partial="shared/_shortcuts.html", context=context)
