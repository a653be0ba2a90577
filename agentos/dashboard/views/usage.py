"""The settings page that says what one has used, and how much of what one may use that is."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agentos.access.adapters import access
from agentos.access.guards import signed_in
from agentos.chat.quotas import meters
from agentos.chat.usage import DAYS, Used, usage_of
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.charts import HEIGHT, WIDTH, bars


@signed_in
@require_safe
def usage(request: SignedInRequest) -> HttpResponse:
    used = usage_of(request.user)
    chart = {"bars": bars([day.answers for day in used.days], [label(day) for day in used.days]), "width": WIDTH, "height": HEIGHT}
    limits = {"meters": meters(request.user), "plan": access().allowance(request.user).plan}
    return render(request, "agentos/usage.html", {"tab": "usage", "usage": used, "days": DAYS, "chart": chart, **limits})


def label(used: Used) -> str:
    """What a bar says when somebody points at it."""
    values = {"day": f"{used.day:%-d %b}", "answers": f"{used.answers:,}", "tokens": f"{used.tokens:,}"}
    return _("%(day)s: %(answers)s answers, %(tokens)s tokens") % values
