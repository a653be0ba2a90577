"""HTML as PDF, by WeasyPrint, where that is installed: in a process of its own, which fetches nothing."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentos.core.http.errors import Problem
from agentos.core.reading import process

WORKER = Path(__file__).with_name("pdf_worker.py")
SECONDS = 60.0
LARGEST = 20_000_000  # bytes of HTML
OUTPUT_LIMIT = 60_000_000  # bytes

SENTENCES: dict[str, str | Promise] = {
    "missing": _(
        "PDF files cannot be made here yet: the package WeasyPrint is not installed (pip install 'agentos-django[pdf]'). Use Print in your "
        "browser, and save that as PDF."
    ),
    "too_large": _("This chat is too long for a PDF. Download it as HTML, and print what you need of it."),
    "broken": _("No PDF could be made of this chat. Use Print in your browser, and save that as PDF."),
}


class NoPDF(Problem):
    """``reason`` is one of SENTENCES."""

    def __init__(self, reason: str) -> None:
        super().__init__(409, str(SENTENCES[reason]), code="no_pdf")
        self.reason = reason


@cache
def can_make_pdf() -> bool:
    return find_spec("weasyprint") is not None


async def made(html: str) -> bytes:
    """Raises NoPDF."""
    data = html.encode("utf-8", "replace")
    if len(data) > LARGEST:
        raise NoPDF("too_large")
    try:
        answer, _code = await process.ask(WORKER, data=data, seconds=SECONDS, limit=OUTPUT_LIMIT)
    except (TimeoutError, process.TooMuch):
        raise NoPDF("too_large") from None
    if not answer.startswith(b"%PDF-") or b"%%EOF" not in answer[-64:]:
        raise NoPDF("broken")
    return answer
