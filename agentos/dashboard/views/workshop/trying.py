"""Trying a draft beside its form. The answer streams; without htmx the page waits for it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST

from agentos.access.guards import signed_in
from agentos.access.sign_ins import hold_of
from agentos.agents import queries, workshop_form
from agentos.agents.blueprint import Blueprint, checked
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, trying
from agentos.chat.asks import answers_in
from agentos.chat.callers import Caller, Watch
from agentos.chat.models import Run
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http import sse
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to, notice, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.rendering import markdown
from agentos.dashboard.trying import History, Trial, draw_turn, history_in, written
from agentos.dashboard.views.workshop.editing import edit_page
from agentos.dashboard.views.workshop.found import agent_to_edit


@signed_in
@require_POST
def try_draft(request: SignedInRequest, agent_id: str) -> HttpResponseBase:
    agent = agent_to_edit(request, agent_id)
    history, said = history_in(request.POST.get("history", "")), request.POST.get("message", "")
    left = _waiting(request, agent)
    if left:
        history = trying.history_with(left, history)
    try:
        run = trying.start(agent=agent, blueprint=_tried(request, agent), message=said, history=history, by=request.user)
    except Problem as problem:
        return _refused(request, agent, problem, history)
    if left:
        left.refresh_from_db()
    return _answer(request, agent, run, history, left)


def _waiting(request: SignedInRequest, agent: DjangoAgent) -> Run | None:
    """What the pane shows and waits for an answer: another message gives it up."""
    run = trying.trial_for(request.user, request.POST.get("waits", ""))
    return run if run and run.status == Run.Status.WAITING and run.session.agent_id == agent.pk else None


@signed_in
@require_POST
def answer_trial(request: SignedInRequest, agent_id: str, run_id: str) -> HttpResponseBase:
    """Answer what a trial asks for; it goes on."""
    agent = agent_to_edit(request, agent_id)
    run = trying.trial_for(request.user, run_id)
    if run is None or run.session.agent_id != agent.pk:
        raise Http404
    history = history_in(request.POST.get("history", ""))
    try:
        actions.answer_run(run=run, answers=answers_in(request.POST, run.requirements), by=request.user)
    except Problem as problem:
        return _refused(request, agent, problem, history)
    return _answer(request, agent, run, history)


@signed_in
@require_POST
def stop_trial(request: SignedInRequest, agent_id: str) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    trying.stop(agent=agent, by=request.user)
    return HttpResponse(status=204) if wants_fragment(request) else go_to(request, reverse("dashboard:edit-agent", args=[agent_id]))


def _tried(request: SignedInRequest, agent: DjangoAgent) -> Blueprint:
    """What stands in the form, where it came along; else the draft. Raises InvalidBlueprint."""
    draft = queries.draft_of(agent)
    saved = queries.worked_on(agent, draft)
    if "instructions" not in request.POST:
        return saved
    offered = workshop_form.offered_to(agent)
    return checked(workshop_form.posted(request.POST, saved, offered, may_set_options=is_operator(request.user)), saved)


def _refused(request: SignedInRequest, agent: DjangoAgent, problem: Problem, history: History) -> HttpResponse:
    if wants_fragment(request):
        return notice(problem.sentence, problem.status)
    messages.error(request, problem.sentence)
    return _page(request, agent, history, status=problem.status, try_text=request.POST.get("message", ""))


def _answer(request: SignedInRequest, agent: DjangoAgent, run: Run, history: History, left: Run | None = None) -> HttpResponseBase:
    caller = Caller(request.user.pk, hold_of(request.user), request.session.session_key or "")
    trial = Trial(run, agent, request.user, history, caller, is_new=not run.attempt or run.agno_output is None, left=left)
    if wants_fragment(request):
        return sse.EventStream(trial.frames())
    return deferred(request, partial(_whole, request, trial))


async def _whole(request: SignedInRequest, trial: Trial) -> HttpResponseBase:
    end: Run | None = None
    try:
        end = await ended(trial.run, app_settings.RUN_TIMEOUT, Watch(trial.caller))
        return await db.read(_page_with, request, trial, end or trial.run)
    finally:
        if end is None or end.status != Run.Status.WAITING:
            await trial.discard()


def _page_with(request: SignedInRequest, trial: Trial, end: Run) -> HttpResponse:
    more: dict[str, Any] = {"last_turn": draw_turn(trial.view(end, end.parts))}
    if end.status == Run.Status.WAITING:
        return _page(request, trial.agent, trial.history, asks=trial.asks(end, in_place=False), **more)
    said = trying.history_with(end, trial.history)
    return _page(request, trial.agent, trial.history, history=written(said), **more)


def _page(request: SignedInRequest, agent: DjangoAgent, said: History, **more: Any) -> HttpResponse:
    draft = queries.draft_of(agent)
    tried = [{**each, "html": markdown.render_cached(each["content"]) if each["role"] == "assistant" else ""} for each in said]
    return edit_page(request, draft, queries.worked_on(agent, draft), **{"history": written(said), "tried": tried, **more})
