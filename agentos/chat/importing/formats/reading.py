"""A file of chats: what is in it, one after the other, never all of it at once."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from . import agentos, chatgpt, claude, librechat, openwebui
from .common import ANSWER, CHATS, KEY, MESSAGE, PARTS, TITLE, TURNS, Chat, Refused, Said

FORMATS = (agentos, chatgpt, openwebui, librechat, claude)
UNPACKED = 200_000_000  # bytes of all texts of a zip
RATIO = 200  # that a file in it may unpack to
ENTRIES = 20_000  # of a zip: pictures, mostly
NAMED = 20  # files of a zip that are told by name
OUTPUT = 64_000_000  # bytes that are said
CONVERSATIONS = re.compile(r"(?:^|/)conversations[^/]*\.json\Z", re.IGNORECASE)
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
BLANK = re.compile(r"[ \t\r\n]*")


def read(data: bytes) -> Iterator[dict[str, Any]]:
    """Give each chat, its turns, and at the end what else was there. Raises Refused."""
    known, odd, size = 0, 0, 0
    others: list[str] = []
    for document in _documents(data, others):
        for entry in _entries(document):
            chat = _chat(entry)
            if chat is None:
                odd += 1
                continue
            known += 1
            if known > CHATS:
                raise Refused("too_many")
            for line in _lines(chat):
                size += len(json.dumps(line, ensure_ascii=False)) * 2
                if size > OUTPUT * 2:
                    raise Refused("too_large")
                yield line
    if not known:
        raise Refused("unknown")
    yield {"end": {"odd": odd, "others": others[:NAMED], "other_count": len(others)}}


def _documents(data: bytes, others: list[str]) -> Iterator[str]:
    """The texts of a zip in which chats may be, or the one that it is. ``others`` gets the names of what else is in the zip."""
    if not data.startswith(b"PK\x03\x04"):
        yield _decoded(data)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > ENTRIES:
                raise Refused("too_large")
            chosen = [entry for entry in entries if CONVERSATIONS.search(entry.filename)]
            chosen = chosen or [entry for entry in entries if entry.filename.lower().endswith(".json")]
            taken = {id(entry) for entry in chosen}
            others += [entry.filename for entry in entries if id(entry) not in taken]
            _check(chosen)
            for entry in sorted(chosen, key=lambda each: each.filename):
                with archive.open(entry) as file:
                    yield _decoded(file.read(UNPACKED + 1))
    except BROKEN as error:
        raise Refused("broken") from error


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if sum(entry.file_size for entry in entries) > UNPACKED:
        raise Refused("too_large")
    if any(entry.file_size > 1_000_000 and entry.file_size > RATIO * max(1, entry.compress_size) for entry in entries):  # noqa: PLR2004
        raise Refused("too_large")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused("encrypted")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("unknown") from None


def _entries(document: str) -> Iterator[Any]:
    """The elements of a list, or what is none; each is read when it is asked for."""
    decoder = json.JSONDecoder(parse_constant=lambda _name: None)
    at = _past_blanks(document, 0)
    try:
        if not document.startswith("[", at):
            yield decoder.raw_decode(document, at)[0]
            return
        at = _past_blanks(document, at + 1)
        while not document.startswith("]", at):
            entry, at = decoder.raw_decode(document, at)
            yield entry
            at = _past_blanks(document, at)
            if document.startswith(",", at):
                at = _past_blanks(document, at + 1)
            elif not document.startswith("]", at):
                raise Refused("broken")
    except RecursionError:
        raise Refused("nested") from None
    except ValueError:
        raise Refused("broken") from None


def _past_blanks(document: str, at: int) -> int:
    found = BLANK.match(document, at)
    return found.end() if found else at


def _chat(entry: Any) -> Chat | None:
    if not isinstance(entry, dict):
        return None
    form = next((form for form in FORMATS if form.is_one(entry)), None)
    return form.read(entry) if form else None


def _lines(chat: Chat) -> Iterator[dict[str, Any]]:
    turns = _turns(chat)
    if len(turns) > TURNS:
        for _turn in turns[TURNS:]:
            chat.leave("turns")
        turns = turns[:TURNS]
    names = ("source", "created_at", "updated_at", "is_archived", "is_pinned", "left_out")
    known = {name: getattr(chat, name) for name in names}
    yield {"chat": {**known, "key": chat.key[:KEY], "title": " ".join(chat.title.split())[:TITLE], "turns": len(turns)}}
    for turn in turns:
        yield {"turn": turn}


def _turns(chat: Chat) -> list[dict[str, Any]]:
    """A turn is a message, and what follows until the next one. Before the first message there may be an answer without one."""
    turns: list[dict[str, Any]] = []
    for said in chat.said:
        for name in said.files:
            chat.leave("files", name)
        if said.is_mine:
            turns.append(_begun(chat, said))
            continue
        if not turns:
            turns.append(_begun(chat, Said(is_mine=True, text="…", at=said.at)))
        turn = turns[-1]
        turn["parts"] += said.parts
        turn["model"] = said.model[:120] or turn["model"]
        turn["answered_at"] = said.at or turn["answered_at"]
        turn["status"] = said.status or "completed"
    for turn in turns:
        turn["parts"] = _fitted(chat, _joined(turn["parts"]))
    return [turn for turn in turns if turn["message"] or turn["parts"]]


def _begun(chat: Chat, said: Said) -> dict[str, Any]:
    message = said.text.strip() or ", ".join(f"[{name}]" for name in said.files)
    if len(message) > MESSAGE:
        chat.leave("cut")
    turn: dict[str, Any] = {"message": message[:MESSAGE], "sent_at": said.at, "answered_at": None, "model": "", "status": "stopped"}
    return {**turn, "parts": []}


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts that follow each other are one."""
    found: list[dict[str, Any]] = []
    for part in parts:
        if found and "text" in part and found[-1]["kind"] == part["kind"]:
            found[-1] = {**part, "text": f"{found[-1]['text'].rstrip()}\n\n{part['text'].lstrip()}"}
        else:
            found.append(part)
    return found


def _fitted(chat: Chat, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    room, found = ANSWER, parts[:PARTS]
    for part in found:
        if "text" in part:
            if len(part["text"]) > room:
                chat.leave("cut")
            part["text"] = part["text"][:room]
            room -= len(part["text"])
    if len(parts) > PARTS:
        chat.leave("cut")
    return found
