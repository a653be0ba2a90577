"""What comes into a base: files, in slices where there is a script and as a form where there is none; a page of the web; a text."""

import contextlib
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access.guards import signed_in
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.dashboard.views.knowledge.bases import base_page, base_to_edit
from agentos.files import serving, uploading
from agentos.files.errors import NoSuchUpload
from agentos.files.models import Upload
from agentos.knowledge import actions
from agentos.knowledge.errors import BadKnowledge
from agentos.knowledge.models import Base

View = Callable[..., HttpResponseBase]
FIELDS = {"text": "text", "page": "url"}  # where what is wrong is said
FORM_BYTES = 1_048_576  # what a form can carry


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
@require_POST
def add(request: SignedInRequest, base_id: int) -> HttpResponse:
    """A text, a page of the web, or files of a form without a script, by which of them was sent."""
    base = base_to_edit(request, base_id)
    kind = request.POST.get("add", "files")
    try:
        if kind == "text":
            actions.add_text(base=base, title=request.POST.get("title", ""), text=request.POST.get("text", ""), by=request.user)
        elif kind == "page":
            actions.add_page(base=base, url=request.POST.get("url", ""), by=request.user)
        else:
            _add_files(request, base)
    except Problem as problem:
        errors = {problem.field or FIELDS.get(kind, "files"): problem.sentence}
        return base_page(request, base, given=_given(request), errors=errors, status=problem.status)
    messages.success(request, _("Added. It is found once it is ready."))
    return go_to(request, reverse("dashboard:base", args=[base_id]))


def _given(request: SignedInRequest) -> dict[str, str]:
    return {name: request.POST.get(field, "") for name, field in (("page", "url"), ("called", "title"), ("text", "text"))}


def _add_files(request: SignedInRequest, base: Base) -> None:
    given = request.FILES.getlist("files")
    if int(request.META.get("CONTENT_LENGTH") or 0) > FORM_BYTES:
        raise BadKnowledge("files", _("Without JavaScript, what is sent at once has at most 1 MB."), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not given:
        raise BadKnowledge("files", _("Choose a file first."))
    files = [(str(file.name), actions.stored(by=request.user, name=str(file.name), data=file.read())) for file in given]
    actions.add_files(base=base, files=files, by=request.user)


@signed_in
@require_POST
@in_words
def begin(request: SignedInRequest, base_id: int) -> HttpResponse:
    """Announce a file. What is wrong with its size is said before a byte of it is sent."""
    base = base_to_edit(request, base_id)
    size = whole_number(request.POST.get("size", ""), digits=15)
    upload = uploading.begin(by=request.user, name=request.POST.get("name", ""), size=size)
    url = reverse("dashboard:knowledge-upload", args=[base.pk, upload.upload_id])
    return JsonResponse({"id": upload.upload_id, "slice": uploading.SLICE, "url": url}, status=HTTPStatus.CREATED)


@signed_in
@require_http_methods(["PUT"])
@in_words
def put(request: SignedInRequest, base_id: int, upload_id: str, number: int) -> HttpResponseBase:
    base_to_edit(request, base_id)
    return serving.taken(request, uploading.upload_of(request.user, upload_id), number)


@signed_in
@require_http_methods(["POST", "DELETE"])
@in_words
def upload(request: SignedInRequest, base_id: int, upload_id: str) -> HttpResponseBase:
    """All of it is here: it becomes a document. Or it is given up."""
    base = base_to_edit(request, base_id)
    if request.method == "DELETE":
        with contextlib.suppress(NoSuchUpload):
            uploading.cancel(upload=uploading.upload_of(request.user, upload_id))
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return deferred(request, partial(_done, request, base, uploading.upload_of(request.user, upload_id)))


async def _done(request: SignedInRequest, base: Base, given: Upload) -> HttpResponse:
    blob = await uploading.finish_away(upload=given)
    made = await db.write(partial(actions.add_files, base=base, files=[(given.name, blob)], by=request.user))
    said = ngettext("%(count)s document was added.", "%(count)s documents were added.", len(made)) % {"count": len(made)}
    return JsonResponse({"documents": [document.pk for document in made], "said": said}, status=HTTPStatus.CREATED)
