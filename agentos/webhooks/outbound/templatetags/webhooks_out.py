"""The name of the tab of webhooks: it tells a team's owners and admins on every settings page that one was switched off."""

from typing import Any

from django import template

from agentos.access.users import User
from agentos.webhooks.outbound.queries import switched_off_for

register = template.Library()


@register.simple_tag
def webhooks_label(user: Any) -> str:
    off = switched_off_for(user) if isinstance(user, User) else 0
    return f"Webhooks ({off} off)" if off else "Webhooks"
