"""What people do with the catalogue: each change with its audit record, in one transaction. Their errors are in ``agents.errors``."""

from agentos.agents.actions.cases import change_case, create_case, delete_case
from agentos.agents.actions.catalogue import activate_agent, create_agent, deactivate_agent, delete_agent, share_agent, start_agent
from agentos.agents.actions.drafts import discard_draft, save_draft
from agentos.agents.actions.files import copy_agent, copy_to_own, import_agent, take_ready_agent
from agentos.agents.actions.members import set_members
from agentos.agents.actions.pins import pin_agent, unpin_agent
from agentos.agents.actions.plans import open_to_plan, write_plan
from agentos.agents.actions.prices import delete_price, set_price
from agentos.agents.actions.requests import CannotGrant, ask_for_access, decline_access, grant_access
from agentos.agents.actions.versions import keep_version, publish_agent, restore_version

__all__ = [
    "CannotGrant",
    "activate_agent",
    "ask_for_access",
    "change_case",
    "copy_agent",
    "copy_to_own",
    "create_agent",
    "create_case",
    "deactivate_agent",
    "decline_access",
    "delete_agent",
    "delete_case",
    "delete_price",
    "discard_draft",
    "grant_access",
    "import_agent",
    "keep_version",
    "open_to_plan",
    "pin_agent",
    "publish_agent",
    "restore_version",
    "save_draft",
    "set_members",
    "set_price",
    "share_agent",
    "start_agent",
    "take_ready_agent",
    "unpin_agent",
    "write_plan",
]
