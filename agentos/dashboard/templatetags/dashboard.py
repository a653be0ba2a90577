"""What pages say about models and quotas: ``{% load dashboard %}``."""

from decimal import Decimal
from typing import Any

from django import template
from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentos.access.models import Preferences
from agentos.access.users import User
from agentos.agents import model_cards, queries, tools
from agentos.agents.choosing import choices_of
from agentos.agents.efforts import NORMAL
from agentos.agents.models import DjangoAgent
from agentos.chat import quotas
from agentos.chat.models import ChatSession
from agentos.core import people
from agentos.core.templatetags.agentos import tile
from agentos.knowledge.models import Base
from agentos.knowledge.queries import bases_for, chosen
from agentos.skills.queries import ChosenSkill

register = template.Library()

BASES_SHOWN = 50
NOTES = {"scripted": "Scripted", "local": "Small demo model"}


@register.filter
def model_label(model: str) -> str:
    """Return the name of a model as people know it."""
    return queries.model_label(model)


@register.filter
def dollars(amount: Decimal) -> str:
    return model_cards.dollars(amount)


@register.filter
def tool_label(name: str) -> str:
    """Return the name for people of a function that models call."""
    return tools.label_of(name)


@register.filter
def tool_slug_label(slug: str) -> str:
    """Return the name for people of a tool that an agent has."""
    return tools.label_of_slug(slug)


@register.filter
def model_note(model: str) -> str:
    """Return what somebody should know before they trust a model's answers; empty for most."""
    return NOTES.get(model.partition(":")[0], "")


@register.filter
def described_tools(slugs: list[str]) -> list[tools.Tool]:
    """Return tools with what they do, for people."""
    return tools.described(slugs)


@register.simple_tag
def choices(agent: DjangoAgent, session: ChatSession | str = "", model: str | None = "", effort: str | None = "") -> dict[str, Any]:
    """Return what the composer offers to choose, each with its label and whether it is chosen: what was posted (``model``, ``effort``), or
    what the chat remembers. Empty where nothing can be chosen."""
    found = choices_of(agent)
    known = (session.model, session.effort) if isinstance(session, ChatSession) else ("", "")
    wanted = (model or known[0] or agent.model, effort or known[1] or NORMAL)
    models = [(each, label, each == wanted[0]) for each, label in found.models]
    efforts = [(each, label, each == wanted[1]) for each, label in found.efforts]
    return {"models": models, "efforts": efforts} if found else {}


@register.simple_tag
def bases_of(session: ChatSession, user: User) -> list[tuple[Base, bool, bool]]:
    """Return the knowledge bases that this user can bring into a chat: each with whether it was, and whether the agent has it anyway."""
    agents = {base.pk for base in chosen(session.agent.bases, session.agent.team_id)}
    return [(base, base.pk in session.bases, base.pk in agents) for base in bases_for(user)[:BASES_SHOWN]]


@register.simple_tag
def skills_of(agent: DjangoAgent) -> list[ChosenSkill]:
    """Return the skills that a message to this agent may name."""
    return queries.skills_to_name(agent)


@register.simple_tag
def person_tile(user: AbstractBaseUser, preferences: Preferences, size: str = "") -> SafeString:
    """Draw the person's own picture, or their monogram."""
    if not preferences.picture_id:
        drawn: SafeString = tile(people.name_of(user), people.address_of(user), size)
        return drawn
    url = f"{reverse('dashboard:picture')}?v={preferences.picture_id}"
    return format_html('<img class="tile {}" src="{}" alt="" decoding="async">', size, url)


@register.simple_tag
def session_state(session: ChatSession, current: str = "") -> dict[str, str]:
    """Return what a list says of a chat, in a word for styles and in words for people; nothing for most. ``current``: the one that the
    page shows, in which everything is seen."""
    unseen = session.unseen if session.session_id != current else ""
    if getattr(session, "is_running", False):
        return {"name": "running", "words": _("is answering")}
    if getattr(session, "is_waiting", False):
        return {"name": "waiting", "words": _("waits for you")}
    if unseen == ChatSession.Unseen.FAILURE:
        return {"name": "failed", "words": _("failed")}
    return {"name": "unread", "words": _("unread")} if unseen else {}


@register.simple_tag
def access_requests(user: object) -> int | None:
    """Return how many people ask for an agent that this user may open to them; None for who is never asked."""
    if not isinstance(user, User) or not queries.decides_requests(user):
        return None
    return len(queries.access_requests_for(user))


@register.simple_tag
def used_quotas(user: object) -> list[quotas.Meter]:
    return quotas.meters(user) if isinstance(user, User) else []
