"""A chat as one HTML file: its style inside, pictures as data where they are small, no script, and nothing that is fetched."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html

from agentos.agents.tools import label_of
from agentos.chat import queries
from agentos.chat.files import PERSON, attachments_of
from agentos.chat.knowledge import sources_in
from agentos.chat.live.parts import Part
from agentos.chat.models import ChatSession, Run, RunFile
from agentos.core import clock
from agentos.core.rendering import markdown
from agentos.core.rendering.said import said
from agentos.files import storage

STYLE = Path(__file__).with_name("export.css")  # without any of < > & and quotes, which would be escaped
PICTURE = 400_000  # bytes of a picture that goes into the file
PICTURES = 8_000_000  # of all together


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that the database knows of it."""

    session: ChatSession
    runs: list[Run]
    files: Mapping[int, Sequence[RunFile]]


def gathered(session: ChatSession) -> Gathered:
    runs = list(queries.visible_runs(session).order_by("turn", "pk"))
    return Gathered(session, runs, attachments_of(runs))


def as_html(chat: Gathered) -> str:
    """Draw it. That may take a while, and asks no database."""
    session, pictures = chat.session, Pictures()
    context = {
        "title": session.title_or_new,
        "agent": session.agent.name,
        "begun": session.created_at,
        "exported": clock.now(),
        "turns": [_turn(run, chat.files.get(run.pk, ()), pictures) for run in chat.runs],
        "style": format_html("<style>{}</style>", STYLE.read_text(encoding="utf-8")),
    }
    return render_to_string("agentos/export.html", context)


class Pictures:
    """The pictures that still fit."""

    def __init__(self) -> None:
        self.left = PICTURES

    def data_of(self, row: RunFile) -> str:
        """Return the small copy of a picture as an address; nothing for what is none, or too large."""
        name = row.attachment.blob.small_name or row.attachment.blob.thumb_name
        size = storage.size_of(name) if name else None
        if size is None or size > min(PICTURE, self.left):
            return ""
        self.left -= size
        return f"data:image/webp;base64,{b64encode(storage.fetch(name)).decode()}"


def _turn(run: Run, rows: Iterable[RunFile], pictures: Pictures) -> Mapping[str, Any]:
    sources = sources_in(run.parts)
    links = {source.n: f"#turn-{run.turn}-source-{source.n}" for source in sources}
    files = [
        {"name": row.attachment.name, "size": row.attachment.size, "data": pictures.data_of(row), "is_mine": row.origin == PERSON}
        for row in rows
    ]
    shown = said(run.input)
    return {
        "number": run.turn,
        "at": run.created_at,
        "said": shown.whole or shown.head,
        "parts": [_part(part, f"turn-{run.turn}-{place}", links) for place, part in enumerate(run.parts)],
        "sources": sources,
        "model": run.model,
        "ended": "" if run.status == Run.Status.COMPLETED else run.get_status_display(),
        "given": [file for file in files if file["is_mine"]],
        "made": [file for file in files if not file["is_mine"]],
    }


def _part(part: Part, name: str, links: Mapping[int, str]) -> dict[str, Any]:
    kind = part["kind"]
    if kind == "text":
        return {"kind": kind, "html": markdown.with_sources(markdown.render_cached(part["text"], name=name), links)}
    if kind == "reasoning":
        return {"kind": kind, "text": part["text"]}
    if kind == "tool":
        return {"kind": kind, "name": label_of(part["name"]), "status": part["status"]}
    inside = [_part(each, f"{name}-{place}", links) for place, each in enumerate(part.get("parts", ()))]
    return {"kind": kind, "name": part.get("name", ""), "task": part.get("task", ""), "parts": inside}
