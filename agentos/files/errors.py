"""Why a file cannot be taken.

FileError
+-- TooLarge       more than a file may have                    413
+-- NoRoom         the owner's files would have more than theirs may  413
+-- NotTaken       no kind of file that is taken, or not what its name says  415
+-- Infected       the scanner has found something in it         422
+-- NotScanned     the scanner cannot be asked: nothing is taken  503
+-- NotReached     the storage is away: nothing is kept or read   503
+-- Unfinished     some of its slices are missing                409
+-- NoSuchUpload   none of this id of this person                404
+-- NoSuchFile     none of this id that this person may see       404
"""

from collections.abc import Mapping
from types import MappingProxyType

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from agentos.core.http.errors import Problem

TRY_AGAIN: Mapping[str, str] = MappingProxyType({"Retry-After": "10"})


class FileError(Problem):
    """``field``: of the form that the file came with."""

    status = 409
    field = "files"

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class TooLarge(FileError):
    status = 413
    code = "too_large"

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(_("%(name)s is too large: a file can have %(limit)s.") % {"name": name, "limit": filesizeformat(limit)})


class NoRoom(FileError):
    status = 413
    code = "no_room"

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("Your files would have more than the %(limit)s that they may have together. Delete chats with files that you no longer need.")
            % {"limit": filesizeformat(limit)}
        )


class NotTaken(FileError):
    status = 415
    code = "file_not_taken"


class Infected(FileError):
    status = 422
    code = "file_infected"

    def __init__(self, name: str) -> None:
        super().__init__(_("%(name)s was not taken: the virus scanner has found something in it.") % {"name": name})


class NotScanned(FileError):
    status = 503
    code = "scanner_unavailable"
    headers = TRY_AGAIN

    def __init__(self) -> None:
        super().__init__(_("Files cannot be checked for viruses at the moment, so none is taken. Try again later."))


class NotReached(FileError):
    status = 503
    code = "storage_unavailable"
    headers = TRY_AGAIN

    def __init__(self) -> None:
        super().__init__(_("Files cannot be kept or read at the moment. Try again in a moment."))


class Unfinished(FileError):
    code = "upload_unfinished"

    def __init__(self, name: str) -> None:
        super().__init__(_("Not all of %(name)s has arrived.") % {"name": name})


class NoSuchUpload(FileError):
    status = 404
    code = "upload_not_found"

    def __init__(self) -> None:
        super().__init__(_("There is no such upload."))


class NoSuchFile(FileError):
    status = 404
    code = "file_not_found"

    def __init__(self) -> None:
        super().__init__(_("There is no such file, or it is not yours."))
