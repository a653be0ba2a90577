"""Files of chats: what is given back of them, and the door by which they come in (files/uploading.py), for the script of the composer and
for forms without one."""

import contextlib
import re
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.chat import recordings
from agentos.chat.files import attachment_for
from agentos.core import db
from agentos.core.fragments import draw
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import SHAPES, Problem
from agentos.core.http.htmx import came_from
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.files import actions, quotas, serving, uploading
from agentos.files.errors import NoSuchFile, NoSuchUpload
from agentos.files.models import Attachment, Upload
from agentos.service import AgentOSService

View = Callable[..., HttpResponseBase]


def for_people(_status: int, sentence: str, _code: str, _field: str) -> dict[str, Any]:
    """The scripts of a page show the sentence as it is: the field would be a word of the API before it."""
    return {"success": False, "error": sentence, "response": None}


SHAPES["dashboard:home"] = for_people


def in_words(view: View) -> View:
    """What is wrong is answered to the script in JSON, with its sentence."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            return problem.answer(request)

    return answer


@signed_in
@require_safe
def file(request: SignedInRequest, file_id: str) -> HttpResponseBase:
    return _served(request, file_id, serving.whole)


@signed_in
@require_safe
def thumb(request: SignedInRequest, file_id: str) -> HttpResponseBase:
    return _served(request, file_id, serving.thumb)


def _served(request: SignedInRequest, file_id: str, answer: Callable[[HttpRequest, Attachment], HttpResponseBase]) -> HttpResponseBase:
    with contextlib.suppress(NoSuchFile):
        if found := attachment_for(request.user, file_id):
            return answer(request, found)
    raise Http404


@signed_in
@require_http_methods(["GET", "POST"])
@in_words
def begin(request: SignedInRequest) -> HttpResponse:
    """Announce a file: what is wrong with its size is said before a byte of it is sent. A GET gives the script its words and limits."""
    if request.method == "GET":
        limits = {"most": quotas.FILES_A_MESSAGE, "bytes": quotas.file_limit()}
        return HttpResponse(draw("chat/_composer_files.html#words", limits))
    size = whole_number(request.POST.get("size", ""), digits=15)
    place = _place(request)
    upload = uploading.begin(by=request.user, name=request.POST.get("name", ""), size=size)
    own = reverse("dashboard:upload", args=[upload.upload_id])
    return JsonResponse({"id": upload.upload_id, "slice": uploading.SLICE, "url": own, "place": place}, status=HTTPStatus.CREATED)


@signed_in
@require_http_methods(["PUT"])
@in_words
def put(request: SignedInRequest, upload_id: str, number: int) -> HttpResponseBase:
    return serving.taken(request, uploading.upload_of(request.user, upload_id), number)


@signed_in
@require_http_methods(["DELETE"])
@in_words
def upload(request: SignedInRequest, upload_id: str) -> HttpResponse:
    """Give it up. That it is gone already is no error."""
    with contextlib.suppress(NoSuchUpload):
        uploading.cancel(upload=uploading.upload_of(request.user, upload_id))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@signed_in
@require_POST
@in_words
def done(request: SignedInRequest, upload_id: str) -> HttpResponseBase:
    """All of it is here: answer with its chip, to be sent with the next message."""
    found, place = uploading.upload_of(request.user, upload_id), _place(request)
    return deferred(request, partial(_done, request, found, place, _seconds(request.POST.get("seconds", ""))))


def _seconds(text: str) -> float | None:
    """How long a recording is, as its script has counted."""
    return float(text) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) else None


async def _done(request: SignedInRequest, upload: Upload, place: str, seconds: float | None) -> HttpResponse:
    blob = await uploading.finish_away(upload=upload, seconds=seconds)
    attachment = await db.write(actions.attach, by=request.user, blob=blob, name=upload.name, place=place)
    return HttpResponse(draw("chat/_composer_files.html#chip", {"file": attachment}), status=HTTPStatus.CREATED)


@signed_in
@require_POST
@in_words
def words(request: SignedInRequest, file_id: str) -> HttpResponseBase:
    """Write down what is said in a recording. Nothing: nobody speaks in it."""
    found = attachment_for(request.user, file_id)
    if found is None:
        raise NoSuchFile
    recordings.check(request.user, found.blob)
    return deferred(request, partial(_words, found))


async def _words(attachment: Attachment) -> HttpResponse:
    return JsonResponse({"text": await recordings.words_of(attachment.blob)})


@signed_in
@require_POST
@in_words
def remove(request: SignedInRequest, file_id: str) -> HttpResponse:
    """Take back a file that was not sent yet. Without a script the form goes back to where it was."""
    actions.discard(by=request.user, file_id=file_id)
    if request.headers.get("X-Requested-With") == "files":
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return redirect(came_from(request) or "dashboard:home")


def _place(request: SignedInRequest) -> str:
    """Where the file is going to be sent: a chat of this user's, or an agent that they may use. Raises ``Problem`` 404."""
    place = request.POST.get("place", "")
    service = AgentOSService(request.user)
    is_theirs = service.get_agent_by_id(place.removeprefix("agent:")) if place.startswith("agent:") else service.get_session(place)
    if not is_theirs:
        raise Problem(HTTPStatus.NOT_FOUND)
    return place
