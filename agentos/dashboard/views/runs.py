"""What one does to an answer: try it again, go on, stop it, answer what it asks, judge it, fork the chat there.

A message that still waits is withdrawn.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.chat import actions, queries
from agentos.chat.asks import answers_in, asks_of
from agentos.chat.errors import ChatError, InvalidInput, NothingNoted
from agentos.chat.live.elements import turn_id
from agentos.chat.live.parts import part_at
from agentos.chat.live.shown import File, shown_view
from agentos.chat.live.transcript import shown_parts
from agentos.chat.live.turns import turn_view
from agentos.chat.models import Run
from agentos.core.fragments import draw, fragment
from agentos.core.http.htmx import fragments, go_to, wants_fragment
from agentos.core.http.request import SignedInRequest
from agentos.core.paths import path_to
from agentos.core.text import whole_number
from agentos.dashboard.answers import chosen_in, composer, refused, show_turn
from agentos.dashboard.views.session import session_page
from agentos.memories.errors import MemoryRefused

VALUES = {"up": 1, "down": -1}


@signed_in
@require_POST
def retry(request: SignedInRequest, run_id: str) -> HttpResponse:
    return _answered_by(partial(actions.retry_run, **chosen_in(request)), request, run_id)


@signed_in
@require_POST
def go_on(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Continue an answer that broke off."""
    return _answered_by(actions.continue_run, request, run_id)


def _answered_by(action: Callable[..., Run], request: SignedInRequest, run_id: str) -> HttpResponse:
    """Show the turn that the action makes after this one."""
    run = run_or_404(request, run_id)
    try:
        made = action(run=run, by=request.user)
    except ChatError as error:
        return refused(request, error, run.session)
    return show_turn(request, made)


@signed_in
@require_POST
def answer(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Approve, refuse, or fill in what a waiting run asks for. What will be called comes from the run, not from here."""
    run = run_or_404(request, run_id)
    try:
        actions.answer_run(run=run, answers=answers_in(request.POST, run.requirements), by=request.user)
    except ChatError as error:
        if isinstance(error, InvalidInput) and error.answers:
            return asked_again(request, run, error)
        return refused(request, error, run.session)
    run.refresh_from_db()
    return show_turn(request, run)


def asked_again(request: SignedInRequest, run: Run, error: InvalidInput) -> HttpResponse:
    """The form with what was typed, and what is wrong at its field."""
    asks = asks_of(run.requirements, request.POST, error.answers, of=turn_id(run))
    if not wants_fragment(request):
        return session_page(request, run.session, status=error.status, asks={run.pk: asks})
    turn = replace(turn_view(run, [], agent_name=run.session.agent.name, is_last=True, may_write=True), refused=asks)
    context = {"turn": turn, "answer_url": path_to("dashboard:answer", run.run_id), "in_place": True}
    answer = HttpResponse(draw("chat/_asks.html", context), status=error.status)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = f"#{turn.id}-asks", "outerHTML"
    return answer


@signed_in
@require_POST
def feedback(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Thumbs up, down, or neither any more; with a note."""
    run = run_or_404(request, run_id)
    value = VALUES.get(request.POST.get("value", ""))
    try:
        actions.give_feedback(run=run, value=value, note=request.POST.get("note", "").strip(), by=request.user)
    except ChatError as error:
        return refused(request, error, run.session)
    return show_turn(request, queries.run_for(request.user, run_id) or run)


@signed_in
@require_POST
def undo_memory(request: SignedInRequest, run_id: str, place: int) -> HttpResponse:
    """Take back what an agent has remembered, or forgotten. ``place``: of the part that says so."""
    run = run_or_404(request, run_id)
    try:
        actions.undo_memory(run=run, place=place, by=request.user)
    except NothingNoted:
        raise Http404 from None
    except (ChatError, MemoryRefused) as error:
        return refused(request, error, run.session)
    return show_turn(request, queries.run_for(request.user, run_id) or run)


@signed_in
@require_POST
def fork(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Open a copy of the chat up to this turn."""
    run = run_or_404(request, run_id)
    try:
        forked = actions.fork_session(session=run.session, through_turn=run.turn, by=request.user)
    except ChatError as error:
        return refused(request, error, run.session)
    return go_to(request, reverse("dashboard:session", args=[forked.session_id]))


@signed_in
@require_POST
def edit(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Say this turn's message differently: another version of it."""
    run = run_or_404(request, run_id)
    try:
        edited = actions.edit_message(run=run, text=request.POST.get("message", ""), by=request.user)
    except ChatError as error:
        return refused(request, error, run.session)
    return show_turn(request, edited)


@signed_in
@require_POST
def version(request: SignedInRequest, run_id: str) -> HttpResponse:
    """Show another version of this turn: of its message or of its answer."""
    run = run_or_404(request, run_id)
    number = {name: whole_number(request.POST[name], digits=4) or 0 for name in ("edition", "version") if name in request.POST}
    try:
        shown = actions.choose_version(run=run, by=request.user, **number)
    except ChatError as error:
        return refused(request, error, run.session)
    if "stay" in request.POST:  # from a page that showed it already
        return go_to(request, f"{path_to('dashboard:session', run.session.session_id)}?run={shown.run_id}#{turn_id(shown)}")
    return show_turn(request, shown)


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


@signed_in
@require_safe
def file(request: SignedInRequest, run_id: str, index: int) -> HttpResponse:
    """A file that a tool has made, to be kept and not to be opened here. ``index``: of the part that shows it."""
    run = run_or_404(request, run_id)
    parts = shown_parts(run)[0]
    part = part_at(parts, index)
    found = shown_view(part.get("shown")) if part else None
    if found is None or not isinstance(found.data, File):
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=found.data.name) or "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(found.data.text, content_type=f"{found.data.type}; charset=utf-8", headers=headers)


def run_or_404(request: SignedInRequest, run_id: str) -> Run:
    if run := queries.run_for(request.user, run_id):
        return run
    raise Http404
