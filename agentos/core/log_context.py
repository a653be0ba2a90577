"""What a line of the log is about: the request and the run that are being worked on, wherever the line is written."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("agentos_request_id", default="")
run_id: ContextVar[str] = ContextVar("agentos_run_id", default="")
FIELDS = "agentos_fields"  # of a record: what its message says, under names


def known() -> dict[str, str]:
    """Return the ids that are known here."""
    found = {"request_id": request_id.get(), "run_id": run_id.get()}
    return {name: value for name, value in found.items() if value}
