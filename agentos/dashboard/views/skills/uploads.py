"""What people send along for a skill: a zip, or files one by one."""

from django.utils.translation import gettext as _

from agentos.core.http.request import SignedInRequest
from agentos.skills import packing
from agentos.skills.errors import BadSkill
from agentos.skills.packing import Files

FORM_BYTES = 16_384  # around the file that it carries


def given_zip(request: SignedInRequest) -> bytes:
    """Raises BadSkill."""
    if _is_cut(request):
        raise BadSkill("file", _("A zip has at most 1 MB here. Your administrator can bring larger ones: agentos skills import."), 413)
    given = request.FILES.get("file")
    if given is None:
        raise BadSkill("file", _("Choose a zip first."))
    data: bytes = given.read()
    return data


def given_files(request: SignedInRequest, there: Files) -> Files:
    """Return the files of a skill after what a form has taken away and added. Raises BadSkill."""
    if _is_cut(request):
        raise BadSkill("files", _("What is sent at once has at most 1 MB. Nothing was saved."), 413)
    gone = set(request.POST.getlist("remove"))
    found = {path: data for path, data in there.items() if path not in gone}
    folder = request.POST.get("folder", "").strip().strip("/")
    for file in request.FILES.getlist("files"):
        path = packing.checked_path(f"{folder}/{file.name}" if folder else str(file.name))
        found[path] = file.read()
    return found


def _is_cut(request: SignedInRequest) -> bool:
    """Whether the server has not kept all of it."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > packing.UPLOAD_LIMIT + FORM_BYTES
