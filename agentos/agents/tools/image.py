"""Making a picture by a server that speaks OpenAI's protocol of images. It is kept with the answer, where its user sees it."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal
from urllib.parse import urlsplit

from agentos.agents.media import NotKept
from agentos.agents.tools import outgoing
from agentos.agents.tools.definition import Refused, current, tool
from agentos.conf import app_settings
from agentos.core.security.guarded_http import Policy

TOOL = "image"
SECONDS = 120.0
ANSWER_LIMIT = 40_000_000  # bytes of JSON, with the picture in it
PROMPT_LIMIT = 4_000  # characters
SIZES: Mapping[str, tuple[int, int]] = {"square": (1024, 1024), "landscape": (1536, 1024), "portrait": (1024, 1536)}
REFUSALS = {401, 402, 403}
BUSY = 429
BAD = 400
GOOD = 200
ENDING = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp"}
NAME = re.compile(r"[^\w]+")


def missing() -> str:
    """Return what the operator has to set before pictures can be made, as a sentence; empty when nothing is missing."""
    if app_settings.IMAGE_URL or app_settings.SCRIPTED_MODELS:
        return ""
    return "To make pictures, set AGENTOS_IMAGE_URL to a server of OpenAI's protocol, and AGENTOS_IMAGE_KEY when it wants one."


@tool("Image", slug=TOOL, description="Makes a picture from a description.", group="Media", needs=missing, is_own=True)
async def make_image(prompt: str, shape: Literal["square", "landscape", "portrait"] = "square") -> str:
    """Make a picture from a description. The user sees it in your answer. Each picture costs money: make one, unless more are asked for.

    Args:
        prompt: What it shows, in detail, with its style.
        shape: Its form.
    """
    wanted = " ".join(prompt.split())
    if not wanted:
        raise Refused("Say what the picture shows.")
    if len(wanted) > PROMPT_LIMIT:
        raise Refused(f"The description has {len(wanted):,} characters; {PROMPT_LIMIT:,} are allowed.")
    keep = current.get().keep
    if keep is None:
        raise Refused("No picture can be kept here: in a trial, and where an answer leaves no trace, none is made.")
    data = await (_asked(wanted, shape) if app_settings.IMAGE_URL else asyncio.to_thread(_rehearsed, wanted, SIZES[shape]))
    ending = next((ending for start, ending in ENDING.items() if data.startswith(start)), "png")
    name = (NAME.sub("-", wanted).strip("-")[:50] or "picture") + "." + ending
    try:
        await keep(name, data, "tool")
    except NotKept as error:
        raise Refused(str(error)) from None
    rehearsal = "" if app_settings.IMAGE_URL else " It is a rehearsal: no server of pictures is set up here."
    return f"The user is shown the picture {name} in your answer.{rehearsal}"


async def _asked(prompt: str, shape: str) -> bytes:
    """Ask the server. Raises Refused."""
    base = app_settings.IMAGE_URL.rstrip("/")
    model = app_settings.IMAGE_MODEL
    asked: dict[str, Any] = {"model": model, "prompt": prompt, "n": 1, "size": "x".join(map(str, SIZES[shape]))}
    if not model.startswith("gpt-image"):  # which always answers with the picture itself, and refuses to be told
        asked["response_format"] = "b64_json"
    headers = {"authorization": f"Bearer {app_settings.IMAGE_KEY}"} if app_settings.IMAGE_KEY else {}
    reply = await outgoing.send(TOOL, "POST", f"{base}/images/generations", policy=_policy(base), json=asked, headers=headers)
    if reply.status in REFUSALS:
        raise Refused(f"The server of pictures refused to answer ({reply.status}). Its key may be wrong or used up.")
    if reply.status == BUSY:
        raise Refused("The server of pictures was asked too often. Try again in a minute.")
    if reply.status == BAD:
        raise Refused("The server of pictures does not make this one. Describe it differently.")
    if reply.status != GOOD:
        raise Refused(f"The server of pictures does not work now: it answered with {reply.status}.")
    return await _picture_in(reply.body)


async def _picture_in(body: bytes) -> bytes:
    """Return the picture in an answer: itself, or at an address. Raises Refused."""
    try:
        first = (await asyncio.to_thread(json.loads, body))["data"][0]
        if encoded := first.get("b64_json"):
            return await asyncio.to_thread(base64.b64decode, encoded, validate=True)
        url = str(first["url"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, binascii.Error):
        raise Refused("What the server of pictures answered cannot be read.") from None
    reply = await outgoing.send(TOOL, "GET", url, policy=_policy(app_settings.IMAGE_URL))
    if reply.status != GOOD:
        raise Refused("The picture was made, but could not be fetched.")
    return reply.body


def _policy(base: str) -> Policy:
    """The operator's own server may be private; an address that it names may not, unless it is on it."""
    host = urlsplit(base).hostname
    return Policy(total=SECONDS, answer_limit=ANSWER_LIMIT, trusted=(host,) if host else ())


def _rehearsed(prompt: str, size: tuple[int, int]) -> bytes:
    """Draw something simple that says what it is: the same for the same words."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - only where there is no server

    width, height = (side // 2 for side in size)
    seed = sum(prompt.encode())
    top, bottom = (70 + seed % 120, 90 + seed // 3 % 100, 150 + seed // 7 % 90), (225, 215 - seed % 60, 190)
    drawn = Image.linear_gradient("L").resize((width, height))
    picture = Image.composite(Image.new("RGB", drawn.size, bottom), Image.new("RGB", drawn.size, top), drawn)
    pen = ImageDraw.Draw(picture)
    across = width // 4
    pen.ellipse((width - across - 40, 40, width - 40, 40 + across), fill=(255, 236, 170))
    pen.polygon([(0, height), (width // 3, height // 2), (width * 2 // 3, height)], fill=(60, 90, 110))
    pen.polygon([(width // 3, height), (width * 2 // 3, height * 3 // 5), (width, height)], fill=(45, 70, 90))
    words = prompt.encode("ascii", "replace").decode()
    pen.text((24, height - 66), f"Rehearsal: {words[:60]}", fill=(255, 255, 255), font=ImageFont.load_default(size=20))
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
