"""What the server writes to its log, and whose noise it holds back."""

from typing import Any


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for ``logging``; ``level`` is that of our own rooms."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            # Agno resets its loggers to INFO at every run, so its noise is held back here, by the handler.
            "agno": {"class": "logging.StreamHandler", "formatter": "line", "level": "CRITICAL"},
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "agentos": {"level": level},
            "django": {"level": "INFO", "handlers": ["console"], "propagate": False},
            "axes": {"level": "ERROR"},
            "agno": {"handlers": ["agno"], "propagate": False},
            "agno-team": {"handlers": ["agno"], "propagate": False},
            "agno-workflow": {"handlers": ["agno"], "propagate": False},
            "fastmcp": {"handlers": ["agno"], "propagate": False},  # a traceback for every call that a client gets wrong
        },
    }
