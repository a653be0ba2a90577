"""Files that come with the form of a message, where no script sent them before: they are kept first, and then the message is sent."""

import shutil
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO, Any

from django.http.response import HttpResponseBase

from agentos.chat.errors import InvalidInput
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.answers import chosen_in
from agentos.files import quotas
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes_away

FilesOfForm = Callable[[], list[str]]  # their ids; raises InvalidInput when one of them was not taken

NONE: FilesOfForm = list


def given_with(request: SignedInRequest, files: list[str]) -> dict[str, Any]:
    """What goes with the text of a message."""
    return {**chosen_in(request), "files": [*request.POST.getlist("file"), *files]}


def with_files_of_form(request: SignedInRequest, place: str, send: Callable[[FilesOfForm], HttpResponseBase]) -> HttpResponseBase:
    """Answer with what ``send`` does; where files came with the form, once they are kept. They wait there when the message is refused."""
    given = [(each.name or "", own_copy(each)) for each in request.FILES.getlist("files")]
    if not given:
        return send(NONE)

    async def finish() -> HttpResponseBase:
        kept: list[str] = []
        try:
            for name, data in given:
                await db.write(quotas.check_size, name, data.seek(0, 2))
                data.seek(0)
                blob = await keep_bytes_away(owner=request.user, data=data, name=name)
                kept.append((await db.write(attach, by=request.user, blob=blob, name=name, place=place)).file_id)
        except Problem as problem:
            sentence = problem.sentence

            def refused() -> list[str]:
                raise InvalidInput("files", sentence)

            return await db.write(send, refused)
        finally:
            for _, data in given:
                data.close()
        return await db.write(send, lambda: kept)

    return deferred(request, finish)


def own_copy(given: Any) -> IO[bytes]:
    """The request closes its own when its view has returned."""
    own = TemporaryFile()  # noqa: SIM115 - closed with the last who knows it
    shutil.copyfileobj(given, own)
    own.seek(0)
    return own
