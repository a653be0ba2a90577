"""The list of chats beside every page: pinned ones, then by age."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from agentos.access.users import User
from agentos.chat import queries
from agentos.chat.models import ChatSession
from agentos.core import clock

WEEK = 7  # days
TODAY = gettext_noop("Today")


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    sessions: list[ChatSession]


@dataclass(frozen=True, slots=True)
class Sidebar:
    """``current``: the session that the page shows. ``next``: the cursor of the chats that are older than these."""

    groups: list[Group] = field(default_factory=list)
    current: str = ""
    next: str = ""

    @property
    def has_today(self) -> bool:
        """Whether there is a group for today, which a session that moves to the top goes into."""
        return any(group.name == _(TODAY) for group in self.groups)

    @property
    def unseen(self) -> int:
        """How many of these chats have something that was not seen, beside the one that the page shows."""
        return sum(bool(row.unseen) and row.session_id != self.current for group in self.groups for row in group.sessions)

    @property
    def last_name(self) -> str:
        """The heading under which the next page goes on."""
        return self.groups[-1].name if self.groups else ""


def sidebar(user: User, current_session_id: str = "") -> Sidebar:
    pinned = queries.pinned_sessions(user)
    page = queries.recent_sessions(user)
    groups = [Group(_("Pinned"), pinned)] if pinned else []
    return Sidebar(groups=[*groups, *by_age(page.sessions)], current=current_session_id, next=page.next)


def by_age(sessions: Sequence[ChatSession]) -> list[Group]:
    """Group sessions, newest first, under the headings of their age."""
    now = clock.now()
    return [Group(name, list(group)) for name, group in groupby(sessions, key=lambda session: age(session.updated_at, now))]


def age(moment: datetime, now: datetime) -> str:
    days = (timezone.localdate(now) - timezone.localdate(moment)).days
    if days <= 0:
        return _(TODAY)
    if days == 1:
        return _("Yesterday")
    return _("This week") if days < WEEK else _("Older")
