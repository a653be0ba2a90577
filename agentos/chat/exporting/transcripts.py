"""A chat as JSON, and as Markdown.

``FORMAT`` and ``VERSION`` stand in the JSON; docs/export-import.md describes it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentos.agents.tools import label_of
from agentos.chat import queries
from agentos.chat.files import PERSON, attachments_of
from agentos.chat.knowledge import Source, line_of, sources_in
from agentos.chat.live.parts import Part
from agentos.chat.models import ChatSession, Run, RunFile
from agentos.core import clock
from agentos.core.security.invisible import without

FORMAT, VERSION = "agentos-chat", 1
OF_PARTS = ("kind", "text", "name", "args", "status", "result", "seconds", "task", "by", "decision", "note", "changed")
OF_SOURCES = ("n", "title", "base", "unit", "page", "heading", "excerpt")


def transcript(session: ChatSession) -> dict[str, Any]:
    """Return the chat as plain data, as far as it is shown."""
    runs = list(queries.visible_runs(session).order_by("turn", "pk"))
    files = attachments_of(runs)
    agent = session.agent
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": clock.now().isoformat(timespec="seconds"),
        "session_id": session.session_id,
        "title": session.title,
        "agent": {"id": agent.agent_id, "name": agent.name},
        "created_at": session.created_at.isoformat(timespec="seconds"),
        "turns": [_turn(run, files.get(run.pk, ())) for run in runs],
    }


def as_json(session: ChatSession) -> str:
    return json.dumps(transcript(session), ensure_ascii=False, indent=2)


def as_markdown(session: ChatSession) -> str:
    """With what the file is about at its head, a heading for each who speaks, and a line for each tool."""
    said = transcript(session)
    head = {"title": said["title"], "agent": said["agent"]["name"], "begun": said["created_at"], "exported": said["exported_at"]}
    lines = ["---", *(f"{name}: {json.dumps(without(value), ensure_ascii=False)}" for name, value in head.items()), "---", ""]
    for turn in said["turns"]:
        lines += [f"## You, {turn['sent_at']}", "", turn["message"], *_listed(turn["files"], mine=True), ""]
        lines += [f"## {_line(said['agent']['name'])}{_by(turn)}", "", *_answer(turn["parts"]), *_listed(turn["files"], mine=False)]
        lines += _from(turn["sources"])
        if turn["status"] != Run.Status.COMPLETED:
            lines += [f"*({turn['status']})*", ""]
    return "\n".join(lines).rstrip() + "\n"


def _turn(run: Run, files: Iterable[RunFile]) -> dict[str, Any]:
    return {
        "turn": run.turn,
        "sent_at": run.created_at.isoformat(timespec="seconds"),
        "message": run.input,
        "status": run.status,
        "model": run.model,
        "agent_version": run.agent_version,
        "answered_at": run.finished_at.isoformat(timespec="seconds") if run.finished_at else None,
        "answer": run.answer,
        "parts": [_part(part) for part in run.parts],
        "files": [_file(each) for each in files],
        "sources": [_source(each) for each in sources_in(run.parts)],
    }


def _part(part: Part) -> dict[str, Any]:
    plain = {name: part[name] for name in OF_PARTS if name in part}
    return plain | ({"parts": [_part(each) for each in part["parts"]]} if "parts" in part else {})


def _file(row: RunFile) -> dict[str, Any]:
    blob = row.attachment.blob
    return {"name": row.attachment.name, "type": blob.mime, "size": blob.size, "of": "message" if row.origin == PERSON else "answer"}


def _source(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in OF_SOURCES}


def _by(turn: Mapping[str, Any]) -> str:
    return f", {_line(turn['model'])}" if turn["model"] else ""


def _answer(parts: Iterable[Mapping[str, Any]], depth: int = 0) -> list[str]:
    lines: list[str] = []
    mark = "> " * (depth + 1)
    for part in parts:
        if part["kind"] == "text":
            lines += [*(f"{'> ' * depth}{line}".rstrip() for line in part["text"].strip().split("\n")), ""]
        elif part["kind"] == "tool":
            lines += [f"{mark}*{_line(label_of(part['name']))}: {part['status']}*", ""]
        elif part["kind"] == "delegation":
            lines += [f"{mark}**{_line(part['name'])}:** {_line(part.get('task', ''))}", "", *_answer(part["parts"], depth + 1)]
    return lines


def _listed(files: Iterable[Mapping[str, Any]], *, mine: bool) -> list[str]:
    found = [f"- {_line(each['name'])} ({each['size']:,} bytes)" for each in files if (each["of"] == "message") == mine]
    return ["", *found, ""] if found else []


def _from(sources: Iterable[Mapping[str, Any]]) -> list[str]:
    found = [f"{each['n']}. {_line(line_of(each['title'], each['unit'], each['page'], each['heading']))}" for each in sources]
    return ["", "Sources:", "", *found, ""] if found else []


def _line(text: str) -> str:
    """One line, in which nothing begins a heading or a list."""
    return " ".join(without(text).split())
