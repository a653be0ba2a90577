"""All chats of a person: search, the archive, the older ones, and what one does to a chat."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.chat import actions, exporting, queries
from agentos.chat.errors import InvalidInput
from agentos.chat.queries import SessionPage
from agentos.chat.searching import search_sessions
from agentos.core.http.deferred import deferred
from agentos.core.http.htmx import came_from, go_to, respond, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.templatetags.agentos import UNDO
from agentos.core.text import whole_number
from agentos.dashboard.answers import chat_changed, open_session_id
from agentos.dashboard.layout import frame
from agentos.dashboard.queries import deleted_sessions
from agentos.dashboard.sidebar import Sidebar, by_age
from agentos.dashboard.views.session import manage_page, session_or_404

TEXT_LIMIT = 200  # characters


@signed_in
@require_GET
def sessions(request: SignedInRequest) -> HttpResponse:
    """The page of all chats; to htmx, what the sidebar's search found."""
    query = request.GET.get("q", "").strip()[:TEXT_LIMIT]
    archived = request.GET.get("archived") == "1"
    forked = session_or_404(request, request.GET["forks"]) if request.GET.get("forks") else None
    if forked:
        page = SessionPage(queries.forks_of(forked))
    elif query:
        page = SessionPage(search_sessions(request.user, query, archived=archived))
    elif wants_fragment(request):
        page = SessionPage([])
    else:
        page = queries.recent_sessions(request.user, before=request.GET.get("before", ""), archived=archived)
    context = {"query": query, "archived": archived, "sessions": page.sessions, "next": page.next, "forked": forked}
    if not wants_fragment(request):
        is_first = not (query or archived or forked or request.GET.get("before"))
        context |= {**frame(request, here="sessions"), "pinned": queries.pinned_sessions(request.user) if is_first else []}
    return respond(request, page="agentos/sessions.html", partial="chat/_sidebar_results.html", context=context)


@signed_in
@require_GET
def older(request: SignedInRequest) -> HttpResponse:
    """The sidebar's next page. Without htmx, the page of all chats from there on."""
    before = request.GET.get("before", "")
    if not wants_fragment(request):
        return redirect(f"{reverse('dashboard:sessions')}?{urlencode({'before': before})}")
    page = queries.recent_sessions(request.user, before=before)
    context = {"older": Sidebar(by_age(page.sessions), open_session_id(request), page.next), "after": request.GET.get("after", "")}
    return render(request, "chat/_sidebar_older.html", context)


@signed_in
@require_GET
def deleted(request: SignedInRequest) -> HttpResponse:
    """The chats that may still be brought back."""
    context = {**frame(request, here="sessions"), "sessions": deleted_sessions(request.user)}
    return render(request, "agentos/deleted.html", context)


@signed_in
@require_safe
def export(request: SignedInRequest, session_id: str, form: str) -> HttpResponseBase:
    """The chat as a file."""
    session = session_or_404(request, session_id)
    if form not in exporting.FORMS:
        raise Http404
    return deferred(request, partial(exporting.download, session, form))


@signed_in
@require_POST
def rename(request: SignedInRequest, session_id: str) -> HttpResponse:
    session = session_or_404(request, session_id)
    title = request.POST.get("title", "")
    try:
        actions.rename_session(session=session, title=title, by=request.user)
    except InvalidInput as error:
        return manage_page(request, session, status=error.status, error=error.sentence, longest=error.longest, title=title)
    return chat_changed(request, session, plain_url=reverse("dashboard:session", args=[session_id]))


@signed_in
@require_POST
def pin(request: SignedInRequest, session_id: str) -> HttpResponse:
    session = session_or_404(request, session_id)
    actions.pin_session(session=session, pinned=request.POST.get("pinned") == "1", by=request.user)
    return chat_changed(request, session, plain_url=reverse("dashboard:session", args=[session_id]))


@signed_in
@require_POST
def archive(request: SignedInRequest, session_id: str) -> HttpResponse:
    """``archived`` 1 puts it away; without it, as from Undo, it comes back."""
    session = session_or_404(request, session_id)
    archived = request.POST.get("archived") == "1"
    actions.archive_session(session=session, archived=archived, by=request.user)
    if archived:
        said = _("“%(chat)s” is in the archive.") % {"chat": session}
        messages.success(request, said, extra_tags=f"{UNDO}{reverse('dashboard:archive', args=[session_id])}")
    else:
        messages.success(request, _("“%(chat)s” is back in the list.") % {"chat": session})
    return chat_changed(request, session, plain_url=reverse("dashboard:session", args=[session_id]))


@signed_in
@require_POST
def revoke_approval(request: SignedInRequest, session_id: str) -> HttpResponse:
    """Ask again before each call of a function that was approved for the chat."""
    session = session_or_404(request, session_id)
    actions.revoke_approval(session=session, tool=request.POST.get("tool", ""), by=request.user)
    if wants_fragment(request):
        return manage_page(request, session)
    return redirect("dashboard:manage", session_id)


@signed_in
@require_POST
def bring_bases(request: SignedInRequest, session_id: str) -> HttpResponse:
    """Say which knowledge bases the agent searches in this chat beside its own."""
    session = session_or_404(request, session_id)
    try:
        bases = [pk for text in request.POST.getlist("bases") if (pk := whole_number(text)) is not None]
        actions.bring_bases(session=session, bases=bases, by=request.user)
    except InvalidInput as error:
        return manage_page(request, session, status=error.status, bases_error=error.sentence)
    if wants_fragment(request):
        return manage_page(request, session)
    return redirect("dashboard:manage", session_id)


@signed_in
@require_POST
def delete(request: SignedInRequest, session_id: str) -> HttpResponse:
    session = session_or_404(request, session_id)
    actions.delete_session(session=session, by=request.user)
    said = _("“%(chat)s” was deleted.") % {"chat": session}
    messages.success(request, said, extra_tags=f"{UNDO}{reverse('dashboard:restore', args=[session_id])}")
    if came_from(request) == reverse("dashboard:session", args=[session_id]):
        return go_to(request, reverse("dashboard:home"))
    return chat_changed(request, session, plain_url=reverse("dashboard:sessions"))


@signed_in
@require_POST
def restore(request: SignedInRequest, session_id: str) -> HttpResponse:
    """Undo a delete."""
    session = queries.deleted_session_for(request.user, session_id)
    if session is None:
        raise Http404
    actions.restore_session(session=session, by=request.user)
    messages.success(request, _("“%(chat)s” is back.") % {"chat": session})
    return chat_changed(request, session, plain_url=reverse("dashboard:session", args=[session_id]))
