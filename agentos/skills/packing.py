"""Skills as files: read from a folder or a zip that anybody may have made, and written into a zip. What is read is never run."""

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from agentos.core.text import clean
from agentos.skills import document
from agentos.skills.document import Document
from agentos.skills.errors import BadSkill

UPLOAD_LIMIT = 1_000_000  # bytes of a zip on a page: of a body the server keeps 1 MiB
ZIP_LIMIT = 10_000_000  # bytes of a zip on this machine
FILE_LIMIT = 2_000_000  # bytes
TOTAL_LIMIT = 10_000_000  # bytes of all files together, unpacked
FILES = 200  # of one skill
SKILLS = 100  # of one zip or folder
ENTRIES = 2_000  # of a zip or a folder that holds several skills
PATH_LENGTH = 200  # characters
DEEPEST = 10  # folders in folders
LISTED = 3  # names in a sentence

TYPE = "application/zip"
UNSEEN = frozenset({"__MACOSX", "__pycache__", "node_modules", ".git", ".DS_Store", "Thumbs.db"})
ODD = re.compile(r'[\x00-\x1f\x7f:*?"<>|]')
ALL_ALIKE = (1980, 1, 1, 0, 0, 0)  # so that the same skill always gives the same file
READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Package:
    """A skill as it comes in: its SKILL.md, and by path what lies beside it."""

    document: Document
    files: Mapping[str, bytes] = field(default_factory=dict)


def from_zip(data: bytes, limit: int = ZIP_LIMIT) -> list[Package]:
    """Return the skills of a zip. Raises BadSkill."""
    if len(data) > limit:
        raise BadSkill("file", _("A zip has at most %(most)s MB; this one has more.") % {"most": f"{limit / 1_000_000:g}"}, 413)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return packages(dict(_unpacked(archive)))
    except BROKEN as error:
        if isinstance(error, BadSkill):
            raise
        raise BadSkill("file", _("This file is no zip that can be read.")) from None


def from_folder(folder: Path) -> list[Package]:
    """Return the skills of a folder: its own, where it has a SKILL.md, or those of the folders in it. Raises BadSkill, OSError."""
    found: Files = {}
    total = 0
    for path in _walked(folder):
        name = checked_path(path.relative_to(folder).as_posix())
        if path.is_symlink() or not path.is_file():
            raise BadSkill("file", _("%(path)s is a link. Put the file itself there.") % {"path": name})
        total += path.stat().st_size
        _check_sizes(name, path.stat().st_size, total)
        found[name] = path.read_bytes()
        if len(found) > ENTRIES:
            raise BadSkill("file", _("There are more than %(most)s files.") % {"most": f"{ENTRIES:,}"})
    return packages(found)


def packages(files: Files) -> list[Package]:
    """Return a package for every folder with a SKILL.md. Raises BadSkill."""
    roots = sorted(str(PurePosixPath(path).parent) for path in files if PurePosixPath(path).name.lower() == document.FILE.lower())
    roots = [root for place, root in enumerate(roots) if not any(_is_in(root, before) for before in roots[:place][:SKILLS])]
    if not roots:
        raise BadSkill("file", _("There is no SKILL.md in it."))
    if len(roots) > SKILLS:
        raise BadSkill("file", _("There are more than %(most)s skills in it.") % {"most": SKILLS})
    found = [_package(root, files) for root in roots]
    names = [package.document.name for package in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise BadSkill("file", _("Two of its skills are called %(name)s.") % {"name": twice})
    return found


def checked_files(files: Mapping[str, bytes]) -> Files:
    """Return the files of a skill with plain paths. Raises BadSkill."""
    if len(files) > FILES:
        raise BadSkill("files", _("A skill has at most %(most)s files; this one has %(has)s.") % {"most": FILES, "has": len(files)})
    found: Files = {}
    seen: set[str] = set()
    for given, data in files.items():
        path = checked_path(given)
        if path.lower() == document.FILE.lower():
            raise BadSkill("files", _("SKILL.md is there already: it is the text of the skill."))
        if path.casefold() in seen:
            raise BadSkill("files", _("The file %(path)s is there twice.") % {"path": path})
        seen.add(path.casefold())
        found[path] = data
        _check_sizes(path, len(data), sum(map(len, found.values())), "files")
    return found


def checked_path(path: str) -> str:
    """Return a path below the skill's folder. Raises BadSkill for one that leads out of it, or that not every system can have."""
    plain = path.replace("\\", "/").removeprefix("./")
    parts = plain.split("/")
    leads_out = any(part in {"", ".", ".."} for part in parts)
    if (
        leads_out
        or plain != clean(plain)
        or ODD.search(plain)
        or len(plain) > PATH_LENGTH
        or len(parts) > DEEPEST
        or plain != plain.strip()
    ):
        raise BadSkill("files", _("A file cannot be called %(path)s.") % {"path": repr(path[:80])})
    return plain


def is_text(data: bytes) -> bool:
    """Whether agents and people can read it."""
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def as_zip(name: str, text: str, files: Mapping[str, bytes]) -> bytes:
    """Return a zip with the skill's folder, as other programs take it. The same skill always gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {document.FILE: text.encode(), **dict(sorted(files.items()))}.items():
            info = zipfile.ZipInfo(f"{name}/{path}", ALL_ALIKE)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def _unpacked(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = [each for each in archive.infolist() if not each.is_dir() and not _is_unseen(each.filename.replace("\\", "/"))]
    if len(entries) > ENTRIES:
        raise BadSkill("file", _("There are more than %(most)s files.") % {"most": f"{ENTRIES:,}"})
    total, seen = 0, set()
    for entry in entries:
        path = checked_path(entry.filename)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadSkill("file", _("%(path)s is a link. Put the file itself there.") % {"path": path})
        if entry.flag_bits & 1:
            raise BadSkill("file", _("This zip has a password. Make one without."))
        if entry.compress_type not in READABLE:
            raise BadSkill("file", _("This zip is packed in a way that cannot be read here. Make a plain one."))
        if path.casefold() in seen:
            raise BadSkill("file", _("The file %(path)s is there twice.") % {"path": path})
        seen.add(path.casefold())
        total += entry.file_size
        _check_sizes(path, entry.file_size, total)
        yield path, archive.read(entry)  # never more than the size that it has said


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(each for each in folders if each not in UNSEEN)
        links = [each for each in folders if (Path(place) / each).is_symlink()]
        yield from (Path(place) / each for each in sorted([*links, *names]) if each not in UNSEEN and not each.endswith(".pyc"))


def _package(root: str, files: Files) -> Package:
    inside = {path if root == "." else path.removeprefix(f"{root}/"): data for path, data in files.items() if _is_in(path, root)}
    text_at = next(path for path in inside if path.lower() == document.FILE.lower())
    where = document.FILE if root == "." else f"{root}/{document.FILE}"
    data = inside.pop(text_at)
    if not is_text(data):
        raise BadSkill("file", _("%(path)s is no text in UTF-8.") % {"path": where})
    try:
        return Package(document.parse(data.decode("utf-8")), checked_files(inside))
    except BadSkill as error:
        if root == ".":
            raise
        raise BadSkill(error.field, f"{root}: {error.sentence}") from None


def _is_in(path: str, root: str) -> bool:
    return root == "." or path.startswith(f"{root}/")


def _is_unseen(path: str) -> bool:
    return any(part in UNSEEN for part in path.split("/")) or path.endswith(".pyc")


def _check_sizes(path: str, size: int, total: int, where: str = "file") -> None:
    if size > FILE_LIMIT:
        most = {"path": path, "most": f"{FILE_LIMIT / 1_000_000:g}"}
        raise BadSkill(where, _("%(path)s is larger than %(most)s MB.") % most, 413)
    if total > TOTAL_LIMIT:
        raise BadSkill(where, _("Unpacked, it is larger than %(most)s MB.") % {"most": f"{TOTAL_LIMIT / 1_000_000:g}"}, 413)


def said_of(names: Iterable[str]) -> str:
    """Return a few of these names, for a sentence."""
    all_of_them = list(names)
    shown = ", ".join(all_of_them[:LISTED])
    return f"{shown}, …" if len(all_of_them) > LISTED else shown
