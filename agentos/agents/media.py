"""The files of messages on their way to a model: which go as they are, which become text, which become a line. Data, no Agno.

Nothing is left to Agno's silence: its classes drop what they have no place for, and some send what their provider refuses. So what a model
takes (``abilities``) decides here, and a model is told of every file by name, whether it gets it or not.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentos import speech
from agentos.agents.abilities import AUDIO, PDF, PICTURES, Abilities
from agentos.agents.providers import split
from agentos.core.reading.documents import File as Document

PDF_MIME = "application/pdf"
PICTURES_AGAIN = 6  # of earlier turns that are shown again
TURNS_AGAIN = 3
BYTES = 15_000_000  # of one request: OpenAI's servers take 20 MB of base64, Claude's 32
BYTES_OF_A_PICTURE = 3_700_000  # Claude takes 5 MB of base64
TEXT = 24_000  # characters of the files of a message that are told whole
FIRST = 3_000  # characters of a longer one, with its outline
OUTLINE = 60  # headings

# Whose pictures may be WebP. A server of one's own reads with whatever it has: it gets the file as it came, where that is PNG or JPEG.
WEBP = frozenset(
    {
        *("openai", "openai-chat", "openai-responses", "azure-openai", "azure-openai-responses", "openrouter", "openrouter-responses"),
        *("anthropic", "aws-claude", "vertexai-claude", "azure-foundry-claude", "google", "google-interactions", "mistral", "scripted"),
    }
)
COMMON = frozenset({"image/png", "image/jpeg"})
ALL_FORMATS = frozenset({"google", "google-interactions", "scripted"})  # who hears more than MP3 and WAV
FORMATS = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav"}

REFUSED: dict[str, str | Promise] = {
    "picture": _("This agent's model cannot see pictures."),
    "audio": _("This agent's model cannot hear recordings, and nothing is set up here that writes them down."),
    "video": _("This agent's model cannot watch videos."),
    "archive": _("An archive cannot be read here. Unpack it, and send what is in it."),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A file of a message. ``kind``: picture, audio, video, text, document or archive. ``small``: of a picture the copy for models, WebP;
    ``data``: of a picture the file as it came, of audio and PDF all of it; each where somebody may want it. ``document``: what it says;
    ``transcript``: what is said in it. ``trouble``: why that cannot be read, or written down."""

    file_id: str
    name: str
    kind: str
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    small: bytes = b""
    data: bytes = b""
    document: Document | None = None
    transcript: str | None = None
    trouble: str = ""

    @property
    def line(self) -> str:
        """How a model is told that there is such a file."""
        if self.kind == "picture":
            return f"picture: {self.name}, {self.width or '?'} x {self.height or '?'}"
        if self.kind == "audio":
            return f"recording: {self.name}" + (f", {self.seconds:.0f} s" if self.seconds else "")
        return f"file: {self.name}"


class NotKept(Exception):
    """What was made cannot be kept. Its text says why, to people."""


# Keeps what a model or a tool has made with the answer: its name, the bytes, and who made it (``model`` or ``tool``). Raises NotKept.
Keep = Callable[[str, bytes, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of this chat that its agent may read on, page by page. ``read`` raises ``core.reading.documents.UnreadableFile``."""

    file_id: str
    name: str
    read: Callable[[], Awaitable[Document]]


@dataclass(frozen=True, slots=True)
class Media:
    """What goes to a model as it is, each with its type."""

    pictures: list[tuple[bytes, str]] = field(default_factory=list)
    audio: list[tuple[bytes, str]] = field(default_factory=list)
    files: list[tuple[bytes, str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pictures or self.audio or self.files)

    @property
    def size(self) -> int:
        return sum(len(each[0]) for each in (*self.pictures, *self.audio, *self.files))


def objection(kind: str, mime: str, able: Abilities) -> str:
    """Return why a file cannot be sent to such a model; empty when it can, as it is or as text, and when nobody knows."""
    if kind in {"video", "archive"}:
        return str(REFUSED[kind])
    if kind == "picture" and able.takes(PICTURES) is False:
        return str(REFUSED[kind])
    if kind == "audio" and not speech.is_offered() and (able.takes(AUDIO) is False or (able.takes(AUDIO) is None and mime not in FORMATS)):
        return str(REFUSED[kind])
    return ""


def hears(model: str, mime: str, able: Abilities) -> bool:
    """Whether a recording of this type goes to such a model as it is. Of who may hear, most take MP3 and WAV alone."""
    return able.takes(AUDIO) is not False and (mime in FORMATS or (able.takes(AUDIO) is True and split(model)[0] in ALL_FORMATS))


def composed(text: str, files: Sequence[Given], model: str, able: Abilities) -> tuple[str, Media]:
    """Return a message as this model is told it, and what goes with it."""
    media, told, room = Media(), [text] if text else [], TEXT
    for given in files:
        note = _sent(given, model, able, media)
        if note is None and given.document is not None:
            written = in_text(given, given.document, max(room, 0))
            room -= given.document.characters
            told.append(written)
        elif note is None and given.transcript is not None:
            told.append(_written_down(given, given.transcript, text))
        else:
            why = note or given.trouble
            told.append(f"[{given.line}{f': {why}' if why else ''}]")
    return "\n\n".join(told), media


def _sent(given: Given, model: str, able: Abilities, media: Media) -> str | None:
    """Put the file among the media, and return what is to be said of it; None: it does not go as it is."""
    left = BYTES - media.size
    if given.kind == "picture":
        return _seen(given, model, able, media)
    if given.kind == "audio":
        if given.transcript is not None and not hears(model, given.mime, able):
            return None
        if able.takes(AUDIO) is False or not given.data or len(given.data) > left:
            return given.trouble or "the model that answers cannot hear it"
        media.audio.append((given.data, given.mime))
        return ""
    if given.mime == PDF_MIME and able.takes(PDF) and given.data and len(given.data) <= left:
        media.files.append((given.data, given.mime, given.name))
        return ""
    return None


def _written_down(given: Given, transcript: str, text: str) -> str:
    """What is said in a recording, unless the message has these words already: people dictate, and keep what they have said beside it."""
    if not transcript:
        return f"[{given.line}: nobody speaks in it]"
    if " ".join(transcript.split()) in " ".join(text.split()):
        return f"[{given.line}: its words are those of this message]"
    seconds = f" seconds={_quoted(round(given.seconds))}" if given.seconds else ""
    inside = transcript.replace("</recording", "<\\/recording")
    return f"<recording name={_quoted(given.name)}{seconds}>\n{inside}\n</recording>"


def _seen(given: Given, model: str, able: Abilities, media: Media) -> str:
    if able.takes(PICTURES) is False:
        return "the model that answers cannot see it"
    picture = picture_for(model, given)
    if picture is None or len(picture[0]) > BYTES - media.size:
        return "left out: too large"
    media.pictures.append(picture)
    return ""


def picture_for(model: str, given: Given) -> tuple[bytes, str] | None:
    """Return the picture in a form that the provider takes, with its type."""
    if split(model)[0] not in WEBP and given.mime in COMMON and 0 < len(given.data) <= BYTES_OF_A_PICTURE:
        return given.data, given.mime
    return (given.small, "image/webp") if 0 < len(given.small) <= BYTES_OF_A_PICTURE else None


def again(turns: Sequence[Sequence[Given]], room: int, model: str, able: Abilities) -> list[list[tuple[bytes, str]]]:
    """Return the pictures of earlier turns that the model is shown again, by turn: of the newest, as many as there is room for. ``turns``:
    the files of each, oldest first."""
    found: list[list[tuple[bytes, str]]] = [[] for _turn in turns]
    if able.takes(PICTURES) is False:
        return found
    places = [(place, given) for place in reversed(range(max(0, len(turns) - TURNS_AGAIN), len(turns))) for given in turns[place]]
    for place, given in islice(((place, given) for place, given in places if given.kind == "picture"), PICTURES_AGAIN):
        picture = picture_for(model, given)
        if picture is not None and len(picture[0]) <= room:
            room -= len(picture[0])
            found[place].append(picture)
    return found


def in_text(given: Given, document: Document, room: int) -> str:
    """Return a document as text: all of it where there is room, else its outline and its beginning. Nothing in it can close it."""
    is_whole = document.characters <= room and not document.is_cut
    about = f"name={_quoted(given.name)} pages={_quoted(len(document.pages))}"
    if is_whole:
        return f"<attached_file {about}>\n{_inside(_pages(document))}\n</attached_file>"
    headings = "\n".join(f"{'  ' * (each.level - 1)}- {each.title} ({document.unit} {each.page})" for each in document.outline[:OUTLINE])
    begins = _pages(document)[: min(FIRST, max(room, 500))]
    size = f"It has {len(document.pages)} {document.unit}s and {document.characters:,} characters; this is its beginning."
    parts = [
        f"{size} Read on with read_attachment, file {given.file_id}.",
        *(["Its outline:", headings] if headings else []),
        "It begins:",
        begins,
    ]
    return f"<attached_file {about}>\n{_inside(chr(10).join(parts))}\n</attached_file>"


def _pages(document: Document) -> str:
    if len(document.pages) == 1:
        return document.pages[0].text
    return "\n\n".join(f"[{page.label or f'{document.unit} {page.number}'}]\n{page.text}" for page in document.pages)


def _inside(text: str) -> str:
    return text.replace("</attached_file", "<\\/attached_file")


def _quoted(value: object) -> str:
    return '"' + str(value).replace('"', "'").replace("<", "(").replace("\n", " ") + '"'


def first_objection(files: Iterable[tuple[str, str]], able: Abilities) -> str:
    """``files``: kind and type of each."""
    return next((sentence for kind, mime in files if (sentence := objection(kind, mime, able))), "")
