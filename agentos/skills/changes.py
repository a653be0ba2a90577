"""What is new in a version of a skill against another one, file by file and line by line, for people to read."""

from django.utils.translation import gettext as _

from agentos.core.changes import Change, compared
from agentos.skills import queries
from agentos.skills.document import FILE
from agentos.skills.models import SkillVersion

SHOWN = 50_000  # bytes of a file that are compared


def changes(before: SkillVersion | None, after: SkillVersion) -> list[Change]:
    """Return what differs: SKILL.md first, then the files by path."""
    found = []
    old_text = before.text if before else ""
    if old_text != after.text:
        found.append(Change("text", FILE, list(compared(_lines(old_text), _lines(after.text)))))
    old, new = (before.files if before else {}), after.files
    for path in sorted({*old, *new}):
        if old.get(path, {}).get("hash") != new.get(path, {}).get("hash"):
            lines = compared(_of_file(before, path), _of_file(after, path))
            found.append(Change(path, path, list(lines)))
    return found


def _of_file(version: SkillVersion | None, path: str) -> list[str]:
    about = version.files.get(path) if version else None
    if version is None or about is None:
        return []
    if not about["is_text"] or about["size"] > SHOWN:
        return [_("A file of %(size)s bytes (%(hash)s…)") % {"size": f"{about['size']:,}", "hash": about["hash"][:12]}]
    data = queries.file_of(version.skill_id, path, version.number) or b""
    return _lines(data.decode("utf-8", "replace")) or [""]


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
