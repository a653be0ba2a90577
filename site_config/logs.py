"""What the server writes to its log, in which form, and whose noise it holds back."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from agentos.core import log_context, repeated
from agentos.core.security.redaction import redacted


class Line(logging.Formatter):
    """A line of the log. What is worse than news may quote a provider or a header: no secret leaves with it."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return redacted(line) if record.levelno >= logging.WARNING else line


class JsonLine(logging.Formatter):
    """The same as one JSON object: with what the line is about under names, and a traceback as text of its own."""

    def format(self, record: logging.LogRecord) -> str:
        clean = redacted if record.levelno >= logging.WARNING else str
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage()),
            **log_context.known(),
            **getattr(record, log_context.FIELDS, {}),
        }
        if record.exc_info:
            said["traceback"] = clean(self.formatException(record.exc_info))
        if record.stack_info:
            said["stack"] = clean(record.stack_info)
        return json.dumps(said, default=str)


def is_raised(record: logging.LogRecord) -> bool:
    """Whether an error was raised. Django also logs answers from 500 on that a view gave on purpose, as 503 and 507."""
    return bool(record.exc_info)


def is_due(record: logging.LogRecord) -> bool:
    """Whether this logger has been silent for a minute. A collector of traces that is away would be told of with every batch."""
    return repeated.is_due(record.name) is not None


def logging_config(level: str, form: str = "TEXT") -> dict[str, Any]:
    """Return the configuration for ``logging``; ``level`` is that of our own rooms, ``form`` TEXT or JSON."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"raised": {"()": lambda: is_raised}, "due": {"()": lambda: is_due}},
        "formatters": {
            "TEXT": {"()": Line, "fmt": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "JSON": {"()": JsonLine},
        },
        "handlers": {
            "console": {"class": "agentos.core.faults.Console", "formatter": form},
            # Agno resets its loggers to INFO at every run, so its noise is held back here, by the handler.
            "agno": {"class": "logging.StreamHandler", "formatter": form, "level": "CRITICAL"},
            "seldom": {"class": "logging.StreamHandler", "formatter": form, "level": "WARNING", "filters": ["due"]},
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
            "opentelemetry": {"handlers": ["seldom"], "propagate": False},
        },
    }
