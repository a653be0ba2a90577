"""The settings page of what agents remember of a person: they turn it on and off, read, add, change, delete and take it along."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.chat.queries import sessions_for
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.memories import actions, queries
from agentos.memories.errors import MemoryRefused
from agentos.memories.forms import MemoryForm
from agentos.memories.models import Memory


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def memories(request: SignedInRequest) -> HttpResponse:
    agents = queries.agents_that_remember(request.user)
    if request.method != "POST":
        return _page(request, MemoryForm(agents=agents))
    form = MemoryForm(request.POST, agents=agents)
    if form.is_valid():
        try:
            actions.add_memory(text=form.cleaned_data["text"], agent=form.chosen, by=request.user)
        except MemoryRefused as refused:
            form.add_error("text", refused.sentence)
        else:
            return _done(request, _("Noted."))
    return _page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: SignedInRequest, number: int) -> HttpResponse:
    """One memory with its form."""
    memory = _memory_or_404(request, number)
    agents = queries.agents_that_remember(request.user)
    if memory.agent and memory.agent not in agents:
        agents.append(memory.agent)
    initial = {"text": memory.text, "agent": memory.agent.agent_id if memory.agent else ""}
    form = MemoryForm(request.POST if request.method == "POST" else None, agents=agents, initial=initial)
    if form.is_valid():
        try:
            actions.change_memory(memory=memory, text=form.cleaned_data["text"], agent=form.chosen, by=request.user)
        except MemoryRefused as refused:
            form.add_error("text", refused.sentence)
        else:
            return _done(request, _("Saved."))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "agentos/memory.html", {"tab": "memory", "memory": memory, "form": form}, status=status)


@signed_in
@require_POST
def switch(request: SignedInRequest) -> HttpResponse:
    if request.POST.get("on") == "1":
        actions.turn_on(by=request.user)
    else:
        actions.turn_off(by=request.user)
    return go_to(request, reverse("dashboard:memories"))


@signed_in
@require_POST
def delete(request: SignedInRequest, number: int) -> HttpResponse:
    actions.delete_memory(memory=_memory_or_404(request, number), by=request.user)
    return _done(request, _("Deleted."))


@signed_in
@require_POST
def delete_all(request: SignedInRequest) -> HttpResponse:
    actions.delete_memories(by=request.user)
    return _done(request, _("Everything was deleted."))


@signed_in
@require_safe
def export(request: SignedInRequest) -> HttpResponse:
    """All of it as a file of JSON."""
    found = [_exported(memory) for memory in queries.memories_for(request.user)]
    headers = {"Content-Disposition": 'attachment; filename="memories.json"'}
    return JsonResponse({"memories": found}, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})


def _exported(memory: Memory) -> dict[str, Any]:
    return {
        "number": memory.number,
        "text": memory.text,
        "agent_id": memory.agent.agent_id if memory.agent else None,
        "noted_by": memory.by,
        "session_id": memory.session_id or None,
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
    }


def _done(request: SignedInRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return go_to(request, reverse("dashboard:memories"))


def _page(request: SignedInRequest, form: MemoryForm, status: int = HTTPStatus.OK) -> HttpResponse:
    found = list(queries.memories_for(request.user))
    chats = sessions_for(request.user).filter(session_id__in={memory.session_id for memory in found} - {""})
    context = {
        "tab": "memory",
        "form": form,
        "memories": found,
        "is_on": queries.is_on(request.user.pk),
        "agents": list(form.agents.values()),
        "chats": set(chats.values_list("session_id", flat=True)),
        "most": actions.MEMORIES,
    }
    return render(request, "agentos/memories.html", context, status=status)


def _memory_or_404(request: SignedInRequest, number: int) -> Memory:
    if memory := queries.memory_for(request.user, number):
        return memory
    raise Http404
