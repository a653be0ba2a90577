"""Static files beside Django, not through it: as a middleware, WhiteNoise would hold one of the few threads for every file.

WhiteNoise finds the file and decides on the headers; what is sent goes out from here. (Through asgiref's WSGI adapter a
connection would inherit the context of the thread that sent its first file, and its next request would fail.)
"""

import asyncio
from http import HTTPStatus

from django.conf import settings
from whitenoise import WhiteNoise
from whitenoise.responders import Response

from site_config.requests import Receive, Scope, Send

HASHED = r"^.+\.[0-9a-f]{12}\..+$"
CHUNK = 64 * 1024  # bytes
# What decides which bytes of a file are sent, under the names that WhiteNoise knows.
ASKED = {
    b"accept-encoding": "HTTP_ACCEPT_ENCODING",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
    b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"range": "HTTP_RANGE",
}


class StaticFiles:
    """Serves what ``collectstatic`` collected: hashed names for ever, others for a minute, compressed where the browser can."""

    def __init__(self) -> None:
        self.files = WhiteNoise(None, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL, max_age=60, immutable_file_test=HASHED).files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {ASKED[name]: value.decode("latin-1") for name, value in scope["headers"] if name in ASKED}
        found = self.files.get(scope["path"])
        answer = found.get_response(scope["method"], asked) if found else Response(HTTPStatus.NOT_FOUND, [], None)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        headers.append((b"x-content-type-options", b"nosniff"))
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        if answer.file is not None:
            with answer.file as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def static_application() -> StaticFiles:
    return StaticFiles()
