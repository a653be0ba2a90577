"""Run as a script, by ``reading.py``: an export of chats on standard input, what is in it as lines of JSON on standard output.

It reads what strangers may have made, so it is a process of its own with little memory and time. Each chat has a line, and each of its
turns one after it; the last line has what else was there. Where nothing of it can be taken, the last line says why.
"""

import json
import os
import resource
import sys
from importlib import import_module
from pathlib import Path

LIMITS = {
    resource.RLIMIT_AS: 1536 * 1024 * 1024,
    resource.RLIMIT_CPU: 60,  # seconds
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 64,
}


def main() -> None:
    os.nice(10)
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))
    sys.path.append(str(Path(__file__).parent))
    common = import_module("formats.common")
    try:
        for line in import_module("formats.reading").read(sys.stdin.buffer.read()):
            say(line)
    except common.Refused as refused:
        say({"reason": refused.code})
    except MemoryError:
        say({"reason": "too_large"})
    except Exception:  # noqa: BLE001 - whatever a broken file makes of it
        say({"reason": "broken"})


def say(what: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(what, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
