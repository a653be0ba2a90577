"""What the server writes to its log, and whose noise it holds back."""

import logging
from typing import Any

from agentos.core.security.redaction import redacted


class Line(logging.Formatter):
    """A line of the log. What is worse than news may quote a provider or a header: no secret leaves with it."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return redacted(line) if record.levelno >= logging.WARNING else line


def is_raised(record: logging.LogRecord) -> bool:
    """Whether an error was raised. Django also logs answers from 500 on that a view gave on purpose, as 503 and 507."""
    return bool(record.exc_info)


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for ``logging``; ``level`` is that of our own rooms."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"raised": {"()": lambda: is_raised}},
        "formatters": {"line": {"()": Line, "fmt": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "handlers": {
            "console": {"class": "agentos.core.faults.Console", "formatter": "line"},
            # Agno resets its loggers to INFO at every run, so its noise is held back here, by the handler.
            "agno": {"class": "logging.StreamHandler", "formatter": "line", "level": "CRITICAL"},
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "agentos": {"level": level},
            "django": {"level": "INFO", "handlers": ["console"], "propagate": False},
            "django.request": {"level": "ERROR", "filters": ["raised"]},  # agentos.requests has a line of every answer
            "axes": {"level": "ERROR"},
            "agno": {"handlers": ["agno"], "propagate": False},
            "agno-team": {"handlers": ["agno"], "propagate": False},
            "agno-workflow": {"handlers": ["agno"], "propagate": False},
            "fastmcp": {"handlers": ["agno"], "propagate": False},  # a traceback for every call that a client gets wrong
        },
    }
