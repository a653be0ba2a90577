"""The way of a message through our code: which files and functions run, and how often it goes from one file to another.

    AGENTOS_LOCAL=1 .venv/bin/python -m tests.trace_message [--files] [--tokens 20] [--database-url postgres://...]

The real server runs in this process under ``sys.setprofile``. A browser's requests come from a thread: it opens the page of a chat and
its live stream, sends a message, and reads until the stream has shown the finished answer. Not counted are a first message, which warms
everything up, and functions that run while nobody asks for anything. A change of file is a call of our code whose nearest caller of ours
is in another file.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.bench import people
from tests.bench.servers import Ours, free_port
from tests.bench.wire import Heard
from tests.server import answers

ROOT = Path(__file__).resolve().parents[1]
OURS = tuple(f"{ROOT / room}{os.sep}" for room in ("agentos", "site_config"))
CALLERS = 60  # frames that are looked through for a caller of ours


class Trace:
    """Counts the calls of our functions in all threads while ``is_on``; notes those that run anyway while ``is_idle``."""

    def __init__(self) -> None:
        self.is_on = self.is_idle = False
        self.anyway: set[CodeType] = set()
        self.calls: Counter[CodeType] = Counter()
        self.changes: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not (self.is_on or self.is_idle) or not frame.f_code.co_filename.startswith(OURS):
            return
        if self.is_idle:
            self.anyway.add(frame.f_code)
        if not self.is_on or frame.f_code in self.anyway:
            return
        self.calls[frame.f_code] += 1
        caller = caller_of_ours(frame)
        if caller is not None and caller != frame.f_code.co_filename:
            self.changes[caller, frame.f_code.co_filename] += 1

    def files(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for code, count in self.calls.items():
            found[code.co_filename] += count
        return found


def caller_of_ours(frame: FrameType) -> str | None:
    found = frame.f_back
    for _ in range(CALLERS):
        if found is None:
            return None
        if found.f_code.co_filename.startswith(OURS):
            return found.f_code.co_filename
        found = found.f_back
    return None


def visit(port: int, person: people.Person, trace: Trace) -> None:
    """Chat twice, and trace the second time. Then tell the server to stop."""

    async def chat() -> None:
        trace.is_idle = True
        await asyncio.sleep(2)
        trace.is_idle = False
        browser = Ours(port, [person])
        for is_on in (False, True):
            await browser.open(0)
            await asyncio.sleep(1)  # what the opening of the page has begun is over
            trace.is_on = is_on
            await browser.chat(0, Heard(asked=0.0))
            await asyncio.sleep(0.5)  # and what comes after the last frame
            trace.is_on = False

    try:
        while not answers(port):
            time.sleep(0.1)
        asyncio.run(asyncio.wait_for(chat(), 60))
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def run(tokens: int, database_url: str = "") -> Trace:
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        people.environment(data, f"scripted:{tokens}x5", database_url)
        os.environ.update(PORT=str(port), STATIC_ROOT=f"{data}/static")
        import django
        from django.core.management import call_command

        django.setup()
        (person,) = people.make(1, f"scripted:{tokens}x5", chats=2)
        trace = Trace()
        threading.setprofile(trace)
        browser = threading.Thread(target=visit, args=(port, person, trace))
        browser.start()
        sys.setprofile(trace)
        try:
            call_command("agentos_serve")
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        browser.join()
    return trace


def short(file: str) -> str:
    return str(Path(file).relative_to(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--files", action="store_true", help="list the files with their functions and calls")
    parser.add_argument("--database-url", default="", help="of a PostgreSQL; without one it is SQLite")
    options = parser.parse_args()
    trace = run(options.tokens, options.database_url)
    files = trace.files()
    for file, calls in sorted(files.items()) if options.files else ():
        print(f"{short(file)}: {calls} calls, {', '.join(sorted(code.co_qualname for code in trace.calls if code.co_filename == file))}")
    functions, calls, changes = len(trace.calls), sum(files.values()), sum(trace.changes.values())
    print(f"{options.tokens} tokens: {len(files)} files, {functions} functions, {calls} calls, {changes} changes of file")


if __name__ == "__main__":
    main()
