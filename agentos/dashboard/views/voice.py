"""Speaking in place of writing, and being read to: what the scripts of voices need to know, and say, and the voice of the server. What they
send are files (``files.py``)."""

from functools import partial

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from agentos import speech
from agentos.access.guards import signed_in
from agentos.access.models import Preferences
from agentos.access.queries import preferences_of
from agentos.core.fragments import draw
from agentos.core.http.deferred import deferred
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.ratelimit import limits
from agentos.dashboard.views.files import in_words
from agentos.speech import voices

SENTENCES_A_MINUTE = 120


@signed_in
@require_safe
def words(request: SignedInRequest) -> HttpResponse:
    about = {"wants": preferences_of(request.user), "missing": _missing(request), "has_voice": voices.is_offered()}
    return HttpResponse(draw("chat/_voice.html#words", {**about, "speeds": Preferences.Speed.choices}))


@signed_in
@require_POST
@in_words
def say(request: SignedInRequest) -> HttpResponseBase:
    """The sound of a sentence."""
    limits.check("speech", str(request.user.pk), limit=SENTENCES_A_MINUTE, seconds=60)
    return deferred(request, partial(_say, request.POST.get("text", "")))


async def _say(text: str) -> HttpResponse:
    sound, kind = await voices.say(text)
    return HttpResponse(sound, content_type=kind)


def _missing(request: SignedInRequest) -> str:
    if speech.is_offered():
        return ""
    return speech.how_to() if is_operator(request.user) else speech.not_here()
