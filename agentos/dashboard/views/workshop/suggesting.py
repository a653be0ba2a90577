"""Suggestions for a draft by its model. What is suggested stands beside its field until it is taken, or left."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST

from agentos.access.guards import signed_in
from agentos.access.sign_ins import hold_of
from agentos.agents.models import DjangoAgent
from agentos.agents.suggestions import INSTRUCTIONS, Suggestion
from agentos.chat import ephemeral, suggesting
from agentos.chat.callers import Caller, Watch
from agentos.chat.models import Run
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import notice, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.text import clean
from agentos.dashboard.views.workshop.editing import edit_page, typed
from agentos.dashboard.views.workshop.found import agent_to_edit

TAKE = "take"


@signed_in
@require_POST
def suggest(request: SignedInRequest, agent_id: str, part: str) -> HttpResponseBase:
    """Ask for a suggestion; with ``do=take``, put the one that was made into its field. Nothing is saved."""
    agent = agent_to_edit(request, agent_id)
    if part not in INSTRUCTIONS:
        raise Http404
    if request.POST.get("do") == TAKE:
        text = clean(request.POST.get(f"suggested_{part}", ""))
        draft, wanted = typed(request, agent)
        wanted = {**wanted, part: text.splitlines() if isinstance(wanted[part], list) else text}
        return edit_page(request, draft, wanted, stamp=request.POST.get("stamp", ""), is_unsaved=True)
    try:
        run = suggesting.start(agent=agent, blueprint=typed(request, agent)[1], part=part, by=request.user)
    except Problem as problem:
        return _refused(request, agent, problem)
    return deferred(request, partial(_suggested, request, agent, run, part))


async def _suggested(request: SignedInRequest, agent: DjangoAgent, run: Run, part: str) -> HttpResponse:
    caller = Caller(request.user.pk, hold_of(request.user), request.session.session_key or "")
    try:
        end = await ended(run, app_settings.RUN_TIMEOUT, Watch(caller))
        return await db.read(_shown, request, agent, suggesting.suggestion_of(end, part))
    except Problem as problem:
        return await db.read(_refused, request, agent, problem)
    finally:
        await db.write(ephemeral.discard, run_pk=run.pk, by=request.user)


def _shown(request: SignedInRequest, agent: DjangoAgent, found: Suggestion) -> HttpResponse:
    if wants_fragment(request):
        context = {"agent": agent, "part": found.part, "suggestion": found, "can_suggest": True}
        return render(request, "workshop/_suggest.html", context)
    draft, wanted = typed(request, agent)
    return edit_page(request, draft, wanted, stamp=request.POST.get("stamp", ""), suggestion=found, is_unsaved=True)


def _refused(request: SignedInRequest, agent: DjangoAgent, problem: Problem) -> HttpResponse:
    if wants_fragment(request):
        return notice(problem.sentence, problem.status)
    messages.error(request, problem.sentence)
    draft, wanted = typed(request, agent)
    return edit_page(request, draft, wanted, status=problem.status, stamp=request.POST.get("stamp", ""), is_unsaved=True)
