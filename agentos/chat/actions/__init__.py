"""What people do with chats: each change with its audit record, in one transaction. Their errors are in ``chat.errors``."""

from agentos.chat.actions.editing import edit_message
from agentos.chat.actions.memories import undo_memory
from agentos.chat.actions.messages import QUEUE_LIMIT, send_message
from agentos.chat.actions.opening import NOT_AVAILABLE, WITHDRAWN, check_agent_available, check_agent_open
from agentos.chat.actions.runs import answer_run, continue_run, give_feedback, retry_run, stop_run
from agentos.chat.actions.sessions import (
    archive_session,
    bring_bases,
    create_session,
    delete_session,
    erase_run,
    fork_session,
    keep_approvals,
    pin_session,
    rename_session,
    restore_session,
    revoke_approval,
)
from agentos.chat.actions.versions import choose_version

__all__ = [
    "NOT_AVAILABLE",
    "QUEUE_LIMIT",
    "WITHDRAWN",
    "answer_run",
    "archive_session",
    "bring_bases",
    "check_agent_available",
    "check_agent_open",
    "choose_version",
    "continue_run",
    "create_session",
    "delete_session",
    "edit_message",
    "erase_run",
    "fork_session",
    "give_feedback",
    "keep_approvals",
    "pin_session",
    "rename_session",
    "restore_session",
    "retry_run",
    "revoke_approval",
    "send_message",
    "stop_run",
    "undo_memory",
]
