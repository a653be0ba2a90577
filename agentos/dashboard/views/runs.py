"""What one does to an answer: try it again, stop it. A message that still waits is withdrawn."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from agentos.access.guards import signed_in
from agentos.chat import actions, queries
from agentos.chat.models import Run
from agentos.chat.refusals import Refusal
from agentos.chat.turns import turn_id
from agentos.core.fragments import fragment
from agentos.core.htmx import fragments, wants_fragment
from agentos.core.http import SignedInRequest
from agentos.dashboard.answers import composer, refused, show_turn
from agentos.dashboard.views.session import session_page


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
    box = composer(request, session=run.session, agent=run.session.agent, text=text, has_focus=True)
    return fragments(request, fragment("", f"#{turn_id(run)}", "delete"), fragment(box, "#composer", "outerHTML"))


def run_or_404(request: SignedInRequest, run_id: str) -> Run:
    if run := queries.run_for(request.user, run_id):
        return run
    raise Http404
