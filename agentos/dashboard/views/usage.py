"""The settings page that says how much of what one may use is used."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agentos.access.allowances import allowance_of
from agentos.access.guards import signed_in
from agentos.chat.quotas import meters
from agentos.core.http import SignedInRequest


@signed_in
@require_safe
def usage(request: SignedInRequest) -> HttpResponse:
    context = {"tab": "usage", "meters": meters(request.user), "plan": allowance_of(request.user).plan}
    return render(request, "agentos/usage.html", context)
