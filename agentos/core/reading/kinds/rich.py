"""Rich text (rtf)."""

from striprtf.striprtf import rtf_to_text

from .common import Found, in_parts


def read(data: bytes, kind: str) -> Found:
    text: str = rtf_to_text(data.decode("latin-1"), encoding="cp1252", errors="replace")  # type: ignore[no-untyped-call]
    return in_parts(Found(kind, "part"), text.split("\n"))
