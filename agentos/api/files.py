"""Files: send them, whole or in slices, look at them, download them. A message then names them by their ids."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Path, Query, Status

from agentos.access.users import User
from agentos.api import file_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND
from agentos.api.parameters import IdempotencyKey
from agentos.api.schemas import Refused
from agentos.api.scopes import ScopedRouter
from agentos.api.serializers import file_json
from agentos.chat import recordings
from agentos.chat.files import attachment_for
from agentos.chat.idempotency import known, once
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.files import quotas, serving, uploading
from agentos.files.actions import attach, discard
from agentos.files.errors import NoSuchFile
from agentos.files.keeping import keep, run_away
from agentos.files.models import Attachment
from agentos.files.models import Upload as UploadRow
from agentos.files.preparing import prepare

BYTES: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
OF_ANY_TYPE = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
DOWNLOAD: dict[str, Any] = {
    "responses": {
        200: {"description": "The bytes.", "content": OF_ANY_TYPE},
        206: {"description": "Those that the header Range asks for.", "content": OF_ANY_TYPE},
        304: {"description": "The caller has them."},
    }
}

router = ScopedRouter(tags=["Files"])

FileId = Annotated[str, Path(..., example=nouns.FILE_ID)]
UploadId = Annotated[str, Path(..., example=nouns.UPLOAD_ID)]
SliceNumber = Annotated[int, Path(..., ge=0, le=1_000_000, example=1)]
Name = Annotated[str, Query(..., min_length=1, max_length=1000, description="What the file is called.", example="chart.png")]


@router.post(
    "/files/",
    url_name="files",
    operation_id="create_file",
    response={201: nouns.File, **CHANGE},
    summary="Send a file",
    openapi_extra=BYTES,
)
def create_file(request: ApiRequest, name: Name, idempotency_key: IdempotencyKey = "") -> HttpResponseBase:
    """The body is the bytes, at most 1 MiB: larger ones come in slices. It waits for a day for the message that names it."""
    quotas.check_rate(request.auth)
    return deferred(request, partial(_create, request.auth, name, request.body, idempotency_key))


async def _create(user: User, name: str, data: bytes, key: str) -> HttpResponse:
    prepared = await run_away(partial(prepare, data, name=name))
    made: list[str] = []

    def make() -> str:
        made.append(attach(by=user, blob=keep(owner=user, prepared=prepared), name=prepared.name).file_id)
        return made[0]

    def store() -> Attachment:
        try:
            file_id = once(make, kind=str, by=user, key=key, what=["file", name, prepared.sha256])
            return _found(user, file_id)
        finally:
            if not made:
                prepared.drop()

    return _answer(await db.write(store), 201)


@router.post(
    "/files/uploads/", url_name="uploads", operation_id="begin_upload", response={201: nouns.Upload, **CHANGE}, summary="Announce a file"
)
def begin_upload(request: ApiRequest, payload: nouns.UploadIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """For one that is larger than 1 MiB, or grows. What is too large is refused before a byte of it is sent."""

    def begin() -> str:
        return uploading.begin(by=request.auth, name=payload.name, size=payload.size).upload_id

    upload_id = once(begin, kind=str, by=request.auth, key=idempotency_key, what=["upload", payload.name, payload.size])
    upload = uploading.upload_of(request.auth, upload_id)
    where = reverse("api:upload", args=[upload.upload_id])
    said = _upload(upload, uploading.numbers(upload)).model_dump_json()
    return HttpResponse(said, status=201, content_type="application/json; charset=utf-8", headers={"Location": where})


@router.get(
    "/files/uploads/{upload_id}/",
    url_name="upload",
    operation_id="upload",
    response={200: nouns.Upload, **FIND},
    summary="What has arrived",
)
def upload(request: ApiRequest, upload_id: UploadId) -> nouns.Upload:
    """After a network that was cut: send the slices that are missing."""
    found = uploading.upload_of(request.auth, upload_id)
    return _upload(found, uploading.numbers(found))


@router.delete(
    "/files/uploads/{upload_id}/", url_name="upload", operation_id="cancel_upload", response={204: None, **FIND}, summary="Give a file up"
)
def cancel_upload(request: ApiRequest, upload_id: UploadId) -> Status[None]:
    uploading.cancel(upload=uploading.upload_of(request.auth, upload_id))
    return Status(204, None)


@router.post(
    "/files/uploads/{upload_id}/done/",
    url_name="finish_upload",
    operation_id="finish_upload",
    response={201: nouns.File, **CHANGE},
    summary="All slices are here",
)
def finish_upload(request: ApiRequest, upload_id: UploadId, idempotency_key: IdempotencyKey = "") -> HttpResponseBase:
    """With a key it may be said again, when its answer got lost."""
    if made := known(str, by=request.auth, key=idempotency_key, what=["finish", upload_id]):
        return _answer(_found(request.auth, made), 201)
    return deferred(request, partial(_finish, request.auth, uploading.upload_of(request.auth, upload_id), idempotency_key))


async def _finish(user: User, upload: UploadRow, key: str) -> HttpResponse:
    blob = await uploading.finish_away(upload=upload)

    def store() -> Attachment:
        make = lambda: attach(by=user, blob=blob, name=upload.name).file_id  # noqa: E731
        return _found(user, once(make, kind=str, by=user, key=key, what=["finish", upload.upload_id]))

    return _answer(await db.write(store), 201)


@router.put(
    "/files/uploads/{upload_id}/{number}/",
    url_name="slice",
    operation_id="put_slice",
    response={204: None, **CHANGE},
    summary="Send a slice",
    openapi_extra=BYTES,
)
def put_slice(request: ApiRequest, upload_id: UploadId, number: SliceNumber) -> HttpResponseBase:
    """In any order. What was answered with 204 is kept; the same slice again changes nothing."""
    return serving.taken(request, uploading.upload_of(request.auth, upload_id), number)


@router.get("/files/{file_id}/", url_name="file", operation_id="file", response={200: nouns.File, **FIND}, summary="About a file")
def file(request: ApiRequest, file_id: FileId) -> nouns.File:
    """Of a chat of mine, or one that I have not sent yet."""
    return file_json(_found(request.auth, file_id))


@router.get(
    "/files/{file_id}/content/",
    url_name="file_content",
    operation_id="file_content",
    response={**FIND, 416: Refused},
    summary="Download",
    openapi_extra=DOWNLOAD,
)
def file_content(request: ApiRequest, file_id: FileId) -> HttpResponseBase:
    """Takes the headers Range, If-Range and If-None-Match."""
    answer = serving.whole(request, _found(request.auth, file_id))
    if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise Problem(answer.status_code, headers={"Content-Range": answer.headers["Content-Range"]})
    return answer


@router.post(
    "/files/{file_id}/transcript/",
    url_name="file_transcript",
    operation_id="write_down_file",
    response={200: nouns.Transcript, **CHANGE},
    summary="Write down what is said",
)
def write_down_file(request: ApiRequest, file_id: FileId) -> HttpResponseBase:
    """Of a recording. It is done once, and kept with the file. An empty text: nobody speaks in it."""
    found = _found(request.auth, file_id)
    recordings.check(request.auth, found.blob)
    return deferred(request, partial(_written_down, found))


async def _written_down(attachment: Attachment) -> HttpResponse:
    said = nouns.Transcript(text=await recordings.words_of(attachment.blob))
    return HttpResponse(said.model_dump_json(), content_type="application/json; charset=utf-8")


@router.delete("/files/{file_id}/", url_name="file", operation_id="delete_file", response={204: None, **FIND}, summary="Take back a file")
def delete_file(request: ApiRequest, file_id: FileId) -> Status[None]:
    """One that was not sent yet. Those of a message go with it."""
    discard(by=request.auth, file_id=file_id)
    return Status(204, None)


def _found(user: User, file_id: str) -> Attachment:
    if found := attachment_for(user, file_id):
        return found
    raise NoSuchFile


def _upload(upload: UploadRow, received: list[int]) -> nouns.Upload:
    return nouns.Upload(id=upload.upload_id, name=upload.name, size=upload.size, slice=uploading.SLICE, received=received)


def _answer(attachment: Attachment, status: int) -> HttpResponse:
    said = file_json(attachment)
    headers = {"Location": said.url.removesuffix("content/")}
    return HttpResponse(said.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers=headers)
