"""A page of the web that was saved as a file."""

from . import markup
from .common import Found, decoded, in_parts


def read(data: bytes, kind: str) -> Found:
    tree = markup.tree_of(decoded(data).replace("\0", ""))
    if tree is None:
        return Found(kind, "part")
    return in_parts(Found(kind, "part", markup.title_of(tree)), markup.blocks(tree))
