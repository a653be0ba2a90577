"""Books (epub): chapters in the order in which they are read."""

from urllib.parse import unquote

from . import markup
from .common import Found, Refused, outlined
from .xml import Parts, joined

OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"


def read(data: bytes, kind: str) -> Found:
    parts = Parts(data)
    if "META-INF/encryption.xml" in parts.names and b"EncryptedKey" in parts.bytes("META-INF/encryption.xml"):
        raise Refused("encrypted")
    file = parts.xml("META-INF/container.xml").find(f".//{CONTAINER}rootfile")
    name = file.get("full-path", "") if file is not None else ""
    book = parts.xml(name)
    items = {each.get("id"): each.get("href", "") for each in book.iter(f"{OPF}item")}
    found = Found(kind, "chapter", " ".join((book.findtext(f".//{DC}title") or "").split()))
    for each in book.iter(f"{OPF}itemref"):
        chapter = joined(name.rpartition("/")[0], unquote(items.get(each.get("idref"), "")))
        tree = markup.tree_of(parts.bytes(chapter)) if chapter in parts.names else None
        text = "\n\n".join(markup.blocks(tree)) if tree is not None else ""
        if text and not found.add(text):
            break
    return outlined(found)
