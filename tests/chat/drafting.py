"""Drafts as the process of a running answer would hold them."""

from collections.abc import Iterable
from typing import Any

from agentos.chat.drafts import Draft
from agentos.chat.models import Run


def draft_of(run: Run, journal: Iterable[tuple[int, str, dict[str, Any]]]) -> Draft:
    draft = Draft(run)
    for seq, kind, data in journal:
        draft.take(seq, kind, data)
    return draft
