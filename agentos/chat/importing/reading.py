"""An export of chats, as plain data: of ChatGPT, Open WebUI, LibreChat, Claude and our own. What it is, is seen by what is in it."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agentos.chat.errors import InvalidInput
from agentos.chat.live.parts import Part
from agentos.core.reading import process
from agentos.core.text import clean
from agentos.files import storage
from agentos.files.keeping import run_away
from agentos.files.models import Attachment

WORKER = Path(__file__).with_name("worker.py")
SECONDS = 90.0
LARGEST = 100_000_000  # bytes of a file
OUTPUT_LIMIT = 160_000_000  # bytes; it stops itself before
EXAMPLES = 5  # of each thing that is left out

SOURCES = {"chatgpt": "ChatGPT", "openwebui": "Open WebUI", "librechat": "LibreChat", "claude": "Claude", "agentos": "AgentOS"}

# What is said of a file of which nothing can be taken.
REASONS: dict[str, str | Promise] = {
    "unknown": gettext_lazy("There are no chats in this file. Give an export of ChatGPT, Open WebUI, LibreChat, Claude or of this site."),
    "broken": gettext_lazy("This file is damaged: it ends too early, or is no JSON. Export it once more."),
    "nested": gettext_lazy("This file cannot be read: its parts are nested too deeply."),
    "encrypted": gettext_lazy("This zip is locked with a password. Give one without."),
    "too_many": gettext_lazy("There are more than 5,000 chats in this file. Split it, and bring the parts one after the other."),
    "too_large": gettext_lazy("There is more text in this file than can be brought at once. Split it, and bring the parts."),
    "timed_out": gettext_lazy("Reading this file takes too long. Split it, and bring the parts one after the other."),
    "newer": gettext_lazy("This file was made by a newer version of AgentOS, which this one cannot read."),
}


def left_out(kind: str, count: int) -> str:
    """Say what does not come along."""
    said = {
        "files": ngettext("%(count)s file or picture", "%(count)s files and pictures", count),
        "versions": ngettext(
            "%(count)s message of another version: what was shown last comes",
            "%(count)s messages of other versions: what was shown last comes",
            count,
        ),
        "instructions": ngettext("instructions or a memory, once", "instructions and memories, %(count)s times", count),
        "citations": ngettext("the link to sources of %(count)s text", "the links to sources of %(count)s texts", count),
        "cut": ngettext("the end of %(count)s text that is too long", "the end of %(count)s texts that are too long", count),
        "turns": ngettext("%(count)s message beyond the 2,000th of its chat", "%(count)s messages beyond the 2,000th of their chat", count),
        "empty": ngettext("%(count)s chat without messages", "%(count)s chats without messages", count),
        "odd": ngettext("%(count)s entry that is no chat", "%(count)s entries that are no chats", count),
        "others": ngettext("%(count)s other file in the zip", "%(count)s other files in the zip", count),
        "unknown": ngettext("%(count)s part of a kind that is not known here", "%(count)s parts of kinds that are not known here", count),
    }
    return said[kind] % {"count": f"{count:,}"}


@dataclass(frozen=True, slots=True)
class GivenTurn:
    """``status``: completed, or how it ended. ``model``: what it is called where it comes from."""

    message: str
    sent_at: datetime | None
    answered_at: datetime | None
    model: str
    status: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class GivenChat:
    """``key``: its id where it comes from."""

    source: str
    key: str
    title: str
    created_at: datetime | None
    updated_at: datetime | None
    is_archived: bool
    is_pinned: bool
    turns: list[GivenTurn] = field(default_factory=list)

    @property
    def imported_as(self) -> str:
        """By what it is known when it comes again."""
        return f"{self.source}:{self.key}"


@dataclass(slots=True)
class LeftOut:
    """What does not come along, by its kind: how often, and some of it by name."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, name: str = "", count: int = 1) -> None:
        self.counts[kind] += count
        known = self.examples.setdefault(kind, [])
        if name and len(known) < EXAMPLES and name not in known:
            known.append(name)

    def sentences(self) -> list[tuple[str, list[str]]]:
        """Each with its examples."""
        return [(left_out(kind, count), self.examples[kind]) for kind, count in self.counts.items() if count]


@dataclass(slots=True)
class Given:
    """All chats of a file that have messages, and what of it is left out."""

    chats: list[GivenChat] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)


class UnreadableExport(InvalidInput):
    """Nothing of the file can be taken. ``reason`` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__("file", str(REASONS[reason]))
        self.reason = reason


async def read(data: bytes) -> Given:
    """Read an export in a process of its own. Raises UnreadableExport."""
    if len(data) > LARGEST:
        raise UnreadableExport("too_large")
    try:
        answer, code = await process.ask(WORKER, data=data, seconds=SECONDS, limit=OUTPUT_LIMIT)
    except TimeoutError:
        raise UnreadableExport("timed_out") from None
    except process.TooMuch:
        raise UnreadableExport("too_large") from None
    if not answer.endswith(b"\n"):
        raise UnreadableExport(_of_the_end(code))
    return await asyncio.to_thread(_made, answer)


def _of_the_end(code: int) -> str:
    """Return the reason for a process that ended without its last word."""
    killed_for_time = {-24, -9}  # SIGXCPU, SIGKILL
    return "timed_out" if code in killed_for_time else "too_large"


def _made(answer: bytes) -> Given:
    given = Given()
    for line in _lines(answer):
        if "reason" in line:
            raise UnreadableExport(str(line["reason"]))
        if "chat" in line:
            _add_chat(given, line["chat"])
        elif "turn" in line:
            given.chats[-1].turns.append(_turn(line["turn"]))
        else:
            end = line["end"]
            given.left_out.add("odd", count=end["odd"])
            for name in end["others"]:
                given.left_out.add("others", clean(name), 0)
            given.left_out.add("others", count=end["other_count"])
            _take_out_empty(given)
            return given
    raise UnreadableExport("too_large")  # it ended before it was done


def _lines(answer: bytes) -> Iterator[dict[str, Any]]:
    """Give what it said, line by line: none takes long to be read."""
    start = 0
    while (end := answer.find(b"\n", start)) >= 0:
        yield json.loads(answer[start:end])
        start = end + 1


def _add_chat(given: Given, said: dict[str, Any]) -> None:
    title = clean(said["title"])
    begun, ended = _moment(said["created_at"]), _moment(said["updated_at"])
    key = clean(said["key"]) or f"nameless-{len(given.chats)}-{title}"[:64]
    given.chats.append(GivenChat(said["source"], key, title, begun, ended, said["is_archived"], said["is_pinned"]))
    for kind, name in said["left_out"]:
        about = _("%(what)s, in “%(chat)s”") % {"what": clean(name), "chat": title} if name else title
        given.left_out.add(kind, about)


def _turn(said: dict[str, Any]) -> GivenTurn:
    parts = [_cleaned(part, f"imported-{place}") for place, part in enumerate(said["parts"])]
    sent, answered = _moment(said["sent_at"]), _moment(said["answered_at"])
    return GivenTurn(clean(said["message"]), sent, answered, clean(said["model"]), said["status"], parts)


def _cleaned(part: Part, call_id: str) -> Part:
    """As the database can keep it, and as the page draws parts: with an id for each call."""
    made: Part = _plain(part)
    if made["kind"] in {"tool", "delegation"}:
        made["call_id"] = call_id
    if "parts" in made:
        made["parts"] = [_cleaned(each, f"{call_id}-{place}") for place, each in enumerate(part["parts"])]
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _moment(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


def _take_out_empty(given: Given) -> None:
    for chat in given.chats:
        if not chat.turns:
            given.left_out.add("empty", chat.title)
    given.chats = [chat for chat in given.chats if chat.turns]


async def read_kept(attachment: Attachment) -> Given:
    """Read an export that is kept as a file. Raises UnreadableExport."""
    return await read(await run_away(partial(storage.fetch, attachment.blob.storage_name)))
