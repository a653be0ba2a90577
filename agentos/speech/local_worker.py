"""Run as a script, by ``local.py``: a line of JSON and then the bytes of a recording on standard input, what is said as a line of JSON on
standard output; of what is no recording, ``{}``.

It knows nothing of AgentOS: the folders of the models are its argument. What a recording is, it is told: were it left to guess, bytes could
name other files to be opened. So it decodes itself, and gives the model samples.
"""

import json
import os
import resource
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

RATE = 16_000  # samples of a second
MOST = 3600  # seconds that are listened to
MEMORY = 6 << 30  # bytes of addresses, of which most is never used
FORMATS = {
    "audio/webm": "matroska",
    "video/webm": "matroska",
    "audio/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
}
PARTS = ("model.bin", "model.bin.part1", "model.bin.part2")


class Listener:
    def __init__(self, folders: dict[str, list[str]]) -> None:
        self.folders = folders
        self.models: dict[str, Any] = {}

    def model(self, name: str) -> Any:
        if name not in self.models:
            from faster_whisper import WhisperModel  # noqa: PLC0415 - may be absent where this is not run

            paths = [
                path
                for folder in self.folders[name]
                for path in Path(folder).rglob("*")
                if path.suffix in {".json", ".txt"} or path.name in PARTS
            ]
            parts = sorted(path for path in paths if path.name in PARTS)
            files = {path.name: path.read_bytes() for path in paths if path not in parts}
            files["model.bin"] = b"".join(path.read_bytes() for path in sorted(parts, key=lambda path: path.name))
            self.models[name] = WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=2, files=files)
        return self.models[name]

    def heard(self, data: bytes, mime: str, language: str) -> dict[str, Any]:
        sound = samples(data, FORMATS[mime])
        seconds = len(sound) / RATE
        name = "en" if "en" in self.folders and (language == "en" or "all" not in self.folders) else "all"
        spoken = "en" if name == "en" else language or None
        said, about = self.model(name).transcribe(
            sound, language=spoken, beam_size=1, vad_filter=True, without_timestamps=True, condition_on_previous_text=False
        )
        text = " ".join(each.text.strip() for each in said)
        return {"text": text, "language": about.language if text else "", "seconds": seconds}


def samples(data: bytes, container: str) -> Any:
    """Return what is heard, as floats. Raises ValueError for what is none."""
    import av  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    found, count = [], 0
    with av.open(BytesIO(data), format=container, metadata_errors="ignore") as file:
        if not file.streams.audio:
            raise ValueError("There is no sound in it.")
        plain = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        try:
            for frame in file.decode(audio=0):
                for piece in plain.resample(frame):
                    found.append(piece.to_ndarray().reshape(-1))
                    count += len(found[-1])
                if count > MOST * RATE:
                    break
        except av.error.FFmpegError:  # cut off, as what a closed tab leaves: what came before is good
            if not found:
                raise
    whole = np.concatenate(found) if found else np.zeros(0, dtype=np.int16)
    return whole[: MOST * RATE].astype(np.float32) / 32768


def main() -> None:
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    listener = Listener(json.loads(sys.argv[1]))
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        data = sys.stdin.buffer.read(asked["bytes"])
        try:
            answer = listener.heard(data, asked["mime"], asked["language"])
        except (ValueError, KeyError, MemoryError, OSError):
            answer = {}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
