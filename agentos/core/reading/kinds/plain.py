"""Texts: plain, Markdown, JSON, programs."""

from .common import Found, decoded, in_parts


def read(data: bytes, kind: str) -> Found:
    text = decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if kind != "markdown":  # a line that begins with # is a remark in most programs
        return in_parts(Found(kind, "part"), ["\n\n".join(text.split("\n\n"))])
    return in_parts(Found(kind, "part"), _blocks(text))


def _blocks(text: str) -> list[str]:
    """Return its paragraphs; what stands between fences is one."""
    found: list[str] = []
    is_open = False
    for block in text.split("\n\n"):
        if is_open and found:
            found[-1] += f"\n\n{block}"
        else:
            found.append(block)
        is_open ^= block.count("```") % 2 == 1
    return found
