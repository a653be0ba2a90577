"""One chat as a file of its owner's: JSON, which programs read, Markdown, one HTML file, and PDF. What is shown, in its order, and no more.

data, kind = await written(session, "pdf")
"""

from functools import partial

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from agentos.chat.exporting.pages import as_html, gathered
from agentos.chat.exporting.pdf import NoPDF, can_make_pdf
from agentos.chat.exporting.pdf import made as pdf_of
from agentos.chat.exporting.transcripts import FORMAT, VERSION, as_json, as_markdown, transcript
from agentos.chat.models import ChatSession
from agentos.core import db
from agentos.core.security.invisible import without
from agentos.files.keeping import run_away

__all__ = ["FORMAT", "FORMS", "VERSION", "NoPDF", "as_html", "as_json", "as_markdown", "can_make_pdf", "download", "transcript", "written"]

FORMS = {
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
TEXTS = {"json": as_json, "md": as_markdown}


async def written(session: ChatSession, form: str) -> bytes:
    """Return the chat in one of FORMS. Raises NoPDF."""
    if form in TEXTS:
        return (await db.read(TEXTS[form], session)).encode("utf-8", "replace")
    if form == "pdf" and not can_make_pdf():
        raise NoPDF("missing")
    html = await run_away(partial(as_html, await db.read(gathered, session)))
    return await pdf_of(html) if form == "pdf" else html.encode("utf-8", "replace")


async def download(session: ChatSession, form: str) -> HttpResponse:
    """Answer with the chat as a file to be kept. Raises NoPDF."""
    data = await written(session, form)
    name = without(f"{session.title_or_new[:80]}.{form}")
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"}
    return HttpResponse(data, content_type=FORMS[form], headers=headers)
