"""Files as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from agentos.api.schemas import example
from agentos.core.http.strict_json import whole
from agentos.files.uploading import SLICE

FILE_ID = "file_4k7d2m9q1s6v8x0z3b5n"
UPLOAD_ID = "upload_9r3f6h1j4l7n0p2s5u8w"
FILES_URL = "/api/v1/agentos/files/"
FILE = {
    "id": FILE_ID,
    "name": "chart.png",
    "kind": "picture",
    "type": "image/png",
    "size": 48210,
    "width": 1200,
    "height": 800,
    "seconds": None,
    "url": f"{FILES_URL}{FILE_ID}/content/",
}
UPLOAD: dict[str, Any] = {"id": UPLOAD_ID, "name": "report.pdf", "size": 2_400_000, "slice": SLICE, "received": [0, 2]}


class File(BaseModel):
    """``type``: what its bytes are. ``width`` and ``height``: of a picture, in pixels. ``seconds``: of sound, where that is known. ``url``:
    its bytes."""

    model_config = example(FILE)

    id: str
    name: str
    kind: Literal["picture", "audio", "video", "text", "document", "archive"]
    type: str
    size: int
    width: int | None
    height: int | None
    seconds: float | None
    url: str


class Transcript(BaseModel):
    model_config = example({"text": "Call me back on Tuesday."})

    text: str


class RunFile(File):
    """``origin``: ``person`` of the message, ``model`` or ``tool`` of the answer."""

    model_config = example({**FILE, "origin": "person"})

    origin: Literal["person", "model", "tool"]


class UploadIn(BaseModel):
    """``size``: of the whole file, in bytes; null while nobody knows it, as of a recording."""

    model_config = example({"name": "report.pdf", "size": 2_400_000})

    name: str = Field(max_length=1000)
    size: Annotated[int | None, Field(strict=True, ge=1, le=2**40), BeforeValidator(whole)] = None


class Upload(BaseModel):
    """``slice``: bytes of each slice but the last. ``received``: the numbers of those that are here, counted from 0."""

    model_config = example(UPLOAD)

    id: str
    name: str
    size: int | None
    slice: int
    received: list[int]
