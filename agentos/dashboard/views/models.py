"""The settings page of the providers of models, for operators."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agentos.access.guards import operator_only
from agentos.agents.provider_states import provider_states
from agentos.core.http.request import SignedInRequest


@require_safe
@operator_only
def models(request: SignedInRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    words = query.casefold().split()
    states = [state for state in provider_states() if all(word in f"{state.slug} {state.label}".casefold() for word in words)]
    context = {
        "tab": "models",
        "query": query,
        "ready": [state for state in states if state.is_ready],
        "others": [state for state in states if not state.is_ready],
    }
    return render(request, "agentos/models.html", context)
