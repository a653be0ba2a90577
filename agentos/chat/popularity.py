"""Which agents people turn to."""

from datetime import timedelta
from typing import cast

from django.core.cache import cache
from django.db.models import Count

from agentos.agents.cache import quietly
from agentos.chat.models import ChatSession
from agentos.core import clock

DAYS = 30
KEPT = 600  # seconds


def people_by_agent() -> dict[str, int]:
    """Return how many people began a chat with each agent in the last days, by its id, as it was ten minutes ago at most."""
    found = quietly(lambda: cache.get("people-by-agent"))
    if found is None:
        recent = ChatSession.objects.filter(created_at__gt=clock.now() - timedelta(days=DAYS), is_ephemeral=False).order_by()
        found = dict(recent.values_list("agent__agent_id").annotate(people=Count("user", distinct=True)))
        quietly(lambda: cache.set("people-by-agent", found, KEPT))
    return cast("dict[str, int]", found)
