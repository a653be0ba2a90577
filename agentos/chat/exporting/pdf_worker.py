"""Run as a script, by ``pdf.py``: HTML on standard input, PDF on standard output. Nothing is fetched but what is in the HTML as data."""

import os
import resource
import sys

LIMITS = {
    resource.RLIMIT_AS: 2048 * 1024 * 1024,
    resource.RLIMIT_CPU: 50,  # seconds
    resource.RLIMIT_CORE: 0,
}


def main() -> None:
    os.nice(10)
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))
    from weasyprint import HTML  # noqa: PLC0415 - once its memory and time are limited
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    page = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=URLFetcher(allowed_protocols=["data"]))
    sys.stdout.buffer.write(page.write_pdf() or b"")


if __name__ == "__main__":
    main()
