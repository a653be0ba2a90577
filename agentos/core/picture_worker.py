"""Run as a script, by ``pictures.py``: a picture of any size on standard input, a small square one on standard output.

It decodes what strangers give, so it is a process of its own with little memory and time, and knows nothing but Pillow.
"""

import resource
import sys
import warnings
from io import BytesIO

from PIL import Image, ImageOps

FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")
SIDE = 256  # pixels: the largest that a page shows, for screens of twice the density
PIXELS = 30_000_000
MEMORY = 1024 * 1024 * 1024
SECONDS = 10


def square(data: bytes) -> bytes:
    """Return the middle of the picture as WebP, the right way up, without anything else that the file held."""
    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        picture.draft("RGB", (2 * SIDE, 2 * SIDE))
        upright = ImageOps.exif_transpose(picture)
        small = ImageOps.fit(upright.convert("RGBA"), (SIDE, SIDE))
    found = BytesIO()
    Image.frombytes("RGBA", small.size, small.tobytes()).save(found, "WEBP", quality=85)
    return found.getvalue()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.stdout.buffer.write(square(sys.stdin.buffer.read()))
