"""Run as a script, by ``pages.py``: a page as HTML on standard input, its title and its text as JSON on standard output.

It reads what strangers wrote, so it is a process of its own with little memory and time, and knows nothing of AgentOS.
"""

import json
import os
import resource
import signal
import sys

from trafilatura import extract, html2txt, load_html

MEMORY = 1024 * 1024 * 1024
SECONDS = 15
LIMITS = {
    resource.RLIMIT_AS: MEMORY,
    resource.RLIMIT_CPU: SECONDS,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 64,
}
PATIENCE = 3.0  # seconds of computing, after which the text of the page is taken as it stands there
LONGEST = 1_000_000  # characters
SHORT = 250  # characters: of so little, look whether the page says more than what was taken for its article


class TooSlow(BaseException):
    """Raised in the middle of whatever runs, past those who catch every Exception."""


def read(data: bytes, url: str, charset: str) -> dict[str, str]:
    """Return ``title`` and ``text``, either of which may be empty."""
    page = decoded(data, charset)
    tree = load_html(page)
    if tree is None:
        return {"title": "", "text": ""}
    title = tree.findtext(".//title") or ""
    text = article(page, url)
    if len(text) < SHORT:
        everything = html2txt(page) or ""
        text = everything if len(everything) > 2 * len(text) else text
    return {"title": title[:1000], "text": text[:LONGEST]}


def article(page: str | bytes, url: str) -> str:
    """Return what the page is about, as Markdown; empty when that takes too long."""
    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        return extract(page, url=url or None, output_format="markdown", include_links=True, include_comments=False, favor_recall=True) or ""
    except TooSlow:
        return ""
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def give_up(*_: object) -> None:
    raise TooSlow


def decoded(data: bytes, charset: str) -> str | bytes:
    """Return the text: what reads as UTF-8 is that, whatever its server says. Where neither fits, trafilatura finds out."""
    is_wide = b"\0" in data[:1000]
    for name in (charset, "utf-8") if is_wide else ("utf-8", charset):
        try:
            return data.decode(name)
        except (LookupError, ValueError):
            continue
    return data


if __name__ == "__main__":
    os.nice(10)
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))

    found = read(sys.stdin.buffer.read(), *sys.argv[1:3])
    sys.stdout.write(json.dumps(found))
