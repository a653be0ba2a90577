"""Chats from elsewhere: an export is given, then one sees what would come of it, chooses an agent, and brings it."""

from functools import partial
from http import HTTPStatus
from typing import IO, Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentos.access.guards import signed_in
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat.files import attachment_for, pending
from agentos.chat.importing.bringing import Report, bring_away, preview
from agentos.chat.importing.reading import UnreadableExport, read_kept
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.form_files import own_copy
from agentos.dashboard.layout import frame
from agentos.files import quotas
from agentos.files.actions import attach, discard
from agentos.files.keeping import keep_bytes_away
from agentos.files.models import Attachment
from agentos.service import AgentOSService

PLACE = "import"  # where such a file waits


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: SignedInRequest) -> HttpResponseBase:
    """Take the file. It waits for a day."""
    if request.method != "POST":
        return _start_page(request)
    given = request.FILES.get("file")
    if given is None:
        return _start_page(request, error=_("Choose a file first."), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        quotas.check_rate(request.user)
        quotas.check_size(given.name or "", given.size or 0)
    except Problem as problem:
        return _start_page(request, error=problem.sentence, status=problem.status)
    return deferred(request, partial(_keep, request, given.name or "", own_copy(given)))


async def _keep(request: SignedInRequest, name: str, data: IO[bytes]) -> HttpResponse:
    try:
        blob = await keep_bytes_away(owner=request.user, data=data, name=name)
        kept = await db.write(_in_place_of_others, request.user, partial(attach, by=request.user, blob=blob, name=name, place=PLACE))
    except Problem as problem:
        return await db.write(partial(_start_page, request, error=problem.sentence, status=problem.status))
    finally:
        data.close()
    return go_to(request, reverse("dashboard:import-file", args=[kept.file_id]))


def _in_place_of_others(user: User, keep: Any) -> Attachment:
    for before in pending(user, PLACE):
        discard(by=user, file_id=before.file_id)
    kept: Attachment = keep()
    return kept


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def chosen(request: SignedInRequest, file_id: str) -> HttpResponseBase:
    """Say what would come of it; or bring it."""
    file = attachment_for(request.user, file_id)
    if file is None or file.place != PLACE:
        messages.info(request, _("This file is not here any more. Choose it once more."))
        return go_to(request, reverse("dashboard:import-chats"))
    if request.method != "POST":
        return deferred(request, partial(_preview, request, file))
    agent = AgentOSService(request.user).get_agent_by_id(request.POST.get("agent", ""))
    if agent is None:
        return deferred(request, partial(_preview, request, file, _("Choose an agent that you may use.")))
    return deferred(request, partial(_bring, request, file, agent))


async def _preview(request: SignedInRequest, file: Attachment, error: str = "") -> HttpResponse:
    try:
        report = await db.read(preview, await read_kept(file), request.user)
    except UnreadableExport as unreadable:
        return await db.write(partial(_refuse, request, file, unreadable))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    return await db.read(partial(_file_page, request, file, report, error=error, status=status))


def _refuse(request: SignedInRequest, file: Attachment, unreadable: UnreadableExport) -> HttpResponse:
    discard(by=request.user, file_id=file.file_id)
    return _start_page(request, error=unreadable.sentence, status=unreadable.status)


async def _bring(request: SignedInRequest, file: Attachment, agent: DjangoAgent) -> HttpResponse:
    try:
        given = await read_kept(file)
        report = await bring_away(given=given, agent=agent, by=request.user, archive=request.POST.get("archive") == "1")
    except UnreadableExport as unreadable:
        return await db.write(partial(_refuse, request, file, unreadable))
    except Problem as problem:
        return await _preview(request, file, problem.sentence)
    if not report.trouble:
        await db.write(partial(discard, by=request.user, file_id=file.file_id))
    status = HTTPStatus.CONFLICT if report.trouble else HTTPStatus.OK
    return await db.read(partial(_file_page, request, file, report, is_done=True, agent=agent, status=status))


def _start_page(request: SignedInRequest, *, error: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    limit = quotas.file_limit() // quotas.MB
    return render(request, "agentos/import.html", {**frame(request, here="sessions"), "error": error, "limit": limit}, status=status)


def _file_page(request: SignedInRequest, file: Attachment, report: Report, *, status: int, **more: Any) -> HttpResponse:
    cards = AgentOSService(request.user).get_available_agents()
    context = {"file": file, "report": report, "left_out": report.left_out.sentences(), "cards": cards, "error": "", **more}
    return render(request, "agentos/import_file.html", {**frame(request, here="sessions"), **context}, status=status)
