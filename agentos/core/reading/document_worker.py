"""Run as a script, by ``documents.py``: a file on standard input, what it says as lines of JSON on standard output.

It reads what strangers gave, so it is a process of its own with little memory and time, and knows nothing of AgentOS. The first line says
what the file is, then each page has one, and the last has the outline. A file that cannot be read has one line, with the reason.
"""

import json
import os
import resource
import sys
from importlib import import_module
from pathlib import Path

LIMITS = {
    resource.RLIMIT_AS: 1024 * 1024 * 1024,
    resource.RLIMIT_CPU: 20,  # seconds
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 64,
}


def main() -> None:
    os.nice(10)
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))
    sys.path.append(str(Path(__file__).parent))
    common = import_module("kinds.common")
    try:
        found = import_module("kinds.sniffing").read(sys.stdin.buffer.read(), sys.argv[1])
    except common.Refused as refused:
        say({"reason": refused.code})
        return
    except MemoryError:
        say({"reason": "too_large"})
        return
    except Exception:  # noqa: BLE001 - whatever a broken file makes of a library
        say({"reason": "unreadable"})
        return
    say({"kind": found.kind, "unit": found.unit, "title": found.title[:300], "is_cut": found.is_cut})
    for label, text in found.pages:
        say({"label": label[:200], "text": text})
    say({"outline": [[level, title[:200], page] for level, title, page in found.outline[:1000]]})


def say(what: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
