"""What a model makes besides text: pictures and files in its answer, kept with the run."""

import logging
from typing import Any

from agno.models.response import ModelResponse

from agentos.agents.media import NotKept
from agentos.agents.runtime.call_context import MADE
from agentos.agents.tools.definition import current

log = logging.getLogger(__name__)

ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "application/pdf": "pdf", "text/csv": "csv"}


async def keep(piece: ModelResponse) -> None:
    """Keep the pictures and files in it, and take them out of it: Agno would send them to the model again as they are. One that cannot be
    kept is in the log, and the answer goes on."""
    made = [*(piece.images or ()), *(piece.files or ())]
    piece.images = piece.files = None
    context = current.get(None)
    for each in made:
        if context is None or context.keep is None or not isinstance(each.content, bytes):
            continue
        try:
            await context.keep(_name_of(each), each.content, "model")
            context.kept[MADE] = True
        except NotKept as error:
            log.warning("What the model of run %s made could not be kept: %s", context.run_id, error)


def _name_of(each: Any) -> str:
    ending = ENDINGS.get(each.mime_type or "", getattr(each, "format", None) or "png")
    return str(getattr(each, "filename", None) or f"picture.{ending}")
