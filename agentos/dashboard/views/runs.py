"""What one does to an answer: try it again, go on, stop it, answer what it asks, judge it, fork the chat there.

A message that still waits is withdrawn.
"""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from agentos.access.guards import signed_in
from agentos.agents.runtime import Answer
from agentos.chat import actions, queries
from agentos.chat.models import Run
from agentos.chat.refusals import Refusal
from agentos.chat.turns import turn_id
from agentos.core.fragments import fragment
from agentos.core.htmx import fragments, go_to, wants_fragment
from agentos.core.http import SignedInRequest
from agentos.dashboard.answers import composer, refused, show_turn, url_of_turn
from agentos.dashboard.views.session import session_page

VALUES = {"up": 1, "down": -1}


@signed_in
@require_POST
def retry(request: SignedInRequest, run_id: str) -> HttpResponse:
    run = run_or_404(request, run_id)
    try:
        again = actions.retry_run(run=run, by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    return show_turn(request, again)


@signed_in
@require_POST
def go_on(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Continue an answer that broke off."""
    run = run_or_404(request, run_id)
    try:
        continued = actions.continue_run(run=run, by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    return show_turn(request, continued)


@signed_in
@require_POST
def answer(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Approve, refuse, or fill in what a waiting run asks for. What will be called comes from the run, not from here."""
    run = run_or_404(request, run_id)
    try:
        actions.answer_run(run=run, answers=[answer_in(request, requirement) for requirement in run.requirements], by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    run.refresh_from_db()
    return show_turn(request, run)


def answer_in(request: SignedInRequest, requirement: dict[str, Any]) -> Answer:
    """Read one answer: a decision of its own, or the one for all."""
    call_id = requirement["call_id"]
    decision = request.POST.get(f"decision-{call_id}") or request.POST.get("decision", "")
    values = {field["name"]: request.POST.get(f"value-{call_id}-{field['name']}", "") for field in requirement["fields"]}
    note = request.POST.get(f"note-{call_id}", "").strip()
    return Answer(call_id, confirmed=decision == "yes", note=note, values=values if decision == "yes" else {})


@signed_in
@require_POST
def feedback(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Thumbs up, down, or neither any more; with a note."""
    run = run_or_404(request, run_id)
    value = VALUES.get(request.POST.get("value", ""))
    try:
        actions.give_feedback(run=run, value=value, note=request.POST.get("note", "").strip(), by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    return show_turn(request, queries.run_for(request.user, run_id) or run)


@signed_in
@require_POST
def fork(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Open a copy of the chat up to this turn."""
    run = run_or_404(request, run_id)
    try:
        forked = actions.fork_session(session=run.session, through_turn=run.turn, by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    return go_to(request, reverse("dashboard:session", args=[forked.session_id]))


@signed_in
@require_POST
def edit(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Say this turn's message differently, in a fork."""
    run = run_or_404(request, run_id)
    try:
        edited = actions.edit_message(run=run, text=request.POST.get("message", ""), by=request.user)
    except Refusal as refusal:
        return refused(request, refusal, run.session)
    return go_to(request, url_of_turn(edited))


@signed_in
@require_POST
def stop(request: SignedInRequest, run_id: str) -> HttpResponse:
    run = run_or_404(request, run_id)
    actions.stop_run(run=run, by=request.user)
    run.refresh_from_db()
    if run.is_hidden:
        return withdrawn(request, run)
    return show_turn(request, run)


def withdrawn(request: SignedInRequest, run: Run) -> HttpResponse:
    """Give the message back to the composer, above what has been typed there since."""
    text = "\n\n".join(part for part in (run.input, request.POST.get("message", "")) if part.strip())
    if not wants_fragment(request):
        return session_page(request, run.session, text=text)
    box = composer(request.user, session=run.session, agent=run.session.agent, text=text, has_focus=True)
    return fragments(request, fragment("", f"#{turn_id(run)}", "delete"), fragment(box, "#composer", "outerHTML"))


def run_or_404(request: SignedInRequest, run_id: str) -> Run:
    if run := queries.run_for(request.user, run_id):
        return run
    raise Http404
