"""Files that come with a message in one request: they are kept first, as files of the sender's, and then the message is sent."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from agentos.access.users import User
from agentos.chat.models import Run
from agentos.core import db
from agentos.files import quotas
from agentos.files.actions import attach, discard
from agentos.files.errors import FileError, NoSuchFile
from agentos.files.keeping import keep_bytes_away


@dataclass(frozen=True, slots=True)
class GivenFile:
    """``file_id``: of a file that is here already. ``field``: where it stands in the request."""

    name: str
    data: bytes = b""
    file_id: str = ""
    field: str = "files"

    @property
    def fingerprint(self) -> str:
        return self.file_id or f"{self.name}:{sha256(self.data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """``fingerprints``: by which the same request is known when it comes again, with the same key."""

    ids: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()


class NotKept(Exception):
    """Why a file was not taken."""

    def __init__(self, file: GivenFile, error: FileError) -> None:
        super().__init__(error.sentence)
        self.file = file
        self.error = error


async def kept_for(user: User, files: Sequence[GivenFile], start: Callable[[KeptFiles], Run]) -> Run:
    """Keep the files, and start what they go with. What it did not take is given back. Raises NotKept, and the errors of ``start``."""
    own: list[str] = []
    ids: list[str] = []
    try:
        for file in files:
            if not file.file_id:
                own.append(await _kept(user, file))
            ids.append(file.file_id or own[-1])
        return await db.write(start, KeptFiles(tuple(ids), tuple(file.fingerprint for file in files)))
    finally:
        if own:
            await db.write(_give_back, user, own)


async def _kept(user: User, file: GivenFile) -> str:
    try:
        await db.write(_check, user, file)
        blob = await keep_bytes_away(owner=user, data=file.data, name=file.name)
        return (await db.write(attach, by=user, blob=blob, name=file.name)).file_id
    except FileError as error:
        raise NotKept(file, error) from None


def _check(user: User, file: GivenFile) -> None:
    quotas.check_rate(user)
    quotas.check_size(file.name, len(file.data))


def _give_back(user: User, ids: Sequence[str]) -> None:
    for file_id in ids:
        with contextlib.suppress(NoSuchFile):
            discard(by=user, file_id=file_id)
