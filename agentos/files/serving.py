"""Files as answers. Whoever calls this has asked for the right; what goes out is safe to open wherever it came from: nothing of it runs,
and only pictures that were encoded anew are shown by a browser, the rest is kept by it."""

from functools import partial
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from agentos.conf import app_settings
from agentos.core.http.deferred import deferred
from agentos.core.http.ranges import answer
from agentos.files import storage, uploading
from agentos.files.errors import NoSuchFile
from agentos.files.models import Attachment, Kind, Upload

SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
}
THUMB = "image/webp"
# What browsers would open as a page goes as bytes.
AS_BYTES = "application/octet-stream"
KNOWN = frozenset({"application/pdf", "text/plain", "text/csv", "text/markdown"})


def whole(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """Answer with a file. Raises NoSuchFile."""
    blob = attachment.blob
    is_shown = blob.kind == Kind.PICTURE and "download" not in request.GET
    headers = {
        **SAFE,
        "Content-Type": _type(blob.mime, blob.kind),
        "Content-Disposition": content_disposition_header(as_attachment=not is_shown, filename=attachment.name) or "attachment",
    }
    return _answer(request, blob.storage_name, f'"{blob.sha256}"', headers)


def thumb(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """Answer with the small copy of a picture. Raises NoSuchFile."""
    blob = attachment.blob
    if not blob.thumb_name:
        raise NoSuchFile
    return _answer(request, blob.thumb_name, f'"{blob.sha256}-thumb"', {**SAFE, "Content-Type": THUMB})


def _type(mime: str, kind: str) -> str:
    if mime.startswith("text/") and mime in KNOWN:
        return f"{mime}; charset=utf-8"
    return mime if kind in {Kind.PICTURE, Kind.AUDIO, Kind.VIDEO} or mime in KNOWN else AS_BYTES


def _answer(request: HttpRequest, name: str, etag: str, headers: dict[str, str]) -> HttpResponseBase:
    if storage.is_far():
        return deferred(request, partial(_answer_away, request, name, etag, headers))
    return _answer_of(request, name, storage.size_of(name), etag, headers)


async def _answer_away(request: HttpRequest, name: str, etag: str, headers: dict[str, str]) -> HttpResponseBase:
    return _answer_of(request, name, await storage.away(partial(storage.size_of, name)), etag, headers)


def _answer_of(request: HttpRequest, name: str, size: int | None, etag: str, headers: dict[str, str]) -> HttpResponseBase:
    if size is None:
        raise NoSuchFile
    if app_settings.ACCEL and not storage.is_far():
        # The proxy sends it, with its ranges. It takes the rest of the headers from here.
        return HttpResponse(status=HTTPStatus.OK, headers={**headers, "ETag": etag, "X-Accel-Redirect": f"{app_settings.ACCEL}{name}"})
    return answer(request, lambda start, end: storage.pieces(name, start, end), size=size, etag=etag, headers=headers)


def taken(request: HttpRequest, upload: Upload, number: int) -> HttpResponseBase:
    """Keep the body as a slice, and answer with nothing. Raises what ``put_slice`` does."""
    if storage.is_far():
        return deferred(request, partial(_taken_away, upload, number, request.body))
    uploading.put_slice(upload=upload, number=number, data=request.body)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


async def _taken_away(upload: Upload, number: int, data: bytes) -> HttpResponseBase:
    await uploading.put_slice_away(upload=upload, number=number, data=data)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
