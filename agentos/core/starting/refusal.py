"""The one error of a start that cannot be, and how people are told what to run."""

import sys
from pathlib import Path

from django.core.management.base import CommandError


class CannotStart(CommandError):
    """Something outside of the program has to be put right first. Its text is one sentence or two, for whoever runs the server."""


def manage(command: str) -> str:
    """Return how a command of Django's is called where this program was started."""
    return f"agentos manage {command}" if Path(sys.argv[0]).name == "agentos" else f"python manage.py {command}"
