"""What is said in recordings, written down: by an OpenAI-compatible server (``endpoint.py``), by a model in a package (``local.py``), or,
for trials, by nobody (``rehearsal.py``)."""

import re
from dataclasses import replace

from django.utils.translation import gettext as _

from agentos.conf import app_settings
from agentos.speech import endpoint, local, rehearsal
from agentos.speech.heard import Heard, NotHeard

__all__ = ["Heard", "NotHeard", "close", "how_to", "is_offered", "not_here", "write_down"]

LONGEST = 100_000  # characters
NOISE = re.compile(r"^[\s♪.…*]*$|^\s*(\[[^]]*\]|\([^)]*\)|\*[^*]*\*|♪[^♪]*♪)\s*$")  # "(beeps)": what models write for what is no speech


def is_offered() -> bool:
    return bool(app_settings.SPEECH_URL) or local.is_installed() or app_settings.SCRIPTED_MODELS


def how_to() -> str:
    """Return what an operator does to have recordings written down."""
    return _("Set AGENTOS_SPEECH_URL to a server of OpenAI's protocol, or install the extra: pip install 'agentos-django[speech]'.")


def not_here() -> str:
    return _("Nothing is set up here that writes down what is said. Your administrator can do that.")


async def write_down(data: bytes, mime: str, language: str = "") -> Heard:
    """Return what is said in a recording; nothing where nobody speaks. ``mime``: what its bytes are (files/sniffing.py); ``language``: its
    code, where it is known. Raises NotHeard."""
    if app_settings.SPEECH_URL:
        heard = await endpoint.write_down(data, mime, language)
    elif local.is_installed():
        heard = await local.write_down(data, mime, language)
    elif app_settings.SCRIPTED_MODELS:
        heard = rehearsal.write_down(data)
    else:
        raise NotHeard(not_here())
    text = "" if NOISE.match(heard.text) else heard.text.strip()
    return replace(heard, text=text[:LONGEST])


async def close() -> None:
    await local.close()
