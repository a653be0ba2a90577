"""Which scope an API token needs, for every operation. A session cookie may do all of it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ninja import Router

from agentos.api.auth import BearerToken, SessionCookie

# By operation_id. An operation that is not in here cannot be declared.
NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "read": "agents:read",
        "act": "",  # each action has its own, below
        "agents": "agents:read",
        "agent": "agents:read",
        "info": "agents:read",
        "me": "agents:read",
        "fastapi": "agents:read",
        "send_message": "runs:write",
        "create_session": "sessions:write",
        "sessions": "sessions:read",
        "open_session": "sessions:write",
        "session": "sessions:read",
        "update_session": "sessions:write",
        "delete_session": "sessions:write",
        "restore_session": "sessions:write",
        "fork_session": "sessions:write",
        "export_session": "sessions:read",
        "import_chats": "sessions:write",
        "runs": "sessions:read",
        "start_run": "runs:write",
        "run": "sessions:read",
        "stop_run": "runs:write",
        "retry_run": "runs:write",
        "continue_run": "runs:write",
        "edit_message": "runs:write",
        "run_versions": "sessions:read",
        "choose_run": "sessions:write",
        "answer_run": "runs:write",
        "run_events": "sessions:read",
        "give_feedback": "sessions:write",
        "take_back_feedback": "sessions:write",
        "create_file": "runs:write",
        "begin_upload": "runs:write",
        "upload": "runs:write",
        "cancel_upload": "runs:write",
        "put_slice": "runs:write",
        "finish_upload": "runs:write",
        "write_down_file": "runs:write",
        "file": "sessions:read",
        "file_content": "sessions:read",
        "delete_file": "runs:write",
        "access_requests": "access:manage",
        "ask_for_access": "access:manage",
        "grant_access": "access:manage",
        "decline_access": "access:manage",
        "models": "agents:manage",
        "made_agents": "agents:manage",
        "create_agent": "agents:manage",
        "made_agent": "agents:manage",
        "delete_agent": "agents:manage",
        "change_draft": "agents:manage",
        "discard_draft": "agents:manage",
        "publish_agent": "agents:manage",
        "activate_agent": "agents:manage",
        "deactivate_agent": "agents:manage",
        "agent_versions": "agents:manage",
        "agent_version": "agents:manage",
        "restore_version": "agents:manage",
        "try_agent": "agents:manage",
        "making_teams": "agents:manage",
        "update_making_team": "agents:manage",
        "share_agent": "agents:manage",
        "copy_agent": "agents:manage",
        "export_agent": "agents:manage",
        "import_agent": "agents:manage",
        "agent_tests": "agents:manage",
        "create_agent_test": "agents:manage",
        "agent_test": "agents:manage",
        "update_agent_test": "agents:manage",
        "delete_agent_test": "agents:manage",
        "run_agent_tests": "agents:manage",
        "stop_agent_tests": "agents:manage",
        "agent_test_results": "agents:manage",
        "skills": "agents:read",
        "create_skill": "agents:manage",
        "skill": "agents:read",
        "update_skill": "agents:manage",
        "delete_skill": "agents:manage",
        "skill_file": "agents:read",
        "skill_versions": "agents:read",
        "skill_version": "agents:read",
        "restore_skill": "agents:manage",
        "webhooks": "webhooks:manage",
        "create_webhook": "webhooks:manage",
        "webhook_events": "webhooks:manage",
        "webhook": "webhooks:manage",
        "update_webhook": "webhooks:manage",
        "delete_webhook": "webhooks:manage",
        "rotate_webhook_secret": "webhooks:manage",
        "try_webhook": "webhooks:manage",
        "deliveries": "webhooks:manage",
        "delivery": "webhooks:manage",
        "send_delivery_again": "webhooks:manage",
        "connections": "connections:manage",
        "create_connection": "connections:manage",
        "connection": "connections:manage",
        "update_connection": "connections:manage",
        "delete_connection": "connections:manage",
        "refresh_connection": "connections:manage",
        "update_connection_tools": "connections:manage",
        "knowledge": "knowledge:read",
        "create_base": "knowledge:write",
        "base": "knowledge:read",
        "update_base": "knowledge:write",
        "delete_base": "knowledge:write",
        "documents": "knowledge:read",
        "add_document": "knowledge:write",
        "document": "knowledge:read",
        "delete_document": "knowledge:write",
        "try_document_again": "knowledge:write",
        "search_base": "knowledge:read",
        "memories": "memories:read",
        "memory": "memories:read",
        "create_memory": "memories:write",
        "switch_memory": "memories:write",
        "update_memory": "memories:write",
        "delete_memory": "memories:write",
    }
)

# By the name of the action in a POST to the root.
NEEDED_BY_ACTION: Mapping[str, str] = MappingProxyType(
    {
        "info": "agents:read",
        "agents": "agents:read",
        "sessions": "sessions:read",
        "session": "sessions:read",
        "create_session": "sessions:write",
        "send_message": "runs:write",
    }
)


class ScopedRouter(Router):
    """Each operation may be called with a token that has its scope, or with the cookie of a browser."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        scope = NEEDED[options["operation_id"]]
        super().add_api_operation(path, methods, view_func, **{**options, "auth": (BearerToken(scope), SessionCookie())})
