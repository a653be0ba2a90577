"""Drafts as the process of a running answer would hold them."""

from collections.abc import Iterable
from typing import Any

from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.models import Run


def draft_of(run: Run, journal: Iterable[tuple[int, str, dict[str, Any]]]) -> LiveBuffer:
    buffer = LiveBuffer(run)
    for seq, kind, data in journal:
        buffer.take(seq, kind, data)
    return buffer
