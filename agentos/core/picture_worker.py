"""Run as a script, by ``pictures.py``: a picture of any size on standard input, what is made of it on standard output.

It decodes what strangers give, so it is a process of its own with little memory and time, and knows nothing but Pillow. Whatever it
makes is encoded anew, and holds nothing else of the file.
"""

import contextlib
import json
import os
import resource
import sys
import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps, ImageSequence

FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")
SIDE = 256  # pixels of a square: the largest that a page shows, for screens of twice the density
PIXELS = 30_000_000  # of what a square is cut from
MOST_PIXELS = 50_000_000  # of a picture that is kept
MOVING_PIXELS = 25_000_000  # of all that follow each other in one that moves; of more the first is kept
SMALL, THUMB = 1568, 512  # pixels of the longer side: for models, for pages
MEMORY = 1536 * 1024 * 1024
SECONDS = 10
SECONDS_TO_KEEP = 30
MOVING = frozenset({"GIF", "WEBP"})
ENDINGS = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png"), "GIF": ("image/gif", ".gif"), "WEBP": ("image/webp", ".webp")}


def square(data: bytes) -> bytes:
    """Return the middle of the picture as WebP, the right way up."""
    _allow(PIXELS)
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        picture.draft("RGB", (2 * SIDE, 2 * SIDE))
        upright = ImageOps.exif_transpose(picture)
        small = ImageOps.fit(upright.convert("RGBA"), (SIDE, SIDE))
    return _encoded(small, "WEBP", quality=85)


def kept(data: bytes) -> bytes:
    """Return a line of JSON, and after it the picture, a smaller one and a thumbnail, whose sizes are in that line."""
    _allow(MOST_PIXELS)
    formats: tuple[str, ...] = FORMATS
    with contextlib.suppress(ImportError):
        import pi_heif  # noqa: PLC0415 - takes its time, and may be absent

        pi_heif.register_heif_opener(thumbnails=False)
        formats = (*FORMATS, "HEIF")
    with Image.open(BytesIO(data), formats=formats) as picture:
        kind = str(picture.format)
        if kind in MOVING and 1 < getattr(picture, "n_frames", 1) <= MOVING_PIXELS // max(1, picture.width * picture.height):
            whole, first = _moving(picture, kind)
        else:
            first = _upright(picture)
            kind = kind if kind in ENDINGS else "PNG" if first.mode == "RGBA" else "JPEG"
            whole = _encoded(first, kind, **({"quality": 90} if kind in {"JPEG", "WEBP"} else {}))
    width, height = first.size
    small, thumb = (_smaller(first, side) for side in (SMALL, THUMB))
    mime, ending = ENDINGS[kind]
    about = {"mime": mime, "ending": ending, "width": width, "height": height, "sizes": [len(whole), len(small), len(thumb)]}
    return json.dumps(about).encode() + b"\n" + whole + small + thumb


def _allow(pixels: int) -> None:
    """A picture with more than so many is an error, before it is decoded."""
    Image.MAX_IMAGE_PIXELS = pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _upright(picture: Image.Image) -> Image.Image:
    """The right way up, in the colours that every screen knows."""
    icc = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    has_holes = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
    plain = upright.convert("RGBA" if has_holes else "RGB")
    if icc:
        with contextlib.suppress(Exception):  # a profile that says nothing useful
            changed = ImageCms.profileToProfile(plain, ImageCms.ImageCmsProfile(BytesIO(icc)), ImageCms.createProfile("sRGB"))
            plain = changed or plain
    return _bare(plain)


def _bare(picture: Image.Image) -> Image.Image:
    """The same pixels, and nothing that came with them."""
    return Image.frombytes(picture.mode, picture.size, picture.tobytes())


def _moving(picture: Image.Image, kind: str) -> tuple[bytes, Image.Image]:
    times, frames = [], []
    for frame in ImageSequence.Iterator(picture):
        times.append(int(frame.info.get("duration", 100)))
        frames.append(_bare(frame.convert("RGBA")))
    how = {"save_all": True, "append_images": frames[1:], "duration": times, "loop": int(picture.info.get("loop", 0))}
    more = {"disposal": 2} if kind == "GIF" else {"quality": 85}
    return _encoded(frames[0], kind, **how, **more), frames[0]


def _smaller(picture: Image.Image, side: int) -> bytes:
    small = picture.copy()
    small.thumbnail((side, side), reducing_gap=2.0)
    return _encoded(small, "WEBP", quality=80)


def _encoded(picture: Image.Image, kind: str, **how: Any) -> bytes:
    found = BytesIO()
    picture.save(found, kind, **how)
    return found.getvalue()


JOBS: dict[str, tuple[Callable[[bytes], bytes], int]] = {"square": (square, SECONDS), "kept": (kept, SECONDS_TO_KEEP)}

if __name__ == "__main__":
    os.nice(10)
    work, most = JOBS[sys.argv[1]]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    sys.stdout.buffer.write(work(sys.stdin.buffer.read()))
