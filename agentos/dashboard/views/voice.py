"""Speaking in place of writing: what the scripts of voices need to know, and say. What they send are files (``files.py``)."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from agentos import speech
from agentos.access.guards import signed_in
from agentos.access.queries import preferences_of
from agentos.core.fragments import draw
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator


@signed_in
@require_safe
def words(request: SignedInRequest) -> HttpResponse:
    return HttpResponse(draw("chat/_voice.html#words", {"wants": preferences_of(request.user), "missing": _missing(request)}))


def _missing(request: SignedInRequest) -> str:
    if speech.is_offered():
        return ""
    return speech.how_to() if is_operator(request.user) else speech.not_here()
