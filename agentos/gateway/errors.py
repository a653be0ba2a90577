"""Whatever goes wrong in a request, as the gateway answers it."""

import logging

from agentos.chat.models import Run
from agentos.core.http import errors
from agentos.core.http.errors import Problem
from agentos.service import RunNotFound

log = logging.getLogger(__name__)


def problem_of(error: Exception) -> Problem:
    """Return what the caller is answered. Of what broke they hear that it did, and the log has the rest."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Run.DoesNotExist):
        return RunNotFound()
    log.error("A request to Agno's server broke.", exc_info=error)
    return errors.problem_of(error)
