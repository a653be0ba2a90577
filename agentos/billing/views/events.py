"""The door that Stripe posts its events to. No cookie counts here; its signature is proven over the raw body."""

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentos.billing import receiving, remote
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.http.request import client_network
from agentos.core.ratelimit import limits

RATE = 3000  # events in a minute from one address: Stripe sends many at once at the turn of a month, and repeats what is refused


@csrf_exempt
@no_append_slash
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Answer as soon as the event is noted; what it is about is read after that."""
    if not remote.is_on() or not app_settings.STRIPE_WEBHOOK_SECRET:
        raise Http404
    try:
        limits.check("billing", client_network(request), limit=RATE, seconds=60)
        is_new = receiving.receive(_event(request))
    except Problem as problem:
        return problem.answer(request)
    return JsonResponse({"received": True, "new": is_new})


events.guard = "public"  # type: ignore[attr-defined]


def _event(request: HttpRequest) -> remote.Sent:
    try:
        return remote.event_of(request.body, request.headers.get("Stripe-Signature", ""))
    except RequestDataTooBig:
        raise Problem(413) from None
    except UnreadablePostError:
        raise Problem(400) from None
    except remote.BadSignature:
        raise Problem(400, _("The event is not signed with the secret of this address, or too old.")) from None
