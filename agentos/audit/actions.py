"""Writing the audit record."""

from typing import TYPE_CHECKING, Any

from agentos.audit.models import AuditRecord
from agentos.core.db.prepared import insert, new

if TYPE_CHECKING:
    from agentos.access.users import User


def record(verb: str, *, by: "User | None", object_type: str, object_id: str, **data: Any) -> None:
    """Add a record to the caller's transaction. ``data`` holds names and numbers, never text of a chat."""
    insert(new(AuditRecord, verb=verb, actor=by, object_type=object_type, object_id=object_id, data=data))
