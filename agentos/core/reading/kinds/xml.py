"""XML in zips: no entities, no network, and no deeper than files are."""

import io
import zipfile
from typing import Any

from lxml import etree

from .common import Refused


def parsed(data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        is_bomb = any(word in str(error) for word in ("memory", "Excessive", "huge", "loop", "amplification"))
        raise Refused("too_large" if is_bomb else "unreadable") from None


class Parts:
    """The files in a zip, as XML."""

    def __init__(self, data: bytes) -> None:
        self.archive = zipfile.ZipFile(io.BytesIO(data))
        self.names = set(self.archive.namelist())

    def bytes(self, name: str) -> bytes:
        try:
            return self.archive.read(name)
        except (KeyError, zipfile.BadZipFile, RuntimeError, EOFError):
            raise Refused("unreadable") from None

    def xml(self, name: str) -> Any:
        return parsed(self.bytes(name))

    def maybe(self, name: str) -> Any:
        return self.xml(name) if name in self.names else None

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """Return by id the type and the target of what an Office part names, targets as names in the zip."""
        folder, _, file = name.rpartition("/")
        tree = self.maybe(f"{folder}/_rels/{file}.rels")
        found = {}
        for each in tree if tree is not None else ():
            if each.get("TargetMode") != "External":
                found[each.get("Id", "")] = (each.get("Type", "").rpartition("/")[2], joined(folder, each.get("Target", "")))
        return found


def joined(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    steps = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(step)
    return "/".join(steps)


def core_title(parts: Parts) -> str:
    """Return the title that an Office file says it has."""
    tree = parts.maybe("docProps/core.xml")
    return " ".join((tree.findtext("{http://purl.org/dc/elements/1.1/}title") or "").split()) if tree is not None else ""
